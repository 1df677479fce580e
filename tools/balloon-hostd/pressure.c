// SPDX-License-Identifier: GPL-2.0-only
/* How hard the host is pressed; see pressure.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "pressure.h"

#define HOST_PSI	"/proc/pressure/memory"

static uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void forget_triggers(struct pressure *pressure)
{
	for (enum level level = LEVEL_NONE; level < LEVELS; level++) {
		struct trigger *trigger = &pressure->triggers[level];

		trigger->source = sd_event_source_disable_unref(trigger->source);
		trigger->pressure = pressure;
		trigger->level = level;
		trigger->event_usec = 0;
	}
}

/* Of the guests' cgroup if it has its own, else of the whole host. */
static int try_psi(struct pressure *pressure, sd_event *event, const char *cgroup)
{
	char path[4096];
	int error;

	snprintf(path, sizeof(path), "%s/memory.pressure", cgroup ? cgroup : "");
	error = cgroup ? psi_start(pressure, event, path) : -ENOENT;
	if (error == -ENOENT) {
		snprintf(path, sizeof(path), HOST_PSI);
		error = psi_start(pressure, event, path);
	}
	if (error < 0) {
		forget_triggers(pressure);
		return error;
	}
	pressure->source = SOURCE_PSI;
	say(LOG_INFO, NULL, "host pressure by stalls: %s", path);
	return 0;
}

static int try_vmpressure(struct pressure *pressure, sd_event *event, const char *cgroup)
{
	int error = cgroup ? vmpressure_start(pressure, event, cgroup) : -ENOENT;

	if (error < 0) {
		forget_triggers(pressure);
		return error;
	}
	pressure->source = SOURCE_VMPRESSURE;
	say(LOG_INFO, NULL, "host pressure by levels: %s/memory.pressure_level", cgroup);
	return 0;
}

int pressure_start(struct pressure *pressure, sd_event *event, const struct config *config)
{
	enum source wanted = (enum source)config->source;

	forget_triggers(pressure);
	/* The guests' own cgroup knows better than the host as a whole. */
	if (wanted == SOURCE_VMPRESSURE || (wanted == SOURCE_AUTO && config->cgroup)) {
		int error = try_vmpressure(pressure, event, config->cgroup);

		if (!error || wanted == SOURCE_VMPRESSURE)
			return error;
	}
	if (wanted == SOURCE_PSI || wanted == SOURCE_AUTO) {
		int error = try_psi(pressure, event, config->cgroup);

		if (!error || wanted == SOURCE_PSI)
			return error;
	}
	pressure->source = SOURCE_MEMINFO;
	say(LOG_INFO, NULL, "host pressure by what is available, once a round");
	return 0;
}

void pressure_stop(struct pressure *pressure)
{
	forget_triggers(pressure);
}

static bool holds(const struct trigger *trigger, uint64_t now)
{
	return trigger->event_usec && now - trigger->event_usec < PRESSURE_HOLD_USEC;
}

enum level pressure_level(const struct pressure *pressure, const struct host_memory *memory,
			  uint64_t reserve)
{
	enum level level = LEVEL_CRITICAL;

	if (pressure->source == SOURCE_MEMINFO)
		return host_level(memory, reserve);
	while (level && !holds(&pressure->triggers[level], now_usec()))
		level--;
	return level;
}

void pressure_event(struct trigger *trigger)
{
	struct pressure *pressure = trigger->pressure;
	enum level level = trigger->level;
	uint64_t now = now_usec();
	bool risen = true;

	while (risen && level < LEVELS)
		risen = !holds(&pressure->triggers[level++], now);
	trigger->event_usec = now;
	if (risen && pressure->risen)
		pressure->risen(pressure->context);
}
