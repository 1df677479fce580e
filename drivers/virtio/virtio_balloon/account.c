// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's own books: MemTotal, the balloon's events and node statistics,
 * and the mark that a frame has no content. What the kernel's balloon does for
 * the pages on its list is done here for all others.
 */
#include "store.h"

/* All balloons change the same zones. */
static DEFINE_SPINLOCK(zones_lock);

/**
 * vb_account_zone - adjust how many pages a zone has, and MemTotal with it
 * @page: a page of the zone
 * @nr: how many it gains, or loses
 *
 * Since 7.2 the kernel sums up the reserves of all nodes anew then, and leaves
 * it to its callers to do that one at a time.
 *
 * Context: any but interrupt.
 */
void vb_account_zone(struct page *page, long nr)
{
	spin_lock(&zones_lock);
	adjust_managed_page_count(page, nr);
	spin_unlock(&zones_lock);
}

/*
 * The managed pages of several zones, collected so that the kernel's count is
 * adjusted once a zone and batch: each adjustment walks all zones.
 */
struct managed_batch {
	struct {
		struct page *page;
		long nr;
	} zones[4];
	unsigned int used;
};

static void managed_flush(struct managed_batch *b, int sign)
{
	unsigned int i;

	for (i = 0; i < b->used; i++)
		vb_account_zone(b->zones[i].page, sign * b->zones[i].nr);
	b->used = 0;
}

static void managed_add(struct managed_batch *b, struct page *page, int sign)
{
	unsigned int i;

	for (i = 0; i < b->used; i++) {
		if (page_zone(b->zones[i].page) == page_zone(page)) {
			b->zones[i].nr++;
			return;
		}
	}
	if (b->used == ARRAY_SIZE(b->zones))
		managed_flush(b, sign);
	b->zones[b->used].page = page;
	b->zones[b->used].nr = 1;
	b->used++;
}

/**
 * vb_account_managed - MemTotal follows the balloon
 * @store: the store; says whether it does
 * @pages: single pages
 * @sign: 1 when the guest regains them, -1 when it loses them
 *
 * Context: any but interrupt.
 */
void vb_account_managed(struct vb_store *store, struct list_head *pages,
			int sign)
{
	struct managed_batch batch = {};
	struct page *page;

	if (!store->adjust_managed)
		return;
	list_for_each_entry(page, pages, lru)
		managed_add(&batch, page, sign);
	managed_flush(&batch, sign);
}

/**
 * vb_account_frames - frames enter or leave the balloon
 *
 * A page that was on the kernel's list keeps its mark until it is freed, since
 * compaction may be looking at it; the allocator takes it off.
 *
 * @page: the first one
 * @nr: how many, all of one zone
 * @in: they enter
 *
 * Context: any but interrupt.
 */
void vb_account_frames(struct page *page, unsigned int nr, bool in)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (in)
			__SetPageOffline(page + i);
		else if (!page_has_movable_ops(page + i))
			__ClearPageOffline(page + i);
	}
	count_vm_events(in ? BALLOON_INFLATE : BALLOON_DEFLATE, nr);
	balloon_node_pages_add(page, in ? (long)nr : -(long)nr);
}

/**
 * vb_account_list - single pages enter or leave the balloon
 * @pages: the pages
 * @in: they enter
 *
 * Context: any but interrupt.
 */
void vb_account_list(struct list_head *pages, bool in)
{
	struct page *page;

	list_for_each_entry(page, pages, lru)
		vb_account_frames(page, 1, in);
}

/**
 * vb_account_chunk - a chunk enters or leaves the balloon
 * @store: the store
 * @chunk: the chunk
 * @in: it enters
 *
 * Context: any but interrupt.
 */
void vb_account_chunk(struct vb_store *store, struct page *chunk, bool in)
{
	vb_account_frames(chunk, VB_CHUNK_PAGES, in);
	if (store->adjust_managed)
		vb_account_zone(chunk, in ? -VB_CHUNK_PAGES : VB_CHUNK_PAGES);
}
