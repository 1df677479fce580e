// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in the balloon and unknown to the host: a device reset made it forget.
 * A part of the page store, and as quiet as that towards the host.
 *
 * It is told again of these pages, unless the guest wants them before: then they
 * are simply free, and nobody need be told.
 */
#include <linux/minmax.h>
#include <linux/nodemask.h>
#include <linux/sched.h>

#include "store.h"

/* Single pages that are worked on between two looks at the scheduler. */
#define BATCH			256L

/* @nr single pages leave the balloon. */
static void leave(struct vb_node *node, struct list_head *pages, long nr)
{
	vb_account_list(pages, false);
	vb_account_managed(node->store, pages, 1);
	atomic_long_sub(nr, &node->store->nr_untold);
	vb_store_count(node, -nr);
}

static void leave_chunk(struct vb_node *node, struct page *chunk)
{
	vb_account_chunk(node->store, chunk, false);
	atomic_long_sub(VB_CHUNK_PAGES, &node->store->nr_untold);
	vb_store_count(node, -VB_CHUNK_PAGES);
}

/* @nr pages, taken out of the balloon, are back in it, unknown to the host. */
static void forget(struct vb_node *node, struct list_head *pages,
		   struct list_head *untold, long nr)
{
	vb_store_count(node, nr);
	atomic_long_add(nr, &node->store->nr_untold);
	spin_lock(&node->store->lock);
	list_splice_tail_init(pages, untold);
	spin_unlock(&node->store->lock);
}

/* The same for single pages of several nodes. */
static void forget_pages(struct vb_store *store, struct list_head *pages)
{
	while (!list_empty(pages)) {
		struct vb_node *node;
		LIST_HEAD(local);
		long nr;

		node = vb_store_sort_out(store, pages, &local, &nr);
		forget(node, &local, &node->untold, nr);
	}
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
	struct vb_node *node;
	struct page *chunk;
	LIST_HEAD(pages);
	unsigned int nr;

	while ((chunk = vb_store_remove_chunk(store, NUMA_NO_NODE))) {
		node = vb_store_node(store, chunk);
		vb_account_chunk(store, chunk, true);
		list_add(&chunk->lru, &pages);
		forget(node, &pages, &node->untold_chunks, VB_CHUNK_PAGES);
		cond_resched();
	}
	while (vb_store_pages(store) > atomic_long_read(&store->nr_untold)) {
		nr = vb_store_remove(store, &pages, BATCH, NUMA_NO_NODE);
		vb_account_list(&pages, true);
		vb_account_managed(store, &pages, -1);
		forget_pages(store, &pages);
		if (!nr)
			vb_store_pause();
		cond_resched();
	}
}

/**
 * vb_store_take_untold - take single pages that the host does not know of
 * @store: the store
 * @pages: an empty list; receives them
 * @nr: how many are wanted
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * They leave the balloon: the caller inflates them anew, or just frees them.
 *
 * Context: reclaim, does not sleep.
 * Return: how many there were.
 */
unsigned int vb_store_take_untold(struct vb_store *store,
				  struct list_head *pages, unsigned int nr,
				  int nid)
{
	unsigned int taken = 0, got, n;

	for (n = vb_nodes_from(nid); n < vb_nodes_up_to(nid); n++) {
		struct vb_node *node = &store->nodes[n];
		LIST_HEAD(local);

		got = vb_store_take(store, &node->untold, &local, nr - taken);
		leave(node, &local, got);
		list_splice_tail(&local, pages);
		taken += got;
	}
	return taken;
}

/**
 * vb_store_take_untold_chunk - take a chunk that the host does not know of
 * @store: the store
 * @nid: the node it is to come from, or NUMA_NO_NODE
 *
 * Context: reclaim, does not sleep.
 * Return: the chunk, see vb_store_take_untold(), or NULL.
 */
struct page *vb_store_take_untold_chunk(struct vb_store *store, int nid)
{
	struct vb_node *node;
	struct page *chunk;
	unsigned int n;

	for (n = vb_nodes_from(nid); n < vb_nodes_up_to(nid); n++) {
		node = &store->nodes[n];
		chunk = vb_store_pop(store, &node->untold_chunks);
		if (!chunk)
			continue;
		leave_chunk(node, chunk);
		return chunk;
	}
	return NULL;
}

/**
 * vb_store_free_untold - give back to the guest what the host does not know of
 * @store: the store
 * @pages: how many; the last chunk may make it more
 * @nid: the node they are to come from, or NUMA_NO_NODE
 *
 * Context: reclaim: allocates nothing, waits for nobody.
 * Return: pages that the guest has back.
 */
long vb_store_free_untold(struct vb_store *store, long pages, int nid)
{
	LIST_HEAD(singles);
	struct page *chunk;
	long freed = 0, nr = 1;

	for (; freed < pages && nr; freed += nr) {
		vb_store_take_untold(store, &singles, min(pages - freed, BATCH),
				     nid);
		nr = vb_pages_free(&singles);
		cond_resched();
	}
	while (freed < pages &&
	       (chunk = vb_store_take_untold_chunk(store, nid))) {
		vb_chunk_free(chunk);
		freed += VB_CHUNK_PAGES;
		cond_resched();
	}
	return freed;
}

/**
 * vb_store_drop_range - free what the host does not know of
 * @store: the store
 * @start: first page frame of a range, aligned to a chunk
 * @nr: page frames in the range
 *
 * Context: process.
 */
void vb_store_drop_range(struct vb_store *store, unsigned long start,
			 unsigned long nr)
{
	struct vb_node *node = vb_store_node(store, pfn_to_page(start));
	LIST_HEAD(chunks);
	LIST_HEAD(pages);
	unsigned long taken;
	struct page *chunk;

	vb_store_take_range(store, &node->untold_chunks, &chunks, start, nr);
	list_for_each_entry(chunk, &chunks, lru)
		leave_chunk(node, chunk);
	taken = vb_store_take_range(store, &node->untold, &pages, start, nr);
	leave(node, &pages, taken);
	vb_chunks_free(&chunks);
	vb_pages_free(&pages);
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
	vb_store_forget_told(store);
	vb_store_free_untold(store, vb_store_pages(store), NUMA_NO_NODE);
}
