// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtqueues as a whole: finding them, their messages, their interrupts,
 * and the reset that ends them.
 */
#include <linux/slab.h>
#include <linux/virtio_config.h>

#include "balloon.h"

/* In the order of their numbers; a feature of -1 is always there. */
static const struct {
	const char *name;
	int feature;
} queue_table[VB_VQ_NR] = {
	[VB_VQ_INFLATE] = { "inflate", -1 },
	[VB_VQ_DEFLATE] = { "deflate", -1 },
	[VB_VQ_STATS] = { "stats", VIRTIO_BALLOON_F_STATS_VQ },
	[VB_VQ_HINT] = { "hint", VIRTIO_BALLOON_F_FREE_PAGE_HINT },
	[VB_VQ_REPORT] = { "report", VIRTIO_BALLOON_F_REPORTING },
	[VB_VQ_PRESSURE] = { "pressure", VIRTIO_BALLOON_F_HOST_PRESSURE },
};

/* The transport has vq->priv for itself. */
static struct vb_queue *find_queue(struct virtqueue *vq)
{
	struct vb_dev *vb = vq->vdev->priv;
	enum vb_vq i;

	for (i = 0; i < VB_VQ_NR; i++) {
		if (READ_ONCE(vb->queues[i].vq) == vq)
			return &vb->queues[i];
	}
	return NULL;
}

/* Context: hard interrupt; possibly a spurious one, while queues come or go. */
static void queue_answered(struct virtqueue *vq)
{
	struct vb_queue *q = find_queue(vq);

	if (!q)
		return;
	wake_up(&q->wait);
	/*
	 * Pairs with the barrier in mark_stalled(): either the waiter sees
	 * this answer in the ring, or we see that it gave up waiting.
	 */
	smp_mb();
	if (vb_queue_stalled(q))
		vb_kick_resize(q->vb);
	if (READ_ONCE(q->held))
		vb_deflate_look_after(q->vb);
}

static vq_callback_t *callback_of(enum vb_vq i)
{
	switch (i) {
	case VB_VQ_STATS:
		return vb_stats_request;
	case VB_VQ_PRESSURE:
		return vb_pressure_answered;
	default:
		return queue_answered;
	}
}

static int bufs_alloc(struct vb_queue *q, unsigned int nr)
{
	unsigned int i;

	nr = min(nr, virtqueue_get_vring_size(q->vq));
	q->bufs = kcalloc(nr, sizeof(*q->bufs), GFP_KERNEL);
	if (!q->bufs)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		struct vb_buf *buf = &q->bufs[i];

		INIT_LIST_HEAD(&buf->pages);
		buf->pfns = kmalloc_array(VB_BUF_PFNS, sizeof(*buf->pfns),
					  GFP_KERNEL);
		if (!buf->pfns)
			return -ENOMEM;
		list_add_tail(&buf->node, &q->free);
		q->nr_bufs++;
	}
	return 0;
}

static void bufs_free(struct vb_queue *q)
{
	unsigned int i;

	for (i = 0; i < q->nr_bufs; i++) {
		struct vb_buf *buf = &q->bufs[i];

		vb_pages_free(&buf->pages);
		if (buf->held)
			put_page(buf->held);
		if (buf->chunk && !vb_chunk_more_parts(buf->chunk))
			vb_chunk_free(buf->chunk);
		kfree(buf->pfns);
	}
	kfree(q->bufs);
	q->bufs = NULL;
	q->nr_bufs = 0;
	INIT_LIST_HEAD(&q->free);
	INIT_LIST_HEAD(&q->done);
}

/**
 * vb_queues_init - before anything else is done with the queues
 * @vb: the device
 */
void vb_queues_init(struct vb_dev *vb)
{
	enum vb_vq i;

	for (i = 0; i < VB_VQ_NR; i++) {
		struct vb_queue *q = &vb->queues[i];

		q->vb = vb;
		q->name = queue_table[i].name;
		spin_lock_init(&q->lock);
		init_waitqueue_head(&q->wait);
		INIT_LIST_HEAD(&q->free);
		INIT_LIST_HEAD(&q->done);
	}
}

/* Fewer messages than descriptors, so that adding one never finds no room. */
static int queues_alloc_bufs(struct vb_dev *vb)
{
	int err;

	err = bufs_alloc(&vb->queues[VB_VQ_INFLATE], VB_INFLATE_BUFS);
	return err ?: bufs_alloc(&vb->queues[VB_VQ_DEFLATE], VB_DEFLATE_BUFS);
}

/**
 * vb_queues_create - find the virtqueues and allocate their messages
 * @vb: the device; its queues are unused or were reset
 *
 * Queues are numbered densely over what was negotiated, as the transports of
 * Linux and the hypervisors do.
 *
 * Context: process.
 * Return: 0 or a negative errno, with nothing left behind.
 */
int vb_queues_create(struct vb_dev *vb)
{
	struct virtqueue_info info[VB_VQ_NR] = {};
	struct virtqueue *vqs[VB_VQ_NR] = {};
	enum vb_vq i;
	int err;

	for (i = 0; i < VB_VQ_NR; i++) {
		if (queue_table[i].feature >= 0 &&
		    !virtio_has_feature(vb->vdev, queue_table[i].feature))
			continue;
		info[i].name = queue_table[i].name;
		info[i].callback = callback_of(i);
	}
	err = virtio_find_vqs(vb->vdev, VB_VQ_NR, vqs, info, NULL);
	if (err)
		return err;
	for (i = 0; i < VB_VQ_NR; i++)
		WRITE_ONCE(vb->queues[i].vq, vqs[i]);
	err = queues_alloc_bufs(vb);
	if (err)
		vb_queues_reset(vb);
	return err;
}

/**
 * vb_queues_reset - reset the device and let go of the virtqueues
 * @vb: the device
 *
 * When the reset has completed the host touches nothing any more: whatever
 * was quarantined is free, and who waits for it is told.
 *
 * Context: process. Nobody posts any more: the workers are stopped and
 * @vb->online is false.
 */
void vb_queues_reset(struct vb_dev *vb)
{
	enum vb_vq i;

	virtio_reset_device(vb->vdev);
	for (i = 0; i < VB_VQ_NR; i++) {
		struct vb_queue *q = &vb->queues[i];

		spin_lock_irq(&q->lock);
		WRITE_ONCE(q->vq, NULL);
		q->in_flight = 0;
		q->unowned = 0;
		q->held = 0;
		q->flags = 0;
		spin_unlock_irq(&q->lock);
		wake_up_all(&q->wait);
		bufs_free(q);
	}
	vb->vdev->config->del_vqs(vb->vdev);
}
