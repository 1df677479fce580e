// SPDX-License-Identifier: GPL-2.0-only
/* The guest's memory, from /proc. */
#include <inttypes.h>
#include <string.h>

#include "features.h"
#include "model.h"
#include "root.h"

/* A line of /proc: a name of up to 47 characters, and a number. */
#define LINE " %47[^: ]%*[: ]%" SCNd64

struct meminfo {
	int64_t total, free, available, buffers, cached, shmem, reclaimable;
	int64_t balloon;	/* newer kernels; -1 if there is none */
};

static void read_meminfo(struct meminfo *m)
{
	const struct {
		const char *name;
		int64_t *kib;
	} fields[] = {
		{ "MemTotal", &m->total }, { "MemFree", &m->free },
		{ "MemAvailable", &m->available }, { "Buffers", &m->buffers },
		{ "Cached", &m->cached }, { "Shmem", &m->shmem },
		{ "SReclaimable", &m->reclaimable }, { "Balloon", &m->balloon },
	};
	FILE *file = root_open("/proc/meminfo");
	char line[128], name[48];
	int64_t kib;
	size_t i;

	*m = (struct meminfo){ .balloon = -1 };
	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, LINE, name, &kib) != 2)
			continue;
		for (i = 0; i < ARRAY_SIZE(fields); i++)
			if (!strcmp(name, fields[i].name))
				*fields[i].kib = kib;
	}
	if (file)
		fclose(file);
}

/* What went into balloons less what came out, by the kernel's own count. */
static int64_t vmstat_balloon_pages(void)
{
	FILE *file = root_open("/proc/vmstat");
	char line[128], name[48];
	int64_t value, pages = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, LINE, name, &value) != 2)
			continue;
		if (!strcmp(name, "balloon_inflate"))
			pages += value;
		else if (!strcmp(name, "balloon_deflate"))
			pages -= value;
	}
	if (file)
		fclose(file);
	return pages > 0 ? pages : 0;
}

static int64_t read_stall_us(void)
{
	FILE *file = root_open("/proc/pressure/memory");
	int64_t us = UNKNOWN;

	if (!file)
		return us;
	if (fscanf(file, "some avg10=%*s avg60=%*s avg300=%*s total=%" SCNd64,
		   &us) != 1)
		us = UNKNOWN;
	fclose(file);
	return us;
}

static int64_t at_least_0(int64_t value)
{
	return value > 0 ? value : 0;
}

/*
 * What is in a balloon is not in MemTotal, unless the guest may have it back
 * when it is out of memory: then it counts as used.
 */
void memory_read(struct memory *memory, const struct snapshot *s)
{
	int64_t outside = 0, balloon = 0;
	bool ours = false, counted = false;
	struct meminfo m;
	int i;

	read_meminfo(&m);
	for (i = 0; i < s->nr_devices; i++) {
		const struct device *d = &s->devices[i];

		counted = counted || has_feature(d->accepted, F_DEFLATE_ON_OOM);
		if (!d->ours)
			continue;
		ours = true;
		balloon += d->actual;
		if (!has_feature(d->accepted, F_DEFLATE_ON_OOM))
			outside += d->actual;
	}
	if (!ours) {
		balloon = m.balloon >= 0 ? m.balloon * 1024 :
			  vmstat_balloon_pages() * s->system.page_size;
		outside = counted ? 0 : balloon;
	}
	memory->balloon = balloon;
	memory->total = m.total * 1024 + outside;
	memory->free = m.free * 1024;
	memory->available = m.available * 1024;
	memory->cache = at_least_0(m.buffers + m.cached - m.shmem +
				   m.reclaimable) * 1024;
	memory->used = at_least_0(memory->total - balloon - memory->free -
				  memory->cache);
	memory->stall_us = read_stall_us();
}
