// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl record: a snapshot a line, for `plot` and `watch --replay`. */
#include <signal.h>
#include <time.h>

#include "ctl.h"
#include "json.h"

static volatile sig_atomic_t stopped;

static void stop(int number)
{
	(void)number;
	stopped = 1;
}

/* Waits until so many seconds after `*next`, so that the pace does not drift. */
static void wait_until_next(struct timespec *next, double interval)
{
	int64_t ns = next->tv_nsec + (int64_t)(interval * 1e9);

	next->tv_sec += ns / 1000000000;
	next->tv_nsec = ns % 1000000000;
	while (!stopped && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next,
					   NULL))
		;
}

int cmd_record(const struct options *o)
{
	struct sigaction action = { .sa_handler = stop };
	static struct snapshot s;
	struct timespec next;
	FILE *out = open_output(o);
	int left = o->count;

	if (!out)
		return EXIT_BAD;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!stopped && get_snapshot(&s, o)) {
		json_print(json_snapshot(&s), out, false);
		/* a line that is longer than the buffer fails before the flush */
		if (fflush(out) || ferror(out) || --left == 0)
			break;
		wait_until_next(&next, o->interval);
	}
	return close_output(out, o);
}
