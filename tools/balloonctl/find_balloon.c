// SPDX-License-Identifier: GPL-2.0-only
/* The doctor on the balloon's settings and size. */
#include <stdlib.h>
#include <string.h>

#include "findings.h"
#include "format.h"

#define MIB (1LL << 20)

/* What the driver takes by itself: see vb_policy_default_reserve(). */
static int64_t automatic_reserve(int64_t memory)
{
	int64_t reserve = memory / 64;

	return reserve < 16 * MIB ? 16 * MIB :
	       reserve > 256 * MIB ? 256 * MIB : reserve;
}

static int64_t number(const struct device *d, int id)
{
	return strtoll(d->tunables[id], NULL, 10);
}

static void judge_settings(struct findings *f, const struct snapshot *s,
			   const struct device *d)
{
	int64_t reserve = number(d, TUNE_RESERVE_KIB) * 1024;
	int64_t automatic = automatic_reserve(s->memory.total);

	if (reserve < automatic / 2)
		advise(found(f, LEVEL_WARN, "small-reserve",
			     "The reserve of %s is small for a guest of %s: the balloon may take nearly all that it has.",
			     mib(reserve), mib(s->memory.total)),
		       "balloonctl set reserve_kib 0 makes it %s.",
		       mib(automatic));
	if (!strcmp(d->tunables[TUNE_AUTO_DEFLATE], "off") ||
	    !number(d, TUNE_LOW_PERCENT))
		advise(found(f, LEVEL_WARN, "no-auto-deflate",
			     "The guest takes nothing back before it is out of memory (auto_deflate is %s, low_percent %s).",
			     d->tunables[TUNE_AUTO_DEFLATE],
			     d->tunables[TUNE_LOW_PERCENT]),
		       "balloonctl set auto_deflate need; balloonctl set low_percent 50.");
}

static void judge_size(struct findings *f, const struct snapshot *s,
		       const struct device *d)
{
	int64_t reserve = number(d, TUNE_RESERVE_KIB) * 1024;

	if (d->actual >= d->target) {
		found(f, LEVEL_GOOD, "target",
		      "The balloon has %s, which the host asked for.",
		      mib(d->target));
		return;
	}
	if (d->goal > d->actual)
		found(f, LEVEL_INFO, "on-its-way",
		      "The balloon is on its way from %s to the target %s.",
		      mib(d->actual), mib(d->target));
	else if (d->offset < 0 || !strcmp(d->state, "holding-off"))
		advise(found(f, LEVEL_INFO, "gave-way",
			     "The balloon is %s below the target, because the guest needed memory.",
			     mib(d->target - d->actual)),
		       "Nothing, it returns by itself; balloonctl why tells the decisions.");
	else
		advise(found(f, LEVEL_WARN, "out-of-reach",
			     "The target %s is out of reach: the balloon has %s, and with %s available the reserve of %s bars its growth.",
			     mib(d->target), mib(d->actual),
			     mib(s->memory.available), mib(reserve)),
		       "Ask for less on the host, or give the guest more.");
}

void find_balloon(struct findings *f, const struct snapshot *s)
{
	const struct device *d = selected(s);

	if (!d || !d->ours)
		return;
	judge_settings(f, s, d);
	judge_size(f, s, d);
}
