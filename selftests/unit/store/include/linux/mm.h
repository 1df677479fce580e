/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's memory: page frames in zones, taken and given back singly or as
 * whole blocks of 2 MiB, and what the kernel counts of them. See memory.c.
 */
#ifndef STORE_LINUX_MM_H
#define STORE_LINUX_MM_H

#include <errno.h>
#include <linux/list.h>
#include <linux/mmzone.h>

/* The page size is the compiler's argument. */
#define BLOCK_ORDER		(21 - PAGE_SHIFT)
#define BLOCK_PAGES		(1UL << BLOCK_ORDER)
#define ZONE_BLOCKS		6UL
#define ZONE_PAGES		(ZONE_BLOCKS * BLOCK_PAGES)
#define NR_BLOCKS		(NR_ZONES * ZONE_BLOCKS)
#define NR_PAGES		(NR_ZONES * ZONE_PAGES)
#define FIRST_PFN		(8 * BLOCK_PAGES)

/**
 * struct page - a page frame
 * @lru: on a list of its owner's
 * @private: its owner's
 * @refcount: 0 when it is free, or not the first of a block
 * @order: of the allocation whose first page it is
 * @free: nobody has it
 * @offline: PageOffline
 * @sticky: the kernel's balloon let go of it, and left it marked
 * @movable_ops: it was on the kernel's list, and compaction may look at it
 */
struct page {
	struct list_head lru;
	unsigned long private;
	int refcount;
	unsigned int order;
	bool free;
	bool offline;
	bool sticky;
	bool movable_ops;
};

extern struct page mem_map[NR_PAGES];

#define page_to_pfn(page)	((unsigned long)((page) - mem_map) + FIRST_PFN)
#define pfn_to_page(pfn)	(&mem_map[(pfn) - FIRST_PFN])
#define PFN_PHYS(pfn)		((u64)(pfn) << PAGE_SHIFT)

static inline unsigned int page_zonenum(const struct page *page)
{
	return (page - mem_map) / ZONE_PAGES;
}

static inline struct zone *page_zone(const struct page *page)
{
	return &zones[page_zonenum(page)];
}

static inline int page_to_nid(const struct page *page)
{
	return page_zone(page)->nid;
}

static inline struct pglist_data *page_pgdat(const struct page *page)
{
	return &nodes[page_to_nid(page)];
}

static inline void set_page_private(struct page *page, unsigned long private)
{
	page->private = private;
}

static inline bool page_has_movable_ops(const struct page *page)
{
	return page->movable_ops;
}

static inline void __SetPageOffline(struct page *page)
{
	if (page->offline && page->movable_ops)
		return;
	never(page->offline && !page->sticky);
	page->offline = true;
	page->sticky = false;
}

static inline void __ClearPageOffline(struct page *page)
{
	never(!page->offline || page->movable_ops);
	page->offline = false;
	page->sticky = false;
}

/* Allocation */
typedef unsigned int gfp_t;

#define __GFP_RECLAIM		0x01u
#define __GFP_MOVABLE		0x02u
#define __GFP_NOMEMALLOC	0x04u
#define __GFP_NORETRY		0x08u
#define __GFP_NOWARN		0x10u
#define GFP_KERNEL		(0x20u | __GFP_RECLAIM)
#define GFP_HIGHUSER		(0x40u | __GFP_RECLAIM)

struct page *alloc_pages(gfp_t gfp, unsigned int order);
void split_page(struct page *page, unsigned int order);
void __free_pages(struct page *page, unsigned int order);
void put_page(struct page *page);

static inline void get_page(struct page *page)
{
	page->refcount++;
}

/* Books */
enum vm_event_item {
	BALLOON_INFLATE, BALLOON_DEFLATE, BALLOON_MIGRATE, NR_VM_EVENTS
};

extern long vm_events[NR_VM_EVENTS];
extern unsigned int managed_adjustments;

static inline void count_vm_events(enum vm_event_item item, long delta)
{
	vm_events[item] += delta;
}

void adjust_managed_page_count(struct page *page, long count);

/* Arithmetic */
#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#endif
#define mult_frac(x, n, d)	((x) / (d) * (n) + (x) % (d) * (n) / (d))

#endif /* STORE_LINUX_MM_H */
