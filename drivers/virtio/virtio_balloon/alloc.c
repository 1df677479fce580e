// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for the balloon, and back to the guest: chunks and single pages.
 *
 * Chunks cannot be migrated. So they are taken from memory that lies free and
 * that nobody needs to move: never from movable zones or CMA, nor from memory
 * that its driver plugged in and may want to unplug.
 */
#include <linux/ioport.h>
#include <linux/math64.h>
#include <linux/mmzone.h>

#include "store.h"

/* Below its high watermark, or its share of the reserve, a zone gives no chunks. */
static bool zone_is_short(struct zone *zone, unsigned long reserve)
{
	unsigned long share = div64_ul((u64)reserve * zone_managed_pages(zone),
				       totalram_pages() + 1);

	return zone_page_state(zone, NR_FREE_PAGES) <
	       high_wmark_pages(zone) + share;
}

static bool lies_in(struct page *chunk, unsigned long flags)
{
	return region_intersects(PFN_PHYS(page_to_pfn(chunk)),
				 VB_CHUNK_PAGES << PAGE_SHIFT, flags,
				 IORES_DESC_NONE) != REGION_DISJOINT;
}

/*
 * Where region_intersects() sees the outermost resources only (6.1), those of a
 * driver hide that it is RAM at all.
 */
static bool may_be_unplugged(struct page *chunk)
{
	return !lies_in(chunk, IORESOURCE_SYSTEM_RAM) ||
	       lies_in(chunk, IORESOURCE_SYSTEM_RAM |
			      IORESOURCE_SYSRAM_DRIVER_MANAGED);
}

/**
 * vb_chunk_alloc - a chunk that costs the guest no effort
 * @reserve: available memory that the guest is to keep; pages
 *
 * Without reclaim or compaction.
 *
 * Context: process.
 * Return: the chunk or NULL.
 */
struct page *vb_chunk_alloc(unsigned long reserve)
{
	gfp_t gfp = (GFP_HIGHUSER | __GFP_NOMEMALLOC | __GFP_NORETRY |
		     __GFP_NOWARN) & ~__GFP_RECLAIM;
	struct page *chunk = alloc_pages(gfp, VB_CHUNK_ORDER);

	if (chunk && (zone_is_short(page_zone(chunk), reserve) ||
		      may_be_unplugged(chunk))) {
		vb_chunk_free(chunk);
		chunk = NULL;
	}
	return chunk;
}

/**
 * vb_chunk_free - give a chunk back to the guest
 * @chunk: the chunk
 *
 * Context: any but interrupt, outside every lock.
 */
void vb_chunk_free(struct page *chunk)
{
	set_page_private(chunk, 0);
	__free_pages(chunk, VB_CHUNK_ORDER);
}

/**
 * vb_chunks_free - give chunks back to the guest
 * @chunks: emptied
 *
 * Context: any but interrupt, outside every lock.
 * Return: how many pages.
 */
unsigned long vb_chunks_free(struct list_head *chunks)
{
	struct page *chunk, *next;
	unsigned long nr = 0;

	list_for_each_entry_safe(chunk, next, chunks, lru) {
		list_del(&chunk->lru);
		vb_chunk_free(chunk);
		nr += VB_CHUNK_PAGES;
	}
	return nr;
}

/**
 * vb_pages_free - give single pages back to the guest
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
