// SPDX-License-Identifier: GPL-2.0-only
/*
 * Deflation: pages come back to the guest.
 *
 * Without MUST_TELL_HOST a page is the guest's again as soon as its number is
 * on the ring: the device must be informed, but need not have answered. So it is
 * freed at once, and the host told a moment later, see tell.c. With it the page
 * stays quarantined on the message until the answer.
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
		if (!vb_queue_names(inflate, page, 1))
			continue;
		list_move(&page->lru, &back);
		nr++;
	}
	vb_store_insert(&vb->store, &back);
	return nr;
}

static void count_deflated(struct vb_dev *vb, long nr)
{
	/* With MUST_TELL_HOST they are counted when they are acknowledged. */
	if (!vb_must_tell_host(vb))
		vb_count(vb, VB_CNT_deflated_pages, nr);
}

/*
 * Name @pages, which have left the store, in @buf and post it. On failure they
 * go back, and the message is at rest.
 */
static int post_pages(struct vb_dev *vb, struct vb_buf *buf,
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
		count_deflated(vb, nr);
		return 0;
	}
	if (quarantine)
		list_splice_init(&buf->pages, pages);
	vb_store_insert(&vb->store, pages);
	vb_buf_put(q, buf);
	return err;
}

/*
 * Post a chunk that has left the store. Added to @freed if the guest may use it
 * already. On failure it goes back.
 */
static int post_chunk(struct vb_dev *vb, struct page *chunk,
		      struct list_head *freed)
{
	bool quarantine = vb_must_tell_host(vb);
	int err;

	err = vb_queue_post_chunk(&vb->queues[VB_VQ_DEFLATE], chunk,
				  quarantine);
	if (err) {
		vb_store_insert_chunk(&vb->store, chunk);
		return err;
	}
	count_deflated(vb, VB_CHUNK_PAGES);
	if (!quarantine)
		list_add(&chunk->lru, freed);
	return 0;
}

/* Return: a chunk's pages, 0 when the store has none, or a negative errno. */
static long deflate_chunk(struct vb_dev *vb, int nid, struct list_head *freed)
{
	struct page *chunk = vb_store_remove_chunk(&vb->store, nid);
	int err;

	if (!chunk)
		return 0;
	err = post_chunk(vb, chunk, freed);
	return err ? err : VB_CHUNK_PAGES;
}

/**
 * vb_deflate_untold - take back what the host does not know of
 * @vb: the device, possibly offline
 * @pages: how many; the last chunk may make it more
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * What was only reported so far, and what a reset made the host forget: nobody
 * need be told.
 *
 * Context: reclaim, OOM: allocates nothing, waits for nobody.
 * Return: pages that the guest has back.
 */
long vb_deflate_untold(struct vb_dev *vb, long pages, int nid)
{
	long back = vb_reported_drop(vb, DIV_ROUND_UP(pages, VB_CHUNK_PAGES),
				     nid);

	return back + vb_store_free_untold(&vb->store, pages - back, nid);
}

/* Return: pages freed, 0 when no more can be had without waiting. */
static long deflate_pages_nowait(struct vb_dev *vb, long pages, int nid)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	struct vb_buf *buf = vb_buf_get(q);
	LIST_HEAD(list);
	unsigned int nr;

	if (!buf)
		return 0;
	nr = vb_store_remove(&vb->store, &list, min_t(long, pages, VB_BUF_PAGES),
			     nid);
	nr -= put_back_unacknowledged(vb, &list);
	if (!nr) {
		vb_buf_put(q, buf);
		return 0;
	}
	if (post_pages(vb, buf, &list, nr))
		return 0;
	return vb_pages_free(&list);
}

/**
 * vb_deflate_nowait - take pages back at once
 * @vb: a device without MUST_TELL_HOST, kept online by the caller
 * @pages: how many at most
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * Context: reclaim, OOM: allocates nothing, waits for nobody. What the ring
 * has no room for stays in the balloon.
 * Return: pages that the guest has back.
 */
