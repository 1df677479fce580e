// SPDX-License-Identifier: GPL-2.0-only
/*
 * load - what the scenarios do to a guest, and how they watch it.
 *
 *	load burst MIB [NODE]		write MIB page by page (with memory of one NUMA node only),
 *					print SECONDS P50 P99 MAX (us of one page), wait for the
 *					end of stdin, verify every page
 *	load read FILE MIB SECONDS	read random pages of a file's first MIB, print how many
 *					each second
 *	load watch MS			sample memory until stdin ends, then print the samples
 *	load workers			wait for the end of stdin, print the seconds that the
 *					kernel's workers ran meanwhile, and those that passed
 *	load bomb N MIB SECONDS		N processes at a time that write random shares of MIB each;
 *					print how many ended, and how many of them were killed
 *
 * The memory of burst and bomb is in pages of 4 KiB: a fault is then a page.
 * Exit status: 0 all went well, 1 a page had wrong content, 2 bad usage or no memory.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MIB		(1UL << 20)
#define PAGE		4096UL
#define MPOL_BIND	2
#define MAX_SAMPLES	20000
#define MAX_PID		65536
#define WORKERS_MS	500

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void fail(const char *what)
{
	perror(what);
	exit(2);
}

static void *map(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		fail("load: mmap");
	madvise(p, bytes, MADV_NOHUGEPAGE);
	return p;
}

/* Wait so long, or until stdin ends; return whether it has. */
static int stdin_ended(int ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	char byte;

	return poll(&in, 1, ms) > 0 && read(0, &byte, 1) <= 0;
}

static void score(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fail("load: oom_score_adj");
	close(fd);
}

/* --- burst -------------------------------------------------------------------- */

static int less(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

/* The content tells the page, so that a stray one is recognised; it compresses fourfold. */
static void write_page(uint64_t *page, size_t number)
{
	size_t i;

	for (i = 0; i < PAGE / sizeof(*page); i += 4)
		page[i] = (number + 1) * 0x9e3779b97f4a7c15ULL + i;
}

static int page_is_right(const uint64_t *page, size_t number)
{
	size_t last = PAGE / sizeof(*page) - 4;

	return page[0] == (number + 1) * 0x9e3779b97f4a7c15ULL &&
	       page[last] == (number + 1) * 0x9e3779b97f4a7c15ULL + last;
}

static void bind_to(int node)
{
	unsigned long mask = 1UL << node;

	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 8 * sizeof(mask)))
		fail("load: set_mempolicy");
}

static int burst(size_t mib, int node)
{
	size_t pages = mib * MIB / PAGE, i;
	float *took = map(pages * sizeof(*took));
	char *memory = map(pages * PAGE);
	double start, before, after;

	score("1000");
	memset(took, 0, pages * sizeof(*took));
	if (node >= 0)
		bind_to(node);
	start = now();
	before = start;
	for (i = 0; i < pages; i++) {
		write_page((void *)(memory + i * PAGE), i);
		after = now();
		took[i] = after - before;
		before = after;
	}
	before -= start;
	qsort(took, pages, sizeof(*took), less);
	printf("%.3f %.0f %.0f %.0f\n", before, took[pages / 2] * 1e6,
	       took[pages - 1 - pages / 100] * 1e6, took[pages - 1] * 1e6);
	fflush(stdout);
	while (!stdin_ended(-1))
		;
	for (i = 0; i < pages; i++)
		if (!page_is_right((void *)(memory + i * PAGE), i))
			return 1;
	return 0;
}

/* --- read ----------------------------------------------------------------------- */

static int read_file(const char *name, size_t mib, double seconds)
{
	double start = now(), next = start + 1;
	unsigned long reads = 0;
	static char page[PAGE];
	int fd = open(name, O_RDONLY);

	if (fd < 0 || posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM))
		fail(name);
	srandom(1);
	while (now() < start + seconds) {
		off_t at = random() % (mib * MIB / PAGE) * PAGE;

		if (pread(fd, page, PAGE, at) != PAGE)
			fail("load: read");
		reads++;
		if (now() >= next) {
			printf("%lu\n", reads);
			fflush(stdout);
			reads = 0;
			next += 1;
		}
	}
	return 0;
}

/* --- watch ---------------------------------------------------------------------- */

#define NAMES	6

static const char *const names[NAMES] = {
	"balloon_inflate ", "balloon_deflate ", "pswpout ", "oom_kill ",
	"workingset_refault_anon ", "workingset_refault_file ",
};

struct sample {
	double time;
	unsigned long available, free, counts[NAMES];
};

static unsigned long number_after(const char *text, const char *word)
{
	const char *at = text;

	/* at the start of a line only */
	while ((at = strstr(at, word))) {
		if (at == text || at[-1] == '\n')
			return strtoul(at + strlen(word), NULL, 10);
		at++;
	}
	return 0;
}

