// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only room that posts to the host or waits for it.
 *
 * Every wait ends: by an answer, a broken queue, removal, or a time-out that
 * is logged and marks the device stalled. What the host was told of and has
 * not acknowledged stays quarantined on its message, until the answer comes,
 * however late, or a device reset has completed.
 */
#include <linux/scatterlist.h>

#include "balloon.h"
#include "trace.h"

static bool carries_nothing(struct vb_queue *q, struct vb_buf *buf)
{
	return q->nr_bufs && list_empty(&buf->pages) && !buf->held &&
	       !buf->chunk;
}

/* Caller holds q->lock. @sign: 1 when @buf is posted, -1 when acknowledged. */
static void count_in_flight(struct vb_queue *q, struct vb_buf *buf, int sign)
{
	lockdep_assert_held(&q->lock);

	q->in_flight += sign;
	if (!q->nr_bufs)
		return;
	buf->in_flight = sign > 0;
	if (carries_nothing(q, buf))
		q->unowned += sign;
	if (buf->held)
		q->held += sign;
}

/* @sg: @out entries that the device reads, @in that it writes; or one of each. */
static int queue_add(struct vb_queue *q, struct scatterlist *sg,
		     unsigned int out, unsigned int in, void *token)
{
	struct scatterlist *both[] = { sg, sg + 1 };
	unsigned long flags;
	int err = -ESHUTDOWN;

	spin_lock_irqsave(&q->lock, flags);
	if (q->vq && out && in)
		err = virtqueue_add_sgs(q->vq, both, 1, 1, token, GFP_ATOMIC);
	else if (q->vq && out)
		err = virtqueue_add_outbuf(q->vq, sg, out, token, GFP_ATOMIC);
	else if (q->vq)
		err = virtqueue_add_inbuf(q->vq, sg, in, token, GFP_ATOMIC);
	if (!err) {
		count_in_flight(q, token, 1);
		q->news = true;
	}
	spin_unlock_irqrestore(&q->lock, flags);
	return err;
}

static int post_pfns(struct vb_queue *q, struct vb_buf *buf)
{
	struct scatterlist sg;

	sg_init_one(&sg, buf->pfns, buf->nr_pfns * sizeof(*buf->pfns));
	return queue_add(q, &sg, 1, 0, buf);
}

/**
 * vb_queue_post - put a message of page numbers on the ring
 * @q: inflate or deflate queue
 * @buf: the message; its page numbers are put in ascending order, since
 *	hypervisors merge neighbours only as they come
 *
 * The host need not notice before vb_queue_kick().
 *
 * Context: any, reclaim included: allocates nothing.
 * Return: 0; or -EIO on a broken queue, -ESHUTDOWN when offline: the message
 * is still the caller's.
 */
int vb_queue_post(struct vb_queue *q, struct vb_buf *buf)
{
	vb_buf_sort(q, buf);
	return post_pfns(q, buf);
}

/**
 * vb_queue_post_chunk - put the messages that name a chunk on the ring
 * @q: inflate or deflate queue
 * @chunk: the chunk
 * @quarantine: the messages keep the chunk until all of them are acknowledged
 *
 * Context: any, reclaim included: allocates nothing.
 * Return: 0; -EAGAIN without enough messages at rest; or as vb_queue_post():
 * the chunk is still the caller's.
 */
int vb_queue_post_chunk(struct vb_queue *q, struct page *chunk, bool quarantine)
{
	struct vb_buf *bufs[VB_CHUNK_BUFS];
	unsigned int got, posted = 0;
	int err = 0;

	for (got = 0; got < VB_CHUNK_BUFS && !err; got++) {
		bufs[got] = vb_buf_get(q);
		if (!bufs[got]) {
			err = -EAGAIN;
			break;
		}
		vb_buf_set_part(q, bufs[got], chunk, got);
		bufs[got]->chunk = quarantine ? chunk : NULL;
	}
	set_page_private(chunk, VB_CHUNK_BUFS);
	while (!err && posted < VB_CHUNK_BUFS) {
		err = post_pfns(q, bufs[posted]);
		posted += !err;
	}
	/* Broken in between: the host may take it, so only a reset frees it. */
	if (!err || (quarantine && posted))
		return 0;
	while (got-- > posted) {
		bufs[got]->chunk = NULL;
		vb_buf_put(q, bufs[got]);
	}
	return err;
}

/**
 * vb_queue_post_out - put data for the device on a ring
 * @q: a queue without page numbers
 * @data: what the device reads, while the message is in flight
 * @len: bytes
 *
 * Context: process.
 * Return: 0, -ENOSPC, -EIO or -ESHUTDOWN.
 */
int vb_queue_post_out(struct vb_queue *q, void *data, unsigned int len)
{
	struct scatterlist sg;

	sg_init_one(&sg, data, len);
	return queue_add(q, &sg, 1, 0, q);
}

/**
 * vb_queue_post_in - put memory that the device may overwrite on a ring
 * @q: a queue without page numbers
 * @sg: the memory
 * @nents: entries of @sg
 *
 * Context: process.
 * Return: 0, -ENOSPC, -EIO or -ESHUTDOWN.
 */
int vb_queue_post_in(struct vb_queue *q, struct scatterlist *sg,
		     unsigned int nents)
{
	return queue_add(q, sg, 0, nents, q);
}

/**
 * vb_queue_post_exchange - put data for the device, and room for its own, on a ring
 * @q: a queue without page numbers
 * @out: what the device reads, while the message is in flight
 * @out_len: bytes
 * @in: what it writes
 * @in_len: bytes; how many it wrote is in @q->written afterwards
 *
 * Context: process.
 * Return: 0, -ENOSPC, -EIO or -ESHUTDOWN.
 */
int vb_queue_post_exchange(struct vb_queue *q, void *out, unsigned int out_len,
			   void *in, unsigned int in_len)
{
	struct scatterlist sg[2];

	sg_init_one(&sg[0], out, out_len);
	sg_init_one(&sg[1], in, in_len);
	return queue_add(q, sg, 1, 1, q);
}

/**
 * vb_queue_kick - tell the host to look at the ring
 * @q: any queue
 *
 * Context: any; the caller keeps the device online.
 */
void vb_queue_kick(struct vb_queue *q)
{
	unsigned long flags;
	ktime_t start;
	bool notify;
	u32 took;

	spin_lock_irqsave(&q->lock, flags);
	notify = q->vq && q->news && virtqueue_kick_prepare(q->vq);
	q->news = false;
	spin_unlock_irqrestore(&q->lock, flags);
	if (!notify)
		return;
	start = ktime_get();
	virtqueue_notify(q->vq);
	took = ktime_us_delta(ktime_get(), start);
	if (took > READ_ONCE(q->vb->kick_us))
		WRITE_ONCE(q->vb->kick_us, took);
}

/**
 * vb_queue_remind - tell the host again, who may have looked away meanwhile
 * @q: any queue
 *
 * Context: any; the caller keeps the device online.
 */
void vb_queue_remind(struct vb_queue *q)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	q->news = true;
	spin_unlock_irqrestore(&q->lock, flags);
	vb_queue_kick(q);
}

/**
 * vb_queue_reap - collect acknowledgments
 * @q: any queue
 *
 * Messages that quarantine pages go to the done list, for whoever owns them;
 * the others are at rest again. The length that the device claims to have
 * written means nothing where it has nothing to write.
 *
 * Context: any.
 * Return: how many were acknowledged.
 */
unsigned int vb_queue_reap(struct vb_queue *q)
{
	unsigned int len, nr = 0;
	unsigned long flags;
	struct vb_buf *buf;

	spin_lock_irqsave(&q->lock, flags);
	while (q->vq && (buf = virtqueue_get_buf(q->vq, &len))) {
		nr++;
		q->acked++;
		q->written = len;
		count_in_flight(q, buf, -1);
		if (!q->nr_bufs)
			continue;
		if (buf->chunk && vb_chunk_more_parts(buf->chunk))
			buf->chunk = NULL;
		list_add_tail(&buf->node, carries_nothing(q, buf) ? &q->free :
								    &q->done);
	}
	spin_unlock_irqrestore(&q->lock, flags);

	if (!nr)
		return 0;
	/* The interrupt finds nothing any more, and wakes nobody: we do. */
	wake_up_all(&q->wait);
	if (test_and_clear_bit(VB_Q_STALLED, &q->flags)) {
		vb_count(q->vb, VB_CNT_late_acks, 1);
		dev_info(&q->vb->vdev->dev, "%s queue: the host answers again\n",
			 q->name);
	}
	return nr;
}

/**
 * vb_queue_next_done - take an acknowledged message with quarantined pages
 * @q: inflate or deflate queue
 *
 * Context: any.
 * Return: the message, to be emptied and given to vb_buf_put(); or NULL.
 */
struct vb_buf *vb_queue_next_done(struct vb_queue *q)
{
	struct vb_buf *buf;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	buf = list_first_entry_or_null(&q->done, struct vb_buf, node);
	if (buf)
		list_del_init(&buf->node);
	spin_unlock_irqrestore(&q->lock, flags);
	return buf;
}

/**
 * vb_queue_has_done - is there something for vb_queue_next_done()?
 * @q: inflate or deflate queue
 *
 * Context: any.
 * Return: true if there is.
 */
bool vb_queue_has_done(struct vb_queue *q)
{
	return !list_empty_careful(&q->done);
}

/**
 * vb_queue_in_flight - messages that the host has not acknowledged
 * @q: any queue
 *
 * Context: any.
 * Return: their number, after collecting what has been acknowledged.
 */
unsigned int vb_queue_in_flight(struct vb_queue *q)
{
	vb_queue_reap(q);
	return READ_ONCE(q->in_flight);
}

/**
 * vb_queue_unowned - messages in flight that quarantine nothing
 * @q: inflate or deflate queue
 *
 * Context: any.
 * Return: their number, after collecting what has been acknowledged.
 */
unsigned int vb_queue_unowned(struct vb_queue *q)
{
	vb_queue_reap(q);
	return READ_ONCE(q->unowned);
}

/**
 * vb_queue_names - does a message in flight name any of these pages?
 * @q: inflate or deflate queue
 * @page: the first of neighbouring pages
 * @nr: how many
 *
 * Context: any.
 * Return: true until the host has acknowledged all that name it.
 */
bool vb_queue_names(struct vb_queue *q, struct page *page, unsigned long nr)
{
	bool found = false;
	unsigned long flags;
	unsigned int i;

	if (!vb_queue_in_flight(q))
		return false;
	spin_lock_irqsave(&q->lock, flags);
	for (i = 0; i < q->nr_bufs && !found; i++)
		found = q->bufs[i].in_flight &&
			vb_buf_names(q, &q->bufs[i], page, nr);
	spin_unlock_irqrestore(&q->lock, flags);
	return found;
}

/**
 * vb_queue_broken - is the queue beyond use?
 * @q: any queue
 *
 * Context: any; the caller keeps the device online.
 * Return: true when the transport gave it up, or there is none.
 */
bool vb_queue_broken(struct vb_queue *q)
{
	struct virtqueue *vq = READ_ONCE(q->vq);

	return !vq || virtqueue_is_broken(vq);
}

static unsigned long timeout_jiffies(void)
{
	return msecs_to_jiffies(vb_host_timeout_ms());
}

static void mark_stalled(struct vb_queue *q)
{
	if (test_and_set_bit(VB_Q_STALLED, &q->flags))
		return;
	vb_count(q->vb, VB_CNT_stalls, 1);
	dev_warn(&q->vb->vdev->dev,
		 "%s queue: no answer from the host for %u ms; stalled until it answers\n",
		 q->name, vb_host_timeout_ms());
	smp_mb();	/* pairs with queue_answered() */
	vb_queue_reap(q);
}

static bool progress(struct vb_queue *q, unsigned long seen)
{
	vb_queue_reap(q);
	return READ_ONCE(q->acked) != seen;
}

static bool stop_waiting(struct vb_queue *q)
{
	return READ_ONCE(q->vb->hurry) || vb_queue_broken(q);
}

static int why_stop_waiting(struct vb_queue *q)
{
	if (vb_queue_broken(q))
		return -EIO;
	if (READ_ONCE(q->vb->hurry))
		return -ESHUTDOWN;
	return vb_queue_stalled(q) ? -ETIMEDOUT : 0;
}

/* The clock of the time-out starts again with each acknowledgment. */
static int wait_until(struct vb_queue *q, const unsigned int *count,
		      unsigned int max)
{
	ktime_t start = 0;
	unsigned long seen;
	int err = 0;

	for (;;) {
		vb_queue_reap(q);
		seen = READ_ONCE(q->acked);
		if (READ_ONCE(*count) <= max)
			break;
		err = why_stop_waiting(q);
		if (err)
			break;
		if (!start)
			start = ktime_get();
		vb_queue_kick(q);
		if (!wait_event_idle_timeout(q->wait, progress(q, seen) ||
					     stop_waiting(q),
					     timeout_jiffies()))
			mark_stalled(q);
	}
	if (start)
		trace_vb_host_wait(q->vb, q - q->vb->queues, err,
				   ktime_us_delta(ktime_get(), start));
	return err;
}

/**
 * vb_queue_wait - wait until the host has caught up
 * @q: any queue
 * @max_in_flight: how many messages may still be in flight
 *
 * Context: process, may sleep, not in reclaim.
 * Return: 0; -EIO: the queue is broken; -ESHUTDOWN: the workers are being
 * stopped; -ETIMEDOUT: the device is stalled.
 */
int vb_queue_wait(struct vb_queue *q, unsigned int max_in_flight)
{
	return wait_until(q, &q->in_flight, max_in_flight);
}

/**
 * vb_queue_wait_unowned - wait for the messages that quarantine nothing
 * @q: inflate or deflate queue
 *
 * Context: process, may sleep, not in reclaim.
 * Return: as vb_queue_wait().
 */
int vb_queue_wait_unowned(struct vb_queue *q)
{
	return wait_until(q, &q->unowned, 0);
}

/**
 * vb_queue_wait_quarantined - wait for the owner of memory that we cannot keep
 * @q: a queue whose messages hold memory of a caller's
 *
 * The caller frees the memory when this returns, so it may only return when
 * the host no longer takes it: by its answer, however late, or by a reset. A
 * late host is marked stalled all the same, and removal resets the device.
 *
 * Context: process, may sleep.
 */
void vb_queue_wait_quarantined(struct vb_queue *q)
{
	while (vb_queue_in_flight(q) && READ_ONCE(q->vq)) {
		unsigned long seen = READ_ONCE(q->acked);

		if (!wait_event_idle_timeout(q->wait, progress(q, seen) ||
					     !READ_ONCE(q->vq),
					     timeout_jiffies()))
			mark_stalled(q);
	}
}

/**
 * vb_wait_handed_over - give the deflate work a moment to finish
 * @vb: the device
 * @ms: how long at most
 *
 * Context: the OOM notifier, with MUST_TELL_HOST only: the one wait that is
 * allowed there, for acknowledgments of the caller's own pages.
 */
void vb_wait_handed_over(struct vb_dev *vb, unsigned int ms)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];

	wait_event_idle_timeout(q->wait,
				!atomic_long_read(&vb->deflate_wanted) ||
				vb_stalled(vb) || stop_waiting(q),
				msecs_to_jiffies(ms));
}

/**
 * vb_wake_waiters - have everybody look again at why they wait
 * @vb: the device
 *
 * Context: any.
 */
void vb_wake_waiters(struct vb_dev *vb)
{
	enum vb_vq i;

	for (i = 0; i < VB_VQ_NR; i++)
		wake_up_all(&vb->queues[i].wait);
}
