// SPDX-License-Identifier: GPL-2.0-only
/* The commands of the control socket: target, hint, stats, books, audit, ... */
#include <stdio.h>
#include <string.h>

#include "command.h"

static const char * const roles[ROLES] = {
	[Q_INFLATE] = "inflate", [Q_DEFLATE] = "deflate", [Q_STATS] = "stats",
	[Q_REPORT] = "report", [Q_PRESSURE] = "pressure",
};

static const char * const levels[] = { "none", "low", "medium", "critical" };

/* As QEMU calls them, by tag. */
static const char * const tags[] = {
	"swap-in", "swap-out", "major-faults", "minor-faults", "free-memory", "total-memory",
	"available-memory", "disk-caches", "htlb-pgalloc", "htlb-pgfail", "oom-kills",
	"alloc-stalls", "async-scans", "direct-scans", "async-reclaims", "direct-reclaims",
};

static void add(struct json_object *object, const char *name, uint64_t value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

static struct json_object *good(void)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "ok", json_object_new_boolean(true));
	return object;
}

static struct json_object *bad(const char *why)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "ok", json_object_new_boolean(false));
	json_object_object_add(object, "error", json_object_new_string(why));
	return object;
}

/* A whole number from 0 to `most`; a missing one is *value as it is. */
static bool number(struct json_object *request, const char *name, uint64_t most, uint64_t *value)
{
	struct json_object *member;

	if (!json_object_object_get_ex(request, name, &member))
		return true;
	if (!json_object_is_type(member, json_type_int) || json_object_get_int64(member) < 0 ||
	    json_object_get_uint64(member) > most)
		return false;
	*value = json_object_get_uint64(member);
	return true;
}

static struct json_object *set_target(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	uint64_t pages = UINT64_MAX;

	(void)result;
	if (!number(request, "pages", UINT32_MAX, &pages) || pages > UINT32_MAX)
		return bad("target: needs \"pages\", the 4 KiB pages that the balloon is to hold");
	device_set_target(dev, (uint32_t)pages);
	return good();
}

static struct json_object *send_hint(struct device *dev, struct json_object *request,
				     struct command_result *result)
{
	struct json_object *object, *level = NULL;
	uint64_t need = 0, ttl = 0;
	unsigned int i;
	const char *name;

	(void)result;
	if (!device_queue(dev, Q_PRESSURE))
		return bad("hint: the device has no pressure queue");
	json_object_object_get_ex(request, "level", &level);
	name = json_object_is_type(level, json_type_string) ? json_object_get_string(level) : "";
	for (i = 0; i < 4 && strcmp(name, levels[i]); i++)
		;
	if (i == 4)
		return bad("hint: \"level\" is one of none, low, medium, critical");
	if (!number(request, "need", INT64_MAX, &need))
		return bad("hint: \"need\" is in bytes");
	if (!number(request, "ttl_ms", VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS, &ttl))
		return bad("hint: \"ttl_ms\" is an hour at most");
	pressure_hint(dev, i, need, (uint32_t)ttl);
	object = good();
	add(object, "seq", dev->books.header->hint_seq);
	json_object_object_add(object, "sent", json_object_new_boolean(!dev->hint_pending));
	return object;
}

struct json_object *command_stats(struct device *dev)
{
	struct json_object *object = good(), *stats = json_object_new_object();
	unsigned int i;

	for (i = 0; i < dev->stats; i++) {
		uint16_t tag = dev->stat[i].tag;
		char unknown[16];

		snprintf(unknown, sizeof(unknown), "tag-%u", tag);
		add(stats, tag < sizeof(tags) / sizeof(*tags) ? tags[tag] : unknown,
		    dev->stat[i].value);
	}
	json_object_object_add(object, "stats", stats);
	add(object, "age_us", dev->stats ? now_usec() - dev->stats_usec : 0);
	return object;
}

/* With "fresh" the driver is asked first; a driver that is silent delays the answer only. */
static struct json_object *get_stats(struct device *dev, struct json_object *request,
				     struct command_result *result)
{
	struct json_object *fresh;

	if (!json_object_object_get_ex(request, "fresh", &fresh) ||
	    !json_object_get_boolean(fresh))
		return command_stats(dev);
	if (!stats_refresh(dev))
		return bad("stats: the driver has given no buffer for them");
	result->wait_for_stats = true;
	return NULL;
}

static struct json_object *get_books(struct device *dev, struct json_object *request,
				     struct command_result *result)
{
	const struct books_header *header = dev->books.header;
	struct json_object *object = good(), *kinds = json_object_new_object();
	struct json_object *messages = json_object_new_array();
	uint64_t last = dev->books.messages, i = last > BOOKS_MESSAGES ? last - BOOKS_MESSAGES : 0;

