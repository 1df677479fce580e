/* SPDX-License-Identifier: GPL-2.0-only */
/* How hard the host is pressed, from the best source that there is. */
#ifndef PRESSURE_H
#define PRESSURE_H

#include <systemd/sd-event.h>

#include "config.h"
#include "host.h"

#define PRESSURE_HOLD_USEC	3000000ull	/* after an event its level holds for so long */

struct pressure;

/* One for each level but none. */
struct trigger {
	struct pressure *pressure;
	enum level level;
	sd_event_source *source;	/* owns its descriptor */
	uint64_t event_usec;		/* the last one; 0: none yet */
};

struct pressure {
	struct trigger triggers[LEVELS];
	enum source source;		/* that is used, not what the config says */
	/* It has risen. */
	void (*risen)(void *context);
	void *context;
};

/*
 * Takes the source that the config wants, or the best that is there, and says which.
 * A negative errno if the one that is wanted is not.
 */
int pressure_start(struct pressure *pressure, sd_event *event, const struct config *config);
void pressure_stop(struct pressure *pressure);
enum level pressure_level(const struct pressure *pressure, const struct host_memory *memory,
			  uint64_t reserve);
/* The sources say: an event of a level has come. */
void pressure_event(struct trigger *trigger);

/* psi.c: triggers on a file such as /proc/pressure/memory */
int psi_start(struct pressure *pressure, sd_event *event, const char *path);
/* vmpressure.c: the eventfds of a cgroup of version 1 */
int vmpressure_start(struct pressure *pressure, sd_event *event, const char *cgroup);

#endif
