// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients on a Unix socket: one JSON object a line, one answer a line, in order.
 * A client that asks for events gets those between its answers.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "command.h"
#include "jsonline.h"

#define CLIENTS_MAX	64

struct client {
	struct client *next;
	struct control *control;
	struct jsonline *stream;
	bool events;
	bool wants_stats;		/* its answer waits for the driver's */
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
	jsonline_free(client->stream);
	free(client);
}

/* Takes `details`. Whoever does not read its events is let go. */
void control_event(struct device *dev, const char *event, struct json_object *details)
{
	struct client *client = dev->control ? dev->control->clients : NULL;

	for (; client; client = client->next) {
		struct json_object *object;

		if (!client->events)
			continue;
		object = json_object_new_object();
		json_object_object_add(object, "event", json_object_new_string(event));
		json_object_object_add(object, event, json_object_get(details));
		jsonline_put(client->stream, object);
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
		jsonline_put(client->stream, command_stats(dev));
	}
}

static void on_line(struct jsonline *stream, struct json_object *request, const char *error,
		    void *context)
{
	struct client *client = context;
	struct command_result result = { .events = client->events };

	command_run(client->control->dev, request, error, &result);
	client->events = result.events;
	client->wants_stats |= result.wait_for_stats;
	if (result.answer)
		jsonline_put(stream, result.answer);
}

static void on_closed(struct jsonline *stream, void *context)
{
	(void)stream;
	drop(context);
}

static const struct jsonline_user user = { .line = on_line, .closed = on_closed };

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
	client->next = control->clients;
	control->clients = client;
	control->count++;
	if (jsonline_new(&client->stream, control->dev->event, new, JSONLINE_SOCKET, &user,
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
