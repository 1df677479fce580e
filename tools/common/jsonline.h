/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines over a socket or a port, in an event loop: one value a line in
 * either direction. Neither a line nor what the other end does not read can
 * grow without bound.
 *
 * The program must ignore SIGPIPE.
 */
#ifndef JSONLINE_H
#define JSONLINE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <systemd/sd-event.h>

#define JSONLINE_MAX	65536		/* bytes of a line, with its end */
#define JSONLINE_UNREAD	(1 << 20)	/* bytes for an other end that does not read */

struct jsonline;

struct jsonline_user {
	/*
	 * A line came. Without a value it was no JSON, or too long, and `error`
	 * says what is wrong; the next line is looked at as ever. Empty lines
	 * are left out. The value is put after the call.
	 */
	void (*line)(struct jsonline *stream, struct json_object *value, const char *error,
		     void *context);
	/*
	 * The other end is gone, or did not read, or jsonline_end() was called.
	 * Free the stream here. Only the event loop calls this, so a stream never
	 * vanishes under the caller of the functions below.
	 */
	void (*closed)(struct jsonline *stream, void *context);
};

enum jsonline_kind {
	JSONLINE_SOCKET,	/* its end of file is the end */
	/*
	 * A port of virtio-serial: while nobody holds the host's end it reads as
	 * ended, and goes on with the next who does. Half a line, and what was not
	 * sent, go with the old one.
	 */
	JSONLINE_PORT,
};

/* The descriptor belongs to the stream from now on, also if this fails (-errno). */
int jsonline_new(struct jsonline **stream, sd_event *event, int fd, enum jsonline_kind kind,
		 const struct jsonline_user *user, void *context);
/* Takes the object. False if it cannot be sent: then closed() follows. */
bool jsonline_put(struct jsonline *stream, struct json_object *object);
/* The same, but it waits for the next jsonline_put(), to be sent at once with that. */
bool jsonline_add(struct jsonline *stream, struct json_object *object);
/* Have closed() called, soon. Nothing is read any more. */
void jsonline_end(struct jsonline *stream);
/* Not from within line(). NULL is fine. */
void jsonline_free(struct jsonline *stream);

/* The value of one line, or NULL and what is wrong with it. */
struct json_object *jsonline_parse(const char *line, size_t size, const char **error);

#endif
