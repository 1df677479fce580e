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

/**
 * struct vb_tunables - what an administrator may change
 * @reserve: available memory below which the balloon never grows; pages
 * @holdoff_ms: after a release the balloon does not grow for so long
 * @holdoff_max_ms: what repeated releases may double the hold-off to
 * @return_ms: interval between two steps of a returning deficit
 * @return_step: a deficit returns in this many steps
 */
struct vb_tunables {
	s64 reserve;
	u32 holdoff_ms;
	u32 holdoff_max_ms;
	u32 return_ms;
	u32 return_step;
};

/**
 * struct vb_snapshot - what a decision looks at
 * @now: monotonic clock; ms
 * @target: what the host asks for
 * @actual: what the balloon holds, inflates in flight included
 * @available: what the guest could allocate without swapping
 */
struct vb_snapshot {
	u64 now;
	s64 target;
	s64 actual;
	s64 available;
};

/**
 * struct vb_policy - what the decisions remember
 * @tune: the tunables in force
 * @offset: what the guest adds to (surplus) or takes from (deficit) the target
 * @target: the target that @offset was worked out against
 * @empty: hold nothing at all, whatever the host asks (hibernation)
 * @holdoff_until: no growth before this time
 * @holdoff_len: length of the latest hold-off, 0 when forgotten
 * @return_size: one step of the deficit that is returning
 * @return_at: when the next step is due
 * @retry_ms: delay after the latest round that could not grow, 0 if none
 *
 * The caller serialises all calls on one policy.
 */
struct vb_policy {
	struct vb_tunables tune;
	s64 offset;
	s64 target;
	bool empty;
	u64 holdoff_until;
	u32 holdoff_len;
	s64 return_size;
	u64 return_at;
	u32 retry_ms;
};

/* A hold-off is forgotten after a calm of so many times its length. */
#define VB_CALM_FACTOR		4
/* First and longest delay of a growth that found no memory; ms. */
#define VB_RETRY_MIN_MS		1000
#define VB_RETRY_MAX_MS		32000

s64 vb_policy_default_reserve(s64 memory, unsigned int page_shift);
s64 vb_policy_slack(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_need(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_goal(const struct vb_policy *p, const struct vb_snapshot *s);
s64 vb_policy_step(const struct vb_policy *p, const struct vb_snapshot *s,
		   s64 goal);
s64 vb_policy_oom_quota(const struct vb_policy *p, const struct vb_snapshot *s,
			s64 minimum);
bool vb_policy_holding_off(const struct vb_policy *p, u64 now);
void vb_policy_new_target(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_hold_off(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_released(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_return_deficit(struct vb_policy *p, const struct vb_snapshot *s);
void vb_policy_progress(struct vb_policy *p);
void vb_policy_no_progress(struct vb_policy *p);
u64 vb_policy_next_look(const struct vb_policy *p, const struct vb_snapshot *s);

#endif /* VB_POLICY_H */
