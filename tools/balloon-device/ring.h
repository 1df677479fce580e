/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One split virtqueue, from the device's side. Everything in it is written by
 * a driver that may be broken or hostile, also while we read it: each field is
 * read once, checked, and only the copy is used.
 */
#ifndef RING_H
#define RING_H

#include <linux/virtio_ring.h>

#include "memory.h"

#define RING_SIZE_MAX	1024	/* as QEMU has it */
#define REQUEST_PIECES	64	/* more than any driver's request has */

struct piece {
	uint64_t guest;
	uint8_t *host;
	uint32_t size;
};

/* One buffer of the driver: what we read, and what we may write. */
struct request {
	uint16_t head;
	unsigned int readable, writable;
	struct piece pieces[REQUEST_PIECES];	/* readable first */
};

struct ring {
	unsigned int size;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t next;		/* of the available ring, to look at */
	uint16_t used_next;
	uint16_t signalled;	/* used_next when the driver was told last */
	bool event_idx, indirect;
	bool broken;		/* makes no sense any more: until the next start */
};

enum {
	RING_EMPTY = 0,
	RING_REQUEST = 1,
	RING_BROKEN = -1,	/* the ring itself; it is left alone from now on */
	RING_BAD = -2,		/* this request; its head is valid, complete it */
};

/* Where a ring is, by the VMM's addresses. */
struct ring_place {
	unsigned int size;
	uint64_t desc, avail, used;
};

/* False if the place is not in the guest's memory, or is none for a ring. */
bool ring_start(struct ring *ring, const struct memory *memory, const struct ring_place *place,
		uint16_t base);
/* The memory was mapped anew: go on where it lies now. */
bool ring_move(struct ring *ring, const struct memory *memory, const struct ring_place *place);
void ring_stop(struct ring *ring);
bool ring_running(const struct ring *ring);

/* How many buffers the driver has made available and we did not take; -1 if broken. */
int ring_waiting(struct ring *ring);
int ring_pop(struct ring *ring, const struct memory *memory, struct request *request,
	     const char **why);
/* Give back one buffer: `head` as it was taken, `written` bytes of it. */
void ring_push(struct ring *ring, uint16_t head, uint32_t written);
/* Ask to be told of more buffers. Returns how many came meanwhile, as ring_waiting(). */
int ring_rearm(struct ring *ring);
/* Should the driver be told of what was given back? Asked once for each round. */
bool ring_must_signal(struct ring *ring);

/* The memory was mapped anew. False if the request is not in it. */
bool request_move(struct request *request, const struct memory *memory);
size_t request_read(const struct request *request, size_t offset, void *data, size_t size);
size_t request_write(const struct request *request, const void *data, size_t size);
size_t request_readable(const struct request *request);
size_t request_writable(const struct request *request);

#endif
