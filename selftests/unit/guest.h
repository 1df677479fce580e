/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small model of a guest with a balloon: memory, page cache, swap, a load,
 * reclaim, an OOM killer, and the driver's worker, shrinker and sampler that ask
 * the policy what to do. It keeps books of its own, and checks every decision
 * against them.
 *
 * guest.c has the worker, the host and the load; reclaim.c what a shortage of
 * memory brings about.
 */
#ifndef GUEST_H
#define GUEST_H

#include "policy.h"

/* As in the driver: what counts as growth, what a round moves, what an OOM call is worth. */
#define BUF_PAGES	256
#define ROUND_PAGES	(32 * BUF_PAGES)
#define OOM_MIN_PAGES	4096
#define OOM_WAIT_MS	500

/* The load takes its memory in such portions. */
#define CHUNK		1024
/* Pages of a hot file set that are read in a millisecond. */
#define HOT_READS	64
/* kswapd lets so many be taken before it reclaims as many at once. */
#define KSWAPD_BURST	4096

#define NEVER		UINT64_MAX
#define TURNS		64

struct guest {
	struct vb_policy policy;
	u64 now;
	u64 look_at;		/* next round of the worker, or NEVER */
	u64 sample_at;		/* next look of the sampler, or NEVER */
	u64 arrive_at;		/* when handed-over pages come, or NEVER */

	s64 memory;		/* managed plus ballooned */
	s64 anon;		/* what the load holds */
	s64 cache;		/* page cache */
	s64 hot;		/* file set that is read at random all the time */
	s64 limited;		/* pages in a ms that a cgroup at its limit reads again */
	s64 stream;		/* pages in a ms that are read once */
	u64 read_until;		/* until when all these have been read */
	s64 behind;		/* what kswapd will reclaim when it wakes */
	s64 swap;		/* what the swap device has left */
	s64 swapped;
	u64 swapped_at;
	s64 balloon;
	s64 coming;		/* handed over for deflation */
	enum vb_why coming_why;
	s64 target;
	s64 last_target;	/* what the worker last read */
	bool must_tell;		/* deflation is handed over, and takes its time */
	bool passed_over;	/* reclaim never asks the shrinkers (multi-gen LRU) */
	bool spares;		/* reclaim swaps before it takes page cache (multi-gen LRU) */
	s64 pace;		/* pages that the load takes in a ms, 0: at once */

	/* books */
	bool shaken;		/* the load moves while the worker works */
	u64 rnd;
	u64 no_growth_before;	/* the shortest hold-off allowed */
	u64 longest_delay;	/* that any tunables so far allow */
	unsigned long steps, growths, deflates, ooms, kills;
	unsigned long shrinks, samples, thrashes;
	s64 taken[VB_WHY_NR];	/* pages, by reason */
	struct vb_sample seen;	/* what the kernel has counted */
	u64 hot_at;		/* when a page of the hot set last came back */
	u64 second;		/* this second, and what it took back */
	s64 in_second;
	s64 yielded;		/* pages that hints had it give */
	int sign;		/* of the latest movement of the guest's own doing */
	u64 turns[TURNS];	/* when the movement changed its sign */
	unsigned long nr_turns;
	u64 busy_ms;		/* this millisecond, and the rounds in it */
	unsigned long rounds_in_ms;
};

s64 guest_free_pages(const struct guest *g);
s64 guest_watermark(const struct guest *g);
s64 guest_available(const struct guest *g);
s64 guest_hot_cached(const struct guest *g);
void guest_snapshot(const struct guest *g, struct vb_snapshot *s);
void guest_work(struct guest *g);
void guest_run_until(struct guest *g, u64 then);
void guest_alloc(struct guest *g, s64 pages);
void guest_free(struct guest *g, s64 pages);
void guest_note_sign(struct guest *g, int sign);
void guest_note_hold_off(struct guest *g);
void guest_read_file(struct guest *g, s64 pages);
void guest_set_target(struct guest *g, s64 target);
void guest_hint(struct guest *g, const struct vb_host_hint *hint);
void guest_set_tunables(struct guest *g, const struct vb_tunables *tune);
unsigned long guest_turns_since(const struct guest *g, u64 since);

/* reclaim.c */
void guest_reclaim(struct guest *g, s64 pages);
bool guest_out_of_memory(struct guest *g);
void guest_arrive(struct guest *g);
void guest_arm_sampler(struct guest *g);
void guest_sample(struct guest *g);

#endif /* GUEST_H */
