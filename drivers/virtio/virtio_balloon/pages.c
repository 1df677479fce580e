// SPDX-License-Identifier: GPL-2.0-only
/*
 * The page store: the pages that the host has. Never talks to the host.
 *
 * Memory is held in two sizes. Chunks, 2 MiB blocks that are taken and given
 * back whole, keep the host's huge pages and the guest's free memory in one
 * piece; they stay where they are. Single pages live on the kernel's balloon
 * list, where compaction finds and exchanges them. When less than a chunk is
 * wanted one is split, and the rest of it waits on a list of our own: the
 * kernel's balloon would count it a second time.
 *
 * A page enters the store when its inflation is acknowledged and leaves it
 * when its deflation is posted. Every frame in it is PageOffline, so that a
 * crash dump passes over it.
 */
#include <linux/nodemask.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "store.h"

/**
 * vb_store_count - pages enter or leave the lists of a node
 * @node: the node
 * @nr: how many; below 0 if they leave
 *
 * Counted before they enter and after they have left, so that there are never
 * fewer than none.
 *
 * Context: any.
 */
void vb_store_count(struct vb_node *node, long nr)
{
	atomic_long_add(nr, &node->pages);
	atomic_long_add(nr, &node->store->pages);
}

/**
 * vb_store_init - an empty store
 * @store: the store
 * @adjust_managed: MemTotal follows the balloon
 * @migratepage: what compaction calls, or NULL
 *
 * Return: 0 or -ENOMEM.
 */
int vb_store_init(struct vb_store *store, bool adjust_managed,
		  vb_migratepage_fn *migratepage)
{
	struct vb_node *node;
	unsigned int n;

	store->nodes = kcalloc(nr_node_ids, sizeof(*store->nodes), GFP_KERNEL);
	if (!store->nodes)
		return -ENOMEM;
	for (n = 0; n < nr_node_ids; n++) {
		node = &store->nodes[n];
		node->store = store;
		balloon_devinfo_init(&node->bdi);
		node->bdi.migratepage = migratepage;
		INIT_LIST_HEAD(&node->chunks);
		INIT_LIST_HEAD(&node->fragments);
		INIT_LIST_HEAD(&node->untold_chunks);
		INIT_LIST_HEAD(&node->untold);
	}
	spin_lock_init(&store->lock);
	store->adjust_managed = adjust_managed;
	return 0;
}

/**
 * vb_store_destroy - the opposite of vb_store_init()
 * @store: an empty store
 */
void vb_store_destroy(struct vb_store *store)
{
	kfree(store->nodes);
}

/**
 * vb_store_sort_out - take the pages of one node off a list for several
 * @store: the store
 * @from: a list of the caller's, not empty
 * @to: receives them
 * @nr: filled in with how many
 *
 * Return: the node.
 */
struct vb_node *vb_store_sort_out(struct vb_store *store,
				  struct list_head *from,
				  struct list_head *to, long *nr)
{
	struct page *page, *next;
	struct vb_node *node;

	*nr = 0;
	node = vb_store_node(store, list_first_entry(from, struct page, lru));
	list_for_each_entry_safe(page, next, from, lru) {
		if (vb_store_node(store, page) != node)
			continue;
		list_move_tail(&page->lru, to);
		(*nr)++;
	}
	return node;
}

/**
 * vb_store_insert - put single pages into the balloon
 * @store: the store
 * @pages: pages whose inflation the host has acknowledged, or that
 *	vb_store_remove() took out in vain; emptied
 *
 * Context: reclaim.
 */
void vb_store_insert(struct vb_store *store, struct list_head *pages)
{
	vb_account_managed(store, pages, -1);
	while (!list_empty(pages)) {
		struct vb_node *node;
		LIST_HEAD(local);
		long nr;

		node = vb_store_sort_out(store, pages, &local, &nr);
		vb_store_count(node, nr);
		balloon_page_list_enqueue(&node->bdi, &local);
	}
}

/**
 * vb_store_insert_chunk - put a chunk into the balloon
 * @store: the store
 * @chunk: a chunk whose inflation the host has acknowledged
 *
 * Context: reclaim, does not sleep.
 */
void vb_store_insert_chunk(struct vb_store *store, struct page *chunk)
{
	struct vb_node *node = vb_store_node(store, chunk);

	vb_account_chunk(store, chunk, true);
	vb_store_count(node, VB_CHUNK_PAGES);
	spin_lock(&store->lock);
	list_add(&chunk->lru, &node->chunks);
	spin_unlock(&store->lock);
}

/**
 * vb_store_pop - take the first page off one of the store's own lists
 * @store: the store
 * @list: the list
 *
 * Context: reclaim, does not sleep.
 * Return: the page, still in the books; or NULL.
 */
struct page *vb_store_pop(struct vb_store *store, struct list_head *list)
{
	struct page *page;

	spin_lock(&store->lock);
	page = list_first_entry_or_null(list, struct page, lru);
	if (page)
		list_del(&page->lru);
	spin_unlock(&store->lock);
	return page;
}

/**
 * vb_store_remove_chunk - take a chunk out of the balloon, for deflation
 * @store: the store
 * @nid: the node it is to come from, or NUMA_NO_NODE
 *
 * The host has it still: the caller tells it, or calls
 * vb_store_insert_chunk() again.
 *
 * Context: reclaim, does not sleep.
 * Return: the chunk or NULL.
 */
struct page *vb_store_remove_chunk(struct vb_store *store, int nid)
{
	struct vb_node *node;
	struct page *chunk;
	unsigned int n;

