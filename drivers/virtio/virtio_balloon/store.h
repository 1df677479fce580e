/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The page store, what it does to the guest's own books, and where its memory
 * comes from. Part of balloon.h, where the locks are described.
 */
#ifndef VB_STORE_H
#define VB_STORE_H

#include <linux/atomic.h>
#include <linux/balloon.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/spinlock.h>

/* A chunk is 2 MiB, whatever the guest's page size is. */
#define VB_CHUNK_ORDER		(21 - PAGE_SHIFT)
#define VB_CHUNK_PAGES		((long)BIT(VB_CHUNK_ORDER))

struct vb_store;

typedef int vb_migratepage_fn(struct balloon_dev_info *bdi,
			      struct page *newpage, struct page *page,
			      enum migrate_mode mode);

/**
 * struct vb_node - what the host has of one NUMA node's pages
 * @store: the store that it is a part of
 * @bdi: the kernel's balloon: single pages, migratable
 * @chunks: blocks of 2 MiB, not migratable
 * @fragments: what is left of split chunks
 * @untold_chunks: in the balloon, but a device reset made the host forget them
 * @untold: single pages likewise
 * @pages: guest pages on all of these, isolated ones included
 */
struct vb_node {
	struct vb_store *store;
	struct balloon_dev_info bdi;
	struct list_head chunks;
	struct list_head fragments;
	struct list_head untold_chunks;
	struct list_head untold;
	atomic_long_t pages;
};

/**
 * struct vb_store - the pages that the host has
 * @nodes: by NUMA node
 * @lock: protects all lists but the kernel's
 * @pages: guest pages on all lists
 * @nr_untold: guest pages on the untold ones
 * @adjust_managed: MemTotal follows the balloon (no DEFLATE_ON_OOM)
 */
struct vb_store {
	struct vb_node *nodes;
	spinlock_t lock;	/* the lists, those of @nodes included */
	atomic_long_t pages;
	atomic_long_t nr_untold;
	bool adjust_managed;
};

/* account.c: the guest's own books */
void vb_account_zone(struct page *page, long nr);
void vb_account_managed(struct vb_store *store, struct list_head *pages,
			int sign);
void vb_account_frames(struct page *page, unsigned int nr, bool in);
void vb_account_list(struct list_head *pages, bool in);
void vb_account_chunk(struct vb_store *store, struct page *chunk, bool in);

/* alloc.c: memory for the balloon, and back to the guest */
struct page *vb_chunk_alloc(unsigned long reserve);
void vb_chunk_free(struct page *chunk);
unsigned long vb_chunks_free(struct list_head *chunks);
unsigned long vb_pages_free(struct list_head *pages);

/* pages.c */
int vb_store_init(struct vb_store *store, bool adjust_managed,
		  vb_migratepage_fn *migratepage);
void vb_store_destroy(struct vb_store *store);
void vb_store_insert(struct vb_store *store, struct list_head *pages);
void vb_store_insert_chunk(struct vb_store *store, struct page *chunk);
struct page *vb_store_remove_chunk(struct vb_store *store, int nid);
unsigned int vb_store_remove(struct vb_store *store, struct list_head *pages,
			     unsigned int nr, int nid);
void vb_store_remove_range(struct vb_store *store, unsigned long start,
			   unsigned long nr, struct list_head *chunks,
			   struct list_head *pages);
void vb_store_migrated(struct vb_store *store, struct page *from,
		       struct page *to);
int vb_store_pause(void);

/* pages.c, for untold.c */
void vb_store_count(struct vb_node *node, long nr);
struct vb_node *vb_store_sort_out(struct vb_store *store,
				  struct list_head *from,
				  struct list_head *to, long *nr);
struct page *vb_store_pop(struct vb_store *store, struct list_head *list);
unsigned int vb_store_take(struct vb_store *store, struct list_head *from,
			   struct list_head *to, unsigned int nr);
unsigned long vb_store_take_range(struct vb_store *store,
				  struct list_head *from, struct list_head *to,
				  unsigned long start, unsigned long nr);

/* untold.c: what is in the balloon and unknown to the host */
void vb_store_forget_told(struct vb_store *store);
unsigned int vb_store_take_untold(struct vb_store *store,
				  struct list_head *pages, unsigned int nr,
				  int nid);
struct page *vb_store_take_untold_chunk(struct vb_store *store, int nid);
long vb_store_free_untold(struct vb_store *store, long pages, int nid);
void vb_store_drop_range(struct vb_store *store, unsigned long start,
			 unsigned long nr);
void vb_store_empty(struct vb_store *store);

static inline long vb_store_pages(struct vb_store *store)
{
	return atomic_long_read(&store->pages);
}

/* The nodes that are meant by @nid, which may be NUMA_NO_NODE: from, and up to. */
static inline unsigned int vb_nodes_from(int nid)
{
	return nid == NUMA_NO_NODE ? 0 : nid;
}

static inline unsigned int vb_nodes_up_to(int nid)
{
	return nid == NUMA_NO_NODE ? nr_node_ids : nid + 1;
}

static inline struct vb_node *vb_store_node(struct vb_store *store,
					    struct page *page)
{
	return &store->nodes[page_to_nid(page)];
}

/* What one node holds. */
static inline long vb_store_node_pages(struct vb_store *store, int nid)
{
	return atomic_long_read(&store->nodes[nid].pages);
}

#endif /* VB_STORE_H */
