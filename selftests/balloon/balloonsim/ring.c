// SPDX-License-Identifier: GPL-2.0-only
/*
 * Split rings from the device's side. The driver's ring lies in the same
 * memory, so the addresses that it gave to the device map directly.
 *
 * Buffers are fetched in the driver's own notification, so that the books see
 * requests in the order in which the driver made them, not in that in which a
 * thread came round to look.
 */
#include <linux/io.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "balloonsim.h"

static void bsim_queue_irq(struct irq_work *work)
{
	struct bsim_queue *q = container_of(work, struct bsim_queue, irq);
	struct virtqueue *vq = READ_ONCE(q->vq);

	if (!vq)
		return;
	q->interrupts++;
	vring_interrupt(0, vq);
}

/* Everything that serving needs is allocated now: a host needs no guest memory. */
int bsim_queue_init(struct bsim *sim, struct bsim_queue *q)
{
	unsigned int i, num = sim->setup.ring_size;

	q->sim = sim;
	q->irq = IRQ_WORK_INIT(bsim_queue_irq);
	INIT_LIST_HEAD(&q->idle);
	INIT_LIST_HEAD(&q->waiting);

	q->bufs = kvcalloc(num, sizeof(*q->bufs), GFP_KERNEL);
	if (!q->bufs)
		return -ENOMEM;
	if (q->role == BSIM_INFLATE || q->role == BSIM_DEFLATE) {
		q->pfns = kvcalloc(num, BSIM_PFNS_MAX * sizeof(*q->pfns), GFP_KERNEL);
		if (!q->pfns)
			return -ENOMEM;
	}

	for (i = 0; i < num; i++) {
		list_add_tail(&q->bufs[i].node, &q->idle);
		if (q->pfns)
			q->bufs[i].pfns = q->pfns + i * BSIM_PFNS_MAX;
	}
	return 0;
}

void bsim_queue_exit(struct bsim_queue *q)
{
	kvfree(q->pfns);
	kvfree(q->bufs);
}

/* The driver has set up its half of the queue. */
void bsim_queue_attach(struct bsim_queue *q, struct virtqueue *vq)
{
	unsigned long flags;

	spin_lock_irqsave(&q->sim->lock, flags);
	q->ring.num = virtqueue_get_vring_size(vq);
	q->ring.desc = phys_to_virt(virtqueue_get_desc_addr(vq));
	q->ring.avail = phys_to_virt(virtqueue_get_avail_addr(vq));
	q->ring.used = phys_to_virt(virtqueue_get_used_addr(vq));
	q->last_avail = 0;
	q->used_idx = 0;
	q->bad = false;
	strscpy(q->name, vq->name, sizeof(q->name));
	WRITE_ONCE(q->vq, vq);
	spin_unlock_irqrestore(&q->sim->lock, flags);
}

/* The driver takes its ring back: from here on nobody looks at it. */
void bsim_queue_detach(struct bsim_queue *q)
{
	unsigned long flags;

	mutex_lock(&q->sim->service);
	spin_lock_irqsave(&q->sim->lock, flags);
	WRITE_ONCE(q->vq, NULL);
	list_splice_tail_init(&q->waiting, &q->idle);
	spin_unlock_irqrestore(&q->sim->lock, flags);
	mutex_unlock(&q->sim->service);

	irq_work_sync(&q->irq);
}

static void queue_is_bad(struct bsim_queue *q, const char *why, unsigned int value)
{
	q->bad = true;
	bsim_violation(q->sim, "ring: queue %u, %s %u", q->index, why, value);
}

static void fetch_one(struct bsim_queue *q)
{
	struct bsim *sim = q->sim;
	struct bsim_buf *b;
	u16 slot, head;
	u64 size;

	slot = q->last_avail & (q->ring.num - 1);
	head = virtio16_to_cpu(&sim->vdev, READ_ONCE(q->ring.avail->ring[slot]));
	q->last_avail++;

	if (head >= q->ring.num) {
		queue_is_bad(q, "available descriptor", head);
		return;
	}

	b = list_first_entry_or_null(&q->idle, struct bsim_buf, node);
	if (!b) {
		queue_is_bad(q, "more buffers than descriptors, at", q->last_avail);
		return;
	}

	b->head = head;
	b->taken = false;
	b->nr_pfns = 0;
	list_move_tail(&b->node, &q->waiting);
	q->buffers++;
	size = sim->books.held + sim->books.inflating;
	bsim_request_fetched(q, b);
	bsim_traffic_message(q, size);
}

