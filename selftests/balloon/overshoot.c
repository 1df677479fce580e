// SPDX-License-Identifier: GPL-2.0-only
/*
 * overshoot - watches whether a balloon takes what it should leave to the guest.
 *
 *	overshoot SECONDS RESERVE_KIB DEVICE
 *
 * DEVICE is its folder in debugfs. It waits until available memory has come close
 * to the reserve, a minute at most, and watches for so many seconds more.
 *
 * Available memory may well fall below the reserve: others allocate, too, and what
 * a process leaves behind comes back only after a grace period. The balloon is to
 * blame for what it took while too little was available. So this looks every other
 * millisecond, allocates nothing, starts no process, and prints, in KiB:
 *
 *	LOWEST		available memory at its lowest
 *	BELOW		by how much the balloon grew while less than the reserve was free
 *	BEYOND		by how much it was larger than the most memory that there was
 *			to share (free or ballooned), less the reserve
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BALLOON_PAGE_KIB	4
#define NEAR_KIB		4096
#define NEAR_SECONDS		60

struct sums {
	long free, balloon;	/* at the last look */
	long lowest, most, below, beyond;
	int near;			/* it came close to the reserve */
};

static char *read_file(const char *folder, const char *file)
{
	static char text[1 << 16];
	ssize_t n, length = 0;
	int fd;

	snprintf(text, sizeof(text), "%s/%s", folder, file);
	/* debugfs gives a fresh number only to who opens its file anew */
	fd = open(text, O_RDONLY);
	if (fd < 0) {
		perror(text);
		exit(2);
	}
	while ((n = read(fd, text + length, sizeof(text) - 1 - length)) > 0)
		length += n;
	close(fd);
	text[length] = '\0';
	return text;
}

/* The sum of the numbers behind a word, wherever it stands. */
static long sum(const char *file, const char *word)
{
	const char *at = read_file("/proc", file);
	long total = 0;

	while ((at = strstr(at, word)))
		total += strtol(at += strlen(word), NULL, 10);
	return total;
}

/* What the kernel, and so the driver, calls available. */
static long available_kib(void)
{
	return sum("meminfo", "MemAvailable:");
}

/* What that forgets: free pages in the lists of the processors, megabytes of them. */
static long listed_kib(void)
{
	return sum("zoneinfo", " count:") * (sysconf(_SC_PAGESIZE) >> 10);
}

/* What the device has, and what is on its way there. */
static long balloon_kib(const char *device)
{
	return BALLOON_PAGE_KIB * (atol(read_file(device, "inflating")) +
				   atol(read_file(device, "held")));
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static long max(long a, long b)
{
	return a > b ? a : b;
}

static long min(long a, long b)
{
	return a < b ? a : b;
}

static const struct timespec pause_length = { .tv_nsec = 2000000 };

/* Looks until @seconds have passed, or available memory comes close to the reserve. */
static int look(const char *device, long reserve, double seconds, struct sums *sums)
{
	double end = now() + seconds;
	int near = 0;

	while (now() < end && !near) {
		long available = available_kib();
		long free = available + listed_kib(), balloon = balloon_kib(device);
		long grew = balloon - sums->balloon;
		long lacking = reserve - max(free, sums->free);

		sums->lowest = min(sums->lowest, available);
		sums->most = max(sums->most, free + balloon);
		sums->below += max(min(grew, lacking), 0);
		sums->beyond = max(sums->beyond, balloon - (sums->most - reserve));
		sums->free = free;
		sums->balloon = balloon;
		near = !sums->near && available < reserve + NEAR_KIB;
		nanosleep(&pause_length, NULL);
	}
	return near;
}

int main(int argc, char **argv)
{
	struct sums sums = {};
	long reserve;

	if (argc != 4) {
		fprintf(stderr, "usage: overshoot SECONDS RESERVE_KIB DEVICE\n");
		return 2;
	}
	reserve = atol(argv[2]);
	sums.lowest = available_kib();
	sums.free = sums.lowest + listed_kib();
	sums.near = look(argv[3], reserve, NEAR_SECONDS, &sums);
	look(argv[3], reserve, atof(argv[1]), &sums);
	printf("%ld %ld %ld\n", sums.lowest, sums.below, sums.beyond);
	return 0;
}
