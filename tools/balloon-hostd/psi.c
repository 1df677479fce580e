// SPDX-License-Identifier: GPL-2.0-only
/*
 * Triggers of pressure stall information: the kernel wakes us when tasks have waited
 * for memory for so long within a window of time, and not again within that window.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pressure.h"

#define SECOND_USEC	1000000u

/* Some task waited for a tenth or a third of the time; or none could run for a tenth. */
static const struct {
	const char *who;
	unsigned int percent;
} stalls[LEVELS] = {
	[LEVEL_LOW] = { "some", 10 },
	[LEVEL_MEDIUM] = { "some", 30 },
	[LEVEL_CRITICAL] = { "full", 10 },
};

static int on_trigger(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)fd;
	/* The cgroup is gone: its file says nothing any more. */
	if (events & EPOLLERR)
		return sd_event_source_set_enabled(source, SD_EVENT_OFF);
	pressure_event(context);
	return 0;
}

static int write_trigger(int fd, enum level level, unsigned int window)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "%s %u %u", stalls[level].who,
			    window / 100 * stalls[level].percent, window);

	/* With its end: the kernel wants the terminating zero. */
	return write(fd, text, (size_t)size + 1) < 0 ? -errno : 0;
}

static int add_trigger(struct trigger *trigger, sd_event *event, const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), error;

	if (fd < 0)
		return -errno;
	error = write_trigger(fd, trigger->level, SECOND_USEC);
	/* Without CAP_SYS_RESOURCE only multiples of two seconds are allowed. */
	if (error == -EINVAL)
		error = write_trigger(fd, trigger->level, 2 * SECOND_USEC);
	if (error >= 0)
		error = sd_event_add_io(event, &trigger->source, fd, EPOLLPRI, on_trigger,
					trigger);
	if (error < 0) {
		close(fd);
		return error;
	}
	return sd_event_source_set_io_fd_own(trigger->source, true);
}

int psi_start(struct pressure *pressure, sd_event *event, const char *path)
{
	int error = 0;

	for (enum level level = LEVEL_LOW; level < LEVELS && error >= 0; level++)
		error = add_trigger(&pressure->triggers[level], event, path);
	return error < 0 ? error : 0;
}
