// SPDX-License-Identifier: GPL-2.0-only
/* The commands of the control socket: target, hint, stats, books, audit, ... */
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "request.h"

static const char * const roles[ROLES] = {
	[Q_INFLATE] = "inflate", [Q_DEFLATE] = "deflate", [Q_STATS] = "stats",
	[Q_REPORT] = "report", [Q_PRESSURE] = "pressure",
};

/* As QEMU calls them, by tag. */
static const char * const tags[] = {
	"swap-in", "swap-out", "major-faults", "minor-faults", "free-memory", "total-memory",
	"available-memory", "disk-caches", "htlb-pgalloc", "htlb-pgfail", "oom-kills",
	"alloc-stalls", "async-scans", "direct-scans", "async-reclaims", "direct-reclaims",
};

static struct json_object *set_target(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	uint64_t pages = UINT64_MAX;

	(void)result;
	if (!request_number(request, "pages", 0, UINT32_MAX, &pages) || pages > UINT32_MAX)
		return answer_bad("target: \"pages\" is how many of 4 KiB the balloon is to hold");
	device_set_target(dev, (uint32_t)pages);
	return answer_good();
}

static struct json_object *send_hint(struct device *dev, struct json_object *request,
				     struct command_result *result)
{
	int level = request_level(request);
	struct json_object *object;
	uint64_t need = 0, ttl = 0;

	(void)result;
	if (!device_queue(dev, Q_PRESSURE))
		return answer_bad("hint: the device has no pressure queue");
	if (level < 0)
		return answer_bad("hint: \"level\" is one of none, low, medium, critical");
	if (!request_number(request, "need", 0, VIRTIO_BALLOON_PRESSURE_NEED_MAX,
			    &need))
		return answer_bad("hint: \"need\" is in bytes, 2^50 at most");
	if (!request_number(request, "ttl_ms", 0, VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS, &ttl))
		return answer_bad("hint: \"ttl_ms\" is an hour at most");
	pressure_hint(dev, (unsigned int)level, need, (uint32_t)ttl);
	object = answer_good();
	answer_add(object, "seq", dev->books.header->hint_seq);
	json_object_object_add(object, "sent", json_object_new_boolean(!dev->hint_pending));
	return object;
}

static struct json_object *set_seed(struct device *dev, struct json_object *request,
				    struct command_result *result)
{
	uint64_t seed = UINT64_MAX;

	(void)result;
	if (!dev->hostile)
		return answer_bad("hostile: the device is an honest one");
	if (!request_number(request, "seed", 0, UINT32_MAX, &seed) || seed > UINT32_MAX)
		return answer_bad("hostile: \"seed\" is from 0 to 4294967295");
	hostile_seed(dev, seed);
	return answer_good();
}

/* Ask again until nothing is unread: then the driver may go. */
static struct json_object *set_hushed(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	struct json_object *object;

	(void)request;
	(void)result;
	if (!dev->hostile)
		return answer_bad("hush: the device is an honest one");
	hostile_hush(dev);
	object = answer_good();
	answer_add(object, "unread", protocol_unread(dev));
	return object;
}

struct json_object *command_stats(struct device *dev)
{
	struct json_object *object = answer_good(), *stats = json_object_new_object();
	unsigned int i;

	for (i = 0; i < dev->stats; i++) {
		uint16_t tag = dev->stat[i].tag;
		char unknown[16];

		snprintf(unknown, sizeof(unknown), "tag-%u", tag);
		answer_add(stats, tag < sizeof(tags) / sizeof(*tags) ? tags[tag] : unknown,
			   dev->stat[i].value);
	}
	json_object_object_add(object, "stats", stats);
	answer_add(object, "age_us", dev->stats ? now_usec() - dev->stats_usec : 0);
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
		return answer_bad("stats: the driver has given no buffer for them");
	result->wait_for_stats = true;
	return NULL;
}

static struct json_object *get_books(struct device *dev, struct json_object *request,
				     struct command_result *result)
{
	const struct books_header *header = dev->books.header;
	struct json_object *object = answer_good(), *kinds = json_object_new_object();
	struct json_object *messages = json_object_new_array();
	uint64_t last = dev->books.messages, i = last > BOOKS_MESSAGES ? last - BOOKS_MESSAGES : 0;

