// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inflation: pages leave the guest.
 *
 * A page is quarantined on its message from the moment it is posted, and
 * enters the store when the host has acknowledged it: never before, since a
 * page in the store may be deflated at any time.
 *
 * Large first: chunks while they cost no effort, then single pages. Where the
 * host takes reports of free memory, chunks are reported before they are
 * inflated: it drops 2 MiB with one call, and finds nothing left to drop when
 * the page numbers come for its books.
 */
#include <linux/sched.h>

#include "balloon.h"
#include "trace.h"

/* What may be reported ahead of its inflation; 1 GiB. */
#define REPORT_AHEAD_PAGES	(1L << (30 - PAGE_SHIFT))

/*
 * Wait until @nr messages are at rest. Return: 0; 1 if that took a while; or
 * what vb_queue_wait() says.
 */
static int make_room(struct vb_dev *vb, unsigned int nr)
{
	struct vb_queue *q = &vb->queues[VB_VQ_INFLATE];
	int err;

	if (vb_queue_in_flight(q) + nr <= q->nr_bufs) {
		vb_inflate_collect(vb);
		return 0;
	}
	vb_queue_kick(q);
	err = vb_queue_wait(q, min(q->nr_bufs / 2, q->nr_bufs - nr));
	vb_inflate_collect(vb);
	return err ? err : 1;
}

/* -EAGAIN if the host changed its mind in a wait that ended well; else @err. */
static int unless_kicked(struct vb_dev *vb, bool waited, int err)
{
	return !err && waited && vb_kicked(vb) ? -EAGAIN : err;
}

/*
 * When pages have been allocated no deflate of theirs may be in flight: it
 * would overtake the inflate. Deflates posted after this look concern pages
 * that are in the balloon, hence none of these.
 */
static int no_deflate_in_flight(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	bool waits = vb_queue_in_flight(q);

	return unless_kicked(vb, waits, vb_queue_wait(q, 0));
}

/* The same for our own report; the kernel's concern nobody here. */
static int no_report_in_flight(struct vb_dev *vb)
{
	bool waits;

	vb_report_reap(vb);
	waits = !list_empty(&vb->in_report);
	return unless_kicked(vb, waits, vb_report_wait(vb));
}

static bool takes_chunks(struct vb_dev *vb)
{
	return vb->queues[VB_VQ_INFLATE].nr_bufs >= VB_CHUNK_BUFS;
}

static struct page *new_chunk(struct vb_dev *vb)
{
	return vb_chunk_alloc(READ_ONCE(vb->policy.tune.reserve));
}

/* One that the host was to drop, or is to hear of again; else a @new one. */
static struct page *next_chunk(struct vb_dev *vb, bool new)
{
	struct page *chunk;

	chunk = vb_reported_take(vb, NUMA_NO_NODE);
	if (!chunk)
		chunk = vb_store_take_untold_chunk(&vb->store,
						   NUMA_NO_NODE);
	if (chunk || !new)
		return chunk;
	return new_chunk(vb);
}

/* Return: pages posted, 0 when there are no chunks, or errno. */
static long post_chunk(struct vb_dev *vb, bool new)
{
	struct page *chunk = next_chunk(vb, new);
	int err;

	if (!chunk)
		return 0;
	atomic_long_add(VB_CHUNK_PAGES, &vb->inflating);
	err = no_deflate_in_flight(vb);
	if (!err)
		err = vb_queue_post_chunk(&vb->queues[VB_VQ_INFLATE], chunk,
					  true);
	if (!err)
		return VB_CHUNK_PAGES;
	atomic_long_sub(VB_CHUNK_PAGES, &vb->inflating);
	vb_chunk_free(chunk);
	return err;
}

/* Up to @nr single pages. New ones reclaim lightly, never at the cost of an OOM. */
static unsigned int next_pages(struct vb_dev *vb, struct list_head *pages,
			       unsigned int nr, bool new)
{
	unsigned int got = vb_store_take_untold(&vb->store, pages, nr,
						NUMA_NO_NODE);
	struct page *page;

	for (; new && got < nr; got++) {
		page = balloon_page_alloc();
		if (!page)
			break;
		list_add_tail(&page->lru, pages);
	}
	return got;
}

/* Return: pages posted, 0 when there were none to be had, or errno. */
static long post_pages(struct vb_dev *vb, unsigned int nr, bool new)
{
	struct vb_queue *q = &vb->queues[VB_VQ_INFLATE];
	struct vb_buf *buf = vb_buf_get(q);
	struct page *page;
	int err = 0;

	if (!buf)
		return -EAGAIN;		/* migration took it */
	nr = next_pages(vb, &buf->pages, nr, new);
	if (!nr)
		goto unused;
	list_for_each_entry(page, &buf->pages, lru)
		vb_buf_add_page(q, buf, page);
	atomic_long_add(nr, &vb->inflating);
	err = no_deflate_in_flight(vb);
	if (!err)
		err = vb_queue_post(q, buf);
	if (!err)
		return nr;
	atomic_long_sub(nr, &vb->inflating);
	vb_pages_free(&buf->pages);
unused:
	vb_buf_put(q, buf);
	return err;
}

