// SPDX-License-Identifier: GPL-2.0-only
/* JSON lines over a socket or a port; see jsonline.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "jsonline.h"

#define DEPTH_MAX	8
#define ENDS		(EPOLLRDHUP | EPOLLHUP | EPOLLERR)	/* of what can be read */
#define READS_MAX	4	/* at once: nobody may keep us from the rest */

/*
 * Who holds the other end? Of a port the data of the next one can come before the
 * kernel knows of them: until it does, a port reads as ended, and takes nothing.
 */
enum other { HERE, AWAY, COMING };

struct jsonline {
	const struct jsonline_user *user;
	void *context;
	sd_event_source *io;
	sd_event_source *end;		/* calls closed() */
	int fd;
	enum jsonline_kind kind;
	bool lost;
	enum other other;		/* always HERE but for a port */
	bool blocked;			/* the other end has to read before we can write more */
	bool skipping;			/* the rest of a line that is too long */
	size_t have;			/* of a line */
	char *out;			/* what was not read yet */
	size_t unread;
	char line[JSONLINE_MAX];
};

void jsonline_end(struct jsonline *stream)
{
	stream->lost = true;
	sd_event_source_set_enabled(stream->io, SD_EVENT_OFF);
	sd_event_source_set_enabled(stream->end, SD_EVENT_ONESHOT);
}

static int on_end(sd_event_source *source, void *context)
{
	struct jsonline *stream = context;

	(void)source;
	stream->user->closed(stream, stream->context);
	return 0;
}

/*
 * A port without an other end is always ready: wait for the change. So with sockets: the
 * loop takes one event at a time, and would look at all that are ready again for each.
 */
static void watch(struct jsonline *stream)
{
	uint32_t events = EPOLLIN | (stream->blocked ? EPOLLOUT : 0);

	if (stream->other == AWAY)
		events = EPOLLIN | EPOLLET;
	else if (stream->other == COMING)
		events = EPOLLIN | EPOLLOUT | EPOLLET;
	else if (stream->kind == JSONLINE_SOCKET)
		events |= EPOLLRDHUP | EPOLLET;
	sd_event_source_set_io_events(stream->io, events);
}

static void set_blocked(struct jsonline *stream, bool blocked)
{
	if (stream->blocked == blocked)
		return;
	stream->blocked = blocked;
	watch(stream);
}

static void set_other(struct jsonline *stream, enum other other)
{
	if (stream->other == other)
		return;
	stream->other = other;
	if (other == AWAY) {
		stream->skipping = false;
		stream->have = 0;
		stream->unread = 0;
		stream->blocked = false;
	}
	watch(stream);
}

static bool retry(ssize_t done)
{
	return done < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Write what can be written. */
static void flush(struct jsonline *stream)
{
	while (stream->unread) {
		ssize_t sent = write(stream->fd, stream->out, stream->unread);

		if (retry(sent))
			break;
		if (sent < 0) {
			jsonline_end(stream);
			return;
		}
		stream->unread -= (size_t)sent;
		memmove(stream->out, stream->out + sent, stream->unread);
	}
	set_blocked(stream, stream->unread);
}

static bool append(struct jsonline *stream, const char *text)
{
	size_t size = text ? strlen(text) : 0;
	char *out;

	if (!size || stream->unread + size + 1 > JSONLINE_UNREAD)
		return false;
	out = realloc(stream->out, stream->unread + size + 1);
	if (!out)
		return false;
	memcpy(out + stream->unread, text, size);
	out[stream->unread + size] = '\n';
	stream->unread += size + 1;
	stream->out = out;
	return true;
}

bool jsonline_add(struct jsonline *stream, struct json_object *object)
{
	if (!stream->lost && stream->other != AWAY &&
	    !append(stream, json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN)))
		jsonline_end(stream);
	json_object_put(object);
	return !stream->lost;
}

bool jsonline_put(struct jsonline *stream, struct json_object *object)
{
	if (!jsonline_add(stream, object))
		return false;
	if (stream->unread)
		flush(stream);
	return !stream->lost;
}

