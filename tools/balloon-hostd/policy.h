/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who is asked for how much: each policy is a pure function of a snapshot of the
 * host and of all guests. It calls nobody, keeps nothing between two calls and
 * knows no clock but the number of rounds that the snapshot tells.
 *
 * All memory is in bytes. A guest's size is its memory less its balloon, so that
 * a target is a size, too, and not what the balloon holds.
 */
#ifndef POLICY_H
#define POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIB		(UINT64_C(1) << 20)
#define GIB		(UINT64_C(1) << 30)
#define STALE_ROUNDS	3	/* nothing is taken on the ground of older data */
#define DEAD_BAND	400	/* changes below 1/400, 0.25 %, are not made */
#define NEVER_HEARD	UINT32_MAX
#define NEED_HOLD	1	/* a hint's need: keep what you gave; 0 would be all you can */

/* Numbers as in linux/virtio_balloon_pressure.h; names in tools/common/request.h. */
enum level {
	LEVEL_NONE,
	LEVEL_LOW,
	LEVEL_MEDIUM,
	LEVEL_CRITICAL,
	LEVELS
};

struct host_view {
	uint64_t total;			/* its memory, or the limit of the guests' cgroup */
	uint64_t available;		/* of that */
	uint64_t reserve;		/* what is to stay available */
	uint64_t need;			/* what is lacking, an estimate; 0: nothing, or not known */
	enum level level;
	uint32_t pressed;		/* rounds since it began or rose, from 1 on; 0: none */
};

struct guest_view {
	uint64_t max;			/* its memory without a balloon; 0: not known yet */
	uint64_t floor;
	uint64_t size;
	uint64_t target;		/* last asked for; its size if that is not known */
	uint64_t fixed;			/* the size that `static` gives it; 0: all */
	uint64_t shares;
	/* What it says of itself. */
	uint64_t available;
	uint64_t unused;		/* free; a mean over some rounds */
	uint64_t slack;			/* what it can give, if has_slack */
	/* What the host spends on it, 0: unknown. Less if it reported free pages. */
	uint64_t resident;
	uint64_t coming;		/* asked of it, and on its way */
	uint32_t size_age;		/* rounds since its size was heard, or NEVER_HEARD */
	uint32_t stats_age;
	enum level hinted;		/* the level of the hint that it still holds to */
	bool asked;			/* `target` is what it was asked, and no guess */
	bool has_slack;
	bool has_hints;			/* there is a channel for hints */
	bool migrating;
};

struct snapshot {
	struct host_view host;
	size_t count;
	const struct guest_view *guests;
};

struct decision {
	uint64_t target;
	bool hint;			/* send one: */
	enum level level;
	uint64_t need;			/* bytes; 0: not said */
	uint64_t gain;			/* what the host can hope for */
};

struct policy_options {
	uint64_t target_percent;	/* proportional: of the host's memory */
	uint64_t fixed[LEVELS];		/* fixed: taken at each level, in bytes */
};

struct policy {
	const char *name;
	const char *what;		/* one line for --help */
	bool needs_stats;		/* takes on the ground of what guests say of themselves */
	bool exact;			/* the admin's own numbers: small changes count, too */
	/* `decisions` already say that nothing changes. */
	void (*decide)(const struct snapshot *snapshot, const struct policy_options *options,
		       struct decision *decisions);
};

extern const struct policy policy_hint, policy_proportional, policy_equal, policy_mom,
	policy_fixed, policy_static;
extern const struct policy_options policy_defaults;

/* Both NULL if there is none such. */
const struct policy *policy_find(const char *name);
const struct policy *policy_number(size_t number);

/* Ask a policy; what it wants is held within each guest's rules. */
void policy_decide(const struct policy *policy, const struct snapshot *snapshot,
		   const struct policy_options *options, struct decision *decisions);

/* What several policies ask of a snapshot. */
bool guest_governed(const struct guest_view *guest);
bool guest_knows(const struct guest_view *guest);
uint64_t guest_slack(const struct guest_view *guest);
uint64_t guest_gain(const struct guest_view *guest);
uint64_t guest_reserve(const struct guest_view *guest);
uint64_t host_room(const struct host_view *host);

static inline uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* a - b, or 0 */
static inline uint64_t less_u64(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* a * b / c without overflow */
static inline uint64_t scale_u64(uint64_t a, uint64_t b, uint64_t c)
{
	__extension__ unsigned __int128 product = a;

	product *= b;
	return c ? (uint64_t)(product / c) : 0;
}

#endif
