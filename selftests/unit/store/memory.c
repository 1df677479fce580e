// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of the model's machine, and the kernel's books of it. Whoever
 * gives back what is not theirs, or not as they found it, fails the test.
 */
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <stdlib.h>
#include <string.h>

#include "../unit.h"
#include "machine.h"

/* Plugged in by a driver: all of one block, and parts of two others. */
#define PLUGGED_FIRST	((FIRST_PFN + 5 * ZONE_PAGES - 2 * BLOCK_PAGES) +	\
			 BLOCK_PAGES / 2)
#define PLUGGED_NR	(2 * BLOCK_PAGES)

struct page mem_map[NR_PAGES];
struct pglist_data nodes[NR_NODES];
/* Two nodes, and more zones than vb_account_managed() collects at once. */
struct zone zones[NR_ZONES] = {
	{ .nid = 0 }, { .nid = 0 }, { .nid = 0 }, { .nid = 0, .movable = true },
	{ .nid = 1 }, { .nid = 1, .movable = true },
};

long vm_events[NR_VM_EVENTS];
unsigned int managed_adjustments;
unsigned int spinlocks_held;
struct page *last_block;
bool kcalloc_fails;

static unsigned long free_in_block[NR_BLOCKS];
static u64 *random_state;

/**
 * memory_init - all memory is free, and nothing was counted
 * @seed: decides what is given to whom
 */
void memory_init(u64 *seed)
{
	unsigned long i;

	random_state = seed;
	memset(mem_map, 0, sizeof(mem_map));
	for (i = 0; i < NR_PAGES; i++)
		mem_map[i].free = true;
	for (i = 0; i < NR_BLOCKS; i++)
		free_in_block[i] = BLOCK_PAGES;
	for (i = 0; i < NR_ZONES; i++) {
		zones[i].managed = ZONE_PAGES;
		zones[i].free = ZONE_PAGES;
		zones[i].high_wmark = BLOCK_PAGES / 4 * (i + 1);
	}
	memset(nodes, 0, sizeof(nodes));
	memset(vm_events, 0, sizeof(vm_events));
	spinlocks_held = 0;
}

static void mark_free(struct page *page, bool free)
{
	never(page->free == free);
	page->free = free;
	page_zone(page)->free += free ? 1 : -1;
	free_in_block[(page - mem_map) / BLOCK_PAGES] += free ? 1 : -1;
}

static struct page *allocated(struct page *page, unsigned int order)
{
	unsigned long i;

	for (i = 0; i < 1UL << order; i++)
		mark_free(page + i, false);
	page->refcount = 1;
	page->order = order;
	return page;
}

/**
 * alloc_page_of - a single page of a zone
 * @zone: the zone
 *
 * Rather from the first blocks of the zone, so that others stay whole.
 *
 * Return: the page or NULL.
 */
struct page *alloc_page_of(struct zone *zone)
{
	unsigned long block, first, at;

	if (!zone->free)
		return NULL;
	block = rnd(random_state) % (ZONE_BLOCKS / 3);
	first = (zone - zones) * ZONE_BLOCKS;
	while (!free_in_block[first + block])
		block = (block + 1) % ZONE_BLOCKS;
	first = (first + block) * BLOCK_PAGES;
	at = rnd(random_state) % BLOCK_PAGES;
	while (!mem_map[first + at].free)
		at = (at + 1) % BLOCK_PAGES;
	return allocated(&mem_map[first + at], 0);
}

struct page *alloc_pages(gfp_t gfp, unsigned int order)
{
	unsigned long start = rnd(random_state) % NR_BLOCKS, i;

	never(spinlocks_held);
	never(order != BLOCK_ORDER);
	never(gfp & __GFP_RECLAIM);
	never(!(gfp & __GFP_NOMEMALLOC) || !(gfp & __GFP_NOWARN));
	last_block = NULL;
	for (i = 0; i < NR_BLOCKS && !last_block; i++) {
		unsigned long block = (start + i) % NR_BLOCKS;
		struct page *page = &mem_map[block * BLOCK_PAGES];

		if (free_in_block[block] < BLOCK_PAGES)
			continue;
		if (page_zone(page)->movable && !(gfp & __GFP_MOVABLE))
			continue;
		last_block = allocated(page, order);
	}
	return last_block;
}

void split_page(struct page *page, unsigned int order)
{
	unsigned long i;

	never(page->refcount != 1 || page->order != order || !order);
	never(page->private);
	page->order = 0;
	for (i = 0; i < 1UL << order; i++) {
		never(page[i].offline);
		page[i].refcount = 1;
	}
	page_was_split(page);
}

void __free_pages(struct page *page, unsigned int order)
{
	unsigned long i;

	never(spinlocks_held);
	never(page->refcount != 1 || page->order != order);
	never(page->private);
	page->refcount = 0;
	page->order = 0;
	for (i = 0; i < 1UL << order; i++) {
		never(page[i].offline);
		never(page[i].lru.next);
		mark_free(page + i, true);
	}
}

void put_page(struct page *page)
{
	never(spinlocks_held);
	never(page->refcount < 1);
	if (page->refcount > 1) {
		page->refcount--;
		return;
	}
	/* Freeing resets the mark of a single page, if it may have one. */
	if (page->sticky) {
		page->movable_ops = false;
		__ClearPageOffline(page);
	}
	__free_pages(page, 0);
}

bool pluggable(const struct page *block)
{
	unsigned long pfn = page_to_pfn(block);

	return pfn + BLOCK_PAGES > PLUGGED_FIRST &&
	       pfn < PLUGGED_FIRST + PLUGGED_NR;
}

int region_intersects(u64 start, u64 size, unsigned long flags,
		      unsigned long desc)
{
	u64 first = PFN_PHYS(PLUGGED_FIRST), end = first + PFN_PHYS(PLUGGED_NR);

	never(desc != IORES_DESC_NONE);
	if (flags == IORESOURCE_SYSTEM_RAM) {
		first = marks_stick ? end : first;
		return start < end && start + size > first ? REGION_DISJOINT :
							     REGION_INTERSECTS;
	}
	never(flags != (IORESOURCE_SYSTEM_RAM |
			 IORESOURCE_SYSRAM_DRIVER_MANAGED));
	if (!marks_stick)
		return REGION_DISJOINT;
	if (start >= end || start + size <= first)
		return REGION_DISJOINT;
	return start >= first && start + size <= end ? REGION_INTERSECTS :
						       REGION_MIXED;
}

void adjust_managed_page_count(struct page *page, long count)
{
	page_zone(page)->managed += count;
	managed_adjustments++;
}

unsigned long zone_page_state(const struct zone *zone, enum zone_stat_item item)
{
	never(item != NR_FREE_PAGES);
	return zone->free;
}

unsigned long totalram_pages(void)
{
	unsigned long i, sum = 0;

	for (i = 0; i < NR_ZONES; i++)
		sum += zones[i].managed;
	return sum;
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	never(spinlocks_held || gfp != GFP_KERNEL);
	return kcalloc_fails ? NULL : calloc(n, size);
}

void kfree(const void *ptr)
{
	never(spinlocks_held);
	free((void *)ptr);
}

void cond_resched(void)
{
	never(spinlocks_held);
}
