/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One guest: what it said last, what it was asked last, and how it is reached.
 * Whoever reaches it (qmp.c, device.c, libvirt.c, hint.c) tells guest.c what was
 * heard; only rounds ask something of it.
 */
#ifndef GUEST_H
#define GUEST_H

#include "config.h"
#include "link.h"

#define UNUSED_SAMPLES	10		/* that the mean is made of */

struct guest;
struct hostd;

/* What a guest says of itself, in bytes. */
struct guest_stats {
	uint64_t total;
	uint64_t available;
	uint64_t unused;
	uint64_t time;			/* when it said so, by its host's clock; 0: unknown */
};

/* A way to the balloon of a guest. */
struct backend {
	const char *name;
	void *(*open)(struct guest *guest);
	void (*close)(void *connection);
	/* Ask for size and statistics: they come later, or never. */
	void (*poll)(void *connection);
	void (*set_target)(void *connection, uint64_t bytes);
	/* NULL: only an agent in the guest takes hints. */
	void (*hint)(void *connection, enum level level, uint64_t need, uint32_t ttl_ms);
};

extern const struct backend backend_qmp, backend_device, backend_libvirt;

enum guest_trouble {
	TROUBLE_GARBAGE,		/* not what was asked for, or no JSON */
	TROUBLE_SILENCE,		/* no answer in time */
	TROUBLE_LIES,			/* statistics that cannot be */
	TROUBLE_REFUSED,		/* an error for an answer */
	TROUBLES
};

extern const char * const trouble_names[TROUBLES];

struct guest {
	struct guest *next;
	struct hostd *hostd;
	char *name;
	const struct guest_config *config;
	const struct backend *backend;
	void *connection;
	struct hint *hint;		/* the way to its agent, or NULL */
	bool connected;
	bool takes_hints;		/* the backend does */
	bool migrating;
	bool kept;			/* by a new config */

	uint64_t max, size, target;	/* 0: not known */
	uint64_t resident;
	struct guest_stats stats;
	uint64_t unused[UNUSED_SAMPLES];
	unsigned int samples;
	uint64_t slack, yielded;	/* as an agent or a pressure queue says; yielded in all */
	uint64_t promised;		/* of the last hint, not yet given */
	enum level level;		/* of the last hint */

	/* Rounds, or 0 for never. */
	uint64_t size_round, stats_round, slack_round, asked_round, moved_round, hint_round;
	uint64_t trouble[TROUBLES];
	uint64_t hints, targets;	/* sent */
	unsigned int phase;		/* not all are asked in the same round */
	int statm;			/* of the process that it runs in, or -1 */
};

struct guest *guest_new(struct hostd *hostd, const struct guest_config *config,
			const char *name, const struct backend *backend);
/* Not from within a call of its link's user. */
void guest_free(struct guest *guest);
/* Its agent listens there; NULL: there is none. */
void guest_set_hint(struct guest *guest, const char *path);
/* A new config: the same guest with other floors and shares. */
void guest_configure(struct guest *guest, const struct guest_config *config);

/* What was heard. */
void guest_up(struct guest *guest, int pid);
void guest_down(struct guest *guest, const char *why);
void guest_max(struct guest *guest, uint64_t bytes);
void guest_size(struct guest *guest, uint64_t bytes);
void guest_stats(struct guest *guest, const struct guest_stats *stats);
void guest_slack_is(struct guest *guest, uint64_t bytes);
void guest_yielded(struct guest *guest, uint64_t bytes);
void guest_trouble(struct guest *guest, enum guest_trouble trouble, const char *what);

/* What a policy sees. */
void guest_see(struct guest *guest, struct guest_view *view);
/* Tell it, or only say so. */
void guest_apply(struct guest *guest, const struct guest_view *view,
		 const struct decision *decision);
void guest_poll(struct guest *guest);

/* hint.c: an agent in the guest */
struct hint *hint_new(struct guest *guest, const char *path);
void hint_free(struct hint *hint);
const char *hint_path(const struct hint *hint);
/* It is connected, and its driver takes hints. */
bool hint_there(const struct hint *hint);
void hint_poll(struct hint *hint);
/* False if it still owes the answer to the last one. */
bool hint_send(struct hint *hint, enum level level, uint64_t need, uint32_t ttl_ms);

#endif
