// SPDX-License-Identifier: GPL-2.0-only
/* Life of the queues, and the configuration that the driver sees. */
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "device.h"

/* A queue is there if its feature is offered; 0 is a feature that all have. */
static const unsigned int needs[ROLES] = {
	[Q_STATS] = VIRTIO_BALLOON_F_STATS_VQ,
	[Q_REPORT] = VIRTIO_BALLOON_F_REPORTING,
	[Q_PRESSURE] = VIRTIO_BALLOON_F_HOST_PRESSURE,
};

void say(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("balloon-device: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
}

uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void histogram_add(struct histogram *histogram, uint64_t usec)
{
	unsigned int bucket = usec ? 64 - (unsigned int)__builtin_clzll(usec) : 0;

	histogram->buckets[bucket < HISTOGRAM ? bucket : HISTOGRAM - 1]++;
	histogram->count++;
	histogram->sum += usec;
	if (usec > histogram->longest)
		histogram->longest = usec;
}

static void tell_violation(void *context, const char *message)
{
	struct device *dev = context;

	if (dev->options.trace)
		say("violation: %s", message);
	control_event(dev, "violation", json_object_new_string(message));
}

/* The queues are numbered densely over what is offered, as VMMs and Linux do. */
void device_init(struct device *dev)
{
	unsigned int role;

	dev->front = -1;
	dev->back = -1;
	dev->count = 0;
	dev->books.tell = tell_violation;
	dev->books.context = dev;
	for (role = 0; role < ROLES; role++) {
		struct queue *queue = &dev->queues[dev->count];

		if (needs[role] && !(dev->options.features & F_BIT(needs[role])))
			continue;
		memset(queue, 0, sizeof(*queue));
		queue->device = dev;
		queue->role = role;
		queue->index = dev->count++;
		queue->kick = -1;
		queue->call = -1;
	}
}

struct queue *device_queue(struct device *dev, enum role role)
{
	unsigned int i;

	for (i = 0; i < dev->count; i++)
		if (dev->queues[i].role == role)
			return &dev->queues[i];
	return NULL;
}

bool device_has(const struct device *dev, unsigned int feature)
{
	return dev->features & F_BIT(feature);
}

/* What was taken from the ring, but not answered, comes again. */
static void expect_replay(struct queue *queue)
{
	uint16_t ahead = queue->device->books.header->taken[queue->index] - queue->base;

	queue->replay = ahead <= queue->place.size ? ahead : 0;
}

/*
 * A VMM says neither "the driver was reset" nor "it goes on"; but rings that
 * begin at 0 are new, and a driver that is new has no balloon.
 */
static void begin_session(struct device *dev)
{
	bool fresh = true;
	unsigned int i;

	if (dev->in_session)
		return;
	dev->in_session = true;
	for (i = 0; i < dev->count; i++)
		if (dev->queues[i].kick >= 0 && dev->queues[i].base)
			fresh = false;
	if (fresh)
		device_reset(dev);
	if (dev->options.trace)
		say("%s", fresh ? "a new driver" : "the driver goes on");
	for (i = 0; i < dev->count; i++)
		expect_replay(&dev->queues[i]);
}

static int on_kick(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct queue *queue = context;
	uint64_t count;

	(void)source;
	(void)events;
	if (read(fd, &count, sizeof(count)) != sizeof(count) && errno != EAGAIN) {
		sd_event_source_set_enabled(queue->source, SD_EVENT_OFF);
		return 0;
	}
	queue->kicks++;
	device_serve(queue->device);
	return 0;
}

bool queue_start(struct queue *queue)
{
	struct device *dev = queue->device;

	if (queue->ring.size || queue->kick < 0 || !queue->enabled || !dev->memory.count)
		return true;
	begin_session(dev);
	queue->ring.event_idx = device_has(dev, VIRTIO_RING_F_EVENT_IDX);
	queue->ring.indirect = device_has(dev, VIRTIO_RING_F_INDIRECT_DESC);
	if (!ring_start(&queue->ring, &dev->memory, &queue->place, queue->base)) {
		books_violation(&dev->books, V_RING, "queue %u is nowhere in the memory",
				queue->index);
		return false;
	}
	if (!queue->source &&
	    sd_event_add_io(dev->event, &queue->source, queue->kick, EPOLLIN, on_kick, queue) < 0)
		return false;
	/* Whatever came before we were there. */
	eventfd_write(queue->kick, 1);
	return true;
}

void device_resume(struct device *dev)
{
	unsigned int i;

	dev->in_session = true;
	for (i = 0; i < dev->count; i++) {
		struct queue *queue = &dev->queues[i];

		if (!queue->enabled || !queue_start(queue))
			continue;
		/* All that was not answered is to be answered. */
		queue->base = queue->ring.used_next;
		queue->ring.next = queue->base;
		expect_replay(queue);
	}
	for (i = 0; i < dev->count && !dev->queues[i].ring.size; i++)
		;
	dev->in_session = i < dev->count;
}

/* Returns where the next start has to begin: behind what was answered. */
uint16_t queue_stop(struct queue *queue)
{
	if (queue->device->hostile)
		hostile_stop(queue);
	if (queue->ring.size)
		queue->base = queue->ring.used_next;
	ring_stop(&queue->ring);
	queue->holding = false;
	queue->source = sd_event_source_disable_unref(queue->source);
	if (queue->kick >= 0)
		close(queue->kick);
	if (queue->call >= 0)
		close(queue->call);
	queue->kick = -1;
	queue->call = -1;
	keep_fd("kick", (int)queue->index, -1);
	keep_fd("call", (int)queue->index, -1);
	return queue->base;
}

void device_stop(struct device *dev)
{
	unsigned int i;

	for (i = 0; i < dev->count; i++) {
		queue_stop(&dev->queues[i]);
		dev->queues[i].enabled = false;
	}
	dev->in_session = false;
}

void device_reset(struct device *dev)
{
	books_empty(&dev->books);
	dev->stats = 0;
	memset(&dev->reply, 0, sizeof(dev->reply));
	/* The target is the host's, it stays; the driver reads it when it comes. */
	dev->settled_usec = 0;
	dev->target_usec = now_usec();
}

static void move_ring(struct device *dev, struct queue *queue)
{
	if (!queue->ring.size)
		return;
	if (!ring_move(&queue->ring, &dev->memory, &queue->place))
		books_violation(&dev->books, V_RING, "queue %u is no longer in the memory",
				queue->index);
	if (queue->holding && !request_move(&queue->held, &dev->memory))
		queue->holding = false;
}

int device_set_memory(struct device *dev, const struct memory_range *ranges, const int *fds,
		      unsigned int count)
{
	unsigned int i;
	int error = memory_set(&dev->memory, ranges, fds, count);

	if (error)
		return error;
	for (i = 0; i < MEMORY_REGIONS; i++)
		keep_fd("memory", (int)i, i < dev->memory.count ? dev->memory.regions[i].fd : -1);
	for (i = 0; i < dev->count; i++)
		move_ring(dev, &dev->queues[i]);
	return books_size(&dev->books, memory_end_pfn(&dev->memory));
}

void device_get_config(struct device *dev, uint8_t config[CONFIG_SIZE])
{
	const struct books_header *header = dev->books.header;
	const uint32_t fields[CONFIG_SIZE / 4] = {
		htole32(header->target), htole32(header->actual), 0, htole32(header->poison),
	};

	memcpy(config, fields, CONFIG_SIZE);
	if (dev->hostile)
		hostile_config(dev, config);
}

static void settle(struct device *dev)
{
	const struct books_header *header = dev->books.header;

	if (header->actual != header->target || dev->settled_usec >= dev->target_usec)
		return;
	dev->settled_usec = now_usec();
	histogram_add(&dev->settle, dev->settled_usec - dev->target_usec);
}

/* The VMM sends all of its copy, which is old: only what is the driver's counts. */
void device_set_config(struct device *dev, unsigned int offset, const uint8_t *data, size_t size)
{
	struct books_header *header = dev->books.header;
	const unsigned int actual = offsetof(struct virtio_balloon_config, actual);
	const unsigned int poison = offsetof(struct virtio_balloon_config, poison_val);
	uint32_t value;

	if (offset <= actual && actual + sizeof(value) <= offset + size) {
		memcpy(&value, data + actual - offset, sizeof(value));
		if (!dev->options.profile->counts)
			header->actual = le32toh(value);
		settle(dev);
		control_event(dev, "actual", json_object_new_int64(header->actual));
	}
	if (offset <= poison && poison + sizeof(value) <= offset + size) {
		memcpy(&value, data + poison - offset, sizeof(value));
		header->poison = le32toh(value);
	}
}

void device_set_target(struct device *dev, uint32_t pages)
{
	dev->books.header->target = pages;
	dev->target_usec = now_usec();
	dev->settled_usec = 0;
	settle(dev);
	protocol_config_changed(dev);
}
