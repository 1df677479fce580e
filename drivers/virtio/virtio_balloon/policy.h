/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The decisions of the balloon, pure: a function of a snapshot and of a clock
 * that the caller passes in. No kernel calls, integers only, so that the same
 * file is compiled into the module and into the userspace tests.
 *
 * Units: guest pages and milliseconds, always.
 */
#ifndef VB_POLICY_H
#define VB_POLICY_H

#include <linux/types.h>

/* What the guest may take back on its own, and for what reason. */
enum vb_auto {
	VB_AUTO_OFF,		/* nothing */
	VB_AUTO_NEED,		/* in need; for thrash, a surplus only */
	VB_AUTO_THRASH,		/* the same in both cases */
	VB_AUTO_NR
};

/* Why pages are taken back. */
enum vb_why {
	VB_WHY_NEED,
	VB_WHY_THRASH,
	VB_WHY_OOM,
	VB_WHY_NR
};

/* How hard the host is pressed for memory, as it says. */
enum vb_level {
	VB_LEVEL_NONE,
	VB_LEVEL_LOW,
	VB_LEVEL_MEDIUM,
	VB_LEVEL_CRITICAL,
	VB_LEVEL_NR
};

/**
 * struct vb_tunables - what an administrator may change
 * @auto_deflate: what the guest may take back on its own
 * @reserve: available memory below which the balloon never grows; pages
 * @low_percent: the low mark, below which the guest is in need; percent of
 *	@reserve
 * @deflate_batch: pages that reclaim asks for at a time
 * @deflate_limit_per_s: pages that may be taken back in a second, 0 for any;
 *	not counting those that an out-of-memory call takes
 * @holdoff_ms: after a release the balloon does not grow for so long
 * @holdoff_max_ms: what repeated releases may double the hold-off to
 * @return_ms: interval between two steps of a returning deficit
 * @return_step: a deficit returns in this many steps
 * @yield_percent: what part of its slack the guest yields to a hint, by level;
 *	percent, nothing for VB_LEVEL_NONE
 * @yield_limit_per_s: pages that may be yielded in a second, 0 for any
 * @pressure_interval_ms: at most one hint is acted on in such a time
 * @pressure_ttl_ms: how long a hint holds that does not say
 * @self: the guest sheds what it does not use without being asked
 * @self_interval_ms: how often it looks whether it can
 * @self_hysteresis: of what it could shed, it sheds one part of so many
 * @self_headroom: what it keeps of memory that is promised and not used;
 *	percent
 */
struct vb_tunables {
	enum vb_auto auto_deflate;
	s64 reserve;
	u32 low_percent;
	u32 deflate_batch;
	u32 deflate_limit_per_s;
	u32 holdoff_ms;
	u32 holdoff_max_ms;
	u32 return_ms;
	u32 return_step;
	u32 yield_percent[VB_LEVEL_NR];
	u32 yield_limit_per_s;
	u32 pressure_interval_ms;
	u32 pressure_ttl_ms;
	u32 self;
	u32 self_interval_ms;
	u32 self_hysteresis;
	u32 self_headroom;
};

/**
 * struct vb_snapshot - what a decision looks at
 * @now: monotonic clock; ms
 * @target: what the host asks for
 * @actual: what the balloon holds, inflates in flight included
 * @available: what the guest could allocate without swapping, if reclaim takes
 *	page cache first
 * @free: what it could allocate without reclaim; below 0 where that is behind
 * @coming: pages that were promised to the guest and are still on their way
 * @in_flight: pages of @actual that the host has not acknowledged
 * @used: what is used of the memory that the guest has without the balloon
 * @promised: what processes were promised, used or not. This and @used are
 *	only asked for by self-ballooning
 */
struct vb_snapshot {
	u64 now;
	s64 target;
	s64 actual;
	s64 available;
	s64 free;
	s64 coming;
	s64 in_flight;
	s64 used;
	s64 promised;
};

/* The need of a host that does not say how much it lacks. */
#define VB_NEED_ANY		((s64)(~0ULL >> 1))

/**
 * struct vb_host_hint - what the host says of itself
 * @level: how hard it is pressed
 * @need: what it lacks; pages, or VB_NEED_ANY
 * @ttl_ms: how long this holds, 0 when it does not say
 */
struct vb_host_hint {
	enum vb_level level;
	s64 need;
	u32 ttl_ms;
};

/**
 * struct vb_yield - what the decisions remember of hints and of the surplus
 * @hint: in force, or the last one that was
 * @until: how long @hint holds
 * @next: what arrived since @hint, merged
 * @next_until: how long @next holds
 * @waiting: there is a @next
 * @act_at: no hint is acted on before
 * @left: pages that were yielded and are not in the balloon yet
 * @decay_at: when the surplus decays next
 * @self_at: when self-ballooning looks next
 */
