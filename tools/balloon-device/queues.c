// SPDX-License-Identifier: GPL-2.0-only
/* What the driver asks for: inflate, deflate, statistics, reported pages. */
#include <endian.h>
#include <string.h>
#include <sys/eventfd.h>

#include "device.h"

/* No driver has a longer list in one request; it also bounds the work of one. */
#define LIST_MAX	65536
/* A driver that adds buffers as fast as we take them shall not keep us. */
#define REQUESTS_AT_ONCE 1024

static uint32_t list[LIST_MAX];
static struct range ranges[LIST_MAX];

void queue_signal(struct queue *queue)
{
	if (ring_must_signal(&queue->ring) && queue->call >= 0)
		eventfd_write(queue->call, 1);
}

void queue_complete(struct queue *queue, uint16_t head, uint32_t written)
{
	if (queue->device->hostile)
		hostile_complete(queue, head, written);
	else
		ring_push(&queue->ring, head, written);
}

static bool is_held(void *context, uint64_t pfn)
{
	return books_held(context, pfn);
}

static void release(struct queue *queue, const struct range *range, release_held_fn held)
{
	struct device *dev = queue->device;

	if (!dev->options.release)
		return;
	queue->calls++;
	queue->bytes += release_range(&dev->memory, range, held, &dev->books, &dev->release_error);
}

/* Read one list of page numbers into list[]; those that are no pages are left out. */
static size_t read_list(struct queue *queue, const struct request *request, size_t size)
{
	struct device *dev = queue->device;
	size_t i, count, good = 0;

	if (size % sizeof(*list) || size > sizeof(list))
		books_violation(&dev->books, V_LENGTH, "queue %u: a list of %zu bytes",
				queue->index, size);
	if (size > sizeof(list))
		size = sizeof(list);
	count = request_read(request, 0, list, size) / sizeof(*list);
	for (i = 0; i < count; i++) {
		uint32_t pfn = le32toh(list[i]);

		if (memory_guest(&dev->memory, (uint64_t)pfn << PFN_SHIFT, PFN_SIZE))
			list[good++] = pfn;
		else
			books_violation(&dev->books, V_NO_PAGE, "queue %u: no page %#x",
					queue->index, pfn);
	}
	return good;
}

static void inflate(struct queue *queue, size_t count)
{
	struct books *books = &queue->device->books;
	size_t i, n;

	for (i = 0; i < count; i++)
		books_inflate(books, list[i], queue->replay);
	n = release_merge(list, count, queue->device->options.profile->merge, ranges);
	for (i = 0; i < n; i++)
		release(queue, &ranges[i], is_held);
}

static void deflate(struct queue *queue, size_t count)
{
	struct device *dev = queue->device;
	size_t i, n;

	/* Only who must tell us before may not have used it already. */
	if (dev->options.verify && device_has(dev, VIRTIO_BALLOON_F_MUST_TELL_HOST)) {
		n = release_merge(list, count, MERGE_SORT, ranges);
		for (i = 0; i < n; i++)
			audit_range(dev, &ranges[i], "before the host was told");
	}
	for (i = 0; i < count; i++)
		books_deflate(&dev->books, list[i], queue->replay);
}

/* Does the VMM that we play take a descriptor like this? */
static bool takes(const struct profile *profile, const struct piece *piece)
{
	return !profile->max_bytes || piece->size <= profile->max_bytes;
}

/* An inflate or deflate request. False if it is never to be answered. */
static bool serve_pages(struct queue *queue, const struct request *request)
{
	const struct profile *profile = queue->device->options.profile;
	unsigned int i, pieces = request->readable;
	size_t size = 0, count;
	struct books_header *header = queue->device->books.header;

	if (!pieces || request->writable)
		books_violation(&queue->device->books, V_LENGTH,
				"queue %u: %u readable and %u writable descriptors", queue->index,
				pieces, request->writable);
	if (pieces > 1 && profile->head_only)
		pieces = 1;
	for (i = 0; i < pieces; i++) {
		if (takes(profile, &request->pieces[i])) {
			size += request->pieces[i].size;
			continue;
		}
		if (profile->over == OVER_STALL)
			return false;
		/* The list ends here; the limits of others need not be served better. */
		break;
	}
	if (!size)
		return true;
	count = read_list(queue, request, size);
	queue->pages += count;
	if (queue->role == Q_INFLATE)
		inflate(queue, count);
	else
		deflate(queue, count);
	if (profile->counts)
		header->actual = (uint32_t)header->held;
	return true;
}

