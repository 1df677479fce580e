/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * JSON lines with whoever listens on a Unix socket. When nobody does, or the other
 * end goes away, or speaks no JSON, the link tries again, less and less often.
 */
#ifndef LINK_H
#define LINK_H

#include "jsonline.h"

struct link;

struct link_user {
	void (*opened)(struct link *link, void *context);
	void (*line)(struct link *link, struct json_object *value, void *context);
	/* It was open, and is not any more; `why` may be NULL. */
	void (*closed)(struct link *link, const char *why, void *context);
};

struct link *link_new(sd_event *event, const char *path, const struct link_user *user,
		      void *context);
/* Not from within a call of its user. NULL is fine. */
void link_free(struct link *link);
bool link_is_open(const struct link *link);
/* The process at the other end, or 0. */
int link_peer(const struct link *link);
/* Takes the object. */
void link_put(struct link *link, struct json_object *object);
/* The same, but it is sent with the next one. */
void link_add(struct link *link, struct json_object *object);
/* Let it go, and try again. `why` is a constant. */
void link_reset(struct link *link, const char *why);

#endif
