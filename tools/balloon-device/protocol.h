/* SPDX-License-Identifier: GPL-2.0-only */
/* The messages of the vhost-user protocol that this device speaks. */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#include "device.h"

#define MESSAGE_VERSION		0x1
#define MESSAGE_VERSION_MASK	0x3
#define MESSAGE_REPLY		0x4
#define MESSAGE_NEED_REPLY	0x8
#define MESSAGE_FDS		MEMORY_REGIONS
#define MESSAGE_CONFIG		256	/* bytes of configuration at most */

#define F_PROTOCOL_FEATURES	30	/* a device feature that no driver sees */

enum protocol_feature {
	P_MQ = 0,
	P_REPLY_ACK = 3,
	P_BACKEND_REQ = 5,
	P_CONFIG = 9,
	P_BACKEND_SEND_FD = 10,
	P_RESET_DEVICE = 13,
};

#define PROTOCOL_FEATURES (F_BIT(P_MQ) | F_BIT(P_REPLY_ACK) | F_BIT(P_BACKEND_REQ) | \
			   F_BIT(P_CONFIG) | F_BIT(P_BACKEND_SEND_FD) | F_BIT(P_RESET_DEVICE))

enum front_request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	RESET_OWNER = 4,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
	SET_VRING_ERR = 14,
	GET_PROTOCOL_FEATURES = 15,
	SET_PROTOCOL_FEATURES = 16,
	GET_QUEUE_NUM = 17,
	SET_VRING_ENABLE = 18,
	SET_BACKEND_REQ_FD = 21,
	GET_CONFIG = 24,
	SET_CONFIG = 25,
	RESET_DEVICE = 34,
};

enum back_request {
	BACKEND_CONFIG_CHANGE = 2,
};

struct message_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size;		/* of the payload */
};

struct message_state {
	uint32_t index;
	uint32_t num;
};

struct message_address {
	uint32_t index;
	uint32_t flags;
	uint64_t desc, used, avail, log;
};

struct message_memory {
	uint32_t count;
	uint32_t padding;
	struct memory_range ranges[MEMORY_REGIONS];
};

struct message_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	uint8_t data[MESSAGE_CONFIG];
};

struct message {
	struct message_header header;
	union {
		uint64_t u64;
		struct message_state state;
		struct message_address address;
		struct message_memory memory;
		struct message_config config;
	};
	int fds[MESSAGE_FDS];
	unsigned int fd_count;
};

_Static_assert(sizeof(struct message_header) == 12, "wire format");
_Static_assert(sizeof(struct memory_range) == 32, "wire format");
_Static_assert(sizeof(struct message_address) == 40, "wire format");

/*
 * messages.c: act on one message that came whole. False if the connection makes
 * no sense any more. *reply is the size of the answer now in the message, 0 for
 * none. Descriptors that are kept are taken out of message->fds.
 */
bool message_handle(struct device *dev, struct message *message, uint32_t *reply);

#endif
