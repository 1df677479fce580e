// SPDX-License-Identifier: GPL-2.0-only
/*
 * probe - what the bench measures in a guest. It takes a command a line, and
 * answers each with one line:
 *
 *	mark		write to port 0x92, which QEMU's trace shows: the clock before, after
 *	cpu		nanoseconds that the processors have spent on tasks
 *	lists		KiB that are free in the processors' lists, where MemFree has them not
 *	touch MIB	write so much memory, or 0: nearly all that is free; the MiB
 *	drop		give it back
 *	watch KIB	watch free memory from now on; note each change of KIB or more
 *	watched		the end of it: NS:KIB:GAP of each, GAP the ns since the last look
 *	stall		allocate and write pages of 4 KiB from now on
 *	stalled A B	the end of it: pages from A to B (ns), p50, p99 and max of ns a page
 *	grow MIB	take memory page by page and keep it, about 60 MiB a second, up to so much
 *	grown		the end of it, when it has so much
 *	huge		how many 2 MiB pages it can get without compaction
 *
 * The clock is CLOCK_MONOTONIC in ns.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define PAGE		4096UL
#define HUGE_PAGE	(2 * MIB)
#define PORT		0x92	/* the A20 gate, which is open */
#define MAX_NOTES	4096
#define MAX_STALLS	(1 << 20)
#define WINDOW		(16 * MIB)

struct note {
	long long ns, gap;
	unsigned long kib;
};

struct stall {
	long long ns;
	unsigned int took;
};

static struct note notes[MAX_NOTES];
static struct stall *stalls;
static size_t nr_notes, nr_stalls;
static unsigned long step_kib;
static int stop;
static char *touched;
static size_t touched_bytes;
static pthread_t thread;
static char *held;
static size_t held_bytes;

static void set_stop(int value)
{
	__atomic_store_n(&stop, value, __ATOMIC_RELAXED);
}

static int stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static long long now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static unsigned long free_kib(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return info.freeram * info.mem_unit >> 10;
}

/* All that is free but what the watermarks and page tables need. */
static size_t spare_bytes(void)
{
	struct sysinfo info;

	sysinfo(&info);
	return (info.freeram - info.totalram / 64) * info.mem_unit - 64 * MIB;
}

static void mark(void)
{
	long long before = now();

	outb(2, PORT);
	printf("%lld %lld\n", before, now());
}

static void work(void)
{
	FILE *f = fopen("/proc/schedstat", "r");
	long long ns, sum = 0;
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu%*d %*d %*d %*d %*d %*d %*d %lld", &ns) == 1)
			sum += ns;
	if (f)
		fclose(f);
	printf("%lld\n", sum);
}

static void lists(void)
{
	FILE *f = fopen("/proc/zoneinfo", "r");
	unsigned long pages, sum = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, " count: %lu", &pages) == 1)
			sum += pages;
	if (f)
		fclose(f);
	printf("%lu\n", sum * (PAGE >> 10));
}

static char *map(size_t bytes, int advice)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED) {
		perror("probe: mmap");
		exit(2);
	}
	madvise(p, bytes, advice);
	return p;
}

static void touch(size_t mib)
{
	size_t i;

	touched_bytes = mib ? mib * MIB : spare_bytes();
	touched = map(touched_bytes, MADV_HUGEPAGE);
	for (i = 0; i < touched_bytes; i += PAGE)
		touched[i] = 1;
	printf("%zu\n", touched_bytes / MIB);
}

static void drop(void)
{
	munmap(touched, touched_bytes);
	printf("0\n");
}

/* Where nothing else works, see TO_FIRST_CPU; and not all the time: the host has other work. */
static void take_last_cpu(void)
{
	cpu_set_t last;

	CPU_ZERO(&last);
	CPU_SET(get_nprocs() - 1, &last);
	pthread_setaffinity_np(pthread_self(), sizeof(last), &last);
}

static void *watch(void *unused)
{
	long long before = now(), t;
	unsigned long kib, noted = 0;

	take_last_cpu();
	while (!stopped() && nr_notes < MAX_NOTES) {
		kib = free_kib();
		t = now();
		if (labs((long)(kib - noted)) >= (long)step_kib) {
			notes[nr_notes++] = (struct note){ t, t - before, kib };
			noted = kib;
		}
		before = t;
		usleep(100);
	}
	return unused;
}

