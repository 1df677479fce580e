// SPDX-License-Identifier: GPL-2.0-only
/* All guests: who is there, and one round of all of them. */
#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "trace.h"

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
	policy_decide(hostd->config->policy, &snapshot, &hostd->config->options,
		      hostd->decisions);
	for (guest = hostd->guests, i = 0; guest; guest = guest->next, i++)
		guest_apply(guest, &hostd->views[i], &hostd->decisions[i]);
	return 0;
}

void fleet_poll(struct hostd *hostd)
{
	for (struct guest *guest = hostd->guests; guest; guest = guest->next)
		guest_poll(guest);
	if (hostd->libvirt)
		libvirt_poll(hostd->libvirt);
}

bool fleet_complete(const struct hostd *hostd)
{
	const struct guest *guest = hostd->guests;

	while (guest && guest->size_round && guest->stats_round)
		guest = guest->next;
	return !guest && (!hostd->libvirt || libvirt_known(hostd->libvirt));
}
