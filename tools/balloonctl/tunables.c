// SPDX-License-Identifier: GPL-2.0-only
/* The tunables of the driver: a table, and how one is checked, read and written. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "root.h"
#include "tunables.h"

#define PATH_SIZE 128

const struct tunable tunables[TUNE_NR] = {
	[TUNE_AUTO_DEFLATE] = {
		"auto_deflate", 0, 0, "",
		"what the guest takes back on its own",
		.words = "off, need, thrash"
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
	[TUNE_PRESSURE_INTERVAL_MS] = {
		"pressure_interval_ms", 100, 60000, "ms",
		"at most one hint of the host is acted on in such a time"
	},
	[TUNE_PRESSURE_TTL_MS] = {
		"pressure_ttl_ms", 100, 3600000, "ms",
		"how long a hint holds that does not say"
	},
	[TUNE_PRESSURE_LOW_PERCENT] = {
		"pressure_low_percent", 0, 100, "%",
		"of its slack the guest yields to a host under low pressure"
	},
	[TUNE_PRESSURE_MEDIUM_PERCENT] = {
		"pressure_medium_percent", 0, 100, "%",
		"of its slack the guest yields to a host under medium pressure"
	},
	[TUNE_PRESSURE_CRITICAL_PERCENT] = {
		"pressure_critical_percent", 0, 100, "%",
		"of its slack the guest yields to a host under critical pressure"
	},
	[TUNE_PRESSURE_LIMIT_PER_S] = {
		"pressure_limit_per_s", 0, 1 << 30, "pages",
		"pages that the guest may yield in a second; 0: any number"
	},
	[TUNE_PRESSURE_SELF] = {
		"pressure_self", 0, 0, "",
		"shed memory that is not used without being asked",
		.words = "off, on"
	},
	[TUNE_PRESSURE_SELF_INTERVAL_MS] = {
		"pressure_self_interval_ms", 100, 300000, "ms",
		"interval of the steps of self-ballooning"
	},
	[TUNE_PRESSURE_SELF_HYSTERESIS] = {
		"pressure_self_hysteresis", 1, 256, "steps",
		"such a step sheds one part of so many of what it could"
	},
	[TUNE_PRESSURE_SELF_HEADROOM] = {
		"pressure_self_headroom", 0, 1000, "%",
		"what self-ballooning leaves of memory that is promised and not used"
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

/* Words are separated as in "one, two". */
static bool is_one_of(const char *words, const char *value)
{
	size_t length = strlen(value), word;

	for (; *words; words += word) {
		words += strspn(words, ", ");
		word = strcspn(words, ", ");
		if (word == length && !strncmp(words, value, length))
			return true;
	}
	return false;
}

/* Would the driver take it? If not, say why. */
bool tunable_valid(int id, const char *value, char *why, size_t size)
{
	const struct tunable *t = &tunables[id];

	if (t->words) {
		if (is_one_of(t->words, value))
			return true;
		snprintf(why, size, "is not one of %s", t->words);
		return false;
	}
	if (in_range(t, value))
		return true;
	snprintf(why, size, "is not a number from %" PRId64 " to %" PRId64 " (%s)",
		 t->min, t->max, t->unit);
	return false;
}

#define PRESSURE "pressure_"

/* The folder pressure/ stands for the first word of the name. */
static void path_of(int id, const char *device, char *path, size_t size)
{
	const char *name = tunables[id].name;
	size_t prefix = strlen(PRESSURE);

	if (tunables[id].of_module)
		snprintf(path, size, "/sys/module/virtio_balloon/parameters/%s",
			 name);
	else if (!strncmp(name, PRESSURE, prefix))
		snprintf(path, size, "/sys/bus/virtio/devices/%s/pressure/%s",
			 device, name + prefix);
	else
		snprintf(path, size, "/sys/bus/virtio/devices/%s/balloon/%s",
			 device, name);
}

int tunable_read(int id, const char *device, char *value, size_t size)
{
	char path[PATH_SIZE];

	path_of(id, device, path, sizeof(path));
	return root_text(value, size, "%s", path);
}

int tunable_write(int id, const char *device, const char *value)
{
	char path[PATH_SIZE];

	path_of(id, device, path, sizeof(path));
	return root_write(value, "%s", path);
}
