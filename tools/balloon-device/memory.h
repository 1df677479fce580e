/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's memory, as the VMM shares it: a few ranges of guest addresses,
 * each a piece of a file that is mapped here.
 */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMORY_REGIONS	8	/* what VHOST_USER_SET_MEM_TABLE carries at most */
#define PFN_SHIFT	12	/* a balloon page has 4 KiB, whatever the guest's are */
#define PFN_SIZE	(1ull << PFN_SHIFT)

/* As it comes over the wire. */
struct memory_range {
	uint64_t guest;
	uint64_t size;
	uint64_t user;		/* where the VMM has it mapped: ring addresses are so */
	uint64_t offset;	/* in the file */
};

struct memory_region {
	struct memory_range range;
	int fd;
	uint64_t page;		/* what the file's pages have, 2 MiB with hugetlb */
	uint8_t *host;
	void *map;
	size_t map_size;
};

struct memory {
	unsigned int count;
	struct memory_region regions[MEMORY_REGIONS];
};

/* Takes over the descriptors, also when it fails; returns 0 or -errno, then nothing has changed. */
int memory_set(struct memory *memory, const struct memory_range *ranges, const int *fds,
	       unsigned int count);
void memory_clear(struct memory *memory);

/* NULL unless all of it lies in one region. */
void *memory_guest(const struct memory *memory, uint64_t guest, uint64_t size);
void *memory_user(const struct memory *memory, uint64_t user, uint64_t size);
const struct memory_region *memory_region(const struct memory *memory, uint64_t guest);

/* The first page number behind all memory. */
uint64_t memory_end_pfn(const struct memory *memory);

#endif
