// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who wants pages back has them granted here first, so that several callers
 * at once do not take the same need several times.
 */
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/swap.h>

#include "balloon.h"
#include "trace.h"

static s64 node_stat(struct pglist_data *pgdat, enum node_stat_item item)
{
	return max(atomic_long_read(&pgdat->vm_stat[item]), 0L);
}

/* Not all of it can be reclaimed: as si_mem_available() reckons. */
static s64 reclaimable(s64 pages, s64 low)
{
	return pages - min(pages / 2, low);
}

/* What si_mem_available() is for the guest. */
static s64 node_available(struct pglist_data *pgdat)
{
	s64 available = vb_node_free(pgdat);
	s64 low = 0;
	int i;

	for (i = 0; i < MAX_NR_ZONES; i++) {
		struct zone *zone = &pgdat->node_zones[i];

		low += low_wmark_pages(zone);
	}
	available += reclaimable(node_stat(pgdat, NR_ACTIVE_FILE) +
				 node_stat(pgdat, NR_INACTIVE_FILE), low);
	available += reclaimable(node_stat(pgdat, NR_SLAB_RECLAIMABLE_B) +
				 node_stat(pgdat, NR_KERNEL_MISC_RECLAIMABLE),
				 low);
	return max(available, 0LL);
}

static void look_at_node(int nid, struct vb_place *place)
{
	u64 present = 0;
	int i;

	place->share = VB_SHARE_ALL;
	if (num_online_nodes() == 1)
		return;
	for_each_online_node(i)
		present += node_present_pages(i);
	place->share = div64_u64((u64)node_present_pages(nid) * VB_SHARE_ALL,
				 present);
	place->available = node_available(NODE_DATA(nid));
	place->free = vb_node_free(NODE_DATA(nid));
	place->direct = !current_is_kswapd();
}

/**
 * vb_offer - how many pages reclaim is told of
 * @vb: the device
 * @nid: the node that is reclaimed
 *
 * Context: reclaim. May be called very often: reads a few sums, takes one lock.
 * Return: pages, 0 when the guest is not in need.
 */
long vb_offer(struct vb_dev *vb, int nid)
{
	struct vb_snapshot s;
	struct vb_place place;
	bool watch;
	s64 need, offer;

	look_at_node(nid, &place);
	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	need = vb_policy_node_need(&vb->policy, &s, &place);
	offer = vb_policy_offer(&vb->policy, &s, need);
	watch = vb_policy_next_sample(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
	if (watch && !test_and_set_bit(VB_SAMPLING, &vb->flags))
		vb_kick_sampler(vb, 0);
	trace_vb_shrink_count(vb, nid, &s, need, offer);
	return offer;
}

/* Caller holds vb->policy_lock. Return: @pages, of which it now has a claim. */
static long grant(struct vb_dev *vb, const struct vb_snapshot *s,
		  enum vb_why why, s64 pages)
{
	lockdep_assert_held(&vb->policy_lock);

	if (!pages)
		return 0;
	vb_policy_take(&vb->policy, s, why, pages);
	vb_note_hold_off(vb, s);
	atomic_long_add(pages, &vb->releasing);
	return pages;
}

/**
 * vb_grant_need - may reclaim have pages?
 * @vb: the device
 * @nid: the node that is reclaimed
 * @most: as many as it asks for
 *
 * Context: reclaim.
 * Return: pages; to be given back with vb_released().
 */
long vb_grant_need(struct vb_dev *vb, int nid, long most)
{
	struct vb_snapshot s;
	struct vb_place place;
	s64 pages;

	look_at_node(nid, &place);
	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	pages = vb_policy_node_need(&vb->policy, &s, &place);
	pages = vb_policy_quota(&vb->policy, &s, VB_WHY_NEED,
				min_t(s64, pages, most));
	pages = grant(vb, &s, VB_WHY_NEED, pages);
	spin_unlock(&vb->policy_lock);
	return pages;
}

/**
 * vb_grant_oom - may the out-of-memory notifier have pages?
 * @vb: the device
 * @minimum: what is worth one call; pages
 *
 * Context: OOM.
 * Return: pages; to be given back with vb_released().
 */
long vb_grant_oom(struct vb_dev *vb, long minimum)
{
	struct vb_snapshot s;
	s64 pages;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	pages = vb_policy_oom_quota(&vb->policy, &s, minimum);
	pages = grant(vb, &s, VB_WHY_OOM, pages);
	spin_unlock(&vb->policy_lock);
	return pages;
}

/**
 * vb_grant_sampled - what should come back without being asked for?
 * @vb: the device
 * @sample: the signs of thrash and swapping
 * @why: filled in with the reason
 * @next_ms: filled in with the delay of the next sample, 0 for none
 *
 * Context: the sampler.
 * Return: pages; to be given back with vb_released().
 */
long vb_grant_sampled(struct vb_dev *vb, const struct vb_sample *sample,
		      enum vb_why *why, unsigned int *next_ms)
{
	struct vb_snapshot s;
	bool swaps;
	u32 run;
	s64 pages;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	vb_policy_sample(&vb->policy, &s, sample);
	run = vb->policy.thrash_run;
	swaps = vb_policy_swaps(&vb->policy, s.now);
	pages = vb_policy_wanted(&vb->policy, &s, why);
	pages = grant(vb, &s, *why, pages);
	*next_ms = vb_policy_next_sample(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
	trace_vb_sample(vb, &s, sample, run, swaps, pages);
	return pages;
}

/**
 * vb_still_takeable - may what was handed over still be taken back?
 * @vb: the device
 * @pages: how many it is about
 *
 * The target may have changed since.
 *
 * Context: the deflate work.
 * Return: pages.
 */
long vb_still_takeable(struct vb_dev *vb, long pages)
{
	struct vb_snapshot s;
	s64 most;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	most = vb_policy_takeable(&vb->policy, &s, vb->handed_why);
	spin_unlock(&vb->policy_lock);
	return min_t(s64, pages, most);
}

/**
 * vb_released - pages were released, but not by the worker
 * @vb: the device
 * @why: the reason
 * @granted: pages of a grant that is thereby settled; 0 for what was handed over
 * @freed: pages that the guest has back
 *
 * Context: reclaim, OOM, the deflate work.
 */
void vb_released(struct vb_dev *vb, enum vb_why why, long granted, long freed)
{
	static const enum vb_counter counters[VB_WHY_NR] = {
		[VB_WHY_NEED] = VB_CNT_need_deflated_pages,
		[VB_WHY_THRASH] = VB_CNT_thrash_deflated_pages,
		[VB_WHY_OOM] = VB_CNT_oom_deflated_pages,
	};
	struct vb_snapshot s;

	atomic_long_sub(granted, &vb->releasing);
	if (!freed)
		return;
	vb_count(vb, counters[why], freed);
	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	vb_policy_released(&vb->policy, &s);
	vb_note_hold_off(vb, &s);
	vb_log(vb, (enum vb_event)why, &s, freed);
	spin_unlock(&vb->policy_lock);
}
