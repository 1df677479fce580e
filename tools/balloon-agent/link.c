// SPDX-License-Identifier: GPL-2.0-only
/*
 * The way to the host: a port of virtio-serial, or connections from the host over
 * vsock. Neither is open to anybody else: the port is a file of root's, at the
 * other end of it is the hypervisor, and a vsock peer must have the host's number.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "agent.h"

#define RETRY_US	1000000

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("balloon-agent: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

static void on_line(struct jsonline *stream, struct json_object *value, const char *error,
		    void *context)
{
	(void)stream;
	command_run(context, value, error);
}

static void let_go(struct agent *agent)
{
	hint_forget(agent);
	jsonline_free(agent->stream);
	agent->stream = NULL;
}

static int try_later(sd_event_source *timer)
{
	sd_event_source_set_time_relative(timer, RETRY_US);
	return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

static void on_closed(struct jsonline *stream, void *context)
{
	struct agent *agent = context;

	(void)stream;
	let_go(agent);
	if (agent->timer)
		try_later(agent->timer);
}

static const struct jsonline_user user = { .line = on_line, .closed = on_closed };

int link_use(struct agent *agent, int fd, enum jsonline_kind kind)
{
	let_go(agent);
	return jsonline_new(&agent->stream, agent->event, fd, kind, &user, agent);
}

/* Takes the answer; `id` stays the caller's. */
void link_answer(struct agent *agent, struct json_object *id, struct json_object *answer)
{
	if (id)
		json_object_object_add(answer, "id", json_object_get(id));
	jsonline_put(agent->stream, answer);
}

/* Where udev is, it makes a link by the port's name; where it is not, sysfs knows. */
static bool find_port(struct agent *agent, char path[PATH_SIZE])
{
	char folder[PATH_SIZE], name[128];
	struct dirent *entry;
	bool found = false;
	DIR *ports;

	if (strchr(agent->port, '/'))
		return (size_t)snprintf(path, PATH_SIZE, "%s", agent->port) < PATH_SIZE;
	snprintf(folder, sizeof(folder), "%s/class/virtio-ports", agent->sys);
	ports = opendir(folder);
	while (ports && !found && (entry = readdir(ports))) {
		FILE *file;

		snprintf(path, PATH_SIZE, "%.200s/%.200s/name", folder, entry->d_name);
		file = fopen(path, "re");
		if (!file)
			continue;
		found = fscanf(file, "%127s", name) == 1 && !strcmp(name, agent->port);
		fclose(file);
		if (found)
			snprintf(path, PATH_SIZE, "/dev/%s", entry->d_name);
	}
	if (ports)
		closedir(ports);
	return found;
}

static int open_port(struct agent *agent)
{
	char path[PATH_SIZE];
	int fd;

	if (!find_port(agent, path))
		return -ENOENT;
	fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : link_use(agent, fd, JSONLINE_PORT);
}

/* Open the port; where that cannot be, or when it has gone, try again in a while. */
static int on_timer(sd_event_source *source, uint64_t usec, void *context)
{
	struct agent *agent = context;
	int error = open_port(agent);

	(void)usec;
	if (error < 0 && error != agent->port_error)
		say("waiting for the port %s: %s", agent->port, strerror(-error));
	agent->port_error = error;
	return error < 0 ? try_later(source) : 0;
}

bool link_from_host(const struct sockaddr_vm *peer)
{
	return peer->svm_family == AF_VSOCK && peer->svm_cid == VMADDR_CID_HOST;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct sockaddr_vm peer = { 0 };
	socklen_t size = sizeof(peer);
	int new = accept4(fd, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)source;
	(void)events;
	if (new < 0)
		return 0;
	if (size == sizeof(peer) && link_from_host(&peer)) {
		link_use(context, new, JSONLINE_SOCKET);
		return 0;
	}
	say("refused a connection from %u, which is not the host", peer.svm_cid);
	close(new);
	return 0;
}

static int listen_vsock(struct agent *agent)
{
	struct sockaddr_vm address = {
		.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = agent->vsock_port,
	};
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;

	if (fd < 0)
		return -errno;
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 4))
		error = -errno;
	else
		error = sd_event_add_io(agent->event, &agent->listener, fd, EPOLLIN, on_connect,
					agent);
	if (error < 0) {
		close(fd);
		return error;
	}
	return sd_event_source_set_io_fd_own(agent->listener, true);
}

int link_start(struct agent *agent)
{
	if (agent->vsock)
		return listen_vsock(agent);
	return sd_event_add_time_relative(agent->event, &agent->timer, CLOCK_MONOTONIC, 0, 0,
					  on_timer, agent);
}

void link_stop(struct agent *agent)
{
	let_go(agent);
	sd_event_source_disable_unref(agent->timer);
	sd_event_source_disable_unref(agent->listener);
}
