// SPDX-License-Identifier: GPL-2.0-only
/* A split virtqueue, from the device's side. See ring.h for the caution it takes. */
#include <endian.h>
#include <string.h>

#include "ring.h"

static uint16_t load16(const __virtio16 *from)
{
	return le16toh(__atomic_load_n((const uint16_t *)from, __ATOMIC_ACQUIRE));
}

static void store16(__virtio16 *to, uint16_t value)
{
	__atomic_store_n((uint16_t *)to, htole16(value), __ATOMIC_RELEASE);
}

/* Behind each ring lies one more field, for event indexes. */
static __virtio16 *used_event(const struct ring *ring)
{
	return &ring->avail->ring[ring->size];
}

static __virtio16 *avail_event(const struct ring *ring)
{
	return (__virtio16 *)&ring->used->ring[ring->size];
}

bool ring_move(struct ring *ring, const struct memory *memory, const struct ring_place *place)
{
	unsigned int size = place->size;

	ring_stop(ring);
	if (!size || size > RING_SIZE_MAX || size & (size - 1) ||
	    place->desc % 16 || place->avail % 2 || place->used % 4)
		return false;
	ring->desc = memory_user(memory, place->desc, size * sizeof(struct vring_desc));
	ring->avail = memory_user(memory, place->avail,
				  sizeof(struct vring_avail) + (size + 1) * sizeof(__virtio16));
	ring->used = memory_user(memory, place->used, sizeof(struct vring_used) +
				 size * sizeof(struct vring_used_elem) + sizeof(__virtio16));
	/* The VMM's addresses may be aligned and its mapping not. */
	if (!ring->desc || !ring->avail || !ring->used || (uintptr_t)ring->avail % 2 ||
	    (uintptr_t)ring->used % 4 || (uintptr_t)ring->desc % 16) {
		ring_stop(ring);
		return false;
	}
	ring->size = size;
	return true;
}

bool ring_start(struct ring *ring, const struct memory *memory, const struct ring_place *place,
		uint16_t base)
{
	if (!ring_move(ring, memory, place))
		return false;
	ring->next = base;
	ring->used_next = load16(&ring->used->idx);
	ring->signalled = ring->used_next;
	ring->broken = false;
	return true;
}

void ring_stop(struct ring *ring)
{
	ring->size = 0;
	ring->desc = NULL;
	ring->avail = NULL;
	ring->used = NULL;
}

bool ring_running(const struct ring *ring)
{
	return ring->size && !ring->broken;
}

int ring_waiting(struct ring *ring)
{
	uint16_t count;

	if (!ring_running(ring))
		return ring->broken ? RING_BROKEN : 0;
	count = load16(&ring->avail->idx) - ring->next;
	if (count > ring->size) {
		ring->broken = true;
		return RING_BROKEN;
	}
	return count;
}

struct chain {
	const struct vring_desc *table;
	unsigned int size;
	bool nested;
};

/* Go down into an indirect table. */
static const char *descend(struct chain *chain, const struct ring *ring,
			   const struct memory *memory, const struct vring_desc *desc)
{
	uint32_t size = le32toh(desc->len);

	if (!ring->indirect || chain->nested)
		return "an indirect descriptor where none may be";
	if (!size || size % sizeof(*desc) || size / sizeof(*desc) > RING_SIZE_MAX)
		return "an indirect table of an absurd size";
	if (le16toh(desc->flags) & VRING_DESC_F_NEXT)
		return "an indirect descriptor with a next one";
	chain->table = memory_guest(memory, le64toh(desc->addr), size);
	if (!chain->table)
		return "an indirect table outside of the memory";
	chain->size = size / sizeof(*desc);
	chain->nested = true;
	return NULL;
}

static const char *add_piece(struct request *request, const struct memory *memory,
			     const struct vring_desc *desc)
{
	struct piece *piece = &request->pieces[request->readable + request->writable];

	if (request->readable + request->writable == REQUEST_PIECES)
		return "a request in too many pieces";
	piece->guest = le64toh(desc->addr);
	piece->size = le32toh(desc->len);
	if (!piece->size)
		return "a descriptor without length";
	piece->host = memory_guest(memory, piece->guest, piece->size);
	if (!piece->host)
		return "a descriptor outside of the memory";
	if (le16toh(desc->flags) & VRING_DESC_F_WRITE) {
		request->writable++;
		return NULL;
	}
	if (request->writable)
		return "a readable descriptor behind a writable one";
	request->readable++;
	return NULL;
}

