/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Clients of a listening socket, each a stream of JSON lines, in an event loop.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "jsonline.h"

struct clients;

/* One of them. A program that knows more of its clients begins its own struct with this. */
struct client {
	struct client *next;
	struct clients *clients;
	struct jsonline *stream;
};

struct clients_user {
	size_t size;			/* bytes of a client, with what the program knows */
	unsigned int most;		/* who comes beyond so many is hung up on */
	/* As in struct jsonline_user. */
	void (*line)(struct client *client, struct json_object *value, const char *error,
		     void *context);
};

/* The descriptor belongs to the clients from now on, also if this fails (-errno). */
int clients_new(struct clients **clients, sd_event *event, int fd,
		const struct clients_user *user, void *context);
/* The first of a list along `next`, or NULL. NULL is fine. */
struct client *clients_first(const struct clients *clients);
/* Not from within line(). NULL is fine. */
void clients_free(struct clients *clients);

#endif
