// SPDX-License-Identifier: GPL-2.0-only
/* Reads the model from the system, all of it once. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "model.h"
#include "root.h"

/* The driver's clock; of a copy of a system, what it kept of it. */
static int64_t now_ms(void)
{
	struct timespec now;
	double seconds;
	char text[64];

	if (root_is_live()) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	}
	root_text(text, sizeof(text), "/proc/uptime");
	if (sscanf(text, "%lf", &seconds) != 1)
		return 0;
	return (int64_t)(seconds * 1000 + 0.5);
}

/* By name; else the first that is ours, else the first. */
static int choose(const struct snapshot *s, const char *device)
{
	int i;

	for (i = 0; i < s->nr_devices; i++)
		if (device ? !strcmp(s->devices[i].name, device) :
			     s->devices[i].ours)
			return i;
	return device ? -ENODEV : 0;
}

/* 0, or -ENODEV if a device was named that is not there. */
int snapshot_read(struct snapshot *s, const char *device)
{
	memset(s, 0, sizeof(*s));
	s->at_ms = now_ms();
	system_read(&s->system);
	module_read(&s->module, s->system.release);
	devices_read(s);
	memory_read(&s->memory, s);
	s->selected = choose(s, device);
	return s->selected < 0 ? -ENODEV : 0;
}
