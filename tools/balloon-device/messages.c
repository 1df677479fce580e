// SPDX-License-Identifier: GPL-2.0-only
/* What each message of the VMM does. It is checked before: see table[]. */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "protocol.h"

#define INDEX_MASK	0xff
#define NO_FD		F_BIT(8)	/* of a kick, call or error message */
#define RING_LOG	1		/* log what we write: we cannot */

#define CONFIG_HEADER	offsetof(struct message_config, data)

static int take_fd(struct message *message)
{
	int fd = message->fds[0];

	message->fds[0] = -1;
	return fd;
}

static struct queue *find_queue(struct device *dev, uint64_t index)
{
	return index < dev->count ? &dev->queues[index] : NULL;
}

static int get_features(struct device *dev, struct message *message)
{
	uint64_t features = dev->options.features | F_BIT(VIRTIO_F_VERSION_1);

	if (dev->hostile)
		features = hostile_features(dev, features);
	message->u64 = features | F_BIT(F_PROTOCOL_FEATURES);
	return sizeof(message->u64);
}

static int set_features(struct device *dev, struct message *message)
{
	if (message->u64 & ~(dev->options.features | F_BIT(VIRTIO_F_VERSION_1) |
			     F_BIT(F_PROTOCOL_FEATURES)) && !dev->hostile)
		return -EINVAL;
	dev->features = message->u64;
	return 0;
}

static int set_nothing(struct device *dev, struct message *message)
{
	(void)dev;
	(void)message;
	return 0;
}

static int reset_device(struct device *dev, struct message *message)
{
	(void)message;
	device_stop(dev);
	device_reset(dev);
	return 0;
}

static int set_mem_table(struct device *dev, struct message *message)
{
	const struct message_memory *memory = &message->memory;
	unsigned int count = memory->count, i;
	int error;

	if (count != message->fd_count ||
	    message->header.size < offsetof(struct message_memory, ranges[count]))
		return -EINVAL;
	error = device_set_memory(dev, memory->ranges, message->fds, count);
	for (i = 0; i < count; i++)
		message->fds[i] = -1;
	return error;
}

static int set_vring_num(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->state.index);

	if (!queue || queue->ring.size)
		return -EINVAL;
	queue->place.size = message->state.num;
	return 0;
}

static int set_vring_addr(struct device *dev, struct message *message)
{
	const struct message_address *address = &message->address;
	struct queue *queue = find_queue(dev, address->index);

	if (!queue || address->flags & RING_LOG)
		return -EINVAL;
	queue->place.desc = address->desc;
	queue->place.used = address->used;
	queue->place.avail = address->avail;
	/* The VMM may repeat it for a ring that runs. */
	if (queue->ring.size && !ring_move(&queue->ring, &dev->memory, &queue->place))
		return -EFAULT;
	return 0;
}

static int set_vring_base(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->state.index);

	if (!queue || queue->ring.size)
		return -EINVAL;
	queue->base = (uint16_t)message->state.num;
	return 0;
}

static int get_vring_base(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->state.index);
	unsigned int i;

	if (!queue)
		return -EINVAL;
	message->state.num = queue_stop(queue);
	for (i = 0; i < dev->count && !dev->queues[i].ring.size; i++)
		;
	dev->in_session = i < dev->count;
	return sizeof(message->state);
}

static int set_vring_kick(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->u64 & INDEX_MASK);

	/* Without a descriptor it asks us to poll. */
	if (!queue || queue->ring.size || message->u64 & NO_FD || message->fd_count != 1)
		return -EINVAL;
	if (queue->kick >= 0)
		close(queue->kick);
	queue->kick = take_fd(message);
	if (fcntl(queue->kick, F_SETFL, O_NONBLOCK | fcntl(queue->kick, F_GETFL)))
		return -errno;
	keep_fd("kick", (int)queue->index, queue->kick);
	if (!(dev->features & F_BIT(F_PROTOCOL_FEATURES)))
		queue->enabled = true;
	queue_start(queue);
	return 0;
}

static int set_vring_call(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->u64 & INDEX_MASK);

	if (!queue || message->fd_count != !(message->u64 & NO_FD))
		return -EINVAL;
	if (queue->call >= 0)
		close(queue->call);
	queue->call = message->fd_count ? take_fd(message) : -1;
	if (queue->call >= 0)
		fcntl(queue->call, F_SETFL, O_NONBLOCK | fcntl(queue->call, F_GETFL));
	keep_fd("call", (int)queue->index, queue->call);
	return 0;
}

static int get_protocol_features(struct device *dev, struct message *message)
{
	(void)dev;
	message->u64 = PROTOCOL_FEATURES;
	return sizeof(message->u64);
}

static int set_protocol_features(struct device *dev, struct message *message)
{
	if (message->u64 & ~PROTOCOL_FEATURES)
		return -EINVAL;
	dev->protocol_features = message->u64;
	return 0;
}

static int get_queue_num(struct device *dev, struct message *message)
{
	message->u64 = dev->count;
	return sizeof(message->u64);
}

