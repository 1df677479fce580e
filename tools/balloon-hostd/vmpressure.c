// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory.pressure_level of a cgroup of version 1: an eventfd for each level. An event
 * wakes those of all lower levels, too: all three are read at once, and the highest
 * that counted is what happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "pressure.h"
#include "request.h"

static int on_event(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct pressure *pressure = ((struct trigger *)context)->pressure;
	struct trigger *highest = NULL;
	uint64_t count;

	(void)source;
	(void)fd;
	(void)events;
	for (enum level level = LEVEL_LOW; level < LEVELS; level++) {
		struct trigger *trigger = &pressure->triggers[level];

		if (read(sd_event_source_get_io_fd(trigger->source), &count, sizeof(count)) > 0)
			highest = trigger;
	}
	if (highest)
		pressure_event(highest);
	return 0;
}

/* "EVENTFD PRESSURE_FD LEVEL" registers it; the second may then be closed. */
static int register_level(int folder, int fd, enum level level)
{
	int pressure = openat(folder, "memory.pressure_level", O_RDONLY | O_CLOEXEC);
	int control = openat(folder, "cgroup.event_control", O_WRONLY | O_CLOEXEC);
	int error = pressure < 0 || control < 0 ? -errno : 0;

	if (!error && dprintf(control, "%d %d %s", fd, pressure, pressure_levels[level]) < 0)
		error = -errno;
	if (pressure >= 0)
		close(pressure);
	if (control >= 0)
		close(control);
	return error;
}

static int add_level(struct trigger *trigger, sd_event *event, int folder)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	int error = fd < 0 ? -errno : register_level(folder, fd, trigger->level);

	if (error >= 0)
		error = sd_event_add_io(event, &trigger->source, fd, EPOLLIN, on_event, trigger);
	if (error >= 0)
		error = sd_event_source_set_io_fd_own(trigger->source, true);
	else if (fd >= 0)
		close(fd);
	return error;
}

int vmpressure_start(struct pressure *pressure, sd_event *event, const char *cgroup)
{
	int folder = open(cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC), error = 0;

	if (folder < 0)
		return -errno;
	for (enum level level = LEVEL_LOW; level < LEVELS && error >= 0; level++)
		error = add_level(&pressure->triggers[level], event, folder);
	close(folder);
	return error;
}
