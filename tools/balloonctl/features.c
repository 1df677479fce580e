// SPDX-License-Identifier: GPL-2.0-only
/* Names of features: those of the balloon, and those of the ring below it. */
#include <stdio.h>
#include <string.h>

#include "features.h"

static const char *const names[64] = {
	[F_MUST_TELL_HOST] = "MUST_TELL_HOST",
	[F_STATS_VQ] = "STATS_VQ",
	[F_DEFLATE_ON_OOM] = "DEFLATE_ON_OOM",
	[F_FREE_PAGE_HINT] = "FREE_PAGE_HINT",
	[F_PAGE_POISON] = "PAGE_POISON",
	[F_REPORTING] = "REPORTING",
	[24] = "NOTIFY_ON_EMPTY",
	[27] = "ANY_LAYOUT",
	[F_INDIRECT_DESC] = "INDIRECT_DESC",
	[29] = "EVENT_IDX",
	[32] = "VERSION_1",
	[F_ACCESS_PLATFORM] = "ACCESS_PLATFORM",
	[34] = "RING_PACKED",
	[35] = "IN_ORDER",
	[36] = "ORDER_PLATFORM",
	[38] = "NOTIFICATION_DATA",
	[40] = "RING_RESET",
	[56] = "HOST_PRESSURE",
};

/* Where a feature has no name, its number is its name. */
const char *feature_name(int bit)
{
	static char number[8];

	if (names[bit])
		return names[bit];
	snprintf(number, sizeof(number), "%d", bit);
	return number;
}

void features_print(char *text, size_t size, uint64_t features)
{
	size_t length = 0;
	int bit;

	snprintf(text, size, "none");
	for (bit = 0; bit < 64 && length < size; bit++)
		if (has_feature(features, bit))
			length += (size_t)snprintf(text + length, size - length,
						   "%s%s", length ? " " : "",
						   feature_name(bit));
}
