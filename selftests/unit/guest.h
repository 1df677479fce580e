/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small model of a guest with a balloon: memory, page cache, a load, an OOM
 * killer, and the driver's worker that asks policy.c what to do. It keeps books
 * of its own, and checks every decision against them.
 */
#ifndef GUEST_H
#define GUEST_H

#include "policy.h"

/* As in the driver: what counts as growth, what a round moves, what an OOM call is worth. */
#define BUF_PAGES	256
#define ROUND_PAGES	(32 * BUF_PAGES)
#define OOM_MIN_PAGES	4096
#define OOM_WAIT_MS	500

#define NEVER		UINT64_MAX
#define TURNS		64

struct guest {
	struct vb_policy policy;
	u64 now;
	u64 look_at;		/* next round of the worker, or NEVER */

	s64 memory;		/* managed plus ballooned */
	s64 anon;		/* what the load holds */
	s64 cache;		/* page cache */
	s64 balloon;
	s64 target;
	s64 last_target;	/* what the worker last read */
	bool must_tell;		/* deflation is handed over, and takes its time */

	/* books */
	bool shaken;		/* the load moves while the worker works */
	u64 rnd;
	u64 no_growth_before;	/* the shortest hold-off allowed */
	u64 longest_delay;	/* that any tunables so far allow */
	unsigned long steps, growths, deflates, ooms, kills;
	int sign;		/* of the latest movement of the guest's own doing */
	u64 turns[TURNS];	/* when the movement changed its sign */
	unsigned long nr_turns;
	u64 busy_ms;		/* this millisecond, and the rounds in it */
	unsigned long rounds_in_ms;
};

s64 guest_available(const struct guest *g);
void guest_snapshot(const struct guest *g, struct vb_snapshot *s);
void guest_work(struct guest *g);
void guest_run_until(struct guest *g, u64 then);
void guest_alloc(struct guest *g, s64 pages);
void guest_free(struct guest *g, s64 pages);
void guest_read_file(struct guest *g, s64 pages);
void guest_set_target(struct guest *g, s64 target);
void guest_set_tunables(struct guest *g, const struct vb_tunables *tune);
unsigned long guest_turns_since(const struct guest *g, u64 since);

#endif /* GUEST_H */
