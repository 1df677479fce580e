// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free page reporting: the kernel names blocks of free memory, which the host
 * may drop until the guest writes to them again.
 */
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>

#include "balloon.h"

/*
 * What leaves the balloon is free before the host has answered, so the kernel may
 * name it while the host still has it in its books.
 */
static bool host_knows_free(struct vb_dev *vb, struct scatterlist *sg)
{
	struct vb_queue *deflate = &vb->queues[VB_VQ_DEFLATE];

	for (; sg; sg = sg_next(sg)) {
		if (vb_queue_names(deflate, sg_page(sg),
				   sg->length >> PAGE_SHIFT))
			return false;
	}
	return true;
}

/*
 * The kernel puts the blocks back on its free lists as soon as this returns,
 * whatever it returns. So once they are posted it waits for as long as the
 * host may take them: until the answer, or a reset.
 */
static int report(struct page_reporting_dev_info *info, struct scatterlist *sg,
		  unsigned int nents)
{
	struct vb_dev *vb = container_of(info, struct vb_dev, reporting);
	struct vb_queue *q = &vb->queues[VB_VQ_REPORT];
	int err = -EBUSY;

	if (test_and_set_bit(VB_REPORT_BUSY, &vb->flags))
		return -EBUSY;
	if (down_read_trylock(&vb->online_sem)) {
		if (vb->online && host_knows_free(vb, sg))
			err = vb_queue_post_in(q, sg, nents);
		if (!err)
			vb_queue_kick(q);
		up_read(&vb->online_sem);
	}
	if (!err)
		vb_queue_wait_quarantined(q);
	clear_bit(VB_REPORT_BUSY, &vb->flags);
	if (err || !READ_ONCE(q->vq))
		return err ?: -ESHUTDOWN;
	for (; sg; sg = sg_next(sg))
		vb_count(vb, VB_CNT_reported_pages, sg->length >> PAGE_SHIFT);
	return 0;
}

static void add_reported(struct vb_dev *vb, struct list_head *chunks)
{
	spin_lock(&vb->reported_lock);
	list_splice_tail_init(chunks, &vb->reported);
	spin_unlock(&vb->reported_lock);
}

/**
 * vb_report_capacity - how many chunks can be reported before they are inflated?
 * @vb: the device
 *
 * Context: the resize worker.
 * Return: as many as one report takes; 0 without a report queue in working
 * order. Whether reports are lawful was settled with the features.
 */
unsigned int vb_report_capacity(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_REPORT];

	if (vb_queue_broken(q) || vb_queue_stalled(q))
		return 0;
	return min(VB_REPORT_CHUNKS, virtqueue_get_vring_size(q->vq));
}

/**
 * vb_report_chunks - have the host drop chunks
 * @vb: the device
 * @chunks: up to vb_report_capacity(); taken over, to appear on vb->reported when
 *	the host has answered: at once, and not dropped, if the queue is taken
 * @nr: how many
 *
 * Context: the resize worker, with no report of its own in flight.
 */
void vb_report_chunks(struct vb_dev *vb, struct list_head *chunks,
		      unsigned int nr)
{
	struct vb_queue *q = &vb->queues[VB_VQ_REPORT];
	struct scatterlist sg[VB_REPORT_CHUNKS];
	unsigned int i = 0;
	struct page *chunk;

	sg_init_table(sg, nr);
	list_for_each_entry(chunk, chunks, lru)
		sg_set_page(&sg[i++], chunk, VB_CHUNK_PAGES << PAGE_SHIFT, 0);

	if (test_and_set_bit(VB_REPORT_BUSY, &vb->flags)) {
		add_reported(vb, chunks);
	} else if (vb_queue_post_in(q, sg, nr)) {
		clear_bit(VB_REPORT_BUSY, &vb->flags);
		add_reported(vb, chunks);
	} else {
		vb_queue_kick(q);
		list_splice_tail_init(chunks, &vb->in_report);
	}
}

/**
 * vb_report_reap - see whether our report was answered
 * @vb: the device
 *
 * Context: the resize worker, or whoever stopped it; does not wait.
 */
void vb_report_reap(struct vb_dev *vb)
{
	struct page *chunk;

	if (list_empty(&vb->in_report) ||
	    vb_queue_in_flight(&vb->queues[VB_VQ_REPORT]))
		return;
	clear_bit(VB_REPORT_BUSY, &vb->flags);
	list_for_each_entry(chunk, &vb->in_report, lru)
		vb_count(vb, VB_CNT_reported_pages, VB_CHUNK_PAGES);
	add_reported(vb, &vb->in_report);
}

