// SPDX-License-Identifier: GPL-2.0-only
/*
 * Auto-deflate: reclaim takes pages back while the guest is in need, and only
 * then. A busy page cache, drop_caches, a write to memory.reclaim or the
 * balloon's own growth are no need: they find nothing here.
 *
 * How reclaim asks. do_shrink_slab() learns from count how many pages there
 * are, and works out how many to scan:
 *
 *	delta = (count >> priority) * 4 / seeks		or, where seeks is 0,
 *	delta = count / 2
 *
 * then calls scan with a batch at a time, for as long as a whole batch is left.
 * Priority begins at 12, where that is 1/2048 of the count with the default
 * seeks of 2. So with the default batch of 128 pages the first call would come
 * at a balloon of 128 * 2048 pages, 1 GiB; with a batch of 1024, at 8 GiB. What
 * a smaller balloon is owed adds up from pass to pass, while the guest swaps.
 *
 * Hence seeks = 0: half of the count at any priority. And the count is the
 * double of the need and a batch, so that delta is the need and a batch: the
 * first pass already asks for all of the need, in whole batches. The count may
 * be more than the balloon has, which only makes reclaim ask once too often:
 * scan says SHRINK_STOP when the need is met.
 * What reclaim believes to be owed then (nr_deferred, at most twice the count)
 * gets the same answer.
 *
 * Not aware of memory cgroups: then reclaim on behalf of a cgroup's own limit
 * never comes here, on any kernel.
 *
 * Contexts. Count and scan run in kswapd, in direct reclaim and in reclaim that
 * user space asks for; under any lock that its caller may allocate with, and
 * with GFP_NOFS or GFP_NOIO; and all at once on several processors. They take
 * online_sem with a trylock, else spinlocks under which nobody allocates or
 * waits, and post to the host without waiting for it.
 */
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/workqueue.h>

#include "balloon.h"
#include "trace.h"

/* The balloon must not be shrunk by its own growth, nor by another balloon's. */
static bool is_our_worker(void)
{
	struct work_struct *work = current_work();

	return work && (work->func == vb_resize_work ||
			work->func == vb_deflate_work);
}

/* Reclaim of all kinds has PF_MEMALLOC; drop_caches and debugfs have not. */
static bool is_reclaim(void)
{
	return (current->flags & PF_MEMALLOC) && !is_our_worker();
}

static unsigned long count_pages(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct vb_dev *vb = shrinker->private_data;

	/* Counts from the next pass on. */
	WRITE_ONCE(shrinker->batch, READ_ONCE(vb->policy.tune.deflate_batch));
	if (!vb_store_node_pages(&vb->store, sc->nid) || !is_reclaim())
		return 0;
	return vb_offer(vb, sc->nid);
}

static long release(struct vb_dev *vb, struct shrink_control *sc)
{
	long most = min_t(unsigned long, sc->nr_to_scan,
			  vb_store_node_pages(&vb->store, sc->nid));
	long granted, freed = 0;

	granted = vb_grant_need(vb, sc->nid, most);
	if (granted)
		freed = vb_release(vb, VB_WHY_NEED, granted, sc->nid);
	trace_vb_shrink_scan(vb, sc->nid, sc->nr_to_scan, granted, freed);
	return freed;
}

static unsigned long scan_pages(struct shrinker *shrinker,
				struct shrink_control *sc)
{
	struct vb_dev *vb = shrinker->private_data;
	long freed;

	/* Shrinker debugfs comes here without count. */
	if (!is_reclaim() || !down_read_trylock(&vb->online_sem))
		return SHRINK_STOP;
	freed = release(vb, sc);
	up_read(&vb->online_sem);
	if (!freed)
		return SHRINK_STOP;
	sc->nr_scanned = freed;
	/* What is returned does not count as progress, but this does. */
	mm_account_reclaimed_pages(freed);
	return freed;
}

/**
 * vb_shrinker_register - have reclaim take pages back
 * @vb: the device
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int vb_shrinker_register(struct vb_dev *vb)
{
	struct shrinker *shrinker;

	shrinker = shrinker_alloc(SHRINKER_NUMA_AWARE, "virtio-balloon");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = count_pages;
	shrinker->scan_objects = scan_pages;
	shrinker->seeks = 0;
	shrinker->batch = vb->policy.tune.deflate_batch;
	shrinker->private_data = vb;
	shrinker_register(shrinker);
	vb->shrinker = shrinker;
	return 0;
}

/**
 * vb_shrinker_unregister - the opposite of vb_shrinker_register()
 * @vb: the device
 *
 * Context: process; waits for a scan that runs.
 */
void vb_shrinker_unregister(struct vb_dev *vb)
{
	shrinker_free(vb->shrinker);
}
