// SPDX-License-Identifier: GPL-2.0-only
/* Maps the guest's memory and finds addresses in it. */
#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "memory.h"

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

static bool sane(const struct memory_range *ranges, unsigned int count)
{
	unsigned int i, j;
	uint64_t end;

	for (i = 0; i < count; i++) {
		const struct memory_range *r = &ranges[i];

		if (!r->size || (r->size | r->guest | r->user | r->offset) % PFN_SIZE ||
		    __builtin_add_overflow(r->guest, r->size, &end) ||
		    __builtin_add_overflow(r->user, r->size, &end) ||
		    __builtin_add_overflow(r->offset, r->size, &end))
			return false;
		for (j = 0; j < i; j++)
			if (overlap(r->guest, r->size, ranges[j].guest, ranges[j].size) ||
			    overlap(r->user, r->size, ranges[j].user, ranges[j].size))
				return false;
	}
	return true;
}

static int map(struct memory_region *region)
{
	const struct memory_range *r = &region->range;
	struct stat stat;
	struct statfs fs;
	uint64_t skip;

	/* Behind the end of a file there is nothing but SIGBUS. */
	if (fstat(region->fd, &stat) || fstatfs(region->fd, &fs))
		return -errno;
	if (stat.st_size < 0 || (uint64_t)stat.st_size < r->offset + r->size)
		return -EINVAL;
	region->page = fs.f_type == HUGETLBFS_MAGIC ? (uint64_t)fs.f_bsize : PFN_SIZE;
	/* hugetlbfs maps whole huge pages only. */
	skip = r->offset % region->page;
	region->map_size = r->size + skip;
	region->map = mmap(NULL, region->map_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_NORESERVE, region->fd, (off_t)(r->offset - skip));
	if (region->map == MAP_FAILED)
		return -errno;
	region->host = (uint8_t *)region->map + skip;
	/* The guest's memory has no business in a core dump of ours. */
	madvise(region->map, region->map_size, MADV_DONTDUMP);
	return 0;
}

int memory_set(struct memory *memory, const struct memory_range *ranges, const int *fds,
	       unsigned int count)
{
	struct memory new = { 0 };
	unsigned int i;
	int error = 0;

	if (!count || count > MEMORY_REGIONS || !sane(ranges, count))
		error = -EINVAL;
	for (i = 0; i < count; i++) {
		struct memory_region *region = &new.regions[new.count];

		if (error) {
			close(fds[i]);
			continue;
		}
		region->range = ranges[i];
		region->fd = fds[i];
		error = map(region);
		if (error)
			close(fds[i]);
		else
			new.count++;
	}
	if (error) {
		memory_clear(&new);
		return error;
	}
	memory_clear(memory);
	*memory = new;
	return 0;
}

void memory_clear(struct memory *memory)
{
	while (memory->count) {
		struct memory_region *region = &memory->regions[--memory->count];

		munmap(region->map, region->map_size);
		close(region->fd);
	}
}

static bool inside(uint64_t start, uint64_t length, uint64_t address, uint64_t size)
{
	return address >= start && address - start < length && size <= length - (address - start);
}

void *memory_guest(const struct memory *memory, uint64_t guest, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];

		if (inside(region->range.guest, region->range.size, guest, size))
			return region->host + (guest - region->range.guest);
	}
	return NULL;
}

void *memory_user(const struct memory *memory, uint64_t user, uint64_t size)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct memory_region *region = &memory->regions[i];

		if (inside(region->range.user, region->range.size, user, size))
			return region->host + (user - region->range.user);
	}
	return NULL;
}

const struct memory_region *memory_region(const struct memory *memory, uint64_t guest)
{
	unsigned int i;

	for (i = 0; i < memory->count; i++)
		if (inside(memory->regions[i].range.guest, memory->regions[i].range.size, guest, 1))
			return &memory->regions[i];
	return NULL;
}

uint64_t memory_end_pfn(const struct memory *memory)
{
	uint64_t end = 0;
	unsigned int i;

	for (i = 0; i < memory->count; i++) {
		const struct memory_range *r = &memory->regions[i].range;

		if (r->guest + r->size > end)
			end = r->guest + r->size;
	}
	return end >> PFN_SHIFT;
}