	for (n = vb_nodes_from(nid); n < vb_nodes_up_to(nid); n++) {
		node = &store->nodes[n];
		chunk = vb_store_pop(store, &node->chunks);
		if (!chunk)
			continue;
		vb_account_chunk(store, chunk, false);
		vb_store_count(node, -VB_CHUNK_PAGES);
		return chunk;
	}
	return NULL;
}

/**
 * vb_store_take - take single pages off one of the store's own lists
 * @store: the store
 * @from: the list
 * @to: receives them
 * @nr: how many at most
 *
 * Context: reclaim, does not sleep.
 * Return: how many there were; they are still in the books.
 */
unsigned int vb_store_take(struct vb_store *store, struct list_head *from,
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

/* Single pages of a node's, out of the books but for MemTotal. */
static unsigned int take_fragments(struct vb_node *node,
				   struct list_head *pages, unsigned int nr)
{
	LIST_HEAD(taken);

	nr = vb_store_take(node->store, &node->fragments, &taken, nr);
	vb_account_list(&taken, false);
	list_splice_tail(&taken, pages);
	vb_store_count(node, -(long)nr);
	return nr;
}

static unsigned int take_singles(struct vb_node *node, struct list_head *pages,
				 unsigned int nr)
{
	unsigned int taken = take_fragments(node, pages, nr);
	LIST_HEAD(dequeued);

	nr = balloon_page_list_dequeue(&node->bdi, &dequeued, nr - taken);
	list_splice_tail(&dequeued, pages);
	vb_store_count(node, -(long)nr);
	return taken + nr;
}

/* Frames of a chunk become pages of their own; they stay in the balloon. */
static bool split_chunk(struct vb_node *node)
{
	struct page *chunk = vb_store_pop(node->store, &node->chunks);
	LIST_HEAD(frames);
	unsigned int i;

	if (!chunk)
		return false;
	for (i = 0; i < VB_CHUNK_PAGES; i++)
		__ClearPageOffline(chunk + i);
	set_page_private(chunk, 0);
	split_page(chunk, VB_CHUNK_ORDER);
	for (i = 0; i < VB_CHUNK_PAGES; i++) {
		__SetPageOffline(chunk + i);
		list_add_tail(&chunk[i].lru, &frames);
	}
	spin_lock(&node->store->lock);
	list_splice(&frames, &node->fragments);
	spin_unlock(&node->store->lock);
	return true;
}

/**
 * vb_store_remove - take single pages out of the balloon, for deflation
 * @store: the store
 * @pages: an empty list; receives them
 * @nr: how many are wanted
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * A chunk is split only when there is nothing else. The host has the pages
 * still: the caller tells it, or calls vb_store_insert().
 *
 * Context: reclaim, does not sleep.
 * Return: how many there were; fewer than @nr, though the balloon is not
 * empty, while compaction has some isolated.
 */
unsigned int vb_store_remove(struct vb_store *store, struct list_head *pages,
			     unsigned int nr, int nid)
{
	unsigned int taken = 0, n;

	for (n = vb_nodes_from(nid); n < vb_nodes_up_to(nid); n++)
		taken += take_singles(&store->nodes[n], pages, nr - taken);
	for (n = vb_nodes_from(nid); n < vb_nodes_up_to(nid); n++)
		while (taken < nr && split_chunk(&store->nodes[n]))
			taken += take_fragments(&store->nodes[n], pages,
						nr - taken);
	vb_account_managed(store, pages, 1);
	return taken;
}

/**
 * vb_store_take_range - take what lies in a range off one of the store's own lists
 * @store: the store
 * @from: the list
 * @to: receives it
 * @start: first page frame of the range
 * @nr: page frames in the range
 *
 * Return: how many; they are still in the books.
 */
unsigned long vb_store_take_range(struct vb_store *store,
				  struct list_head *from, struct list_head *to,
				  unsigned long start, unsigned long nr)
{
	struct page *page, *next;
	unsigned long taken = 0;

	spin_lock(&store->lock);
	list_for_each_entry_safe(page, next, from, lru) {
		if (page_to_pfn(page) - start >= nr)
			continue;
		list_move(&page->lru, to);
		taken++;
	}
	spin_unlock(&store->lock);
	return taken;
}

/**
 * vb_store_remove_range - take what cannot be migrated out of the balloon
 * @store: the store
 * @start: first page frame of a range, aligned to a chunk
 * @nr: page frames in the range
 * @chunks: an empty list; receives chunks
 * @pages: an empty list; receives single pages
 *
 * The host has them still: the caller tells it, or calls
 * vb_store_insert_chunk() and vb_store_insert().
 *
 * Context: process.
 */
void vb_store_remove_range(struct vb_store *store, unsigned long start,
			   unsigned long nr, struct list_head *chunks,
			   struct list_head *pages)
{
	struct vb_node *node = vb_store_node(store, pfn_to_page(start));
	unsigned long taken;
	struct page *chunk;

	taken = VB_CHUNK_PAGES * vb_store_take_range(store, &node->chunks,
						     chunks, start, nr);
	taken += vb_store_take_range(store, &node->fragments, pages, start, nr);
	vb_store_count(node, -(long)taken);
	list_for_each_entry(chunk, chunks, lru)
		vb_account_chunk(store, chunk, false);
	vb_account_list(pages, false);
	vb_account_managed(store, pages, 1);
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
 * vb_store_migrated - compaction exchanged a page
 * @store: the store
 * @from: the page that left the balloon
 * @to: the page that takes its place, also on the list of its node: the
 *	kernel's balloon puts it there, whatever its own node is
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
		vb_account_zone(from, 1);
		vb_account_zone(to, -1);
	}
}
