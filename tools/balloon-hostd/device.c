// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest by the control socket of its balloon-device, which takes hints, too. That
 * answers in order, but statistics may come later: what is in an answer tells what
 * it is.
 */
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "request.h"

#define BALLOON_PAGE	4096

struct device {
	struct guest *guest;
	struct link *link;
	unsigned int owed;		/* answers */
	bool stats;			/* those are among them */
	uint64_t since;
};

static void ask(struct device *device, struct json_object *request)
{
	device->since = device->since ? device->since : hostd_now(device->guest->hostd);
	device->owed++;
	link_put(device->link, request);
}

static struct json_object *command(const char *name)
{
	struct json_object *request = json_object_new_object();

	json_object_object_add(request, "command", json_object_new_string(name));
	return request;
}

static void on_status(struct guest *guest, struct json_object *line)
{
	struct json_object *queues, *pressure, *running;
	uint64_t actual = 0;

	if (!request_number(line, "actual", 0, UINT32_MAX, &actual) ||
	    actual * BALLOON_PAGE > guest->max) {
		guest_trouble(guest, TROUBLE_LIES, "more in the balloon than the guest has");
		return;
	}
	guest->takes_hints = json_object_object_get_ex(line, "queues", &queues) &&
		json_object_object_get_ex(queues, "pressure", &pressure) &&
		json_object_object_get_ex(pressure, "running", &running) &&
		json_object_get_boolean(running);
	guest_size(guest, guest->max - actual * BALLOON_PAGE);
}

static void on_stats(struct guest *guest, struct json_object *stats)
{
	struct guest_stats new = { 0 };

	if (request_number(stats, "total-memory", 0, UINT64_MAX, &new.total) &&
	    request_number(stats, "available-memory", 0, UINT64_MAX, &new.available) &&
	    request_number(stats, "free-memory", 0, UINT64_MAX, &new.unused) && new.total)
		guest_stats(guest, &new);
}

/* The driver replied to a hint. */
static void on_reply(struct guest *guest, struct json_object *reply)
{
	uint64_t yielded = 0, slack = 0;

	if (!request_number(reply, "yielded", 0, UINT64_MAX, &yielded) ||
	    !request_number(reply, "slack", 0, UINT64_MAX, &slack))
		return;
	guest_slack_is(guest, slack);
	guest_yielded(guest, yielded);
}

static void on_line(struct link *link, struct json_object *line, void *context)
{
	struct device *device = context;
	struct json_object *part;

	if (!json_object_is_type(line, json_type_object)) {
		guest_trouble(device->guest, TROUBLE_GARBAGE, "no JSON object");
		link_reset(link, "no JSON object");
		return;
	}
	if (json_object_object_get_ex(line, "event", NULL)) {
		if (json_object_object_get_ex(line, "reply", &part))
			on_reply(device->guest, part);
		return;
	}
	if (!device->owed) {
		guest_trouble(device->guest, TROUBLE_GARBAGE, "an answer to nothing");
		link_reset(link, "an answer to nothing");
		return;
	}
	if (!--device->owed)
		device->since = 0;
	if (json_object_object_get_ex(line, "stats", &part)) {
		device->stats = false;
		on_stats(device->guest, part);
	} else if (json_object_object_get_ex(line, "queues", NULL)) {
		on_status(device->guest, line);
	} else if (*request_text(line, "error")) {
		/* Perhaps the statistics: the driver is not there yet. */
		device->stats = false;
		guest_trouble(device->guest, TROUBLE_REFUSED, request_text(line, "error"));
	}
}

static void on_opened(struct link *link, void *context)
{
	struct json_object *events = command("events");
	struct device *device = context;

	device->owed = 0;
	device->stats = false;
	device->since = 0;
	guest_up(device->guest, link_peer(link));
	json_object_object_add(events, "on", json_object_new_boolean(true));
	ask(device, events);
}

static void on_closed(struct link *link, const char *why, void *context)
{
	struct device *device = context;

	(void)link;
	guest_down(device->guest, why);
}

static const struct link_user user = {
	.opened = on_opened, .line = on_line, .closed = on_closed,
};

static void *device_open(struct guest *guest)
{
	struct device *device = calloc(1, sizeof(*device));

	if (!device)
		return NULL;
	device->guest = guest;
	device->link = link_new(guest->hostd->guest_event, guest->config->device, &user, device);
	if (device->link)
		return device;
	free(device);
	return NULL;
}

static void device_close(void *connection)
{
	struct device *device = connection;

	link_free(device->link);
	free(device);
}

static void device_poll(void *connection)
{
	struct device *device = connection;
	const struct hostd *hostd = device->guest->hostd;
	struct json_object *stats;

	if (!link_is_open(device->link))
		return;
	/* Statistics are the driver's: those may never come, and nothing else waits for them. */
	if (device->owed > device->stats &&
	    hostd_now(hostd) - device->since > hostd->config->timeout_ms * 1000) {
		guest_trouble(device->guest, TROUBLE_SILENCE, "no answer in time");
		link_reset(device->link, "no answer in time");
		return;
	}
	if (device->owed > device->stats)
		return;
	ask(device, command("status"));
	if (device->stats)
		return;
	stats = command("stats");
	json_object_object_add(stats, "fresh", json_object_new_boolean(true));
	device->stats = true;
	ask(device, stats);
}

static void device_set_target(void *connection, uint64_t bytes)
{
	struct json_object *request = command("target");
	struct device *device = connection;

	answer_add(request, "pages", less_u64(device->guest->max, bytes) / BALLOON_PAGE);
	ask(device, request);
}

static void device_hint(void *connection, enum level level, uint64_t need, uint32_t ttl_ms)
{
	struct json_object *request = command("hint");
	struct device *device = connection;

	json_object_object_add(request, "level", json_object_new_string(pressure_levels[level]));
	answer_add(request, "need", need);
	answer_add(request, "ttl_ms", ttl_ms);
	ask(device, request);
}

const struct backend backend_device = {
	.name = "device",
	.open = device_open,
	.close = device_close,
	.poll = device_poll,
	.set_target = device_set_target,
	.hint = device_hint,
};
