/* SPDX-License-Identifier: GPL-2.0-only */
/* What can be set, within the driver's own ranges. */
#ifndef BALLOONCTL_TUNABLES_H
#define BALLOONCTL_TUNABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TUNE_AUTO_DEFLATE,
	TUNE_RESERVE_KIB,
	TUNE_LOW_PERCENT,
	TUNE_DEFLATE_BATCH,
	TUNE_DEFLATE_LIMIT_PER_S,
	TUNE_HOLDOFF_MS,
	TUNE_HOLDOFF_MAX_MS,
	TUNE_RETURN_MS,
	TUNE_RETURN_STEP,
	TUNE_PRESSURE_INTERVAL_MS,
	TUNE_PRESSURE_TTL_MS,
	TUNE_PRESSURE_LOW_PERCENT,
	TUNE_PRESSURE_MEDIUM_PERCENT,
	TUNE_PRESSURE_CRITICAL_PERCENT,
	TUNE_PRESSURE_LIMIT_PER_S,
	TUNE_PRESSURE_SELF,
	TUNE_PRESSURE_SELF_INTERVAL_MS,
	TUNE_PRESSURE_SELF_HYSTERESIS,
	TUNE_PRESSURE_SELF_HEADROOM,
	TUNE_HOST_TIMEOUT_MS,
	TUNE_NR
};

struct tunable {
	const char *name;	/* of the module parameter with its default */
	int64_t min, max;
	const char *unit;
	const char *what;
	const char *words;	/* "one, two"; NULL for a number */
	bool of_module;		/* a module parameter, for all devices */
};

extern const struct tunable tunables[TUNE_NR];

int tunable_find(const char *name);
bool tunable_valid(int id, const char *value, char *why, size_t size);
int tunable_read(int id, const char *device, char *value, size_t size);
int tunable_write(int id, const char *device, const char *value);

#endif /* BALLOONCTL_TUNABLES_H */
