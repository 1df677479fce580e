// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page store: the pages that the host has, and what the guest's own books
 * say about them. Never talks to the host.
 *
 * Single pages live on the kernel's balloon list, where compaction finds and
 * exchanges them. A page enters the store when its inflation is acknowledged
 * and leaves it when its deflation is posted.
 */
#include <linux/sched.h>

#include "balloon.h"

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
		adjust_managed_page_count(b->zones[i].page,
					  sign * b->zones[i].nr);
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

/* MemTotal loses (@sign -1) or regains (+1) all of @pages. */
static void adjust_managed(struct vb_store *store, struct list_head *pages,
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

/*
 * What the kernel's balloon does for pages on its list, for those on our own:
 * they enter (@sign 1) or leave (-1) the balloon.
 */
static void account(struct list_head *pages, int sign)
{
	struct page *page;

	list_for_each_entry(page, pages, lru) {
		if (sign > 0)
			__SetPageOffline(page);
		else
			__ClearPageOffline(page);
		count_vm_event(sign > 0 ? BALLOON_INFLATE : BALLOON_DEFLATE);
		balloon_node_pages_add(page, sign);
	}
}

/**
 * vb_store_init - an empty store
 * @store: the store
 * @adjust_managed: MemTotal follows the balloon
 */
void vb_store_init(struct vb_store *store, bool adjust_managed)
{
	balloon_devinfo_init(&store->bdi);
	spin_lock_init(&store->lock);
	INIT_LIST_HEAD(&store->pending);
	INIT_LIST_HEAD(&store->untold);
	store->adjust_managed = adjust_managed;
}

/**
 * vb_store_insert - put pages into the balloon
 * @store: the store
 * @pages: pages whose inflation the host has acknowledged; emptied
 *
 * Context: process.
 */
void vb_store_insert(struct vb_store *store, struct list_head *pages)
{
	size_t nr;

	adjust_managed(store, pages, -1);
	nr = balloon_page_list_enqueue(&store->bdi, pages);
	atomic_long_add(nr, &store->pages);
}

/* Take up to @nr pages off one of the store's own lists. */
static unsigned int take(struct vb_store *store, struct list_head *from,
			 struct list_head *to, unsigned int nr)
{
	struct page *page, *next;
	unsigned int taken = 0;

	spin_lock(&store->lock);
	list_for_each_entry_safe(page, next, from, lru) {
		if (taken == nr)
			break;
		list_move_tail(&page->lru, to);
		taken++;
	}
	spin_unlock(&store->lock);
	return taken;
}

/**
 * vb_store_remove - take pages out of the balloon, for deflation
 * @store: the store
 * @pages: an empty list; receives them
 * @nr: how many are wanted
 *
 * The host has them still: the caller tells it, or calls vb_store_put_back().
 *
 * Context: reclaim, does not sleep.
 * Return: how many there were; fewer than @nr, though the balloon is not
 * empty, while compaction has some isolated.
 */
unsigned int vb_store_remove(struct vb_store *store, struct list_head *pages,
			     unsigned int nr)
{
	unsigned int taken = take(store, &store->pending, pages, nr);
	LIST_HEAD(dequeued);

	account(pages, -1);
	taken += balloon_page_list_dequeue(&store->bdi, &dequeued, nr - taken);
	list_splice(&dequeued, pages);
	adjust_managed(store, pages, 1);
	atomic_long_sub(taken, &store->pages);
	return taken;
}

/**
 * vb_store_put_back - the host could not be told after all
 * @store: the store
 * @pages: from vb_store_remove(); emptied. The next one returns them first
 * @nr: how many
 *
 * Context: reclaim, does not sleep.
 */
void vb_store_put_back(struct vb_store *store, struct list_head *pages,
		       unsigned int nr)
{
	adjust_managed(store, pages, -1);
	account(pages, 1);
	spin_lock(&store->lock);
	list_splice_init(pages, &store->pending);
	spin_unlock(&store->lock);
	atomic_long_add(nr, &store->pages);
}

/**
 * vb_store_pause - let pages that compaction has isolated come home
 *
 * Compaction puts them back, or exchanges them, within a moment.
 *
 * Context: process, may sleep.
 * Return: 0.
 */
int vb_store_pause(void)
{
	return schedule_timeout_uninterruptible(1);
}

/**
 * vb_store_forget_told - a device reset made the host forget the balloon
 * @store: the store
 *
 * The pages stay in the balloon, but the host has to be told of them again.
 *
 * Context: process, with migration refused; may sleep until pages that
 * compaction has isolated come home.
 */
void vb_store_forget_told(struct vb_store *store)
{
	LIST_HEAD(pages);
	unsigned int nr;

	while (vb_store_pages(store) > atomic_long_read(&store->nr_untold)) {
		nr = vb_store_remove(store, &pages, VB_BUF_PAGES);
		account(&pages, 1);
		adjust_managed(store, &pages, -1);
		spin_lock(&store->lock);
		list_splice_init(&pages, &store->untold);
		spin_unlock(&store->lock);
		atomic_long_add(nr, &store->nr_untold);
		atomic_long_add(nr, &store->pages);
		if (!nr)
			vb_store_pause();
	}
}

/**
 * vb_store_take_untold - take pages that the host does not know of
 * @store: the store
 * @pages: an empty list; receives them
 * @nr: how many are wanted
 *
 * They leave the balloon: the caller inflates them anew, or just frees them.
 *
 * Context: reclaim, does not sleep.
 * Return: how many there were.
 */
unsigned int vb_store_take_untold(struct vb_store *store,
				  struct list_head *pages, unsigned int nr)
{
	unsigned int taken = take(store, &store->untold, pages, nr);

	account(pages, -1);
	adjust_managed(store, pages, 1);
	atomic_long_sub(taken, &store->nr_untold);
	atomic_long_sub(taken, &store->pages);
	return taken;
}

/**
 * vb_store_migrated - compaction exchanged a page
 * @store: the store
 * @from: the page that left the balloon
 * @to: the page that takes its place
 *
 * Context: under the page lock, does not sleep.
 */
void vb_store_migrated(struct vb_store *store, struct page *from,
		       struct page *to)
{
	if (page_pgdat(from) != page_pgdat(to)) {
		balloon_node_pages_add(from, -1);
		balloon_node_pages_add(to, 1);
	}
	if (store->adjust_managed && page_zone(from) != page_zone(to)) {
		adjust_managed_page_count(from, 1);
		adjust_managed_page_count(to, -1);
	}
}

/**
 * vb_pages_free - give pages back to the guest
 * @pages: emptied
 *
 * Context: any but interrupt, outside every lock.
 * Return: how many.
 */
unsigned long vb_pages_free(struct list_head *pages)
{
	struct page *page, *next;
	unsigned long nr = 0;

	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		put_page(page);
		nr++;
	}
	return nr;
}

/**
 * vb_store_empty - free all there is: the device was reset for good
 * @store: the store
 *
 * Context: process, with migration refused; may sleep until pages that
 * compaction has isolated come home.
 */
void vb_store_empty(struct vb_store *store)
{
	LIST_HEAD(pages);

	while (vb_store_pages(store)) {
		unsigned int nr = vb_store_take_untold(store, &pages,
						       VB_BUF_PAGES);

		vb_pages_free(&pages);
		nr += vb_store_remove(store, &pages, VB_BUF_PAGES);
		vb_pages_free(&pages);
		if (!nr)
			vb_store_pause();
		cond_resched();
	}
}
