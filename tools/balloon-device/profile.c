// SPDX-License-Identifier: GPL-2.0-only
/* What other VMMs accept on their inflate queue, as data. */
#include <stddef.h>
#include <string.h>

#include "device.h"

#define STATS		F_BIT(VIRTIO_BALLOON_F_STATS_VQ)
#define ON_OOM		F_BIT(VIRTIO_BALLOON_F_DEFLATE_ON_OOM)
#define REPORTING	F_BIT(VIRTIO_BALLOON_F_REPORTING)
#define MUST_TELL	F_BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST)
#define PRESSURE	F_BIT(VIRTIO_BALLOON_F_HOST_PRESSURE)
#define EVENT_IDX	F_BIT(VIRTIO_RING_F_EVENT_IDX)
#define INDIRECT	F_BIT(VIRTIO_RING_F_INDIRECT_DESC)

/* 256 page numbers, what Linux sends at most */
#define LINUX_LIST	1024

static const struct profile profiles[] = {
	{
		.name = "reference",
		.features = STATS | ON_OOM | REPORTING | PRESSURE | EVENT_IDX,
		.limits = "none; everything sorted, a call per range",
	}, {
		.name = "qemu",
		.features = STATS | EVENT_IDX | INDIRECT,
		.merge = MERGE_NONE,
		.limits = "no limit, a call per page",
	}, {
		.name = "firecracker",
		.features = STATS | ON_OOM | EVENT_IDX,
		.max_bytes = LINUX_LIST,
		.over = OVER_STALL,
		.head_only = true,
		.limits = "1024 bytes in the first descriptor, more is never answered",
	}, {
		.name = "cloud-hypervisor",
		.features = ON_OOM | REPORTING | EVENT_IDX,
		.max_bytes = LINUX_LIST,
		.over = OVER_IGNORE,
		.merge = MERGE_NONE,
		.limits = "1024 bytes in a descriptor, more is answered and ignored",
	}, {
		.name = "crosvm",
		.features = MUST_TELL | STATS | ON_OOM | REPORTING | EVENT_IDX,
		.merge = MERGE_ORDER,
		.limits = "merges neighbours only as they come; must be told",
	}, {
		.name = "kvmtool",
		.features = STATS,
		.head_only = true,
		.counts = true,
		.merge = MERGE_NONE,
		.limits = "the first descriptor only; counts actual itself",
	},
};

const struct profile *profile_number(unsigned int number)
{
	return number < sizeof(profiles) / sizeof(*profiles) ? &profiles[number] : NULL;
}

const struct profile *profile_find(const char *name)
{
	const struct profile *profile;
	unsigned int i;

	for (i = 0; (profile = profile_number(i)); i++)
		if (!strcmp(profile->name, name))
			return profile;
	return NULL;
}
