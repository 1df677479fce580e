// SPDX-License-Identifier: GPL-2.0-only
/* The tunables of the driver: a table, and how one is checked, read and written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "root.h"
#include "tunables.h"

const struct tunable tunables[TUNE_NR] = {
	[TUNE_AUTO_DEFLATE] = {
		"auto_deflate", 0, 0, "",
		"what the guest takes back on its own", .words = true
	},
	[TUNE_RESERVE_KIB] = {
		"reserve_kib", 0, 1 << 30, "KiB",
		"available memory below which the balloon never grows; 0: automatic"
	},
	[TUNE_LOW_PERCENT] = {
		"low_percent", 0, 90, "%",
		"available memory below which the guest is in need; percent of the reserve"
	},
	[TUNE_DEFLATE_BATCH] = {
		"deflate_batch", 129, 65536, "pages",
		"pages that reclaim takes from the balloon at a time"
	},
	[TUNE_DEFLATE_LIMIT_PER_S] = {
		"deflate_limit_per_s", 0, 1 << 30, "pages",
		"pages that the guest may take back on its own in a second; 0: any number"
	},
	[TUNE_HOLDOFF_MS] = {
		"holdoff_ms", 0, 300000, "ms",
		"no growth for so long after the guest took memory back"
	},
	[TUNE_HOLDOFF_MAX_MS] = {
		"holdoff_max_ms", 0, 3600000, "ms",
		"what repeated takings may double the hold-off to"
	},
	[TUNE_RETURN_MS] = {
		"return_ms", 100, 300000, "ms",
		"interval of the steps in which a deficit returns to the balloon"
	},
	[TUNE_RETURN_STEP] = {
		"return_step", 1, 256, "steps",
		"number of steps in which a deficit returns to the balloon"
	},
	[TUNE_HOST_TIMEOUT_MS] = {
		"host_timeout_ms", 100, 600000, "ms",
		"a host without an answer for so long is taken for stalled",
		.of_module = true
	},
};

int tunable_find(const char *name)
{
	int id;

	for (id = 0; id < TUNE_NR; id++)
		if (!strcmp(tunables[id].name, name))
			return id;
	return -1;
}

static bool in_range(const struct tunable *t, const char *value)
{
	intmax_t number;
	char *end;

	errno = 0;
	number = strtoimax(value, &end, 0);
	return !errno && end != value && !*end && number >= t->min &&
	       number <= t->max;
}

/* Would the driver take it? If not, say why. */
bool tunable_valid(int id, const char *value, char *why, size_t size)
{
	const struct tunable *t = &tunables[id];

	if (t->words) {
		if (!strcmp(value, "off") || !strcmp(value, "need") ||
		    !strcmp(value, "thrash"))
			return true;
		snprintf(why, size, "is not one of off, need, thrash");
		return false;
	}
	if (in_range(t, value))
		return true;
	snprintf(why, size, "is not a number from %" PRId64 " to %" PRId64 " (%s)",
		 t->min, t->max, t->unit);
	return false;
}

static const char *folder_of(int id, const char *device, char *path, size_t size)
{
	if (tunables[id].of_module)
		return "/sys/module/virtio_balloon/parameters";
	snprintf(path, size, "/sys/bus/virtio/devices/%s/balloon", device);
	return path;
}

int tunable_read(int id, const char *device, char *value, size_t size)
{
	char path[96];

	return root_text(value, size, "%s/%s",
			 folder_of(id, device, path, sizeof(path)),
			 tunables[id].name);
}

int tunable_write(int id, const char *device, const char *value)
{
	char path[96];

	return root_write(value, "%s/%s",
			  folder_of(id, device, path, sizeof(path)),
			  tunables[id].name);
}