long vb_deflate_nowait(struct vb_dev *vb, long pages, int nid)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	long freed = vb_deflate_untold(vb, pages, nid);
	LIST_HEAD(chunks);
	long nr = 1;

	/* Half of the ring is for whoever asks next. */
	if (vb_queue_in_flight(q) > q->nr_bufs / 2) {
		vb_queue_kick(q);
		vb_queue_reap(q);
	}
	while (pages - freed >= VB_CHUNK_PAGES && nr > 0) {
		nr = deflate_chunk(vb, nid, &chunks);
		freed += max(nr, 0L);
	}
	vb_chunks_free(&chunks);
	for (nr = 1; freed < pages && nr; freed += nr)
		nr = deflate_pages_nowait(vb, pages - freed, nid);
	vb_tell_soon(vb);
	return freed;
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
		if (buf->chunk) {
			vb_chunk_free(buf->chunk);
			nr += VB_CHUNK_PAGES;
		}
		if (buf->held)
			put_page(buf->held);
		buf->chunk = NULL;
		buf->held = NULL;
		vb_buf_put(q, buf);
	}
	vb_count(vb, VB_CNT_deflated_pages, nr);
	return nr;
}

/*
 * Are there messages at rest for a chunk, those included that only have to be
 * collected? With fewer a chunk would have to be split.
 */
static bool has_room(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];

	return q->nr_bufs - vb_queue_in_flight(q) >=
	       min(VB_CHUNK_BUFS, q->nr_bufs);
}

/*
 * Wait for half of the queue when there is no room for the next message. The
 * resize worker has to decide anew if its host changed its mind meanwhile.
 * Return: 0, -EAGAIN, or what vb_queue_wait() says; pages that came back on
 * the way are added to @back.
 */
static int make_room(struct vb_dev *vb, long *back)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	int err = 0;

	if (!has_room(vb)) {
		vb_queue_kick(q);
		err = vb_queue_wait(q, q->nr_bufs / 2);
		if (!err && vb_is_resize_worker(vb) && vb_kicked(vb))
			err = -EAGAIN;
	}
	*back += vb_deflate_collect(vb);
	return err;
}

/*
 * Post one message of single pages. Return: pages posted, 0 when the store has
 * none at hand, or errno.
 */
static long deflate_pages(struct vb_dev *vb, long pages,
			  struct list_head *freed)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	struct vb_buf *buf = vb_buf_get(q);
	LIST_HEAD(list);
	unsigned int nr;
	int err = 0;

	if (!buf)
		return -EAGAIN;		/* somebody holds it, not in flight */
	nr = vb_store_remove(&vb->store, &list, min_t(long, pages, VB_BUF_PAGES),
			     NUMA_NO_NODE);
	if (nr)
		err = vb_queue_wait_unowned(&vb->queues[VB_VQ_INFLATE]);
	if (!nr || err) {
		vb_store_insert(&vb->store, &list);
		vb_buf_put(q, buf);
		return err;
	}
	err = post_pages(vb, buf, &list, nr);
	list_splice(&list, freed);
	return err ? err : (long)nr;
}

/*
 * Post messages for up to @pages, as many as there is room for. Return: pages
 * posted, of which those that the guest may use already are added to @back; the
 * last errno is in @err.
 */
static long deflate_round(struct vb_dev *vb, long pages, long *back, long *err)
{
	LIST_HEAD(free_chunks);
	LIST_HEAD(free_pages);
	bool chunks = vb->queues[VB_VQ_DEFLATE].nr_bufs >= VB_CHUNK_BUFS;
	long posted = 0, nr = 1;

	while (posted < pages && has_room(vb) && nr > 0) {
		nr = 0;
		if (chunks && pages - posted >= VB_CHUNK_PAGES)
			nr = deflate_chunk(vb, NUMA_NO_NODE, &free_chunks);
		if (!nr)
			nr = deflate_pages(vb, pages - posted, &free_pages);
		posted += max(nr, 0L);
		cond_resched();
	}
	*err = min(nr, 0L);
	*back += vb_chunks_free(&free_chunks);
	*back += vb_pages_free(&free_pages);
	vb_tell_soon(vb);
	return posted;
}

/**
 * vb_deflate - one round towards a smaller balloon
 * @vb: the device
 * @pages: how much smaller it should be
 *
 * Whole chunks first, then single pages; a chunk is split when less is wanted
 * and there is nothing else. Waits for the host only where it could do nothing
 * otherwise, so that the caller soon looks again at what is wanted.
 *
 * Context: the resize worker, the deflate work, or whoever stopped them; may
 * wait for the host.
 * Return: pages that the guest has back; -EAGAIN while compaction has all of
 * them isolated, or when the worker has to decide anew; or what vb_queue_wait()
 * says.
 */