/**
 * vb_reported - are there chunks that were reported and not yet inflated?
 * @vb: the device
 *
 * Context: any.
 */
bool vb_reported(struct vb_dev *vb)
{
	return !list_empty_careful(&vb->reported);
}

/**
 * vb_reported_take - take a chunk to inflate it
 * @vb: the device
 * @nid: the node it is to come from, or NUMA_NO_NODE
 *
 * Context: reclaim, does not sleep.
 * Return: a chunk which the host was asked to drop, or NULL.
 */
struct page *vb_reported_take(struct vb_dev *vb, int nid)
{
	struct page *chunk, *found = NULL;

	spin_lock(&vb->reported_lock);
	list_for_each_entry(chunk, &vb->reported, lru) {
		if (nid != NUMA_NO_NODE && page_to_nid(chunk) != nid)
			continue;
		list_del(&chunk->lru);
		found = chunk;
		break;
	}
	if (found)	/* under the lock: vb_report_abandon() sets it to 0 */
		atomic_long_sub(VB_CHUNK_PAGES, &vb->inflating);
	spin_unlock(&vb->reported_lock);
	return found;
}

/**
 * vb_reported_drop - the guest keeps what was only reported so far
 * @vb: the device
 * @chunks: how many at most
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * Context: reclaim, does not sleep.
 * Return: pages that the guest has back.
 */
long vb_reported_drop(struct vb_dev *vb, long chunks, int nid)
{
	struct page *chunk;
	long nr = 0;

	while (nr < chunks && (chunk = vb_reported_take(vb, nid))) {
		vb_chunk_free(chunk);
		nr++;
	}
	return nr * VB_CHUNK_PAGES;
}

/**
 * vb_report_wait - wait for the answer to our report
 * @vb: the device
 *
 * Context: the resize worker, or whoever stopped it.
 * Return: 0 when none is in flight any more, or what vb_queue_wait() says.
 */
int vb_report_wait(struct vb_dev *vb)
{
	int err = 0;

	if (!list_empty(&vb->in_report))
		err = vb_queue_wait(&vb->queues[VB_VQ_REPORT], 0);
	vb_report_reap(vb);
	return err;
}

/**
 * vb_report_abandon - the device was reset: the guest has its chunks back
 * @vb: the device
 *
 * Context: process, the worker is stopped.
 */
void vb_report_abandon(struct vb_dev *vb)
{
	if (!list_empty(&vb->in_report))
		clear_bit(VB_REPORT_BUSY, &vb->flags);
	vb_chunks_free(&vb->in_report);
	vb_reported_drop(vb, LONG_MAX, NUMA_NO_NODE);
	atomic_long_set(&vb->inflating, 0);
}

/**
 * vb_reporting_register - become the one who reports free pages
 * @vb: the device; nothing is done without REPORTING
 *
 * A second balloon finds the place taken, and does without.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int vb_reporting_register(struct vb_dev *vb)
{
	struct page_reporting_dev_info *info = &vb->reporting;
	unsigned int capacity;
	int err;

	if (!vb->queues[VB_VQ_REPORT].vq)
		return 0;
	capacity = virtqueue_get_vring_size(vb->queues[VB_VQ_REPORT].vq);
	memset(info, 0, sizeof(*info));
	info->report = report;
	info->order = PAGE_REPORTING_ORDER_UNSPECIFIED;
	/* A block of the default order would be 512 MiB there; take 2 MiB. */
	if (IS_ENABLED(CONFIG_ARM64_64K_PAGES))
		info->order = 5;
	err = page_reporting_set_capacity(info, capacity);
	if (err) {
		dev_warn(&vb->vdev->dev,
			 "report queue of %u entries is too small for this kernel: free pages are not reported\n",
			 capacity);
		return 0;
	}
	err = page_reporting_register(info);
	vb->reporting_on = !err;
	if (err == -EBUSY)
		dev_info(&vb->vdev->dev,
			 "another device reports the free pages already\n");
	return err == -EBUSY ? 0 : err;
}

/**
 * vb_reporting_unregister - the opposite of vb_reporting_register()
 * @vb: the device, which was reset: a report in flight has ended
 *
 * Context: process, may sleep.
 */
void vb_reporting_unregister(struct vb_dev *vb)
{
	if (vb->reporting_on)
		page_reporting_unregister(&vb->reporting);
	vb->reporting_on = false;
}
