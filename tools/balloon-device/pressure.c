// SPDX-License-Identifier: GPL-2.0-only
/* The pressure queue: one buffer, the driver's reply in and our next hint out. */
#include <endian.h>
#include <string.h>

#include "device.h"

static const char *wrong(struct device *dev, const struct request *request,
			 const struct virtio_balloon_pressure_reply *reply)
{
	uint32_t seq = le32toh(reply->seq), flags = le32toh(reply->flags);

	if (request_readable(request) != sizeof(*reply) ||
	    request_writable(request) != sizeof(struct virtio_balloon_pressure_hint))
		return "a buffer that is not a reply and room for a hint";
	if (seq && seq != dev->books.header->hint_sent)
		return "a reply to a hint that was never sent, or is old";
	if (flags & ~VIRTIO_BALLOON_PRESSURE_REPLY_INVALID)
		return "unknown flags in a reply";
	if (flags && reply->yielded)
		return "something yielded for a hint that was refused";
	return NULL;
}

/* The last reply, for whoever asks or listens. */
struct json_object *pressure_reply(const struct device *dev)
{
	struct json_object *details = json_object_new_object();
	bool invalid = dev->reply.flags & VIRTIO_BALLOON_PRESSURE_REPLY_INVALID;

	json_object_object_add(details, "seq", json_object_new_int64(dev->reply.seq));
	json_object_object_add(details, "invalid", json_object_new_boolean(invalid));
	json_object_object_add(details, "yielded", json_object_new_uint64(dev->reply.yielded));
	json_object_object_add(details, "slack", json_object_new_uint64(dev->reply.slack));
	return details;
}

void pressure_serve(struct queue *queue, struct request *request)
{
	struct device *dev = queue->device;
	struct virtio_balloon_pressure_reply reply = { 0 };
	const char *why;

	if (queue->holding) {
		books_violation(&dev->books, V_TWO_BUFFERS, "a second pressure buffer");
		queue_complete(queue, queue->held.head, 0);
	}
	request_read(request, 0, &reply, sizeof(reply));
	/* Whoever sends hints that break the rules cannot complain of the replies. */
	why = dev->hostile ? NULL : wrong(dev, request, &reply);
	if (why)
		books_violation(&dev->books, V_PRESSURE, "%s", why);
	dev->reply.seq = le32toh(reply.seq);
	dev->reply.flags = le32toh(reply.flags);
	dev->reply.yielded = le64toh(reply.yielded);
	dev->reply.slack = le64toh(reply.slack);
	if (dev->reply.seq && dev->hint_usec) {
		histogram_add(&dev->reply_latency, now_usec() - dev->hint_usec);
		dev->hint_usec = 0;
		dev->replies++;
	}
	control_event(dev, "reply", pressure_reply(dev));
	queue->held = *request;
	queue->holding = true;
	if (dev->hint_pending) {
		dev->hint_pending = false;
		pressure_send(dev, &dev->hint);
	} else if (dev->hostile) {
		hostile_hint(dev);
	}
}

/* Send bytes that may or may not be a hint; the caller knows that the buffer is here. */
void pressure_send(struct device *dev, const struct virtio_balloon_pressure_hint *hint)
{
	struct queue *queue = device_queue(dev, Q_PRESSURE);
	size_t written = request_write(&queue->held, hint, sizeof(*hint));

	queue->holding = false;
	dev->books.header->hint_sent = le32toh(hint->seq);
	dev->hint_usec = now_usec();
	dev->hints++;
	queue_complete(queue, queue->held.head, (uint32_t)written);
	queue_signal(queue);
}

void pressure_hint(struct device *dev, unsigned int level, uint64_t need, uint32_t ttl_ms)
{
	struct queue *queue = device_queue(dev, Q_PRESSURE);
	uint32_t *seq = &dev->books.header->hint_seq;

	/* One that was never sent is replaced: the driver wants to know how it is now. */
	if (!dev->hint_pending && !++*seq)
		*seq = 1;
	memset(&dev->hint, 0, sizeof(dev->hint));
	dev->hint.seq = htole32(*seq);
	dev->hint.level = (uint8_t)level;
	dev->hint.need = htole64(need);
	dev->hint.ttl_ms = htole32(ttl_ms);
	dev->hint_pending = !queue || !queue->holding;
	if (!dev->hint_pending)
		pressure_send(dev, &dev->hint);
}
