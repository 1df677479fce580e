// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients on a Unix socket: one JSON object a line, one answer a line, in order.
 * A client that asks for events gets those between its answers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"

#define LINE_MAX_BYTES	65536
#define UNREAD_MAX	(1 << 20)	/* for a client that does not read its events */
#define CLIENTS_MAX	64
#define DEPTH_MAX	8

struct client {
	struct client *next;
	struct control *control;
	sd_event_source *source;
	int fd;
	bool events;
	bool wants_stats;		/* its answer waits for the driver's */
	size_t have;			/* of a line */
	char *out;			/* what it did not read yet */
	size_t unread;
	char line[LINE_MAX_BYTES];
};

struct control {
	struct device *dev;
	sd_event_source *source;
	struct client *clients;
	unsigned int count;
};

static void drop(struct client *client)
{
	struct client **link = &client->control->clients;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->control->count--;
	sd_event_source_disable_unref(client->source);
	close(client->fd);
	free(client->out);
	free(client);
}

/* Write what can be written; false if the client is lost. */
static bool flush(struct client *client)
{
	while (client->unread) {
		ssize_t sent = send(client->fd, client->out, client->unread,
				    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (sent < 0)
			break;
		client->unread -= (size_t)sent;
		memmove(client->out, client->out + sent, client->unread);
	}
	sd_event_source_set_io_events(client->source,
				      EPOLLIN | (client->unread ? EPOLLOUT : 0));
	return true;
}

/* Takes the object. False if the client is lost: then it is still in the list. */
static bool put(struct client *client, struct json_object *object)
{
	const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN);
	size_t size = text ? strlen(text) : 0;
	char *out;
	bool good = false;

	if (size && client->unread + size + 1 <= UNREAD_MAX) {
		out = realloc(client->out, client->unread + size + 1);
		if (out) {
			memcpy(out + client->unread, text, size);
			out[client->unread + size] = '\n';
			client->unread += size + 1;
			client->out = out;
			good = flush(client);
		}
	}
	json_object_put(object);
	return good;
}

/* Takes `details`. Whoever does not read its events is let go. */
void control_event(struct device *dev, const char *event, struct json_object *details)
{
	struct client *client, *next;

	for (client = dev->control ? dev->control->clients : NULL; client; client = next) {
		struct json_object *object;

		next = client->next;
		if (!client->events)
			continue;
		object = json_object_new_object();
		json_object_object_add(object, "event", json_object_new_string(event));
		json_object_object_add(object, event, json_object_get(details));
		/* Dropped by its own source: it may be the one that caused this. */
		if (!put(client, object))
			shutdown(client->fd, SHUT_RDWR);
	}
	json_object_put(details);
}

/* New statistics are here: answer those who asked. */
void control_stats(struct device *dev)
{
	struct client *client;

	for (client = dev->control ? dev->control->clients : NULL; client; client = client->next) {
		if (!client->wants_stats)
			continue;
		client->wants_stats = false;
		if (!put(client, command_stats(dev)))
			shutdown(client->fd, SHUT_RDWR);
	}
}

static bool handle_line(struct client *client, const char *line, size_t size)
{
	struct command_result result = { .events = client->events };
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *request = NULL;

	if (!tokener)
		return false;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	request = json_tokener_parse_ex(tokener, line, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != size) {
		json_object_put(request);
		request = NULL;
	}
	json_tokener_free(tokener);
	command_run(client->control->dev, request, &result);
	json_object_put(request);
	client->events = result.events;
	client->wants_stats |= result.wait_for_stats;
	return !result.answer || put(client, result.answer);
}

/* False if the client is lost. */
static bool handle_lines(struct client *client)
{
	char *start = client->line, *end;
	bool good = true;

	while (good && (end = memchr(start, '\n', client->have))) {
		size_t size = (size_t)(end - start);

		if (size)
			good = handle_line(client, start, size);
		client->have -= size + 1;
		start = end + 1;
	}
	memmove(client->line, start, client->have);
	return good && client->have < sizeof(client->line);
}

static int on_client(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct client *client = context;
	bool good = !(events & EPOLLOUT) || flush(client);
	ssize_t got;

	(void)source;
	if (good && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		got = recv(fd, client->line + client->have, sizeof(client->line) - client->have,
			   MSG_DONTWAIT);
		if (got > 0) {
			client->have += (size_t)got;
			good = handle_lines(client);
		} else {
			good = got < 0 && (errno == EAGAIN || errno == EINTR);
		}
	}
	if (!good)
		drop(client);
	return 0;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct control *control = context;
	int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client;

	(void)source;
	(void)events;
	if (new < 0)
		return 0;
	client = control->count < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		close(new);
		return 0;
	}
	client->control = control;
	client->fd = new;
	client->next = control->clients;
	control->clients = client;
	control->count++;
	if (sd_event_add_io(control->dev->event, &client->source, new, EPOLLIN, on_client,
			    client) < 0)
		drop(client);
	return 0;
}

int control_open(struct device *dev)
{
	struct control *control;
	int fd, error;

	if (!dev->options.control)
		return 0;
	fd = socket_listen(dev->options.control);
	if (fd < 0)
		return fd;
	control = calloc(1, sizeof(*control));
	if (!control) {
		close(fd);
		return -ENOMEM;
	}
	control->dev = dev;
	dev->control = control;
	error = sd_event_add_io(dev->event, &control->source, fd, EPOLLIN, on_connect, control);
	if (error < 0) {
		close(fd);
		return error;
	}
	return sd_event_source_set_io_fd_own(control->source, true);
}

void control_close(struct device *dev)
{
	struct control *control = dev->control;

	if (!control)
		return;
	while (control->clients)
		drop(control->clients);
	sd_event_source_disable_unref(control->source);
	dev->control = NULL;
	free(control);
}
