// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sampler: sees need where reclaim does not ask, and thrash.
 *
 * With the multi-gen LRU a pass of reclaim ends as soon as it has enough, and
 * may not come to the shrinkers of the root cgroup. So while memory is low or
 * being reclaimed this looks every 100 ms, asks the policy as the shrinker does,
 * and leaves the rest to the deflate work. Else it looks every second, and not at
 * all while there is nothing to take.
 */
#include <linux/mm.h>
#include <linux/vmstat.h>

#include "balloon.h"

#ifdef CONFIG_VM_EVENT_COUNTERS
static void sample_events(struct vb_sample *sample)
{
	unsigned long events[NR_VM_EVENT_ITEMS];
	int zone;

	all_vm_events(events);
	sample->swapped = events[PSWPOUT];
	sample->stalls = 0;
	for (zone = 0; zone < MAX_NR_ZONES; zone++)
		sample->stalls += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
}
#else
static void sample_events(struct vb_sample *sample)
{
	sample->swapped = 0;
	sample->stalls = 0;
}
#endif

static void take_sample(struct vb_sample *sample)
{
	sample->at = vb_now();
	sample->refaults = global_node_page_state(WORKINGSET_REFAULT_ANON) +
			   global_node_page_state(WORKINGSET_REFAULT_FILE);
	/* The sums by reclaimer leave cgroups out, before 7.1. */
	sample->reclaimed = global_node_page_state(PGSTEAL_ANON) +
			    global_node_page_state(PGSTEAL_FILE);
	sample->kswapd = global_node_page_state(PGSTEAL_KSWAPD);
	sample->scanned = global_node_page_state(PGSCAN_KSWAPD) +
			  global_node_page_state(PGSCAN_DIRECT);
	/* Not the LRU lists: what is being written to a disk is on them for longer. */
	sample->anon = global_node_page_state(NR_ANON_MAPPED) +
		       global_node_page_state(NR_SHMEM);
	sample->cache = global_node_page_state(NR_ACTIVE_FILE) +
			global_node_page_state(NR_INACTIVE_FILE);
	sample_events(sample);
}

/* Hinted blocks are free memory: they go first. */
static void hand_over(struct vb_dev *vb, enum vb_why why, long granted)
{
	long left = granted - vb_hint_return(vb, granted);

	if (left > 0)
		vb_deflate_hand_over(vb, why, left);
	vb_released(vb, why, granted, 0);
}

/**
 * vb_sample_work - look once, and say when to look again
 * @work: vb->sample_work
 *
 * Context: process, on a workqueue with a rescuer; allocates nothing.
 */
void vb_sample_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(to_delayed_work(work), struct vb_dev,
					 sample_work);
	struct vb_sample sample;
	unsigned int next_ms;
	enum vb_why why;
	long granted;

	take_sample(&sample);
	granted = vb_grant_sampled(vb, &sample, &why, &next_ms);
	if (granted)
		hand_over(vb, why, granted);
	if (next_ms == VB_SAMPLE_MS)
		set_bit(VB_SAMPLING, &vb->flags);
	else
		clear_bit(VB_SAMPLING, &vb->flags);
	if (next_ms)
		vb_kick_sampler(vb, next_ms);
}