struct vb_yield {
	struct vb_host_hint hint;
	u64 until;
	struct vb_host_hint next;
	u64 next_until;
	bool waiting;
	u64 act_at;
	s64 left;
	u64 decay_at;
	u64 self_at;
};

/* What became of the hints that were waiting. */
enum vb_acted {
	VB_ACTED_NOT,		/* nothing, it is not time yet, or there are none */
	VB_ACTED_EXPIRED,	/* they no longer held when it was */
	VB_ACTED,
};

/* All of the guest's memory, as the share of a node. */
#define VB_SHARE_ALL		1024

/**
 * struct vb_place - where memory is asked for
 * @share: what part of the guest's memory this node has; of VB_SHARE_ALL
 * @available: what could be allocated on this node without swapping, if reclaim
 *	takes page cache first
 * @free: what could be allocated on this node without reclaim; below 0 where that
 *	is behind
 * @direct: an allocation asks, and waits; not kswapd
 */
struct vb_place {
	s64 share;
	s64 available;
	s64 free;
	bool direct;
};

/**
 * struct vb_sample - the signs of thrash and swapping, as the kernel counts them
 * @at: when; ms
 * @refaults: pages that came back after they were reclaimed
 * @reclaimed: pages that were reclaimed, by whomever
 * @kswapd: those of them that kswapd reclaimed
 * @scanned: pages that were looked at for it
 * @swapped: pages that were written to swap
 * @stalls: allocations that had to reclaim for themselves, cgroups at their
 *	own limit not counted
 * @anon: pages in memory that reclaim would have to swap out, shared memory included
 * @cache: page cache that reclaim could take
 *
 * Only the last two ever fall.
 */
struct vb_sample {
	u64 at;
	u64 refaults;
	u64 reclaimed;
	u64 kswapd;
	u64 scanned;
	u64 swapped;
	u64 stalls;
	s64 anon;
	s64 cache;
};

/**
 * struct vb_signs - the signs of thrash of the last seconds, the older the less
 * @refaults: pages that came back
 * @shortage: pages that were reclaimed because the guest was short of memory
 * @limits: pages that were reclaimed for other reasons, that is by cgroups at
 *	their own limit
 *
 * kswapd pauses between its watermarks, so a single sample says nothing.
 */
struct vb_signs {
	s64 refaults;
	s64 shortage;
	s64 limits;
};

/**
 * struct vb_policy - what the decisions remember
 * @tune: the tunables in force
 * @offset: what the guest adds to (surplus) or takes from (deficit) the target
 * @target: the target that @offset was worked out against
 * @below_target: may the guest go below the target? (DEFLATE_ON_OOM)
 * @empty: hold nothing at all, whatever the host asks (hibernation)
 * @holdoff_until: no growth before this time
 * @holdoff_len: length of the latest hold-off, 0 when forgotten
 * @return_size: one step of the deficit that is returning
 * @return_at: when the next step is due
 * @retry_ms: delay after the latest round that could not grow, 0 if none
 * @limit_since: begin of the second that @limit_used is about
 * @limit_used: pages taken back in that second
 * @last_sample: the latest sample of the signs of thrash
 * @signs: what the latest samples say together
 * @thrash_run: how many more samples showed thrash than did not
 * @reclaiming: the latest sample showed that memory was being reclaimed
 * @used_up: some sample did since thrash was last given pages
 * @swapped: pages that it showed to have been swapped out, but for the balloon's growth
 * @unused: pages that were available or in the balloon then
 * @held: those of them in the balloon
 * @spent: by how much that fell, for as long as until the next sample
 * @swaps_until: reclaim swaps and leaves the page cache; believed until then
 * @yield: hints and surplus
 *
 * The caller serialises all calls on one policy.
 */
struct vb_policy {
	struct vb_tunables tune;
	s64 offset;
	s64 target;
	bool below_target;
	bool empty;
	u64 holdoff_until;
	u32 holdoff_len;
	s64 return_size;
	u64 return_at;
	u32 retry_ms;
	u64 limit_since;
	s64 limit_used;
	struct vb_sample last_sample;
	struct vb_signs signs;
	u32 thrash_run;
	bool reclaiming;
	bool used_up;
	s64 swapped;
	s64 unused;
	s64 held;
	s64 spent;
	u64 swaps_until;
	struct vb_yield yield;
};

/* A hold-off is forgotten after a calm of so many times its length. */
#define VB_CALM_FACTOR		4
/* First and longest delay of a growth that found no memory; ms. */
#define VB_RETRY_MIN_MS		1000
#define VB_RETRY_MAX_MS		32000
/* Samples that make a thrash of what might be a hiccup. */
#define VB_THRASH_SAMPLES	5
/*
 * Of what is reclaimed so large a part comes back, and of what comes back so
 * large a part has the guest reclaim: one of ...
 */
