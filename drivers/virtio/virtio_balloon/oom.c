// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last resort: give pages back before the OOM killer picks a victim.
 *
 * Only with DEFLATE_ON_OOM, without which the host's demand stands. Bounded in
 * pages and in time; the offset moves to what is left, so that the worker does
 * not take it straight back.
 */
#include <linux/oom.h>

#include "balloon.h"
#include "trace.h"

/* What is worth one call; 16 MiB. */
#define OOM_MIN_PAGES		(16UL << (20 - PAGE_SHIFT))
/* With MUST_TELL_HOST the killer waits for our acknowledgements; ms. */
#define OOM_WAIT_MS		500
/* Before drivers that have less to give. */
#define OOM_PRIORITY		80

static long quota(struct vb_dev *vb, struct vb_snapshot *s)
{
	s64 pages;

	vb_snapshot(vb, s);
	spin_lock(&vb->policy_lock);
	pages = vb_policy_oom_quota(&vb->policy, s, OOM_MIN_PAGES);
	spin_unlock(&vb->policy_lock);
	return pages;
}

/*
 * The killer does not look for memory again before it strikes. What an earlier
 * victim had may have come back while we were busy, or waited: then nobody else
 * has to die. Return: those pages; 0 when it is less than we should have given.
 */
static long came_meanwhile(const struct vb_snapshot *before, long wanted)
{
	long more = si_mem_available() - before->available;

	return more >= wanted ? more : 0;
}

/*
 * With MUST_TELL_HOST, or behind a migration that is not acknowledged, the
 * deflate work does it. Return: pages released meanwhile.
 */
static long release_by_work(struct vb_dev *vb, long wanted)
{
	long before = atomic64_read(&vb->counters[VB_CNT_oom_deflated_pages]);

	vb_deflate_hand_over(vb, wanted);
	if (vb_must_tell_host(vb))
		vb_wait_handed_over(vb, OOM_WAIT_MS);
	return atomic64_read(&vb->counters[VB_CNT_oom_deflated_pages]) - before;
}

static long release(struct vb_dev *vb, long wanted)
{
	long freed = 0;

	vb_hold_off(vb);
	if (!vb->online)
		freed = vb_deflate_untold(vb, wanted);
	else if (!vb_must_tell_host(vb))
		freed = vb_deflate_nowait(vb, wanted, NUMA_NO_NODE);
	if (!freed)
		return vb->online ? release_by_work(vb, wanted) : 0;
	vb_count(vb, VB_CNT_oom_deflated_pages, freed);
	vb_released(vb);
	vb_deflate_hand_over(vb, 0);
	return freed;
}

/* Context: blocking notifier chain under oom_lock; allocates nothing. */
static int oom_notify(struct notifier_block *nb, unsigned long unused,
		      void *data)
{
	struct vb_dev *vb = container_of(nb, struct vb_dev, oom_nb);
	unsigned long *total_freed = data;
	struct vb_snapshot s;
	long wanted, freed = 0;

	if (!down_read_trylock(&vb->online_sem))
		return NOTIFY_OK;
	vb_count(vb, VB_CNT_oom_calls, 1);
	wanted = quota(vb, &s);
	if (wanted > 0)
		freed = release(vb, wanted);
	up_read(&vb->online_sem);
	trace_vb_oom(vb, wanted, freed, 0);
	if (wanted > 0 && !freed)
		freed = came_meanwhile(&s, wanted);
	*total_freed += freed;
	return NOTIFY_OK;
}

/**
 * vb_oom_register - be asked before the OOM killer strikes
 * @vb: the device; nothing is done without DEFLATE_ON_OOM
 *
 * Return: 0 or a negative errno.
 */
int vb_oom_register(struct vb_dev *vb)
{
	if (!virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM))
		return 0;
	vb->oom_nb.notifier_call = oom_notify;
	vb->oom_nb.priority = OOM_PRIORITY;
	return register_oom_notifier(&vb->oom_nb);
}

/**
 * vb_oom_unregister - the opposite of vb_oom_register()
 * @vb: the device
 *
 * Context: process; waits for a notifier that runs.
 */
void vb_oom_unregister(struct vb_dev *vb)
{
	if (virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM))
		unregister_oom_notifier(&vb->oom_nb);
}