static int set_vring_enable(struct device *dev, struct message *message)
{
	struct queue *queue = find_queue(dev, message->state.index);

	if (!queue)
		return -EINVAL;
	queue->enabled = message->state.num;
	if (queue->enabled)
		queue_start(queue);
	return 0;
}

static int set_backend_req_fd(struct device *dev, struct message *message)
{
	if (message->fd_count != 1)
		return -EINVAL;
	if (dev->back >= 0)
		close(dev->back);
	dev->back = take_fd(message);
	keep_fd("back", -1, dev->back);
	return 0;
}

static int get_config(struct device *dev, struct message *message)
{
	struct message_config *config = &message->config;
	uint8_t all[CONFIG_SIZE];

	/* An answer of size 0 says that it failed. */
	if (config->offset > CONFIG_SIZE || config->size > CONFIG_SIZE - config->offset ||
	    message->header.size != CONFIG_HEADER + config->size)
		return 0;
	device_get_config(dev, all);
	memcpy(config->data, all + config->offset, config->size);
	return (int)(CONFIG_HEADER + config->size);
}

static int set_config(struct device *dev, struct message *message)
{
	const struct message_config *config = &message->config;

	if (config->offset > CONFIG_SIZE || config->size > CONFIG_SIZE - config->offset ||
	    message->header.size != CONFIG_HEADER + config->size)
		return -EINVAL;
	device_set_config(dev, config->offset, config->data, config->size);
	return 0;
}

#define PAYLOAD(member)	sizeof(((struct message *)NULL)->member)

/* `answers`: with what the handler returns as the size, also when it is 0. */
static const struct {
	int (*handle)(struct device *dev, struct message *message);
	uint32_t least, most;
	unsigned int fds;
	bool answers;
} table[] = {
	[GET_FEATURES] = { get_features, 0, 0, 0, true },
	[SET_FEATURES] = { set_features, PAYLOAD(u64), PAYLOAD(u64), 0, false },
	[SET_OWNER] = { set_nothing, 0, 0, 0, false },
	[RESET_OWNER] = { set_nothing, 0, 0, 0, false },
	[SET_MEM_TABLE] = { set_mem_table, offsetof(struct message_memory, ranges[1]),
			    PAYLOAD(memory), MEMORY_REGIONS, false },
	[SET_VRING_NUM] = { set_vring_num, PAYLOAD(state), PAYLOAD(state), 0, false },
	[SET_VRING_ADDR] = { set_vring_addr, PAYLOAD(address), PAYLOAD(address), 0, false },
	[SET_VRING_BASE] = { set_vring_base, PAYLOAD(state), PAYLOAD(state), 0, false },
	[GET_VRING_BASE] = { get_vring_base, PAYLOAD(state), PAYLOAD(state), 0, true },
	[SET_VRING_KICK] = { set_vring_kick, PAYLOAD(u64), PAYLOAD(u64), 1, false },
	[SET_VRING_CALL] = { set_vring_call, PAYLOAD(u64), PAYLOAD(u64), 1, false },
	/* Errors are for our own log: the descriptor is closed again. */
	[SET_VRING_ERR] = { set_nothing, PAYLOAD(u64), PAYLOAD(u64), 1, false },
	[GET_PROTOCOL_FEATURES] = { get_protocol_features, 0, 0, 0, true },
	[SET_PROTOCOL_FEATURES] = { set_protocol_features, PAYLOAD(u64), PAYLOAD(u64), 0, false },
	[GET_QUEUE_NUM] = { get_queue_num, 0, 0, 0, true },
	[SET_VRING_ENABLE] = { set_vring_enable, PAYLOAD(state), PAYLOAD(state), 0, false },
	[SET_BACKEND_REQ_FD] = { set_backend_req_fd, 0, 0, 1, false },
	[GET_CONFIG] = { get_config, CONFIG_HEADER, PAYLOAD(config), 0, true },
	[SET_CONFIG] = { set_config, CONFIG_HEADER, PAYLOAD(config), 0, false },
	[RESET_DEVICE] = { reset_device, 0, 0, 0, false },
};

bool message_handle(struct device *dev, struct message *message, uint32_t *reply)
{
	uint32_t request = message->header.request, size = message->header.size;
	int result = -EOPNOTSUPP;
	bool known = request < sizeof(table) / sizeof(*table) && table[request].handle;

	*reply = 0;
	if (known) {
		if (size < table[request].least || size > table[request].most ||
		    message->fd_count > table[request].fds)
			return false;
		result = table[request].handle(dev, message);
		keep_session(dev);
	}
	if (dev->options.trace)
		say("message %u, %u bytes: %d", request, size, result);
	if (known && table[request].answers) {
		*reply = (uint32_t)result;
		return result >= 0;
	}
	if (message->header.flags & MESSAGE_NEED_REPLY &&
	    dev->protocol_features & F_BIT(P_REPLY_ACK)) {
		message->u64 = result < 0;
		*reply = sizeof(message->u64);
		return true;
	}
	/* Who cannot be told must notice otherwise. */
	return result >= 0 || !known;
}
