/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloon-agent: takes the host's hints from a port of virtio-serial, or from
 * vsock, to the balloon driver, and tells the host how the guest is.
 *
 * Rooms, and who may call whom:
 *
 *   main -> link -> command -> hint -> driver
 *                      |-> snapshot -> driver
 *
 * One thread and one event loop: nothing here is locked. Nothing of the driver
 * is kept open: it may go and come back between two requests.
 */
#ifndef AGENT_H
#define AGENT_H

#include "jsonline.h"
#include "request.h"

#define PORT_NAME	"org.autoballoon.hint.0"
#define WAITING_MAX	16			/* hints without an answer yet */
#define HINT_FILE	"pressure/hint"		/* in the driver's folder */
#define PATH_SIZE	512

/* What the rates are made of; names as in the answer. */
enum rate {
	RATE_REFAULTS,
	RATE_SWAP_INS,
	RATE_SWAP_OUTS,
	RATE_MINOR_FAULTS,
	RATE_MAJOR_FAULTS,
	RATE_DIRECT_STALLS,
	RATES
};

struct sample {
	uint64_t usec;				/* when it was taken; 0: never */
	uint64_t count[RATES];
	bool has[RATES];			/* the kernel counts it */
};

struct agent {
	const char *port;			/* the name of a port, or a path */
	const char *device;			/* the driver's folder; NULL: look for it */
	const char *sys, *proc;			/* where these are mounted */
	bool vsock;				/* listen there instead */
	unsigned int vsock_port;

	sd_event *event;
	sd_event_source *timer;			/* opens the port again */
	int port_error;				/* when it did so last */
	sd_event_source *listener;
	struct jsonline *stream;		/* the host, or NULL */

	uint64_t requests, hints, refused;
	struct sample last;			/* what the next rates are counted from */

	/* hints that wait for the driver's reply */
	sd_event_source *looking;
	struct waiting {
		struct json_object *id;
		uint64_t until;			/* then the answer is given without it */
		uint32_t seq;			/* its number, by the driver */
	} waiting[WAITING_MAX];
	unsigned int waits;
};

/* link.c: the way to the host */
int link_start(struct agent *agent);
void link_stop(struct agent *agent);
/* Take this connection for the host's, and let go of the one before. */
int link_use(struct agent *agent, int fd, enum jsonline_kind kind);
/* Does the host speak from there? */
struct sockaddr_vm;
bool link_from_host(const struct sockaddr_vm *peer);
void link_answer(struct agent *agent, struct json_object *id, struct json_object *answer);

/* command.c: requests. `request` is NULL if it was no JSON; then `error` says why. */
void command_run(struct agent *agent, struct json_object *request, const char *error);

/* hint.c. Returns NULL and answers later, or why the hint is refused. */
const char *hint_give(struct agent *agent, struct json_object *request, struct json_object *id);
void hint_forget(struct agent *agent);

/* driver.c: the files of the driver. False, or -errno, if there is none. */
bool driver_has(struct agent *agent, const char *name);
int driver_read(struct agent *agent, const char *name, char *text, size_t size);
bool driver_number(struct agent *agent, const char *name, int64_t *value);
int driver_write(struct agent *agent, const char *name, const char *text);

/* snapshot.c: how the guest is, as the answer's member "snapshot" */
struct json_object *snapshot_take(struct agent *agent);
bool snapshot_has_psi(struct agent *agent);

uint64_t now_usec(void);
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif
