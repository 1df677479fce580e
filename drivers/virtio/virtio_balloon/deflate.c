// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deflation: pages come back to the guest.
 *
 * Without MUST_TELL_HOST a page is the guest's again as soon as its number is
 * on the ring: the device must be informed, but need not have answered. With
 * it the page stays quarantined on the message until the answer.
 */
#include <linux/sched.h>

#include "balloon.h"
#include "trace.h"

/*
 * Migration puts pages into the store whose inflate is not acknowledged yet,
 * and which must not be deflated before. Those of @pages go back. To be looked
 * at after they left the store: then no other can become one of them.
 *
 * Under memory pressure compaction is at work all the time, so that refusing
 * while any exchange is in flight would leave the guest to the OOM killer.
 * Return: how many went back.
 */
static unsigned int put_back_unacknowledged(struct vb_dev *vb,
					    struct list_head *pages)
{
	struct vb_queue *inflate = &vb->queues[VB_VQ_INFLATE];
	struct page *page, *next;
	unsigned int nr = 0;
	LIST_HEAD(back);

	if (!vb_queue_unowned(inflate))
		return 0;
	list_for_each_entry_safe(page, next, pages, lru) {
		if (!vb_queue_names(inflate, page))
			continue;
		list_move(&page->lru, &back);
		nr++;
	}
	vb_store_put_back(&vb->store, &back, nr);
	return nr;
}

/*
 * Name @pages, which have left the store, in @buf and post it. On failure they
 * go back, and the message is at rest.
 */
static int post_message(struct vb_dev *vb, struct vb_buf *buf,
			struct list_head *pages, unsigned int nr)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	bool quarantine = vb_must_tell_host(vb);
	struct page *page;
	int err;

	list_for_each_entry(page, pages, lru)
		vb_buf_add_page(q, buf, page);
	if (quarantine)
		list_splice_init(pages, &buf->pages);
	err = vb_queue_post(q, buf);
	if (!err) {
		if (!quarantine)
			vb_count(vb, VB_CNT_deflated_pages, nr);
		return 0;
	}
	if (quarantine)
		list_splice_init(&buf->pages, pages);
	vb_store_put_back(&vb->store, pages, nr);
	vb_buf_put(q, buf);
	return err;
}

/**
 * vb_deflate_untold - take back what a reset made the host forget
 * @vb: the device, possibly offline
 * @pages: how many at most
 *
 * Nobody need be told.
 *
 * Context: reclaim, OOM: allocates nothing, waits for nobody.
 * Return: pages that the guest has back.
 */
long vb_deflate_untold(struct vb_dev *vb, long pages)
{
	LIST_HEAD(untold);

	vb_store_take_untold(&vb->store, &untold,
			     min_t(long, pages, UINT_MAX));
	return vb_pages_free(&untold);
}

/**
 * vb_deflate_nowait - take pages back at once
 * @vb: a device without MUST_TELL_HOST, kept online by the caller
 * @pages: how many at most
 *
 * Context: reclaim, OOM: allocates nothing, waits for nobody. What the ring
 * has no room for stays in the balloon.
 * Return: pages that the guest has back.
 */
long vb_deflate_nowait(struct vb_dev *vb, long pages)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	long freed = vb_deflate_untold(vb, pages);
	struct vb_buf *buf;
	LIST_HEAD(list);

	vb_queue_reap(q);
	while (freed < pages && (buf = vb_buf_get(q))) {
		unsigned int nr;

		nr = vb_store_remove(&vb->store, &list,
				     min(pages - freed, (long)VB_BUF_PAGES));
		nr -= put_back_unacknowledged(vb, &list);
		if (!nr) {
			vb_buf_put(q, buf);
			break;
		}
		if (post_message(vb, buf, &list, nr))
			break;
		vb_queue_kick(q);
		freed += vb_pages_free(&list);
	}
	return freed;
}

static struct vb_buf *get_message(struct vb_dev *vb, int *err)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	struct vb_buf *buf = vb_buf_get(q);

	*err = 0;
	if (buf)
		return buf;
	vb_queue_kick(q);
	*err = vb_queue_wait(q, q->nr_bufs / 2);
	vb_deflate_collect(vb);
	if (*err)
		return NULL;
	buf = vb_buf_get(q);
	if (!buf)	/* somebody holds the others, not in flight */
		*err = -EAGAIN;
	return buf;
}