struct json_object *jsonline_parse(const char *line, size_t size, const char **error)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *value;

	*error = "no memory";
	if (!tokener)
		return NULL;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	value = json_tokener_parse_ex(tokener, line, (int)size);
	*error = json_tokener_error_desc(json_tokener_get_error(tokener));
	if (json_tokener_get_error(tokener) == json_tokener_continue)
		*error = "the line ends too early";
	else if (json_tokener_get_error(tokener) == json_tokener_success)
		*error = !value ? "null is no request" :
			 json_tokener_get_parse_end(tokener) != size ?
			 "more than one value in the line" : NULL;
	json_tokener_free(tokener);
	if (!*error)
		return value;
	json_object_put(value);
	return NULL;
}

static void handle_line(struct jsonline *stream, const char *line, size_t size)
{
	struct json_object *value;
	const char *error;

	while (size && memchr(" \t\r", line[size - 1], 3))
		size--;
	if (!size)
		return;
	value = jsonline_parse(line, size, &error);
	stream->user->line(stream, value, error, stream->context);
	json_object_put(value);
}

static void handle_lines(struct jsonline *stream)
{
	char *start = stream->line, *end;

	while (!stream->lost && (end = memchr(start, '\n', stream->have))) {
		if (!stream->skipping)
			handle_line(stream, start, (size_t)(end - start));
		stream->skipping = false;
		stream->have -= (size_t)(end + 1 - start);
		start = end + 1;
	}
	memmove(stream->line, start, stream->have);
	if (stream->have < sizeof(stream->line) && !stream->skipping)
		return;
	stream->have = 0;
	if (!stream->skipping)
		stream->user->line(stream, NULL, "the line is too long", stream->context);
	stream->skipping = true;
}

/* Returns whether a socket may have more to read: one that gave less than asked has not. */
static bool receive(struct jsonline *stream, uint32_t events)
{
	size_t room = sizeof(stream->line) - stream->have;
	ssize_t got = read(stream->fd, stream->line + stream->have, room);

	if (got > 0) {
		if (stream->other == AWAY)
			set_other(stream, COMING);
		stream->have += (size_t)got;
		handle_lines(stream);
	} else if (!got && !(events & EPOLLERR) && stream->kind == JSONLINE_PORT) {
		if (stream->other == HERE)
			set_other(stream, AWAY);
	} else if (!retry(got)) {
		jsonline_end(stream);
	}
	return stream->kind == JSONLINE_SOCKET && !stream->lost &&
	       (got == (ssize_t)room || events & ENDS);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct jsonline *stream = context;
	int reads = READS_MAX;

	(void)source;
	(void)fd;
	if (!(events & EPOLLHUP))
		set_other(stream, HERE);
	if (events & EPOLLOUT)
		flush(stream);
	if (stream->lost || !(events & (EPOLLIN | ENDS)))
		return 0;
	while (receive(stream, events))
		if (!--reads) {
			/* It is no change that there is more: have it looked at again. */
			watch(stream);
			break;
		}
	return 0;
}

int jsonline_new(struct jsonline **stream, sd_event *event, int fd, enum jsonline_kind kind,
		 const struct jsonline_user *user, void *context)
{
	struct jsonline *new = calloc(1, sizeof(*new));
	int error = -ENOMEM;

	if (!new) {
		close(fd);
		return error;
	}
	new->user = user;
	new->context = context;
	new->fd = fd;
	new->kind = kind;
	error = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) ? -errno : 0;
	if (error >= 0)
		error = sd_event_add_io(event, &new->io, fd, EPOLLIN, on_io, new);
	if (error >= 0)
		error = sd_event_add_defer(event, &new->end, on_end, new);
	if (error >= 0)
		error = sd_event_source_set_enabled(new->end, SD_EVENT_OFF);
	if (error < 0) {
		jsonline_free(new);
		return error;
	}
	watch(new);
	*stream = new;
	return 0;
}

void jsonline_free(struct jsonline *stream)
{
	if (!stream)
		return;
	sd_event_source_disable_unref(stream->io);
	sd_event_source_disable_unref(stream->end);
	close(stream->fd);
	free(stream->out);
	free(stream);
}