static void *allocate(void *unused)
{
	long long before, after;
	size_t i;
	char *p;

	setpriority(PRIO_PROCESS, 0, 0);	/* an ordinary process, not as we are */
	while (!stopped() && nr_stalls < MAX_STALLS) {
		p = map(WINDOW, MADV_NOHUGEPAGE);
		for (i = 0; i < WINDOW && !stopped() && nr_stalls < MAX_STALLS; i += PAGE) {
			before = now();
			p[i] = 1;
			after = now();
			stalls[nr_stalls++] = (struct stall){ before, after - before };
		}
		munmap(p, WINDOW);
	}
	return unused;
}

/* A process that needs ever more, and keeps it. */
static void *grow(void *unused)
{
	size_t at;

	setpriority(PRIO_PROCESS, 0, 0);
	for (at = 0; at < held_bytes && !stopped(); at += PAGE) {
		held[at] = 1;
		if (at % (16 * PAGE) == 0)
			usleep(500);
	}
	return unused;
}

static void start(void *(*function)(void *))
{
	set_stop(0);
	if (pthread_create(&thread, NULL, function, NULL)) {
		perror("probe: pthread_create");
		exit(2);
	}
	printf("0\n");
}

static void end(void)
{
	set_stop(1);
	pthread_join(thread, NULL);
}

static void start_watch(unsigned long kib)
{
	step_kib = kib;
	nr_notes = 0;
	start(watch);
}

static void print_notes(void)
{
	size_t i;

	end();
	for (i = 0; i < nr_notes; i++)
		printf("%lld:%lu:%lld ", notes[i].ns, notes[i].kib, notes[i].gap);
	printf("\n");
}

static void start_stalls(void)
{
	size_t i;

	if (!stalls)
		stalls = malloc(MAX_STALLS * sizeof(*stalls));
	for (i = 0; i < MAX_STALLS; i++)	/* no faults of our own later */
		stalls[i].took = 0;
	nr_stalls = 0;
	start(allocate);
}

static int compare(const void *a, const void *b)
{
	unsigned int x = ((const struct stall *)a)->took, y = ((const struct stall *)b)->took;

	return (x > y) - (x < y);
}

static void print_stalls(long long from, long long to)
{
	size_t i, n = 0;

	end();
	for (i = 0; i < nr_stalls; i++)
		if (stalls[i].ns + stalls[i].took >= from && stalls[i].ns <= to)
			stalls[n++] = stalls[i];
	qsort(stalls, n, sizeof(*stalls), compare);
	if (n)
		printf("%zu %u %u %u\n", n, stalls[n / 2].took, stalls[n * 99 / 100].took,
		       stalls[n - 1].took);
	else
		printf("0 0 0 0\n");
}

static void start_grow(size_t mib)
{
	held_bytes = mib * MIB;
	held = map(held_bytes, MADV_NOHUGEPAGE);
	start(grow);
}

static void print_grown(void)
{
	pthread_join(thread, NULL);
	printf("0\n");
}

/* With `defrag` at never: a page is huge, or it comes as small ones. */
static void huge(void)
{
	size_t bytes = spare_bytes(), i;
	char *p = map(bytes, MADV_HUGEPAGE);
	unsigned long kib = 0, more;
	char line[256];
	FILE *f;

	for (i = 0; i < bytes; i += HUGE_PAGE)
		p[i] = 1;
	f = fopen("/proc/self/smaps", "r");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "AnonHugePages: %lu kB", &more) == 1)
			kib += more;
	if (f)
		fclose(f);
	munmap(p, bytes);
	printf("%lu\n", kib >> 11);
}

static void command(const char *line)
{
	long long a = 0, b = 0;
	char word[16] = "";

	if (sscanf(line, "%15s %lld %lld", word, &a, &b) < 1)
		printf("what?\n");
	else if (!strcmp(word, "mark"))
		mark();
	else if (!strcmp(word, "cpu"))
		work();
	else if (!strcmp(word, "lists"))
		lists();
	else if (!strcmp(word, "touch"))
		touch(a);
	else if (!strcmp(word, "drop"))
		drop();
	else if (!strcmp(word, "watch"))
		start_watch(a);
	else if (!strcmp(word, "watched"))
		print_notes();
	else if (!strcmp(word, "stall"))
		start_stalls();
	else if (!strcmp(word, "stalled"))
		print_stalls(a, b);
	else if (!strcmp(word, "grow"))
		start_grow(a);
	else if (!strcmp(word, "grown"))
		print_grown();
	else if (!strcmp(word, "huge"))
		huge();
	else
		printf("what?\n");
}

int main(void)
{
	char line[128];

	setvbuf(stdout, NULL, _IOLBF, 0);
	setpriority(PRIO_PROCESS, 0, -20);
	if (ioperm(PORT, 1, 1)) {
		perror("probe: ioperm");
		return 2;
	}
	printf("ready\n");
	while (fgets(line, sizeof(line), stdin))
		command(line);
	return 0;
}
