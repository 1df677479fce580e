// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients on a Unix socket: one JSON object a line, one answer a line, in order.
 * A client that asks for events gets those between its answers.
 */
#include "clients.h"
#include "command.h"

#define CLIENTS_MAX	64

struct control_client {
	struct client client;		/* the first, see clients.h */
	bool events;
	bool wants_stats;		/* its answer waits for the driver's */
};

static struct control_client *of(struct client *client)
{
	return (struct control_client *)client;
}

/* Takes `details`. Whoever does not read its events is let go. */
void control_event(struct device *dev, const char *event, struct json_object *details)
{
	struct client *client;

	for (client = clients_first(dev->control); client; client = client->next) {
		struct json_object *object;

		if (!of(client)->events)
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

	for (client = clients_first(dev->control); client; client = client->next) {
		if (!of(client)->wants_stats)
			continue;
		of(client)->wants_stats = false;
		jsonline_put(client->stream, command_stats(dev));
	}
}

static void on_line(struct client *client, struct json_object *request, const char *error,
		    void *context)
{
	struct control_client *control = of(client);
	struct command_result result = { .events = control->events };

	command_run(context, request, error, &result);
	control->events = result.events;
	control->wants_stats |= result.wait_for_stats;
	if (result.answer)
		jsonline_put(client->stream, result.answer);
}

static const struct clients_user user = {
	.size = sizeof(struct control_client),
	.most = CLIENTS_MAX,
	.line = on_line,
};

int control_open(struct device *dev)
{
	int fd;

	if (!dev->options.control)
		return 0;
	fd = socket_listen(dev->options.control);
	return fd < 0 ? fd : clients_new(&dev->control, dev->event, fd, &user, dev);
}

void control_close(struct device *dev)
{
	clients_free(dev->control);
	dev->control = NULL;
}
