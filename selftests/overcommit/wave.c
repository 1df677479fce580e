// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a guest of the overcommit experiment does, in waves: each line of stdin is a phase,
 * one follows the other.
 *
 *	idle SECONDS
 *	serve MIB SECONDS	a service: its store grows with its requests, up to MIB
 *	job AT MIB		compress MIB of /dev/vda from AT on, keep the result, then
 *				read all of it once more
 *
 *	wave SEED LIMIT		runs the phases on stdin, LIMIT seconds at most
 *
 * For each phase it prints a line: its name, what was done of what (requests, MiB), the
 * seconds it took, and for a service a histogram of the latencies: BUCKET:REQUESTS ...,
 * eight buckets for each power of two of us. Requests come when they come: what waits
 * for those before it has that in its latency. The last line is "end SECONDS".
 *
 * A phase is a process, which is killed before others for want of memory; the next goes on.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define PAGE		4096UL
#define RATE		100		/* requests a second */
#define TOUCHES		48		/* pages of the store that a request looks at */
#define GROWTH		(32 * MIB)	/* of the store, a second */
#define BLOCK		(128UL << 10)	/* what a job compresses at a time */
#define HASHES		(1U << 14)
#define BUCKETS		256

/* Shared with the phase: what is done by now is known even if that is killed. */
struct progress {
	double done, of;
	uint32_t latencies[BUCKETS];
};

static struct progress *progress;
/* Open for as long as we run: what was read of a disk goes with its last user. */
static int disk;
static uint64_t state;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static void *map(size_t bytes, int flags)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (p == MAP_FAILED)
		fail("wave: mmap");
	return p;
}

static void be_killed_first(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, "500", 3) < 0)
		fail("wave: oom_score_adj");
	close(fd);
}

static void sleep_until(double when)
{
	double left = when - now();

	if (left > 0)
		usleep(left * 1e6);
}

/* --- a service ---------------------------------------------------------------- */

static void count(double seconds)
{
	uint32_t us = seconds < 4000 ? seconds * 1e6 : 4e9;
	int power = 31 - __builtin_clz(us | 8);

	progress->latencies[power * 8 + (us >> (power - 3)) % 8]++;
}

/* Most requests are for few of the pages. */
static uint64_t request(uint64_t *store, size_t have, size_t grown)
{
	uint64_t sum = 0;
	size_t i;

	for (i = have; i < grown; i++)
		store[i * PAGE / 8] = i;
	for (i = 0; i < TOUCHES && grown; i++) {
		double r = (next_random() >> 11) / 9007199254740992.0;
		uint64_t *page = store + (size_t)(r * r * grown) * PAGE / 8;

		sum += page[0] + page[next_random() % (PAGE / 8)];
		page[1 + next_random() % 8] = sum;
	}
	return sum;
}

static void serve(size_t mib)
{
	size_t pages = mib * MIB / PAGE, have = 0, grown, n;
	uint64_t *store = map(mib * MIB, MAP_PRIVATE);
	double start = now(), due;

	for (n = 0; n < progress->of; n++) {
		due = n / (double)RATE;
		sleep_until(start + due);
		grown = due * GROWTH / PAGE;
		grown = grown < pages ? grown : pages;
		request(store, have, grown);
		have = grown;
		count(now() - start - due);
		progress->done++;
	}
}

/* --- a job -------------------------------------------------------------------- */

static uint32_t word_at(const uint8_t *p)
{
	uint32_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Literals and matches, as LZ77 has them: the work of a compressor, and about its result. */
static size_t compress(const uint8_t *in, size_t size, uint8_t *out)
{
	static uint32_t last[HASHES];
	size_t i = 0, o = 0, length;

	memset(last, 0, sizeof(last));
	while (i + 8 < size) {
		uint32_t hash = word_at(in + i) * 2654435761U >> 18;
		uint32_t before = last[hash];

		last[hash] = i;
		if (before >= i || word_at(in + before) != word_at(in + i)) {
			out[o++] = in[i++];
			continue;
		}
		for (length = 4; i + length < size && length < 255 &&
		     in[before + length] == in[i + length]; length++)
			;
		memcpy(out + o, &before, 3);
		out[o + 3] = length;
		o += 4;
		i += length;
	}
	return o;
}

static void job(size_t at, size_t mib)
{
	size_t blocks = mib * MIB / BLOCK, i, size = 0;
	uint8_t *result = map(mib * MIB + BLOCK, MAP_PRIVATE);
	static uint8_t block[BLOCK];
	int pass;

	for (pass = 0; pass < 2; pass++)
		for (i = 0; i < blocks; i++) {
			if (pread(disk, block, BLOCK, at * MIB + i * BLOCK) != BLOCK)
				fail("wave: read");
			if (!pass)
				size += compress(block, BLOCK, result + size);
			progress->done += BLOCK / 2.0 / MIB;
		}
}

/* --- phases ------------------------------------------------------------------- */

static int run_phase(const char *name, double first, double second)
{
	be_killed_first();
	if (!strcmp(name, "serve"))
		serve(first);
	else if (!strcmp(name, "job"))
		job(first, second);
	else
		usleep(first * 1e6);
	return 0;
}

/* Returns how it ended: NULL, or why not well. */
static const char *wait_for(pid_t pid, double deadline)
{
	const char *why = NULL;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		usleep(20000);
		if (now() < deadline)
			continue;
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return "late";
	}
	if (WIFSIGNALED(status))
		why = "killed";
	else if (status)
		why = "failed";
	return why;
}

static void phase(const char *name, double first, double second, double deadline)
{
	double start = now();
	const char *why;
	pid_t pid;
	int i;

	memset(progress, 0, sizeof(*progress));
	progress->of = !strcmp(name, "serve") ? second * RATE : !strcmp(name, "job") ? second : 0;
	pid = now() < deadline ? fork() : -1;
	if (!pid)
		_exit(run_phase(name, first, second));
	why = pid > 0 ? wait_for(pid, deadline) : "late";
	printf("%s %.2f %.2f %.3f %s", name, progress->done, progress->of, now() - start,
	       why ? why : "done");
	for (i = 0; i < BUCKETS; i++)
		if (progress->latencies[i])
			printf(" %d:%u", i, progress->latencies[i]);
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	double start = now(), first, second, limit;
	char line[256], name[16];

	if (argc != 3) {
		fprintf(stderr, "usage: wave SEED LIMIT; see its source\n");
		return 2;
	}
	state = strtoull(argv[1], NULL, 10) * 2 + 1;
	limit = atof(argv[2]);
	progress = map(sizeof(*progress), MAP_SHARED);
	disk = open("/dev/vda", O_RDONLY);
	while (fgets(line, sizeof(line), stdin)) {
		second = 0;
		if (sscanf(line, "%15s %lf %lf", name, &first, &second) >= 2)
			phase(name, first, second, start + limit);
	}
	printf("end %.3f\n", now() - start);
	return 0;
}
