// SPDX-License-Identifier: GPL-2.0-only
/* All guests: who is there, and one round of all of them. */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "log.h"
#include "trace.h"

#define TICK_USEC	20000
#define AT_ONCE		4	/* events a guest and tick, so that nobody keeps us from the rest */

static int compare(const void *a, const void *b)
{
	const struct guest *one = a, *other = b;

	return strcmp(one->name, other->name);
}

struct guest *fleet_find(struct hostd *hostd, const char *name)
{
	struct guest key = { .name = (char *)name };
	struct guest **found = tfind(&key, &hostd->names, compare);

	return found ? *found : NULL;
}

struct guest *fleet_add(struct hostd *hostd, const char *name, const struct backend *backend)
{
	struct guest *guest = guest_new(hostd, config_guest(hostd->config, name), name, backend);

	if (!guest)
		return NULL;
	if (!tsearch(guest, &hostd->names, compare)) {
		guest_free(guest);
		return NULL;
	}
	guest->next = hostd->guests;
	hostd->guests = guest;
	hostd->count++;
	return guest;
}

void fleet_remove(struct hostd *hostd, struct guest *guest)
{
	struct guest **link = &hostd->guests;

	while (*link != guest)
		link = &(*link)->next;
	*link = guest->next;
	if (hostd->unasked == guest)
		hostd->unasked = guest->next;
	tdelete(guest, &hostd->names, compare);
	guest_free(guest);
	hostd->count--;
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Does the new config reach it in the same way? Domains come and go by libvirt's word. */
static bool stays(const struct hostd *hostd, const struct guest *guest,
		  const struct guest_config *config)
{
	if (guest->backend == &backend_libvirt)
		return hostd->config->libvirt && !config->qmp && !config->device;
	return same(config->qmp, guest->config->qmp) &&
		same(config->device, guest->config->device);
}

/*
 * The config is new: guests of which only floors and shares have changed keep their
 * connections. The old config must still be there.
 */
int fleet_update(struct hostd *hostd)
{
	const struct guest_config *config;
	struct guest *guest, *next;

	for (guest = hostd->guests; guest; guest = next) {
		next = guest->next;
		config = config_guest(hostd->config, guest->name);
		if (stays(hostd, guest, config))
			guest_configure(guest, config);
		else
			fleet_remove(hostd, guest);
	}
	for (config = hostd->config->guests; config; config = config->next) {
		if ((!config->qmp && !config->device) || fleet_find(hostd, config->name))
			continue;
		if (!fleet_add(hostd, config->name,
			       config->qmp ? &backend_qmp : &backend_device))
			return -ENOMEM;
	}
	return 0;
}

void fleet_free(struct hostd *hostd)
{
	while (hostd->guests)
		fleet_remove(hostd, hostd->guests);
	sd_event_source_disable_unref(hostd->tick);
	sd_event_unref(hostd->guest_event);
	free(hostd->views);
	free(hostd->decisions);
}

static int make_room(struct hostd *hostd)
{
	struct guest_view *views = reallocarray(hostd->views, hostd->count, sizeof(*views));
	struct decision *decisions;

	if (hostd->count && !views)
		return -ENOMEM;
	hostd->views = views;
	decisions = reallocarray(hostd->decisions, hostd->count, sizeof(*decisions));
	if (hostd->count && !decisions)
		return -ENOMEM;
	hostd->decisions = decisions;
	return 0;
}

int fleet_round(struct hostd *hostd)
{
	struct snapshot snapshot = { .host = hostd->host, .count = hostd->count };
	struct guest *guest;
	size_t i = 0;

	if (make_room(hostd))
		return -ENOMEM;
	for (guest = hostd->guests; guest; guest = guest->next)
		guest_see(guest, &hostd->views[i++]);
	snapshot.guests = hostd->views;
	if (hostd->trace)
		trace_write(hostd->trace, &snapshot, hostd->guests);
	memset(&hostd->asked, 0, sizeof(hostd->asked));
	policy_decide(hostd->config->policy, &snapshot, &hostd->config->options,
		      hostd->decisions);
	for (guest = hostd->guests, i = 0; guest; guest = guest->next, i++)
		guest_apply(guest, &hostd->views[i], &hostd->decisions[i]);
	if (hostd->asked.targets || hostd->asked.hints)
		say(LOG_INFO, NULL, "%zu targets, %zu hints for %" PRIu64 " MiB",
		    hostd->asked.targets, hostd->asked.hints, hostd->asked.wanted / MIB);
	return 0;
}

/*
 * In slices, three quarters of a round long, so that the last answers are in time, and
 * that the answers of a thousand guests do not come at once.
 */
static void ask_some(struct hostd *hostd)
{
	size_t slices = hostd->once ? 1 : hostd->config->interval_ms * 1000 / 4 * 3 / TICK_USEC;
	size_t some = hostd->count / slices + 1;

	for (; hostd->unasked && some--; hostd->unasked = hostd->unasked->next)
		guest_poll(hostd->unasked);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct hostd *hostd = context;
	size_t most = AT_ONCE * (hostd->count + 1);

	(void)usec;
	while (most-- && sd_event_run(hostd->guest_event, 0) > 0)
		;
	ask_some(hostd);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void fleet_poll(struct hostd *hostd)
{
	hostd->unasked = hostd->guests;
	if (hostd->libvirt)
		libvirt_poll(hostd->libvirt);
}

int fleet_start(struct hostd *hostd)
{
	int error = sd_event_new(&hostd->guest_event);

	if (error >= 0)
		error = sd_event_add_time_relative(hostd->event, &hostd->tick, CLOCK_MONOTONIC,
						   0, TIMER_USEC, on_tick, hostd);
	return error < 0 ? error : fleet_update(hostd);
}

bool fleet_complete(const struct hostd *hostd)
{
	const struct guest *guest = hostd->guests;

	while (guest && guest->size_round && guest->stats_round)
		guest = guest->next;
	return !guest && (!hostd->libvirt || libvirt_known(hostd->libvirt));
}