#define VB_THRASH_SHARE		4
/* Fewer refaults in a sample are noise. */
#define VB_THRASH_REFAULTS	16
/* The most that an allocation reclaims for itself, by and large. */
#define VB_STALL_PAGES		128
/* What a sample with thrash takes back of what may be taken: one of ... */
#define VB_THRASH_STEP		8
/* Fewer pages that a sample shows to be swapped out, or to fill the page cache, are noise. */
#define VB_SWAP_PAGES		256
/* Reclaim that swaps and leaves the page cache is believed to go on so long; ms. */
#define VB_SWAPS_MS		5000
/* Time between two samples, while memory is low, and at most; ms. */
#define VB_SAMPLE_MS		100
#define VB_SAMPLE_MAX_MS	1000
/* What was seen so long ago is forgotten; ms. */
#define VB_SIGNS_MS		(2 * VB_SAMPLE_MAX_MS)
/* Memory is low when it could be used up in a sample's time; pages in a ms. */
#define VB_SAMPLE_PACE		512
/* Of a surplus, what decays at a time: one of ... */
#define VB_DECAY_SHARE		4
/* A surplus, or a step of one, that is not worth moving; pages. */
#define VB_SURPLUS_CRUMB	256

static inline s64 max_s64(s64 a, s64 b)
{
	return a > b ? a : b;
}

static inline s64 min_s64(s64 a, s64 b)
{
	return a < b ? a : b;
}

/* Does the host still say that it is pressed? */
static inline bool vb_policy_pressed(const struct vb_policy *p, u64 now)
{
	return p->yield.hint.level != VB_LEVEL_NONE && now < p->yield.until;
}

/* policy.c: how large, and when */
s64 vb_policy_default_reserve(s64 memory, unsigned int page_shift);
bool vb_policy_swaps(const struct vb_policy *p, u64 now);
s64 vb_policy_usable(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_slack(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_goal(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_step(const struct vb_policy *p, const struct vb_snapshot *s,
		   s64 goal);
bool vb_policy_holding_off(const struct vb_policy *p, u64 now);
void vb_policy_new_target(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_hold_off(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_released(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_return_deficit(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_progress(struct vb_policy *p);
void vb_policy_no_progress(struct vb_policy *p);
u64 vb_policy_next_look(const struct vb_policy *p, const struct vb_snapshot *s);

/* policy_take.c: what the guest may take back, and why */
s64 vb_policy_low_mark(const struct vb_policy *p);
s64 vb_policy_need(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_node_need(const struct vb_policy *p, const struct vb_snapshot *s,
			const struct vb_place *place);
s64 vb_policy_takeable(const struct vb_policy *p, const struct vb_snapshot *s,
		       enum vb_why why);
bool vb_policy_better(enum vb_why why, enum vb_why other);
s64 vb_policy_quota(const struct vb_policy *p, const struct vb_snapshot *s,
		    enum vb_why why, s64 wanted);
s64 vb_policy_oom_quota(const struct vb_policy *p, const struct vb_snapshot *s,
			s64 minimum);
s64 vb_policy_offer(const struct vb_policy *p, const struct vb_snapshot *s,
		    s64 need);
void vb_policy_take(struct vb_policy *p, const struct vb_snapshot *s,
		    enum vb_why why, s64 pages);
void vb_policy_sample(struct vb_policy *p, const struct vb_snapshot *s,
		      const struct vb_sample *sample);
bool vb_policy_thrashes(const struct vb_policy *p);
s64 vb_policy_wanted(const struct vb_policy *p, const struct vb_snapshot *s,
		     enum vb_why *why);
u32 vb_policy_next_sample(const struct vb_policy *p,
			  const struct vb_snapshot *s);

/* policy_yield.c: what the guest gives beyond the target, and for how long */
s64 vb_policy_spare(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_yield(const struct vb_policy *p, const struct vb_snapshot *s,
		    const struct vb_host_hint *hint);
void vb_policy_hint(struct vb_policy *p, u64 now,
		    const struct vb_host_hint *hint);
u32 vb_policy_hint_wait(const struct vb_policy *p, u64 now);
enum vb_acted vb_policy_act(struct vb_policy *p, const struct vb_snapshot *s,
			    s64 *pages);
s64 vb_policy_given(struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_move_surplus(struct vb_policy *p, const struct vb_snapshot *s);
u64 vb_policy_next_move(const struct vb_policy *p, const struct vb_snapshot *s);

#endif /* VB_POLICY_H */