/*
 * Post one chunk, or one message of single pages, of up to @pages. Ends when
 * the worker is kicked, unless that would be the @first message, and had not
 * to wait: a host that kicks without end must not starve us. @chunks is cleared
 * when there are none: the next try would find the same. Return: pages posted, 0
 * when there are none, or errno.
 */
static long post_next(struct vb_dev *vb, long pages, bool new, bool first,
		      bool *chunks)
{
	bool whole = *chunks && pages >= VB_CHUNK_PAGES;
	long nr;

	nr = make_room(vb, whole ? VB_CHUNK_BUFS : 1);
	if (nr < 0)
		return nr;
	if (vb_kicked(vb) && (nr || !first))
		return -EAGAIN;
	nr = whole ? post_chunk(vb, new) : 0;
	if (nr)
		return nr;
	if (whole)
		*chunks = false;
	return post_pages(vb, min_t(long, pages, VB_BUF_PAGES), new);
}

/*
 * One round, left in flight: of half the messages, so that the next one can be
 * made ready meanwhile; of all where no memory has to be found for it. Return:
 * pages posted, or what post_next() says if there are none.
 */
static long inflate_round(struct vb_dev *vb, long pages, bool new)
{
	long bufs = new ? VB_ROUND_BUFS : VB_INFLATE_BUFS;
	long limit = min_t(long, pages, bufs * VB_BUF_PAGES);
	bool chunks = takes_chunks(vb);
	long posted = 0, nr = 0;

	while (posted < limit) {
		nr = post_next(vb, limit - posted, new, !posted, &chunks);
		if (nr <= 0)
			break;
		posted += nr;
		cond_resched();
	}
	vb_queue_kick(&vb->queues[VB_VQ_INFLATE]);
	trace_vb_inflate(vb, pages, posted, nr < 0 ? nr : 0);
	return posted ? posted : nr;
}

/* Have the host drop chunks first. Return: pages taken, 0 for none, or errno. */
static long report_ahead(struct vb_dev *vb, long pages)
{
	long nr, max = min(pages / VB_CHUNK_PAGES,
			   (long)vb_report_capacity(vb));
	LIST_HEAD(batch);
	int err;

	if (!takes_chunks(vb))
		return 0;
	for (nr = 0; nr < max && !(nr && vb_kicked(vb)); nr++) {
		struct page *chunk = new_chunk(vb);

		if (!chunk)
			break;
		list_add_tail(&chunk->lru, &batch);
		cond_resched();
	}
	if (!nr)
		return 0;
	atomic_long_add(nr * VB_CHUNK_PAGES, &vb->inflating);
	err = no_deflate_in_flight(vb) ?: no_report_in_flight(vb);
	if (!err) {
		vb_report_chunks(vb, &batch, nr);
		return nr * VB_CHUNK_PAGES;
	}
	atomic_long_sub(nr * VB_CHUNK_PAGES, &vb->inflating);
	vb_chunks_free(&batch);
	return err;
}

/**
 * vb_inflate - one round towards a larger balloon
 * @vb: the device
 * @pages: how much larger it should be
 *
 * Context: the resize worker.
 * Return: pages on their way; -ENOMEM when the guest has none; -EAGAIN when
 * the worker has to decide anew; or what vb_queue_wait() says.
 */
long vb_inflate(struct vb_dev *vb, long pages)
{
	long nr = 0;

	if (atomic_long_read(&vb->inflating) < REPORT_AHEAD_PAGES)
		nr = report_ahead(vb, pages);
	/* Without the report queue it takes longer, that is all. */
	if (!nr || nr == -EIO || nr == -ETIMEDOUT)
		nr = vb_inflate_reported(vb);
	if (!nr)
		nr = inflate_round(vb, pages, true);
	if (nr)
		return nr;
	vb_count(vb, VB_CNT_alloc_failures, 1);
	return -ENOMEM;
}

/**
 * vb_inflate_reported - one round for the chunks that were reported ahead
 * @vb: the device
 *
 * Those whose report the host does not answer have to wait, but nobody else.
 *
 * Context: the resize worker.
 * Return: as vb_inflate(), 0 when there are none.
 */
long vb_inflate_reported(struct vb_dev *vb)
{
	int err = vb_reported(vb) ? 0 : no_report_in_flight(vb);

	if (err == -ESHUTDOWN || err == -EAGAIN)
		return err;
	return vb_reported(vb) ? inflate_round(vb, LONG_MAX, false) : 0;
}

/**
 * vb_inflate_untold - one round of telling the host again what it forgot
 * @vb: the device, after a reset
 *
 * Context: the resize worker.
 * Return: as vb_inflate(), 0 when there are none.
 */
long vb_inflate_untold(struct vb_dev *vb)
{
	return inflate_round(vb, LONG_MAX, false);
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

		if (buf->chunk) {
			nr = VB_CHUNK_PAGES;
			vb_store_insert_chunk(&vb->store, buf->chunk);
			buf->chunk = NULL;
		} else {
			vb_store_insert(&vb->store, &buf->pages);
		}
		atomic_long_sub(nr, &vb->inflating);
		vb_count(vb, VB_CNT_inflated_pages, nr);
		vb_buf_put(q, buf);
		cond_resched();
	}
}
