// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inflation: pages leave the guest.
 *
 * A page is quarantined on its message from the moment it is posted, and
 * enters the store when the host has acknowledged it: never before, since a
 * page in the store may be deflated at any time.
 */
#include <linux/sched.h>

#include "balloon.h"
#include "trace.h"

/* Allocate up to @nr pages; reclaims lightly, never at the cost of an OOM. */
static unsigned int fill_new(struct vb_dev *vb, struct list_head *pages,
			     unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		struct page *page = balloon_page_alloc();

		if (!page)
			break;
		list_add_tail(&page->lru, pages);
	}
	return i;
}

static unsigned int fill_untold(struct vb_dev *vb, struct list_head *pages,
				unsigned int nr)
{
	return vb_store_take_untold(&vb->store, pages, nr);
}

/*
 * Post one message of up to @nr pages.
 *
 * When the pages have been allocated no deflate of theirs may be in flight: it
 * would overtake the inflate. Deflates posted after this look concern pages
 * that are in the balloon, hence none of these.
 *
 * Return: pages posted, 0 when there were none to be had, or a negative errno.
 */
static long post_message(struct vb_dev *vb, struct vb_buf *buf, unsigned int nr,
			 unsigned int (*fill)(struct vb_dev *vb,
					      struct list_head *pages,
					      unsigned int nr))
{
	struct vb_queue *inflate = &vb->queues[VB_VQ_INFLATE];
	struct page *page;
	int err;

	nr = fill(vb, &buf->pages, nr);
	if (!nr) {
		vb_buf_put(inflate, buf);
		return 0;
	}
	list_for_each_entry(page, &buf->pages, lru)
		vb_buf_add_page(inflate, buf, page);

	atomic_long_add(nr, &vb->inflating);
	err = vb_queue_wait(&vb->queues[VB_VQ_DEFLATE], 0);
	if (!err)
		err = vb_queue_post(inflate, buf);
	if (err) {
		atomic_long_sub(nr, &vb->inflating);
		vb_pages_free(&buf->pages);
		vb_buf_put(inflate, buf);
		return err;
	}
	return nr;
}

/* A message at rest; waits for half the queue when there is none. */
static struct vb_buf *get_message(struct vb_dev *vb, int *err)
{
	struct vb_queue *q = &vb->queues[VB_VQ_INFLATE];
	struct vb_buf *buf = vb_buf_get(q);

	*err = 0;
	if (buf)
		return buf;
	vb_queue_kick(q);
	*err = vb_queue_wait(q, q->nr_bufs / 2);
	vb_inflate_collect(vb);
	if (*err)
		return NULL;
	buf = vb_buf_get(q);
	if (!buf)	/* somebody holds the others, not in flight */
		*err = -EAGAIN;
	return buf;
}

static long inflate_round(struct vb_dev *vb, long pages,
			  unsigned int (*fill)(struct vb_dev *vb,
					       struct list_head *pages,
					       unsigned int nr))
{
	long posted = 0, nr = 0;
	struct vb_buf *buf;
	unsigned int i;
	int err;

	for (i = 0; i < VB_ROUND_BUFS && posted < pages; i++) {
		/* At least one, or a host that kicks without end starves us. */
		if (i && test_bit(VB_KICKED, &vb->flags))
			break;
		buf = get_message(vb, &err);
		if (!buf) {
			nr = err;
			break;
		}
		nr = post_message(vb, buf, min(pages - posted,
					       (long)VB_BUF_PAGES), fill);
		if (nr <= 0)
			break;
		posted += nr;
		cond_resched();
	}
	vb_queue_kick(&vb->queues[VB_VQ_INFLATE]);
	trace_vb_inflate(vb, pages, posted, nr < 0 ? nr : 0);
	return posted ?: nr;
}

/**
 * vb_inflate - one round towards a larger balloon
 * @vb: the device
 * @pages: how much larger it should be
 *
 * Posts messages for up to VB_ROUND_BUFS and leaves them in flight; stops as
 * soon as the worker is kicked.
 *
 * Context: the resize worker.
 * Return: pages posted; -ENOMEM when the guest has none; or what
 * vb_queue_wait() says.
 */
long vb_inflate(struct vb_dev *vb, long pages)
{
	long posted = inflate_round(vb, pages, fill_new);

	if (posted)
		return posted;
	vb_count(vb, VB_CNT_alloc_failures, 1);
	return -ENOMEM;
}

/**
 * vb_inflate_untold - one round of telling the host again what it forgot
 * @vb: the device, after a reset
 *
 * Context: the resize worker.
 * Return: as vb_inflate().
 */
long vb_inflate_untold(struct vb_dev *vb)
{
	return inflate_round(vb, LONG_MAX, fill_untold);
}

/**
 * vb_inflate_collect - put acknowledged pages into the store
 * @vb: the device
 *
 * Context: the resize worker, or whoever stopped it.
 */
void vb_inflate_collect(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_INFLATE];
	struct vb_buf *buf;

	vb_queue_reap(q);
	while ((buf = vb_queue_next_done(q))) {
		long nr = buf->nr_pfns / VB_PFNS_PER_PAGE;

		vb_store_insert(&vb->store, &buf->pages);
		atomic_long_sub(nr, &vb->inflating);
		vb_count(vb, VB_CNT_inflated_pages, nr);
		vb_buf_put(q, buf);
		cond_resched();
	}
}