	(void)request;
	(void)result;
	add(object, "held", header->held);
	add(object, "inflated", header->inflated);
	add(object, "deflated", header->deflated);
	add(object, "unknown", header->unknown);
	add(object, "violations", books_violations(&dev->books));
	for (unsigned int kind = 0; kind < V_KINDS; kind++)
		add(kinds, violation_name(kind), header->violations[kind]);
	json_object_object_add(object, "kinds", kinds);
	for (; i < last; i++) {
		const char *message = dev->books.message[i % BOOKS_MESSAGES];

		json_object_array_add(messages, json_object_new_string(message));
	}
	json_object_object_add(object, "messages", messages);
	return object;
}

static struct json_object *audit(struct device *dev, struct json_object *request,
				 struct command_result *result)
{
	struct json_object *object = good();
	uint64_t resident, used = audit_all(dev, &resident);

	(void)request;
	(void)result;
	add(object, "used", used);
	add(object, "resident", resident);
	return object;
}

static struct json_object *histogram(const struct histogram *histogram)
{
	struct json_object *object = json_object_new_object();
	struct json_object *buckets = json_object_new_object();
	unsigned int i;

	add(object, "count", histogram->count);
	add(object, "mean_us", histogram->count ? histogram->sum / histogram->count : 0);
	add(object, "longest_us", histogram->longest);
	for (i = 0; i < HISTOGRAM; i++) {
		char name[24];

		snprintf(name, sizeof(name), "%llu", 1ull << i);
		if (histogram->buckets[i])
			add(buckets, name, histogram->buckets[i]);
	}
	json_object_object_add(object, "below_us", buckets);
	return object;
}

static struct json_object *get_latencies(struct device *dev, struct json_object *request,
					 struct command_result *result)
{
	struct json_object *object = good();
	unsigned int i;

	(void)request;
	(void)result;
	for (i = 0; i < dev->count; i++)
		json_object_object_add(object, roles[dev->queues[i].role],
				       histogram(&dev->queues[i].latency));
	json_object_object_add(object, "settle", histogram(&dev->settle));
	json_object_object_add(object, "reply", histogram(&dev->reply_latency));
	return object;
}

static struct json_object *get_status(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	const struct books_header *header = dev->books.header;
	struct json_object *object = good(), *queues = json_object_new_object();
	unsigned int i;

	(void)request;
	(void)result;
	json_object_object_add(object, "connected", json_object_new_boolean(dev->front >= 0));
	json_object_object_add(object, "driver", json_object_new_boolean(dev->in_session));
	add(object, "target", header->target);
	add(object, "actual", header->actual);
	add(object, "held", header->held);
	add(object, "offered", dev->options.features | F_BIT(VIRTIO_F_VERSION_1));
	add(object, "negotiated", dev->in_session ? dev->features : 0);
	add(object, "release_error", (uint64_t)-dev->release_error);
	for (i = 0; i < dev->count; i++) {
		const struct queue *queue = &dev->queues[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "running",
				       json_object_new_boolean(ring_running(&queue->ring)));
		add(one, "kicks", queue->kicks);
		add(one, "requests", queue->requests);
		add(one, "pages", queue->pages);
		add(one, "calls", queue->calls);
		add(one, "bytes", queue->bytes);
		json_object_object_add(queues, roles[queue->role], one);
	}
	json_object_object_add(object, "queues", queues);
	return object;
}

static struct json_object *set_events(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	struct json_object *on = NULL;

	(void)dev;
	json_object_object_get_ex(request, "on", &on);
	if (!json_object_is_type(on, json_type_boolean))
		return bad("events: \"on\" is true or false");
	result->events = json_object_get_boolean(on);
	return good();
}

static const struct {
	const char *name;
	struct json_object *(*run)(struct device *dev, struct json_object *request,
				   struct command_result *result);
} commands[] = {
	{ "audit", audit },
	{ "books", get_books },
	{ "events", set_events },
	{ "hint", send_hint },
	{ "latencies", get_latencies },
	{ "stats", get_stats },
	{ "status", get_status },
	{ "target", set_target },
};

void command_run(struct device *dev, struct json_object *request, const char *error,
		 struct command_result *result)
{
	struct json_object *name = NULL;
	unsigned int i;

	result->answer = NULL;
	result->wait_for_stats = false;
	if (!json_object_is_type(request, json_type_object)) {
		result->answer = bad(error ? error : "not a JSON object");
		return;
	}
	json_object_object_get_ex(request, "command", &name);
	for (i = 0; json_object_is_type(name, json_type_string) &&
	     i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(json_object_get_string(name), commands[i].name)) {
			result->answer = commands[i].run(dev, request, result);
			return;
		}
	}
	result->answer = bad("there are: audit books events hint latencies stats status target");
}