/* Reported pages are writable, because the device may change what is in them. */
static void serve_report(struct queue *queue, const struct request *request)
{
	struct device *dev = queue->device;
	unsigned int i;

	if (!request->writable || request->readable)
		books_violation(&dev->books, V_LENGTH,
				"queue %u: %u readable and %u writable descriptors", queue->index,
				request->readable, request->writable);
	for (i = 0; i < request->writable; i++) {
		const struct piece *piece = &request->pieces[request->readable + i];
		const struct range range = { piece->guest, piece->size };
		uint64_t pfn = piece->guest >> PFN_SHIFT, end;

		if (books_run(&dev->books, &pfn, &end) &&
		    pfn < (piece->guest + piece->size) >> PFN_SHIFT)
			books_violation(&dev->books, V_REPORTED,
					"page %#llx reported: it is in the balloon",
					(unsigned long long)pfn);
		queue->pages += piece->size >> PFN_SHIFT;
		/* With a poison value the driver relies on what is in its free pages. */
		if (!dev->books.header->poison)
			release(queue, &range, NULL);
	}
}

static void serve_stats(struct queue *queue, struct request *request)
{
	struct device *dev = queue->device;
	struct virtio_balloon_stat wire;
	size_t size = request_readable(request), offset;

	if (queue->holding) {
		books_violation(&dev->books, V_TWO_BUFFERS, "a second buffer of statistics");
		queue_complete(queue, queue->held.head, 0);
	}
	if (size % sizeof(wire) || size > STATS_MAX * sizeof(wire))
		books_violation(&dev->books, V_STATS, "statistics of %zu bytes", size);
	dev->stats = 0;
	for (offset = 0; dev->stats < STATS_MAX; offset += sizeof(wire)) {
		if (request_read(request, offset, &wire, sizeof(wire)) != sizeof(wire))
			break;
		dev->stat[dev->stats].tag = le16toh(wire.tag);
		dev->stat[dev->stats++].value = le64toh(wire.val);
	}
	dev->stats_usec = now_usec();
	queue->held = *request;
	queue->holding = true;
	control_stats(dev);
}

bool stats_refresh(struct device *dev)
{
	struct queue *queue = device_queue(dev, Q_STATS);

	if (!queue || !queue->holding)
		return false;
	queue->holding = false;
	queue_complete(queue, queue->held.head, 0);
	queue_signal(queue);
	return true;
}

static void serve_request(struct queue *queue, struct request *request)
{
	switch (queue->role) {
	case Q_INFLATE:
	case Q_DEFLATE:
		if (!serve_pages(queue, request))
			return;
		break;
	case Q_REPORT:
		serve_report(queue, request);
		break;
	case Q_STATS:
		serve_stats(queue, request);
		return;
	case Q_PRESSURE:
		pressure_serve(queue, request);
		return;
	case ROLES:
		break;
	}
	queue_complete(queue, request->head, 0);
}

/* Serve so many requests of a queue. */
static void queue_serve(struct queue *queue, int count)
{
	struct device *dev = queue->device;
	uint64_t start = now_usec();
	struct request request;
	const char *why;
	bool some = false;

	while (count-- > 0) {
		int found = ring_pop(&queue->ring, &dev->memory, &request, &why);

		if (found == RING_EMPTY)
			break;
		if (found == RING_BROKEN) {
			books_violation(&dev->books, V_RING, "queue %u: %s", queue->index, why);
			break;
		}
		/* Booked before it is done: whoever finds it undone does it again. */
		dev->books.header->taken[queue->index] = queue->ring.next;
		queue->requests++;
		some = true;
		if (found == RING_BAD) {
			books_violation(&dev->books, V_RING, "queue %u: %s", queue->index, why);
			queue_complete(queue, request.head, 0);
		} else {
			serve_request(queue, &request);
		}
		if (queue->replay)
			queue->replay--;
	}
	if (!some)
		return;
	queue_signal(queue);
	histogram_add(&queue->latency, now_usec() - start);
}

/* How many requests wait, with a violation for a ring that cannot tell. */
static int waiting(struct queue *queue)
{
	int count = ring_running(&queue->ring) ? ring_rearm(&queue->ring) : 0;

	if (count < 0)
		books_violation(&queue->device->books, V_RING,
				"queue %u: the available index is absurd", queue->index);
	return count < REQUESTS_AT_ONCE ? count : REQUESTS_AT_ONCE;
}

/*
 * Serve all queues, in the order of their numbers: a page that is inflated
 * while its deflate waits is then seen as a breach, and a page that is reported
 * after its deflate is not. For the latter the reports are counted first.
 */
void device_serve(struct device *dev)
{
	struct queue *report = device_queue(dev, Q_REPORT);
	int reported = report ? waiting(report) : 0;
	unsigned int i;

	for (i = 0; i < dev->count; i++) {
		struct queue *queue = &dev->queues[i];

		queue_serve(queue, queue == report ? reported : waiting(queue));
		if (waiting(queue) > 0)
			eventfd_write(queue->kick, 1);	/* the other sources' turn first */
	}
}
