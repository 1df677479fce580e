// SPDX-License-Identifier: GPL-2.0-only
/* JSON lines with whoever listens on a Unix socket; see link.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "link.h"

#define RETRY_USEC	1000000ull
#define RETRY_MAX_USEC	(16 * RETRY_USEC)

struct link {
	const struct link_user *user;
	void *context;
	sd_event *event;
	sd_event_source *timer;
	struct jsonline *stream;	/* NULL: not open */
	const char *why;		/* it is being closed */
	uint64_t wait;
	int peer;
	bool heard;			/* something that was JSON */
	struct sockaddr_un address;
};

static void try_later(struct link *link)
{
	/* Guests that were started together need not be tried together. */
	uint64_t spread = (uint64_t)rand() % (link->wait / 4);

	sd_event_source_set_time_relative(link->timer, link->wait + spread);
	sd_event_source_set_enabled(link->timer, SD_EVENT_ONESHOT);
	if (link->wait < RETRY_MAX_USEC)
		link->wait *= 2;
}

static void on_line(struct jsonline *stream, struct json_object *value, const char *error,
		    void *context)
{
	struct link *link = context;

	(void)stream;
	/* Whoever speaks no JSON will not begin to; nor is it heard to its end. */
	if (!value) {
		link_reset(link, error);
		return;
	}
	if (link->why)
		return;
	link->heard = true;
	link->user->line(link, value, link->context);
}

static void on_closed(struct jsonline *stream, void *context)
{
	struct link *link = context;

	jsonline_free(stream);
	link->stream = NULL;
	link->user->closed(link, link->why, link->context);
	/* Only one that has made sense is tried again soon. */
	if (link->heard)
		link->wait = RETRY_USEC;
	try_later(link);
}

static const struct jsonline_user stream_user = { .line = on_line, .closed = on_closed };

/* The kernel never lets this wait: a listener with too many before us is as good as none. */
static int try_connect(struct link *link)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	socklen_t size = sizeof(struct ucred);
	struct ucred peer;
	int error;

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&link->address, sizeof(link->address)) < 0) {
		error = -errno;
		close(fd);
		return error;
	}
	link->peer = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) ? 0 : peer.pid;
	link->heard = false;
	link->why = NULL;
	return jsonline_new(&link->stream, link->event, fd, JSONLINE_SOCKET, &stream_user, link);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
	struct link *link = context;

	(void)source;
	(void)usec;
	if (try_connect(link) < 0)
		try_later(link);
	else
		link->user->opened(link, link->context);
	return 0;
}

struct link *link_new(sd_event *event, const char *path, const struct link_user *user,
		      void *context)
{
	struct link *link = calloc(1, sizeof(*link));

	if (!link)
		return NULL;
	link->event = event;
	link->user = user;
	link->context = context;
	link->wait = RETRY_USEC;
	link->address.sun_family = AF_UNIX;
	snprintf(link->address.sun_path, sizeof(link->address.sun_path), "%s", path);
	if (sd_event_add_time_relative(event, &link->timer, CLOCK_MONOTONIC, 0, 0, on_time,
				       link) < 0) {
		free(link);
		return NULL;
	}
	return link;
}

void link_free(struct link *link)
{
	if (!link)
		return;
	jsonline_free(link->stream);
	sd_event_source_disable_unref(link->timer);
	free(link);
}

bool link_is_open(const struct link *link)
{
	return link->stream && !link->why;
}

int link_peer(const struct link *link)
{
	return link->peer;
}

void link_put(struct link *link, struct json_object *object)
{
	if (link_is_open(link))
		jsonline_put(link->stream, object);
	else
		json_object_put(object);
}

void link_add(struct link *link, struct json_object *object)
{
	if (link_is_open(link))
		jsonline_add(link->stream, object);
	else
		json_object_put(object);
}

void link_reset(struct link *link, const char *why)
{
	if (!link_is_open(link))
		return;
	link->why = why;
	jsonline_end(link->stream);
}
