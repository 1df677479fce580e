// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that means harm, for tests of drivers: all of it from a seed, so that
 * what happened once can be had again.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device.h"

#define TICK_USEC	5000
#define LATE_MAX_USEC	3000000
#define KEPT_MAX	256
/* 100,000 a second */
#define STORM_A_TICK	500

enum mischief {
	M_SILENT, M_LATE, M_ORDER, M_TWICE, M_LENGTH, M_ID,
	M_TARGETS, M_CONFIG, M_HINTS, M_STORM, M_FEATURES, M_HANGUP, M_DIE,
	M_KINDS
};

/* `often`: in 1000 requests, ticks or reads, whichever it is about. */
static const struct {
	const char *name;
	unsigned int often;
} kinds[M_KINDS] = {
	[M_SILENT] = { "silent", 5 },		/* never answer */
	[M_LATE] = { "late", 50 },		/* answer seconds later */
	[M_ORDER] = { "order", 200 },		/* answer after others that came later */
	[M_TWICE] = { "twice", 20 },		/* answer again */
	[M_LENGTH] = { "length", 100 },		/* say that any number of bytes was written */
	[M_ID] = { "id", 10 },			/* answer a buffer that there is not */
	[M_TARGETS] = { "targets", 20 },	/* any target at any time */
	[M_CONFIG] = { "config", 50 },		/* another configuration for each reader */
	[M_HINTS] = { "hints", 700 },		/* hints against the rules, and many */
	[M_STORM] = { "storm", 50 },		/* interrupts and config changes for nothing */
	[M_FEATURES] = { "features", 500 },	/* features that contradict each other */
	[M_HANGUP] = { "hangup", 2 },		/* leave the VMM alone */
	[M_DIE] = { "die", 1 },			/* end at any moment */
};

struct kept {
	struct queue *queue;
	uint16_t head;
	uint32_t written;
	uint64_t due;
};

struct hostile {
	uint64_t state;
	bool on[M_KINDS];
	bool hushed;
	unsigned int count;
	struct kept kept[KEPT_MAX];
	struct virtio_balloon_pressure_hint last;
	sd_event_source *tick;
};

/* xorshift64*: small, and the same everywhere */
static uint64_t roll(struct hostile *hostile)
{
	uint64_t x = hostile->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	hostile->state = x;
	return x * 0x2545f4914f6cdd1dull;
}

static uint32_t below(struct hostile *hostile, uint32_t limit)
{
	return (uint32_t)((roll(hostile) >> 32) * limit >> 32);
}

static bool does(struct hostile *hostile, enum mischief kind)
{
	return hostile->on[kind] && below(hostile, 1000) < kinds[kind].often;
}

static int choose(struct hostile *hostile, char *names)
{
	char *rest, *name;
	unsigned int i;

	for (name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < M_KINDS && strcmp(name, kinds[i].name); i++)
			;
		if (i == M_KINDS)
			return -EINVAL;
		hostile->on[i] = true;
	}
	return 0;
}

/* Neighbouring seeds shall not begin alike, and 0 is no state. */
static uint64_t first_state(uint64_t seed)
{
	uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ull;

	return state ? state : 1;
}

/* The same kinds of mischief, from another seed: for many short runs of one VMM. */
void hostile_seed(struct device *dev, uint64_t seed)
{
	dev->hostile->state = first_state(seed);
	dev->hostile->hushed = false;
	memset(&dev->hostile->last, 0, sizeof(dev->hostile->last));
}

/*
 * Say nothing of the configuration until the next seed: QEMU 11.1 does not live through
 * a word of that which it reads when the driver has gone.
 */
void hostile_hush(struct device *dev)
{
	dev->hostile->hushed = true;
}

bool hostile_hushed(const struct device *dev)
{
	return dev->hostile && dev->hostile->hushed;
}

/* SEED, or SEED:name,name...; without names all but those that need a restart. */
int hostile_parse(struct device *dev, const char *text)
{
	struct hostile *hostile;
	unsigned long long seed;
	char *end, *names;
	int error = 0;

	errno = 0;
	seed = strtoull(text, &end, 0);
	if (errno || end == text || (*end && *end != ':'))
		return -EINVAL;
	hostile = calloc(1, sizeof(*hostile));
	if (!hostile)
		return -ENOMEM;
	if (*end) {
		names = strdup(end + 1);
		error = names ? choose(hostile, names) : -ENOMEM;
		free(names);
	} else {
		memset(hostile->on, true, M_HANGUP * sizeof(*hostile->on));
	}
	if (error) {
		free(hostile);
		return error;
	}
	hostile->state = first_state(seed);
	free(dev->hostile);
	dev->hostile = hostile;
	return 0;
}

static void keep(struct queue *queue, uint16_t head, uint32_t written, uint64_t usec)
{
	struct hostile *hostile = queue->device->hostile;

	if (hostile->count == KEPT_MAX) {
		ring_push(&queue->ring, head, written);
		return;
	}
	hostile->kept[hostile->count++] = (struct kept){ queue, head, written, now_usec() + usec };
}

