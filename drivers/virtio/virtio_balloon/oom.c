// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last resort: give pages back before the OOM killer picks a victim.
 *
 * Below the target only with DEFLATE_ON_OOM, without which the host's demand
 * stands. Bounded in pages and in time; the offset moves to what is left, so
 * that the worker does not take it straight back.
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

/*
 * The killer does not look for memory again before it strikes, and what an
 * earlier victim had may have come back meanwhile: then nobody else has to die.
 * But what is there may be of no use to who asks, who is bound to a node, say.
 * So it is sent to look again once, and not twice in a row.
 * Return: pages that it should find.
 */
static long look_again(struct vb_dev *vb)
{
	long available = si_mem_available();

	vb->oom_again = !vb->oom_again && available >= (long)OOM_MIN_PAGES;
	return vb->oom_again ? available : 0;
}

/*
 * With MUST_TELL_HOST the deflate work does it, and the killer may wait a moment
 * for the host's answer. Return: pages released meanwhile.
 */
static long wait_for_work(struct vb_dev *vb)
{
	/* Whatever it is counted as: others may have handed over, too. */
	atomic64_t *count = &vb->counters[VB_CNT_deflated_pages];
	long before = atomic64_read(count);

	vb_wait_handed_over(vb, OOM_WAIT_MS);
	return atomic64_read(count) - before;
}

static long release(struct vb_dev *vb)
{
	long granted = vb_grant_oom(vb, OOM_MIN_PAGES);
	long freed;

	if (!granted)
		return 0;
	vb_count(vb, VB_CNT_oom_calls, 1);
	freed = vb_release(vb, VB_WHY_OOM, granted, NUMA_NO_NODE);
	if (!freed && vb->online && vb_must_tell_host(vb))
		freed = wait_for_work(vb);
	trace_vb_oom(vb, granted, freed, 0);
	return freed ? freed : look_again(vb);
}

/* Context: blocking notifier chain under oom_lock; allocates nothing. */
static int oom_notify(struct notifier_block *nb, unsigned long unused,
		      void *data)
{
	struct vb_dev *vb = container_of(nb, struct vb_dev, oom_nb);
	unsigned long *total_freed = data;
	long freed = vb_hint_return(vb, OOM_MIN_PAGES);

	if (!freed && down_read_trylock(&vb->online_sem)) {
		freed = release(vb);
		up_read(&vb->online_sem);
	}
	*total_freed += freed;
	return NOTIFY_OK;
}

/**
 * vb_oom_register - be asked before the OOM killer strikes
 * @vb: the device
 *
 * Return: 0 or a negative errno.
 */
int vb_oom_register(struct vb_dev *vb)
{
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
	unregister_oom_notifier(&vb->oom_nb);
}
