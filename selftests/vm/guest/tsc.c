// SPDX-License-Identifier: GPL-2.0-only
/*
 * tsc - prints the rate of this machine's time stamp counter, in kHz.
 *
 * Runs on the host. An emulated guest reads the same counter, but measures its
 * rate with emulated timers: on a busy machine it is wrong by a factor, and the
 * guest's clock with it. This takes the best of some readings of both clocks.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

struct reading {
	double ns;
	unsigned long long tsc, width;
};

static struct reading look(void)
{
	struct reading best = { .width = ~0ULL };
	int i;

	for (i = 0; i < 20; i++) {
		unsigned long long before = __rdtsc(), after;
		struct timespec t;

		clock_gettime(CLOCK_MONOTONIC_RAW, &t);
		after = __rdtsc();
		if (after - before >= best.width)
			continue;
		best.width = after - before;
		best.tsc = before + best.width / 2;
		best.ns = t.tv_sec * 1e9 + t.tv_nsec;
	}
	return best;
}

int main(void)
{
	struct reading start = look(), end;

	usleep(100000);
	end = look();
	printf("%.0f\n", (end.tsc - start.tsc) / (end.ns - start.ns) * 1e6);
	return 0;
}
