// SPDX-License-Identifier: GPL-2.0-only
/* Gives memory of the guest back to the host, with one call for each range. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "release.h"

static int compare(const void *left, const void *right)
{
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return a < b ? -1 : a > b;
}

/* Take one more page into a range, if it is a neighbour. */
static bool extend(struct range *range, uint64_t start, enum merge merge)
{
	uint64_t end = range->start + range->size;

	if (merge == MERGE_NONE)
		return false;
	if (start == end) {
		range->size += PFN_SIZE;
		return true;
	}
	if (merge == MERGE_ORDER && start + PFN_SIZE == range->start) {
		range->start = start;
		range->size += PFN_SIZE;
		return true;
	}
	/* The driver named a page twice; that is for the books to complain of. */
	return merge == MERGE_SORT && start + PFN_SIZE == end;
}

size_t release_merge(uint32_t *pfns, size_t count, enum merge merge, struct range *ranges)
{
	size_t i, used = 0;

	if (merge == MERGE_SORT && count)
		qsort(pfns, count, sizeof(*pfns), compare);
	for (i = 0; i < count; i++) {
		uint64_t start = (uint64_t)pfns[i] << PFN_SHIFT;

		if (used && extend(&ranges[used - 1], start, merge))
			continue;
		ranges[used].start = start;
		ranges[used++].size = PFN_SIZE;
	}
	return used;
}

/* One call to the kernel; `start` and `end` are guest addresses within the region. */
static uint64_t punch(const struct memory_region *region, uint64_t start, uint64_t end, int *error)
{
	uint64_t skip = start - region->range.guest;

	if (!fallocate(region->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		       (off_t)(region->range.offset + skip), (off_t)(end - start)))
		return end - start;
	/* The descriptor may be sealed against it, or opened for the mapping only. */
	if (!madvise(region->host + skip, end - start, MADV_REMOVE))
		return end - start;
	*error = -errno;
	return 0;
}

static bool wholly_held(uint64_t start, uint64_t size, release_held_fn held, void *context)
{
	uint64_t pfn;

	for (pfn = start >> PFN_SHIFT; pfn < (start + size) >> PFN_SHIFT; pfn++)
		if (!held(context, pfn))
			return false;
	return true;
}

/* Huge pages lie by the file's offsets; guest addresses need not be aligned alike. */
static uint64_t punch_huge(const struct memory_region *region, uint64_t start, uint64_t end,
			   release_held_fn held, void *context, int *error)
{
	uint64_t page = region->page, guest = region->range.guest, offset = region->range.offset;
	uint64_t at = start - guest + offset, last = end - guest + offset, done = 0;

	for (at -= at % page; at < last; at += page) {
		uint64_t first = at - offset + guest;

		if (at < offset || at + page > offset + region->range.size)
			continue;
		if (held ? wholly_held(first, page, held, context) :
			   first >= start && first + page <= end)
			done += punch(region, first, first + page, error);
	}
	return done;
}

uint64_t release_range(const struct memory *memory, const struct range *range,
		       release_held_fn held, void *context, int *error)
{
	uint64_t done = 0, last;
	unsigned int i;

	if (__builtin_add_overflow(range->start, range->size, &last))
		return 0;
	for (i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];
		uint64_t start = region->range.guest, end = start + region->range.size;

		if (start < range->start)
			start = range->start;
		if (end > last)
			end = last;
		/* Reported memory comes in bytes, and only whole pages can go. */
		start = (start + PFN_SIZE - 1) & ~(PFN_SIZE - 1);
		end &= ~(PFN_SIZE - 1);
		if (start >= end)
			continue;
		done += region->page > PFN_SIZE ?
			punch_huge(region, start, end, held, context, error) :
			punch(region, start, end, error);
	}
	return done;
}
