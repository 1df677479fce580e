// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of a listening socket: they come, say lines of JSON, and go.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clients.h"

struct clients {
	sd_event *event;
	sd_event_source *source;
	struct client *first;
	unsigned int count;
	const struct clients_user *user;
	void *context;
};

static void drop(struct client *client)
{
	struct client **link = &client->clients->first;

	while (*link != client)
		link = &(*link)->next;
	*link = client->next;
	client->clients->count--;
	jsonline_free(client->stream);
	free(client);
}

static void on_line(struct jsonline *stream, struct json_object *value, const char *error,
		    void *context)
{
	struct client *client = context;

	(void)stream;
	client->clients->user->line(client, value, error, client->clients->context);
}

static void on_closed(struct jsonline *stream, void *context)
{
	(void)stream;
	drop(context);
}

static const struct jsonline_user stream_user = { .line = on_line, .closed = on_closed };

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct clients *clients = context;
	int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	struct client *client;

	(void)source;
	(void)events;
	if (new < 0)
		return 0;
	client = clients->count < clients->user->most ? calloc(1, clients->user->size) : NULL;
	if (!client) {
		close(new);
		return 0;
	}
	client->clients = clients;
	client->next = clients->first;
	clients->first = client;
	clients->count++;
	if (jsonline_new(&client->stream, clients->event, new, JSONLINE_SOCKET, &stream_user,
			 client) < 0)
		drop(client);
	return 0;
}

int clients_new(struct clients **clients, sd_event *event, int fd,
		const struct clients_user *user, void *context)
{
	struct clients *new = calloc(1, sizeof(*new));
	int error = new ? 0 : -ENOMEM;

	if (!error)
		error = sd_event_add_io(event, &new->source, fd, EPOLLIN, on_connect, new);
	if (error < 0) {
		close(fd);
		free(new);
		return error;
	}
	new->event = event;
	new->user = user;
	new->context = context;
	*clients = new;
	return sd_event_source_set_io_fd_own(new->source, true);
}

struct client *clients_first(const struct clients *clients)
{
	return clients ? clients->first : NULL;
}

void clients_free(struct clients *clients)
{
	if (!clients)
		return;
	while (clients->first)
		drop(clients->first);
	sd_event_source_disable_unref(clients->source);
	free(clients);
}
