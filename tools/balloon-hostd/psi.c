// SPDX-License-Identifier: GPL-2.0-only
/*
 * Triggers of pressure stall information: the kernel wakes us when tasks have waited
 * for memory for so long within a second, and not again within that second.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pressure.h"

/* Some task waited for a tenth or a third of a second; or none could run for a tenth. */
static const char * const texts[LEVELS] = {
	[LEVEL_LOW] = "some 100000 1000000",
	[LEVEL_MEDIUM] = "some 300000 1000000",
	[LEVEL_CRITICAL] = "full 100000 1000000",
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

int psi_start(struct pressure *pressure, sd_event *event, const char *path)
{
	for (enum level level = LEVEL_LOW; level < LEVELS; level++) {
		struct trigger *trigger = &pressure->triggers[level];
		int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC), error = 0;

		if (fd < 0)
			return -errno;
		/* With its end: the kernel wants the terminating zero. */
		if (write(fd, texts[level], strlen(texts[level]) + 1) < 0)
			error = -errno;
		else
			error = sd_event_add_io(event, &trigger->source, fd, EPOLLPRI,
						on_trigger, trigger);
		if (error < 0) {
			close(fd);
			return error;
		}
		sd_event_source_set_io_fd_own(trigger->source, true);
	}
	return 0;
}