/*
 * Collect the pieces of a request; NULL or what is wrong with it. A circle of
 * descriptors ends when it has too many pieces.
 */
static const char *collect(const struct ring *ring, const struct memory *memory,
			   struct request *request)
{
	struct chain chain = { ring->desc, ring->size, false };
	unsigned int next = request->head;
	struct vring_desc desc;
	const char *why;
	uint16_t flags;

	for (;;) {
		if (next >= chain.size)
			return "a descriptor's number beyond the table";
		/* A copy: the driver may change its own at any time. */
		memcpy(&desc, (const void *)&chain.table[next], sizeof(desc));
		flags = le16toh(desc.flags);
		if (flags & VRING_DESC_F_INDIRECT) {
			why = descend(&chain, ring, memory, &desc);
			if (why)
				return why;
			next = 0;
			continue;
		}
		why = add_piece(request, memory, &desc);
		if (why)
			return why;
		if (!(flags & VRING_DESC_F_NEXT))
			return NULL;
		next = le16toh(desc.next);
	}
}

int ring_pop(struct ring *ring, const struct memory *memory, struct request *request,
	     const char **why)
{
	int waiting = ring_waiting(ring);

	*why = "the available index is absurd";
	if (waiting <= 0)
		return waiting;
	request->readable = 0;
	request->writable = 0;
	request->head = load16(&ring->avail->ring[ring->next & (ring->size - 1)]);
	if (request->head >= ring->size) {
		*why = "a head beyond the table";
		ring->broken = true;
		return RING_BROKEN;
	}
	ring->next++;
	*why = collect(ring, memory, request);
	if (!*why)
		return RING_REQUEST;
	request->readable = 0;
	request->writable = 0;
	return RING_BAD;
}

void ring_push(struct ring *ring, uint16_t head, uint32_t written)
{
	struct vring_used_elem *elem;

	if (!ring_running(ring))
		return;
	elem = &ring->used->ring[ring->used_next & (ring->size - 1)];
	elem->id = htole32(head);
	elem->len = htole32(written);
	store16(&ring->used->idx, ++ring->used_next);
}

int ring_rearm(struct ring *ring)
{
	if (!ring_running(ring))
		return ring_waiting(ring);
	if (ring->event_idx)
		store16(avail_event(ring), ring->next);
	/* Either the driver sees this, or we see its index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return ring_waiting(ring);
}

bool ring_must_signal(struct ring *ring)
{
	uint16_t old = ring->signalled;

	if (!ring_running(ring) || old == ring->used_next)
		return false;
	ring->signalled = ring->used_next;
	/* The used index first, then the driver's wish. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (ring->event_idx)
		return vring_need_event(load16(used_event(ring)), ring->used_next, old);
	return !(load16(&ring->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
}

bool request_move(struct request *request, const struct memory *memory)
{
	unsigned int i;

	for (i = 0; i < request->readable + request->writable; i++) {
		struct piece *piece = &request->pieces[i];

		piece->host = memory_guest(memory, piece->guest, piece->size);
		if (!piece->host)
			return false;
	}
	return true;
}

size_t request_read(const struct request *request, size_t offset, void *data, size_t size)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < request->readable && done < size; i++) {
		const struct piece *piece = &request->pieces[i];
		size_t part = size - done;

		if (offset >= piece->size) {
			offset -= piece->size;
			continue;
		}
		if (part > piece->size - offset)
			part = piece->size - offset;
		memcpy((uint8_t *)data + done, piece->host + offset, part);
		done += part;
		offset = 0;
	}
	return done;
}

size_t request_write(const struct request *request, const void *data, size_t size)
{
	size_t done = 0;
	unsigned int i;

	for (i = 0; i < request->writable && done < size; i++) {
		const struct piece *piece = &request->pieces[request->readable + i];
		size_t part = size - done < piece->size ? size - done : piece->size;

		memcpy(piece->host, (const uint8_t *)data + done, part);
		done += part;
	}
	return done;
}

static size_t sum(const struct piece *pieces, unsigned int count)
{
	size_t total = 0;

	while (count--)
		total += pieces++->size;
	return total;
}

size_t request_readable(const struct request *request)
{
	return sum(request->pieces, request->readable);
}

size_t request_writable(const struct request *request)
{
	return sum(request->pieces + request->readable, request->writable);
}
