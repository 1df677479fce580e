// SPDX-License-Identifier: GPL-2.0-only
/*
 * pattern - fills memory with known words and verifies them, while the balloon
 * moves underneath. A page that the host took while the guest still used it, or
 * that two owners share, shows up as a wrong word.
 *
 *	pattern verify MIB SECONDS [SEED]	fill, verify, give slices back and take
 *						them again, for so long or until SIGTERM;
 *						0: one pass
 *	pattern take MIB			fill and verify once
 *	pattern hold MIB			fill, print "ready", wait for SIGTERM, verify
 *	pattern holes MIB			the same with a random half of it given back
 *	pattern pagesize			print the size of a page
 *
 * Exit status: 0 all words were right, 1 one was not, 2 no memory or bad usage.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define SLICE		MIB
#define STRIDE		8	/* one word in every cache line is enough: hosts take whole pages */

static size_t page_size;

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	return x * 0xbf58476d1ce4e5b9ULL;
}

/* Every word tells its place and its round, so that a stray page is recognised. */
static void fill(uint64_t *p, size_t bytes, uint64_t seed)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*p); i += STRIDE)
		p[i] = mix(seed + i);
}

static int verify(const uint64_t *p, size_t bytes, uint64_t seed)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*p); i += STRIDE) {
		if (p[i] == mix(seed + i))
			continue;
		printf("# pattern: byte %zu of the slice at %p is %#llx, should be %#llx\n",
		       i * sizeof(*p), (const void *)p, (unsigned long long)p[i],
		       (unsigned long long)mix(seed + i));
		return 1;
	}
	return 0;
}

static char *map(size_t bytes)
{
	/* whether there is enough is found out by using it */
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("# pattern: mmap");
		exit(2);
	}
	return p;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint64_t slice_seed(uint64_t seed, size_t slice, unsigned int round)
{
	return mix(seed ^ mix(slice) ^ ((uint64_t)round << 40));
}

static void block_term(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigprocmask(SIG_BLOCK, set, NULL);
}

static int term_came(void)
{
	sigset_t set;

	return !sigpending(&set) && sigismember(&set, SIGTERM);
}

/* A random half of the slices goes through the allocator in every round. */
static int run_verify(size_t mib, double seconds, uint64_t seed)
{
	size_t n = mib * MIB / SLICE, i;
	unsigned int *round = calloc(n, sizeof(*round));
	char *mem = map(mib * MIB);
	double end = now() + seconds;
	sigset_t term;
	int bad = 0;

	if (!round)
		return 2;
	block_term(&term);
	for (i = 0; i < n; i++)
		fill((void *)(mem + i * SLICE), SLICE, slice_seed(seed, i, 0));

	do {
		for (i = 0; i < n && !bad; i++) {
			char *slice = mem + i * SLICE;

			bad = verify((void *)slice, SLICE, slice_seed(seed, i, round[i]));
			if (bad || random() % 2)
				continue;
			madvise(slice, SLICE, MADV_DONTNEED);
			fill((void *)slice, SLICE, slice_seed(seed, i, ++round[i]));
		}
	} while (!bad && !term_came() && now() < end);

	for (i = 0; i < n && !bad; i++)
		bad = verify((void *)(mem + i * SLICE), SLICE, slice_seed(seed, i, round[i]));
	return bad;
}

static void wait_for_term(void)
{
	sigset_t set;
	int sig;

	block_term(&set);
	printf("ready\n");
	fflush(stdout);
	sigwait(&set, &sig);
}

/*
 * Random, because compaction looks for free pages in strides of a power of two:
 * where every second page is free it may see none of them.
 */
static int is_hole(size_t offset)
{
	return mix(offset) >> 63;
}

static int run_hold(size_t mib, int holes)
{
	size_t bytes = mib * MIB, i;
	char *mem = map(bytes);
	int bad = 0;

	/* a huge page would be given back as a whole or not at all */
	if (holes)
		madvise(mem, bytes, MADV_NOHUGEPAGE);
	for (i = 0; i < bytes; i += page_size)
		fill((void *)(mem + i), page_size, i);
	for (i = 0; holes && i < bytes; i += page_size)
		if (is_hole(i))
			madvise(mem + i, page_size, MADV_DONTNEED);

	wait_for_term();
	for (i = 0; i < bytes && !bad; i += page_size)
		if (!holes || !is_hole(i))
			bad = verify((void *)(mem + i), page_size, i);
	return bad;
}

int main(int argc, char **argv)
{
	unsigned long mib;
	uint64_t seed;

	page_size = sysconf(_SC_PAGESIZE);
	if (argc == 2 && !strcmp(argv[1], "pagesize")) {
		printf("%zu\n", page_size);
		return 0;
	}
	if (argc < 3)
		goto usage;
	mib = strtoul(argv[2], NULL, 0);
	if (!mib)
		goto usage;

	if (!strcmp(argv[1], "verify") && argc >= 4) {
		seed = argc > 4 ? strtoull(argv[4], NULL, 0) : (uint64_t)getpid();
		srandom(seed);
		return run_verify(mib, atof(argv[3]), seed);
	}
	if (!strcmp(argv[1], "take"))
		return run_verify(mib, 0, 1);
	if (!strcmp(argv[1], "hold"))
		return run_hold(mib, 0);
	if (!strcmp(argv[1], "holes"))
		return run_hold(mib, 1);

usage:
	fprintf(stderr, "usage: pattern verify MIB SECONDS [SEED] | take MIB | hold MIB |\n"
		"       pattern holes MIB | pagesize\n");
	return 2;
}
