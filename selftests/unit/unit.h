/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the policy share.
 */
#ifndef UNIT_H
#define UNIT_H

#ifdef __KERNEL__
#include "kunit.h"
#else
/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Results must be out before a sanitizer ends the program. */
#define run_all(tests)						\
	(setvbuf(stdout, NULL, _IOLBF, 0),				\
	 cmocka_run_group_tests((tests), NULL, NULL) != 0)
#endif

#include "policy.h"

/* The biggest guest we care for: 2^40 pages are 4 PiB. */
#define HUGE_PAGES	(1LL << 40)
#define MIB		256LL			/* in 4 KiB pages */

/* The driver's defaults for a guest of 4 GiB. */
static const struct vb_tunables default_tune = {
	.auto_deflate = VB_AUTO_NEED,
	.reserve = 64 * MIB,
	.low_percent = 50,
	.deflate_batch = 1024,
	.holdoff_ms = 5000,
	.holdoff_max_ms = 300000,
	.return_ms = 5000,
	.return_step = 8,
	.yield_percent = {
		[VB_LEVEL_LOW] = 12,
		[VB_LEVEL_MEDIUM] = 25,
		[VB_LEVEL_CRITICAL] = 50,
	},
	.pressure_interval_ms = 1000,
	.pressure_ttl_ms = 10000,
	.self_interval_ms = 5000,
	.self_hysteresis = 8,
	.self_headroom = 100,
};

/* A number that differs is reported with the name of the case. */
#define want(got, expected, name)					\
	do {								\
		s64 got_ = (s64)(got), expected_ = (s64)(expected);	\
									\
		if (got_ != expected_)					\
			fail_msg("%s: %s is %lld, not %lld", (name),	\
				 #got, (long long)got_,			\
				 (long long)expected_);			\
	} while (0)

/* What must hold, with the numbers that tell why it does not. */
#define must(condition, fmt, ...)					\
	do {								\
		if (!(condition))					\
			fail_msg("%s: " fmt, #condition, __VA_ARGS__);	\
	} while (0)

/* A small generator of our own: the same numbers on every machine. */
static inline u64 rnd(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Return: a number from @low to @high, both included. */
static inline s64 rnd_range(u64 *state, s64 low, s64 high)
{
	return low + (s64)(rnd(state) % (u64)(high - low + 1));
}

#endif /* UNIT_H */