long vb_deflate(struct vb_dev *vb, long pages)
{
	long back = vb_deflate_untold(vb, pages, NUMA_NO_NODE);
	long posted = 0, acked = 0, err = 0;

	if (back < pages)
		err = make_room(vb, &back);
	if (back < pages && !err)
		posted = deflate_round(vb, pages - back, &back, &err);
	if (vb_must_tell_host(vb) && posted) {
		err = vb_queue_wait(&vb->queues[VB_VQ_DEFLATE], 0);
		/* The other worker may collect them before us. */
		acked = err ? 0 : posted;
	}
	back += max(acked, vb_deflate_collect(vb));
	trace_vb_deflate(vb, pages, posted, err);
	if (back)
		return back;
	return err ? err : -EAGAIN;
}

/* Post the first message of @pages, which have left the store. */
static int post_first(struct vb_dev *vb, struct list_head *pages,
		      struct list_head *freed)
{
	struct vb_buf *buf = vb_buf_get(&vb->queues[VB_VQ_DEFLATE]);
	struct page *page, *next;
	unsigned int nr = 0;
	LIST_HEAD(list);
	int err;

	if (!buf)
		return -EAGAIN;		/* somebody holds it, not in flight */
	list_for_each_entry_safe(page, next, pages, lru) {
		if (nr == VB_BUF_PAGES)
			break;
		list_move_tail(&page->lru, &list);
		nr++;
	}
	err = post_pages(vb, buf, &list, nr);
	list_splice(&list, freed);
	return err;
}

/**
 * vb_deflate_these - take given pages back
 * @vb: a device kept online by the caller
 * @chunks: chunks that have left the store; emptied
 * @pages: single pages likewise
 *
 * Context: process; may wait for the host.
 * Return: 0; or what vb_queue_wait() says, and what the host could not be told
 * of is in the store again.
 */
int vb_deflate_these(struct vb_dev *vb, struct list_head *chunks,
		     struct list_head *pages)
{
	int err = vb_queue_wait_unowned(&vb->queues[VB_VQ_INFLATE]);
	struct page *chunk, *next;
	LIST_HEAD(free_chunks);
	LIST_HEAD(free_pages);
	long back = 0;

	list_for_each_entry_safe(chunk, next, chunks, lru) {
		err = err ? err : make_room(vb, &back);
		list_del(&chunk->lru);
		if (err)
			vb_store_insert_chunk(&vb->store, chunk);
		else
			err = post_chunk(vb, chunk, &free_chunks);
	}
	while (!err && !list_empty(pages)) {
		err = make_room(vb, &back);
		if (!err)
			err = post_first(vb, pages, &free_pages);
	}
	vb_store_insert(&vb->store, pages);
	vb_chunks_free(&free_chunks);
	vb_pages_free(&free_pages);
	vb_queue_kick(&vb->queues[VB_VQ_DEFLATE]);
	if (!err && vb_must_tell_host(vb))
		err = vb_queue_wait(&vb->queues[VB_VQ_DEFLATE], 0);
	vb_deflate_collect(vb);
	return err;
}

/**
 * vb_deflate_look_after - have the deflate work look after what is in flight
 * @vb: the device
 *
 * It also tells the host the new size.
 *
 * Context: any, hard interrupt included.
 */
void vb_deflate_look_after(struct vb_dev *vb)
{
	vb_kick_work(vb, vb->deflate_wq, &vb->deflate_work, 0);
}

/**
 * vb_deflate_hand_over - have the deflate work take pages back
 * @vb: the device
 * @why: the reason
 * @pages: how many; from a grant, which barred growth already
 *
 * What is still to be taken back for a better reason is not taken back for a
 * worse one now: that might not be allowed to have as much.
 *
 * Context: reclaim, OOM, the sampler.
 */
void vb_deflate_hand_over(struct vb_dev *vb, enum vb_why why, long pages)
{
	spin_lock(&vb->policy_lock);
	if (atomic_long_read(&vb->deflate_wanted) <= 0 ||
	    vb_policy_better(why, vb->handed_why))
		WRITE_ONCE(vb->handed_why, why);
	atomic_long_add(pages, &vb->deflate_wanted);
	spin_unlock(&vb->policy_lock);
	vb_deflate_look_after(vb);
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
		nr = vb_still_takeable(vb, wanted);
		if (nr)
			nr = vb_deflate(vb, nr);
		if (nr > 0) {
			nr = min(nr, wanted);
			vb_released(vb, READ_ONCE(vb->handed_why), 0, nr);
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