/* Reads what the driver has made available since the last time. */
void bsim_queue_fetch(struct bsim_queue *q)
{
	struct bsim *sim = q->sim;
	u16 avail;

	lockdep_assert_held(&sim->lock);

	if (!q->vq || q->bad || sim->gone || !(sim->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;

	for (;;) {
		avail = virtio16_to_cpu(&sim->vdev, READ_ONCE(q->ring.avail->idx));
		/* the ring's entries were written before its index */
		virtio_rmb(false);

		if ((u16)(avail - q->last_avail) > q->ring.num) {
			queue_is_bad(q, "available index", avail);
			return;
		}
		if (avail == q->last_avail)
			return;

		while (q->last_avail != avail && !q->bad)
			fetch_one(q);
		if (q->bad)
			return;

		/* "tell me about the next one"; then look again, it may have come */
		if (bsim_has(sim, VIRTIO_RING_F_EVENT_IDX))
			WRITE_ONCE(vring_avail_event(&q->ring),
				   cpu_to_virtio16(&sim->vdev, q->last_avail));
		virtio_mb(false);
	}
}

bool bsim_notify(struct virtqueue *vq)
{
	struct bsim *sim = to_bsim(vq->vdev);
	struct bsim_queue *q = vq->priv;
	unsigned long flags;

	spin_lock_irqsave(&sim->lock, flags);
	q->kicks++;
	bsim_queue_fetch(q);
	spin_unlock_irqrestore(&sim->lock, flags);

	bsim_serve_wake(sim);
	return true;
}

static bool driver_wants_interrupt(struct bsim_queue *q, u16 old)
{
	struct virtio_device *vdev = &q->sim->vdev;

	if (bsim_has(q->sim, VIRTIO_RING_F_EVENT_IDX)) {
		__virtio16 event = READ_ONCE(vring_used_event(&q->ring));

		return vring_need_event(virtio16_to_cpu(vdev, event),
					q->used_idx, old);
	}

	return !(virtio16_to_cpu(vdev, READ_ONCE(q->ring.avail->flags)) &
		 VRING_AVAIL_F_NO_INTERRUPT);
}

/* Gives a buffer back to the driver. */
void bsim_queue_use(struct bsim_queue *q, struct bsim_buf *b, u32 len)
{
	struct virtio_device *vdev = &q->sim->vdev;
	u16 slot = q->used_idx & (q->ring.num - 1);
	u16 old = q->used_idx;

	lockdep_assert_held(&q->sim->lock);

	q->ring.used->ring[slot].id = cpu_to_virtio32(vdev, b->head);
	q->ring.used->ring[slot].len = cpu_to_virtio32(vdev, len);
	/* the entry, and all that was done for it, before the index */
	virtio_wmb(false);
	q->used_idx++;
	WRITE_ONCE(q->ring.used->idx, cpu_to_virtio16(vdev, q->used_idx));
	list_move_tail(&b->node, &q->idle);

	/* the index before the question whether the driver sleeps */
	virtio_mb(false);
	if (driver_wants_interrupt(q, old))
		irq_work_queue(&q->irq);
}

void bsim_walk_start(struct bsim_walk *w, struct bsim_queue *q, u16 head)
{
	w->q = q;
	w->table = q->ring.desc;
	w->num = q->ring.num;
	w->next = head;
	w->left = q->ring.num;
	w->indirect = false;
}

static bool enter_indirect(struct bsim_walk *w, u64 addr, u32 len)
{
	struct bsim *sim = w->q->sim;
	void *table = bsim_host_map(addr, len);

	if (!table || len % sizeof(struct vring_desc) || w->indirect ||
	    !bsim_has(sim, VIRTIO_RING_F_INDIRECT_DESC)) {
		bsim_violation(sim, "ring: queue %u, indirect table of %u bytes at %#llx",
			       w->q->index, len, addr);
		return false;
	}

	w->table = table;
	w->num = len / sizeof(struct vring_desc);
	w->next = 0;
	w->left = w->num;
	w->indirect = true;
	return true;
}

/* The next piece of a buffer; false at its end. */
bool bsim_walk_next(struct bsim_walk *w, struct bsim_segment *seg)
{
	struct virtio_device *vdev = &w->q->sim->vdev;
	struct vring_desc *d;
	u16 flags;

	for (;;) {
		if (!w->left || w->next >= w->num)
			return false;

		d = &w->table[w->next];
		flags = virtio16_to_cpu(vdev, d->flags);
		seg->addr = virtio64_to_cpu(vdev, d->addr);
		seg->len = virtio32_to_cpu(vdev, d->len);
		if (!(flags & VRING_DESC_F_INDIRECT))
			break;
		if (!enter_indirect(w, seg->addr, seg->len))
			return false;
	}

	seg->writable = flags & VRING_DESC_F_WRITE;
	seg->indirect = w->indirect;
	w->left = flags & VRING_DESC_F_NEXT ? w->left - 1 : 0;
	w->next = virtio16_to_cpu(vdev, d->next);
	return true;
}
