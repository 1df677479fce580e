/* SPDX-License-Identifier: GPL-2.0-only */
/* Gives memory of the guest back to the host: page numbers become few large ranges. */
#ifndef RELEASE_H
#define RELEASE_H

#include "memory.h"

struct range {
	uint64_t start;		/* bytes of guest memory */
	uint64_t size;
};

enum merge {
	MERGE_SORT,		/* sort, then merge */
	MERGE_ORDER,		/* merge neighbours as they come, up or down */
	MERGE_NONE,		/* a call per page */
};

/* True for page numbers that are in the balloon: huge pages need all of theirs. */
typedef bool (*release_held_fn)(void *context, uint64_t pfn);

/* Sorts `pfns` if that is asked for; returns how many ranges it wrote, `count` at most. */
size_t release_merge(uint32_t *pfns, size_t count, enum merge merge, struct range *ranges);

/*
 * Give a range back. What lies outside of the guest's memory is left out, and a
 * huge page goes when `held` says that all of it is in the balloon (NULL: when
 * all of it is in the range). Returns the bytes that were given back; *error is
 * the last -errno, or unchanged.
 */
uint64_t release_range(const struct memory *memory, const struct range *range,
		       release_held_fn held, void *context, int *error);

#endif
