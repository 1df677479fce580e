/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloon-hostd: decides how much memory each guest has.
 *
 * Rooms, and who may call whom:
 *
 *   main -> hostd -> fleet -> guest -> qmp, device, libvirt, hint -> link
 *              |-> status, metrics, trace      what others see of it
 *              |-> pressure -> psi, vmpressure
 *              |-> host, estimate, policy      policy and estimate are pure
 *   all of them -> config, log
 *
 * One thread: nothing here is locked, and nothing waits. The connections of guests
 * have an event loop of their own, which is looked after 50 times a second: so the
 * answers of many come together, which takes much less time than one by one.
 * libvirt's calls do, so they have threads of their own (libvirt.c), which hand
 * over what they heard through a pipe.
 */
#ifndef HOSTD_H
#define HOSTD_H

#include <stdio.h>

#include "guest.h"
#include "host.h"
#include "pressure.h"

#define TIMER_USEC	1000		/* how exact timers are; 250 ms unless told */

struct status;
struct http;
struct libvirt;

struct hostd {
	sd_event *event;
	struct config *config;
	const char *config_path;	/* NULL: none */
	bool dry_run, once;
	bool verbose;			/* say what is asked of each guest */
	struct {
		size_t targets, hints;
		uint64_t wanted;	/* bytes */
	} asked;			/* in this round */

	uint64_t round;			/* from 1 on */
	uint64_t round_usec;		/* when it began */
	uint64_t start_usec, textfile_usec;
	sd_event_source *timer;
	struct host_memory memory;
	struct host_view host;

	struct guest *guests;
	struct guest *unasked;		/* and those after it, in this round */
	sd_event *guest_event;		/* of their connections */
	sd_event_source *tick;		/* when that is looked after */
	size_t count;
	void *names;			/* a tree of them */
	struct guest_view *views;	/* of the last round, in their order */
	struct decision *decisions;

	struct pressure pressure;
	struct libvirt *libvirt;
	struct status *status;
	struct http *http;
	FILE *trace;
	int lock;			/* one daemon for a status socket */

	uint64_t rounds_usec, longest_usec;	/* spent in rounds */
	uint64_t reloads, refused_reloads;
};

/* hostd.c: rounds, and what the config changes. Negative errno. */
int hostd_start(struct hostd *hostd);
void hostd_stop(struct hostd *hostd);
/* Read the config again; a bad one changes nothing. */
void hostd_reload(struct hostd *hostd);
uint64_t hostd_now(const struct hostd *hostd);

/* fleet.c: the guests, one after the other */
int fleet_start(struct hostd *hostd);
int fleet_update(struct hostd *hostd);
void fleet_free(struct hostd *hostd);
struct guest *fleet_add(struct hostd *hostd, const char *name, const struct backend *backend);
void fleet_remove(struct hostd *hostd, struct guest *guest);
struct guest *fleet_find(struct hostd *hostd, const char *name);
/* One round of all: look, decide, tell. */
int fleet_round(struct hostd *hostd);
/* Ask all how they are, some at a time; with --once at once. */
void fleet_poll(struct hostd *hostd);
/* Has every guest told its size and statistics? */
bool fleet_complete(const struct hostd *hostd);

/* libvirt.c: its domains come and go as guests */
/* Begin, end, or go elsewhere, as the config now says. */
int libvirt_update(struct hostd *hostd);
void libvirt_stop(struct libvirt *libvirt);
void libvirt_poll(struct libvirt *libvirt);
/* It has told which domains there are, or that it cannot. */
bool libvirt_known(const struct libvirt *libvirt);

/* status.c: who asks gets JSON lines */
int status_start(struct hostd *hostd);
void status_stop(struct hostd *hostd);

/* metrics.c: for Prometheus. The text is the caller's; NULL: no memory. */
char *metrics_text(const struct hostd *hostd, size_t *size);
/* Replaces the file. */
void metrics_write(const struct hostd *hostd, const char *path);
/* http.c */
int http_start(struct hostd *hostd);
void http_stop(struct hostd *hostd);

#endif