/*
 * Post one message. Return: pages posted, of which those that the guest may
 * use already are added to @freed; 0 when the store has none at hand; errno.
 */
static long deflate_message(struct vb_dev *vb, long pages,
			    struct list_head *freed)
{
	struct vb_buf *buf;
	LIST_HEAD(list);
	unsigned int nr;
	int err;

	buf = get_message(vb, &err);
	if (!buf)
		return err;
	nr = vb_store_remove(&vb->store, &list,
			     min(pages, (long)VB_BUF_PAGES));
	if (nr)
		err = vb_queue_wait_unowned(&vb->queues[VB_VQ_INFLATE]);
	if (!nr || err) {
		vb_store_put_back(&vb->store, &list, nr);
		vb_buf_put(&vb->queues[VB_VQ_DEFLATE], buf);
		return err;
	}
	err = post_message(vb, buf, &list, nr);
	list_splice(&list, freed);
	return err ? err : (long)nr;
}

/**
 * vb_deflate - one round towards a smaller balloon
 * @vb: the device
 * @pages: how much smaller it should be
 *
 * Context: the resize worker, the deflate work, or whoever stopped them; may
 * wait for the host.
 * Return: pages that the guest has back; -EAGAIN while compaction has all of
 * them isolated; or what vb_queue_wait() says.
 */
long vb_deflate(struct vb_dev *vb, long pages)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	long posted = 0, nr = 0, back = vb_deflate_untold(vb, pages);
	LIST_HEAD(freed);
	unsigned int i;

	pages -= back;
	for (i = 0; i < VB_ROUND_BUFS && posted < pages; i++) {
		nr = deflate_message(vb, pages - posted, &freed);
		if (nr <= 0)
			break;
		posted += nr;
		cond_resched();
	}
	vb_queue_kick(q);
	back += vb_pages_free(&freed);
	if (vb_must_tell_host(vb) && posted)
		nr = vb_queue_wait(q, 0);
	back += vb_deflate_collect(vb);
	trace_vb_deflate(vb, pages, posted, nr < 0 ? nr : 0);
	if (back)
		return back;
	return nr < 0 ? nr : -EAGAIN;
}

/**
 * vb_deflate_collect - free the pages whose deflation was acknowledged
 * @vb: the device
 *
 * Context: process.
 * Return: how many, those that migration had held not counted.
 */
long vb_deflate_collect(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	struct vb_buf *buf;
	long nr = 0;

	vb_queue_reap(q);
	while ((buf = vb_queue_next_done(q))) {
		nr += vb_pages_free(&buf->pages);
		if (buf->held)
			put_page(buf->held);
		buf->held = NULL;
		vb_buf_put(q, buf);
	}
	vb_count(vb, VB_CNT_deflated_pages, nr);
	return nr;
}

/**
 * vb_deflate_hand_over - have the deflate work take pages back
 * @vb: the device
 * @pages: how many; 0 if it only has to look after what is in flight, and
 *	tell the host the new size
 *
 * The hold-off begins at once, so that the worker does not take the pages back
 * while they are on their way.
 *
 * Context: reclaim, OOM; with 0 also hard interrupt.
 */
void vb_deflate_hand_over(struct vb_dev *vb, long pages)
{
	if (pages)
		vb_hold_off(vb);
	atomic_long_add(pages, &vb->deflate_wanted);
	vb_kick_work(vb, vb->deflate_wq, &vb->deflate_work, 0);
}

/**
 * vb_deflate_work - deflation on behalf of those who must not wait
 * @work: vb->deflate_work
 *
 * On a workqueue with a rescuer, and apart from the resize worker, which may
 * itself sit in reclaim, allocating.
 */
void vb_deflate_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(work, struct vb_dev, deflate_work);
	long wanted, nr;

	while ((wanted = atomic_long_read(&vb->deflate_wanted)) > 0) {
		nr = vb_deflate(vb, wanted);
		if (nr > 0) {
			nr = min(nr, wanted);
			vb_count(vb, VB_CNT_oom_deflated_pages, nr);
			vb_released(vb);
		} else {
			nr = wanted;
		}
		atomic_long_sub(nr, &vb->deflate_wanted);
	}
	vb_deflate_collect(vb);
	vb_write_actual(vb);
	vb_wake_waiters(vb);
	vb_kick_resize(vb);
}
