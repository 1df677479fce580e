// SPDX-License-Identifier: GPL-2.0-only
/* Reads the host's memory from /proc, /sys and the guests' cgroup of either version. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define KIB	1024ull

/* The number after `name` at the start of a line. */
static bool find(const char *path, const char *name, uint64_t *value)
{
	size_t size = strlen(name);
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, size))
			found = sscanf(line + size, "%" SCNu64, value) == 1;
	if (file)
		fclose(file);
	return found;
}

static bool find_in(const char *folder, const char *file, const char *name, uint64_t *value)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return find(path, name, value);
}

/* The limit and what is left of it; page cache that nobody used lately is left, too. */
static void read_cgroup(struct host_memory *memory, const char *cgroup)
{
	uint64_t limit, usage, cache = 0;

	if (!find_in(cgroup, "memory.current", "", &usage) &&
	    !find_in(cgroup, "memory.usage_in_bytes", "", &usage))
		return;
	/* The text "max" is no number: no limit. */
	if (!find_in(cgroup, "memory.max", "", &limit) &&
	    !find_in(cgroup, "memory.limit_in_bytes", "", &limit))
		return;
	/* Version 1 tells of the children in lines of their own; version 2 always. */
	if (!find_in(cgroup, "memory.stat", "total_inactive_file ", &cache))
		find_in(cgroup, "memory.stat", "inactive_file ", &cache);
	memory->total = min_u64(memory->total, limit);
	memory->available = min_u64(memory->available, less_u64(limit, less_u64(usage, cache)));
}

int host_read(struct host_memory *memory, const char *cgroup)
{
	uint64_t total, available, swap = 0, free_swap = 0, pages = 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!find("/proc/meminfo", "MemTotal:", &total) ||
	    !find("/proc/meminfo", "MemAvailable:", &available))
		return -ENODATA;
	memset(memory, 0, sizeof(*memory));
	memory->total = total * KIB;
	memory->available = available * KIB;
	find("/proc/meminfo", "SwapTotal:", &swap);
	find("/proc/meminfo", "SwapFree:", &free_swap);
	memory->swap_used = less_u64(swap, free_swap) * KIB;
	if (find("/proc/vmstat", "pswpout ", &pages))
		memory->swapped_out = pages * page;
	if (find("/sys/kernel/mm/ksm/pages_sharing", "", &pages))
		memory->ksm_saved = pages * page;
	if (cgroup)
		read_cgroup(memory, cgroup);
	memory->soon = memory->available;
	return 0;
}
