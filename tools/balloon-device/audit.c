// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is a page that is in the balloon in use? What was released is a hole in the
 * file of the memory; if there is data again, and not all zeros, the guest has
 * written there.
 */
#include <string.h>
#include <unistd.h>

#include "device.h"

static bool is_zero(const uint8_t *page)
{
	return !page[0] && !memcmp(page, page + 1, PFN_SIZE - 1);
}

/* Look at the pages of [start, end) of a region's file that are there. */
static uint64_t look(struct device *dev, const struct memory_region *region, uint64_t start,
		     uint64_t end, const char *when)
{
	uint64_t base = region->range.offset, there = 0;
	off_t at = (off_t)start, hole;

	while ((at = lseek(region->fd, at, SEEK_DATA)) >= 0 && (uint64_t)at < end) {
		hole = lseek(region->fd, at, SEEK_HOLE);
		if (hole < 0)
			break;
		for (; at < hole && (uint64_t)at < end; at += (off_t)PFN_SIZE) {
			there++;
			if (!is_zero(region->host + ((uint64_t)at - base)))
				books_violation(&dev->books, V_USED, "page %#llx was used %s",
						(unsigned long long)(region->range.guest +
						 (uint64_t)at - base) >> PFN_SHIFT, when);
		}
	}
	return there;
}

/* Returns how many of the pages are there, used or not. */
uint64_t audit_range(struct device *dev, const struct range *range, const char *when)
{
	uint64_t there = 0;
	unsigned int i;

	for (i = 0; i < dev->memory.count; i++) {
		const struct memory_region *region = &dev->memory.regions[i];
		uint64_t start = region->range.guest, end = start + region->range.size;
		uint64_t in_file = region->range.offset - start;

		/* A huge page stays until all of it is in the balloon. */
		if (region->page > PFN_SIZE)
			continue;
		if (start < range->start)
			start = range->start;
		if (end > range->start + range->size)
			end = range->start + range->size;
		if (start < end)
			there += look(dev, region, start + in_file, end + in_file, when);
	}
	return there;
}

/* Look at all that is in the balloon; returns how many pages were used. */
uint64_t audit_all(struct device *dev, uint64_t *resident)
{
	uint64_t before, pfn = 0, end;

	/* What the driver has deflated meanwhile, it may use. */
	device_serve(dev);
	before = dev->books.header->violations[V_USED];
	*resident = 0;
	while (books_run(&dev->books, &pfn, &end)) {
		const struct range run = { pfn << PFN_SHIFT, (end - pfn) << PFN_SHIFT };

		*resident += audit_range(dev, &run, "while it was in the balloon");
		pfn = end;
	}
	return dev->books.header->violations[V_USED] - before;
}