void hostile_complete(struct queue *queue, uint16_t head, uint32_t written)
{
	struct hostile *hostile = queue->device->hostile;

	if (does(hostile, M_SILENT))
		return;
	if (does(hostile, M_LENGTH))
		written = (uint32_t)roll(hostile);
	if (does(hostile, M_ID))
		ring_push(&queue->ring, (uint16_t)roll(hostile), written);
	if (does(hostile, M_LATE)) {
		keep(queue, head, written, below(hostile, LATE_MAX_USEC));
		return;
	}
	if (does(hostile, M_ORDER)) {
		keep(queue, head, written, 0);
		return;
	}
	ring_push(&queue->ring, head, written);
	if (does(hostile, M_TWICE))
		ring_push(&queue->ring, head, written);
}

/* What is kept for a queue that stops is nobody's any more. */
void hostile_stop(struct queue *queue)
{
	struct hostile *hostile = queue->device->hostile;
	unsigned int i = 0;

	while (i < hostile->count) {
		if (hostile->kept[i].queue == queue)
			hostile->kept[i] = hostile->kept[--hostile->count];
		else
			i++;
	}
}

uint64_t hostile_features(struct device *dev, uint64_t features)
{
	struct hostile *hostile = dev->hostile;
	const uint64_t ours = 0x3f | F_BIT(VIRTIO_RING_F_EVENT_IDX) |
		F_BIT(VIRTIO_RING_F_INDIRECT_DESC) | F_BIT(VIRTIO_BALLOON_F_HOST_PRESSURE);

	if (!does(hostile, M_FEATURES))
		return features;
	features ^= roll(hostile) & ours;
	if (!below(hostile, 20))
		features &= ~F_BIT(VIRTIO_F_VERSION_1);
	return features;
}

void hostile_config(struct device *dev, uint8_t config[CONFIG_SIZE])
{
	struct hostile *hostile = dev->hostile;
	uint32_t value = (uint32_t)roll(hostile);

	if (does(hostile, M_CONFIG))
		memcpy(config + 4 * below(hostile, CONFIG_SIZE / 4), &value, sizeof(value));
}

/* Answer a pressure buffer at once. False: not this time. */
bool hostile_hint(struct device *dev)
{
	struct hostile *hostile = dev->hostile;
	struct virtio_balloon_pressure_hint *hint = &hostile->last;
	uint8_t *bytes = (uint8_t *)hint;

	if (!does(hostile, M_HINTS))
		return false;
	switch (below(hostile, 4)) {
	case 0:		/* the last one again */
		break;
	case 1:		/* one that is right, of any level */
		memset(hint, 0, sizeof(*hint));
		hint->seq = htole32(++dev->books.header->hint_seq);
		hint->level = (uint8_t)below(hostile, 4);
		hint->need = htole64(roll(hostile) >> below(hostile, 64));
		break;
	case 2:		/* a bit that may not be */
		bytes[below(hostile, sizeof(*hint))] ^= (uint8_t)(1 << below(hostile, 8));
		break;
	default:
		for (size_t i = 0; i < sizeof(*hint); i++)
			bytes[i] = (uint8_t)roll(hostile);
	}
	pressure_send(dev, hint);
	return true;
}

static void send_kept(struct hostile *hostile)
{
	uint64_t now = now_usec();
	unsigned int i = 0;

	/* From the front, and the last takes its place: no order that anybody knows. */
	while (i < hostile->count) {
		struct kept kept = hostile->kept[i];

		if (kept.due > now) {
			i++;
			continue;
		}
		hostile->kept[i] = hostile->kept[--hostile->count];
		ring_push(&kept.queue->ring, kept.head, kept.written);
		queue_signal(kept.queue);
	}
}

static uint32_t any_target(struct device *dev)
{
	struct hostile *hostile = dev->hostile;
	uint64_t end = memory_end_pfn(&dev->memory);

	switch (below(hostile, 4)) {
	case 0:
		return 0;
	case 1:
		return (uint32_t)roll(hostile);
	default:
		return end ? (uint32_t)(roll(hostile) % end) : 0;
	}
}

static void storm(struct device *dev)
{
	unsigned int i, n;

	for (n = 0; n < STORM_A_TICK; n++) {
		for (i = 0; i < dev->count; i++)
			if (dev->queues[i].call >= 0)
				eventfd_write(dev->queues[i].call, 1);
		if (!(n % 16))
			protocol_config_changed(dev);
	}
}

static void harm(struct device *dev)
{
	struct queue *pressure = device_queue(dev, Q_PRESSURE);
	struct hostile *hostile = dev->hostile;

	send_kept(hostile);
	if (pressure && pressure->holding)
		hostile_hint(dev);
	if (does(hostile, M_DIE))
		_exit(EXIT_FAILURE);
	if (does(hostile, M_TARGETS))
		device_set_target(dev, any_target(dev));
	if (does(hostile, M_STORM))
		storm(dev);
	if (does(hostile, M_HANGUP)) {
		protocol_close(dev);
		protocol_listen(dev);
	}
}

static int on_tick(sd_event_source *source, uint64_t usec, void *context)
{
	struct device *dev = context;

	(void)usec;
	/* It is drivers that are tested, and not VMMs that start. */
	if (dev->in_session)
		harm(dev);
	sd_event_source_set_time_relative(source, TICK_USEC);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int hostile_start(struct device *dev)
{
	/* To the microsecond: by default ticks come as seldom as four times a second. */
	return sd_event_add_time_relative(dev->event, &dev->hostile->tick, CLOCK_MONOTONIC,
					  TICK_USEC, 1, on_tick, dev);
}

void hostile_free(struct device *dev)
{
	sd_event_source_disable_unref(dev->hostile->tick);
	free(dev->hostile);
	dev->hostile = NULL;
}
