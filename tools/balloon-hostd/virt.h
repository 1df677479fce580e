/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libvirt, whose every call may wait: none is made by the daemon's own thread.
 *
 *   the listener   runs libvirt's event loop: domain events, keep-alive
 *   the worker     connects, and asks for the statistics of all domains at once,
 *                  leaving out those of which somebody waits for an answer. When a
 *                  domain does not answer it, another worker takes its place, and
 *                  leaves out that domain.
 *   a call         a thread of its own for whatever changes or inspects one domain,
 *                  so that a domain that hangs holds up nobody but itself
 *
 * What they find out are messages to the daemon's thread. It owns all guests.
 */
#ifndef VIRT_H
#define VIRT_H

#include <stdbool.h>
#include <stdint.h>

#include <libvirt/libvirt.h>

enum virt_kind {
	VIRT_UP,			/* connected */
	VIRT_DOWN,			/* text: why not any more */
	VIRT_DOMAINS,			/* all that run, with statistics */
	VIRT_SIZE,			/* of one domain, right after it changed */
	VIRT_GONE,
	VIRT_MIGRATES,
	VIRT_INSPECTED,			/* text: the socket for hints, or NULL */
	VIRT_DONE,			/* a call has ended. text: why it failed, or NULL */
};

struct virt_domain {
	char *name;
	uint64_t max, size, resident;	/* bytes; 0: not told */
	uint64_t total, available, unused, time;
};

struct virt_message {
	struct virt_message *next;
	enum virt_kind kind;
	char *name, *text;
	uint64_t bytes;
	size_t count;
	struct virt_domain *domains;
};

struct virt;

enum virt_task { VIRT_INSPECT, VIRT_SET, VIRT_LOOK };

/* Messages make `wake`, an eventfd, readable. NULL: no memory. */
struct virt *virt_start(const char *uri, int wake);
/* Waits for its threads for a moment; one that hangs is left alone. */
void virt_stop(struct virt *virt);
struct virt_message *virt_receive(struct virt *virt);
void virt_message_free(struct virt_message *message);
void virt_poll(struct virt *virt);
/* Begin a call; VIRT_DONE follows. VIRT_SET: `bytes`. False: it was not begun. */
bool virt_call(struct virt *virt, enum virt_task task, const char *name, uint64_t bytes);

/* Between virt.c and virt_call.c: the connection, which the caller unrefs, or NULL. */
virConnectPtr virt_connection(struct virt *virt);
struct virt_message *virt_message(enum virt_kind kind, const char *name, const char *text);
void virt_post(struct virt *virt, struct virt_message *message);
void virt_ref(struct virt *virt);
void virt_unref(struct virt *virt);

#endif