static void look(int meminfo, int vmstat, struct sample *s)
{
	static char text[1 << 16];
	ssize_t n;
	size_t i;

	s->time = now();
	n = pread(meminfo, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	s->available = number_after(text, "MemAvailable:");
	s->free = number_after(text, "MemFree:");
	n = pread(vmstat, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	for (i = 0; i < NAMES; i++)
		s->counts[i] = number_after(text, names[i]);
}

/* It must see what happens while all others wait for memory. */
static void be_first(void)
{
	struct sched_param first = { .sched_priority = 1 };

	score("-1000");
	sched_setscheduler(0, SCHED_FIFO, &first);
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		fail("load: mlockall");
}

static int watch(int ms)
{
	int meminfo = open("/proc/meminfo", O_RDONLY), vmstat = open("/proc/vmstat", O_RDONLY);
	struct sample *samples = calloc(MAX_SAMPLES, sizeof(*samples));
	size_t n = 0, i, k;

	if (meminfo < 0 || vmstat < 0 || !samples)
		fail("load: samples");
	be_first();
	do {
		look(meminfo, vmstat, &samples[n++]);
		if (n == 1) {
			printf("ready\n");
			fflush(stdout);
		}
	} while (n < MAX_SAMPLES && !stdin_ended(ms));
	if (n < MAX_SAMPLES)
		look(meminfo, vmstat, &samples[n++]);
	for (i = 0; i < n; i++) {
		printf("%.3f %lu %lu", samples[i].time, samples[i].available, samples[i].free);
		for (k = 0; k < NAMES; k++)
			printf(" %lu", samples[i].counts[k]);
		printf("\n");
	}
	return 0;
}

/* --- workers -------------------------------------------------------------------- */

static int first_line(const char *pid, const char *file, char *text, size_t size)
{
	char path[300];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return 0;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

/* Workers come and go: add up what each has run since the last look. */
static uint64_t look_at_workers(uint64_t *ran, int begin)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	uint64_t sum = 0;

	while (proc && (entry = readdir(proc))) {
		long pid = strtol(entry->d_name, NULL, 10);
		char text[128];
		uint64_t ns;

		if (pid <= 0 || pid >= MAX_PID ||
		    !first_line(entry->d_name, "comm", text, sizeof(text)) ||
		    strncmp(text, "kworker", 7) ||
		    !first_line(entry->d_name, "schedstat", text, sizeof(text)))
			continue;
		ns = strtoull(text, NULL, 10);
		if (!begin && ns > ran[pid])
			sum += ns - ran[pid];
		ran[pid] = ns;
	}
	if (proc)
		closedir(proc);
	return sum;
}

static int workers(void)
{
	static uint64_t ran[MAX_PID];
	uint64_t sum = 0;
	double start = now();

	score("-1000");
	look_at_workers(ran, 1);
	printf("ready\n");
	fflush(stdout);
	while (!stdin_ended(WORKERS_MS))
		sum += look_at_workers(ran, 0);
	sum += look_at_workers(ran, 0);
	printf("%.6f %.6f\n", sum / 1e9, now() - start);
	return 0;
}

/* --- bomb ------------------------------------------------------------------------- */

static void bomb_child(size_t mib)
{
	size_t bytes, i;
	char *memory;

	score("1000");
	srandom(getpid());
	bytes = (random() % mib + 1) * MIB;
	memory = map(bytes);
	for (i = 0; i < bytes; i += PAGE)
		memory[i] = 1;
	_exit(0);
}

static int bomb(int n, size_t mib, double seconds)
{
	double end = now() + seconds;
	int running = 0, ended = 0, killed = 0, status;
	pid_t pid;

	score("-1000");
	while (running || now() < end) {
		while (running < n && now() < end) {
			pid = fork();
			if (!pid)
				bomb_child(mib);
			if (pid < 0)
				break;
			running++;
		}
		if (wait(&status) < 0)
			continue;
		running--;
		ended++;
		killed += WIFSIGNALED(status);
	}
	printf("%d %d\n", ended, killed);
	return 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "burst") && argc >= 3)
		return burst(atol(argv[2]), argc > 3 ? atoi(argv[3]) : -1);
	if (!strcmp(what, "read") && argc == 5)
		return read_file(argv[2], atol(argv[3]), atof(argv[4]));
	if (!strcmp(what, "watch") && argc == 3)
		return watch(atoi(argv[2]));
	if (!strcmp(what, "workers") && argc == 2)
		return workers();
	if (!strcmp(what, "bomb") && argc == 5)
		return bomb(atoi(argv[2]), atol(argv[3]), atof(argv[4]));
	fprintf(stderr, "usage: load burst|read|watch|workers|bomb ...; see its source\n");
	return 2;
}
