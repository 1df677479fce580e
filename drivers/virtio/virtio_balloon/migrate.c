// SPDX-License-Identifier: GPL-2.0-only
/*
 * Migration: compaction exchanges a page of the balloon for another one.
 *
 * Runs under the page lock on behalf of whoever compacts memory, so it waits
 * for nothing: all that may refuse is looked at before the first message is
 * posted, and nothing fails afterwards.
 */
#include "balloon.h"

/*
 * The host may serve the queues in any order. So no deflate may be in flight
 * that names the new page, from an earlier stay in the balloon, and no inflate
 * that names the old one, from an exchange that brought it in. And a host that
 * is late is not given more to do.
 */
static bool may_migrate(struct vb_dev *vb, struct page *newpage,
			struct page *page)
{
	struct vb_queue *inflate = &vb->queues[VB_VQ_INFLATE];
	struct vb_queue *deflate = &vb->queues[VB_VQ_DEFLATE];

	return vb->online && !vb_stalled(vb) &&
	       !atomic_long_read(&vb->store.nr_untold) &&
	       !vb_queue_broken(inflate) && !vb_queue_broken(deflate) &&
	       !vb_queue_names(inflate, page, 1) &&
	       !vb_queue_names(deflate, newpage, 1);
}

/* Return: true if both messages were posted or must be taken for posted. */
static bool exchange(struct vb_dev *vb, struct page *newpage, struct page *page)
{
	struct vb_queue *inflate = &vb->queues[VB_VQ_INFLATE];
	struct vb_queue *deflate = &vb->queues[VB_VQ_DEFLATE];
	struct vb_buf *in = vb_buf_get(inflate);
	struct vb_buf *out = vb_buf_get(deflate);

	if (!in || !out)
		goto refuse;
	vb_buf_add_page(inflate, in, newpage);
	vb_buf_add_page(deflate, out, page);
	/* The core frees the old page when we return; not so with a reference. */
	if (vb_must_tell_host(vb)) {
		get_page(page);
		out->held = page;
	}
	if (vb_queue_post(inflate, in))
		goto unhold;
	if (vb_queue_post(deflate, out) && !out->held) {
		/* Broken meanwhile: quarantined until the device is reset. */
		get_page(page);
		out->held = page;
	}
	return true;

unhold:
	if (out->held)
		put_page(page);
	out->held = NULL;
refuse:
	if (in)
		vb_buf_put(inflate, in);
	if (out)
		vb_buf_put(deflate, out);
	return false;
}

/**
 * vb_migratepage - tell the host of an exchange of pages
 * @bdi: the balloon of one of the store's nodes
 * @newpage: enters the balloon
 * @page: leaves it
 * @mode: not used: nothing here blocks
 *
 * Context: under the lock of both pages.
 * Return: 0, or -EAGAIN when it should be tried again later.
 */
int vb_migratepage(struct balloon_dev_info *bdi, struct page *newpage,
		   struct page *page, enum migrate_mode mode)
{
	struct vb_node *node = container_of(bdi, struct vb_node, bdi);
	struct vb_dev *vb = container_of(node->store, struct vb_dev, store);
	bool done;

	if (!down_read_trylock(&vb->online_sem))
		return -EAGAIN;
	done = may_migrate(vb, newpage, page) && exchange(vb, newpage, page);
	if (done) {
		vb_queue_kick(&vb->queues[VB_VQ_INFLATE]);
		vb_queue_kick(&vb->queues[VB_VQ_DEFLATE]);
		vb_store_migrated(&vb->store, page, newpage);
		vb_count(vb, VB_CNT_migrated_pages, 1);
	}
	/* We took the answer for an earlier one: its interrupt found nothing. */
	if (vb_queue_has_done(&vb->queues[VB_VQ_DEFLATE]))
		vb_deflate_look_after(vb);
	up_read(&vb->online_sem);
	return done ? 0 : -EAGAIN;
}