	(void)request;
	(void)result;
	answer_add(object, "held", header->held);
	answer_add(object, "inflated", header->inflated);
	answer_add(object, "deflated", header->deflated);
	answer_add(object, "unknown", header->unknown);
	answer_add(object, "violations", books_violations(&dev->books));
	for (unsigned int kind = 0; kind < V_KINDS; kind++)
		answer_add(kinds, violation_name(kind), header->violations[kind]);
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
	struct json_object *object = answer_good();
	uint64_t resident, used = audit_all(dev, &resident);

	(void)request;
	(void)result;
	answer_add(object, "used", used);
	answer_add(object, "resident", resident);
	return object;
}

static struct json_object *histogram(const struct histogram *histogram)
{
	struct json_object *object = json_object_new_object();
	struct json_object *buckets = json_object_new_object();
	unsigned int i;

	answer_add(object, "count", histogram->count);
	answer_add(object, "mean_us", histogram->count ? histogram->sum / histogram->count : 0);
	answer_add(object, "longest_us", histogram->longest);
	for (i = 0; i < HISTOGRAM; i++) {
		char name[24];

		snprintf(name, sizeof(name), "%llu", 1ull << i);
		if (histogram->buckets[i])
			answer_add(buckets, name, histogram->buckets[i]);
	}
	json_object_object_add(object, "below_us", buckets);
	return object;
}

static struct json_object *get_latencies(struct device *dev, struct json_object *request,
					 struct command_result *result)
{
	struct json_object *object = answer_good();
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
	struct json_object *object = answer_good(), *queues = json_object_new_object();
	unsigned int i;

	(void)request;
	(void)result;
	json_object_object_add(object, "connected", json_object_new_boolean(dev->front >= 0));
	json_object_object_add(object, "driver", json_object_new_boolean(dev->in_session));
	answer_add(object, "target", header->target);
	answer_add(object, "actual", header->actual);
	answer_add(object, "held", header->held);
	answer_add(object, "offered", dev->options.features | F_BIT(VIRTIO_F_VERSION_1));
	answer_add(object, "negotiated", dev->in_session ? dev->features : 0);
	answer_add(object, "release_error", (uint64_t)-dev->release_error);
	for (i = 0; i < dev->count; i++) {
		const struct queue *queue = &dev->queues[i];
		struct json_object *one = json_object_new_object();

		json_object_object_add(one, "running",
				       json_object_new_boolean(ring_running(&queue->ring)));
		answer_add(one, "kicks", queue->kicks);
		answer_add(one, "requests", queue->requests);
		answer_add(one, "pages", queue->pages);
		answer_add(one, "calls", queue->calls);
		answer_add(one, "bytes", queue->bytes);
		json_object_object_add(queues, roles[queue->role], one);
	}
	json_object_object_add(object, "queues", queues);
	if (device_queue(dev, Q_PRESSURE))
		json_object_object_add(object, "reply", pressure_reply(dev));
	return object;
}

static struct json_object *set_events(struct device *dev, struct json_object *request,
				      struct command_result *result)
{
	struct json_object *on = NULL;

	(void)dev;
	json_object_object_get_ex(request, "on", &on);
	if (!json_object_is_type(on, json_type_boolean))
		return answer_bad("events: \"on\" is true or false");
	result->events = json_object_get_boolean(on);
	return answer_good();
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
	{ "hostile", set_seed },
	{ "hush", set_hushed },
	{ "latencies", get_latencies },
	{ "stats", get_stats },
	{ "status", get_status },
	{ "target", set_target },
};

static const char known[] =
	"there are: audit books events hint hostile hush latencies stats status target";

void command_run(struct device *dev, struct json_object *request, const char *error,
		 struct command_result *result)
{
	const char *name;
	unsigned int i;

	result->answer = NULL;
	result->wait_for_stats = false;
	if (!json_object_is_type(request, json_type_object)) {
		result->answer = answer_bad(error ? error : "not a JSON object");
		return;
	}
	name = request_text(request, "command");
	for (i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (!strcmp(name, commands[i].name)) {
			result->answer = commands[i].run(dev, request, result);
			return;
		}
	}
	result->answer = answer_bad(known);
}
