// SPDX-License-Identifier: GPL-2.0-only
/* The driver's files in sysfs, looked for each time: the driver comes and goes. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"

static bool find_folder(struct agent *agent, char folder[PATH_SIZE])
{
	char pattern[PATH_SIZE];
	glob_t found;
	bool good;

	if (agent->device)
		return (size_t)snprintf(folder, PATH_SIZE, "%s", agent->device) < PATH_SIZE &&
		       !access(folder, F_OK);
	snprintf(pattern, sizeof(pattern), "%s/bus/virtio/drivers/virtio_balloon/virtio*",
		 agent->sys);
	/* In the order of their names: with several, always the same one. */
	if (glob(pattern, 0, NULL, &found))
		return false;
	good = (size_t)snprintf(folder, PATH_SIZE, "%s", found.gl_pathv[0]) < PATH_SIZE;
	globfree(&found);
	return good;
}

static int driver_open(struct agent *agent, const char *name, int flags)
{
	char folder[PATH_SIZE], path[2 * PATH_SIZE];
	int fd;

	if (!find_folder(agent, folder))
		return -ENODEV;
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool driver_has(struct agent *agent, const char *name)
{
	int fd = driver_open(agent, name, O_PATH);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The text of a file without the newline at its end. */
int driver_read(struct agent *agent, const char *name, char *text, size_t size)
{
	int fd = driver_open(agent, name, O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, size - 1);
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	while (got && text[got - 1] == '\n')
		got--;
	text[got] = '\0';
	return 0;
}

bool driver_number(struct agent *agent, const char *name, int64_t *value)
{
	char text[32], *end;

	if (driver_read(agent, name, text, sizeof(text)))
		return false;
	errno = 0;
	*value = strtoll(text, &end, 10);
	return !errno && end != text && !*end;
}

int driver_write(struct agent *agent, const char *name, const char *text)
{
	int fd = driver_open(agent, name, O_WRONLY);
	ssize_t done;

	if (fd < 0)
		return fd;
	done = write(fd, text, strlen(text));
	if (done < 0)
		done = -errno;
	close(fd);
	return done < 0 ? (int)done : 0;
}
