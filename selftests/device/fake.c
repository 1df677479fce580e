// SPDX-License-Identifier: GPL-2.0-only
/* A guest made of a memfd, with a driver that can be as wrong as a test wants. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"

uint64_t fake_random(void)
{
	static uint64_t state = 88172645463325252ull;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

void fake_make(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_true(fake->fd >= 0);
	assert_int_equal(ftruncate(fake->fd, FAKE_TOTAL), 0);
	fake->low = mmap(NULL, FAKE_TOTAL, PROT_READ | PROT_WRITE, MAP_SHARED, fake->fd, 0);
	assert_true(fake->low != MAP_FAILED);
	fake->high = fake->low + FAKE_LOW;
	fake->ranges[0] = (struct memory_range){ 0, FAKE_LOW, FAKE_USER, 0 };
	fake->ranges[1] = (struct memory_range){ FAKE_HIGH_AT, FAKE_HIGH,
						 FAKE_USER + FAKE_HIGH_AT, FAKE_LOW };
}

void fake_free(struct fake *fake)
{
	munmap(fake->low, FAKE_TOTAL);
	close(fake->fd);
}

void fake_fds(const struct fake *fake, int fds[2])
{
	fds[0] = dup(fake->fd);
	fds[1] = dup(fake->fd);
}

void *fake_at(const struct fake *fake, uint64_t guest)
{
	return guest < FAKE_LOW ? fake->low + guest : fake->high + (guest - FAKE_HIGH_AT);
}

uint64_t fake_backed(const struct fake *fake)
{
	struct stat stat;

	assert_int_equal(fstat(fake->fd, &stat), 0);
	return (uint64_t)stat.st_blocks * 512;
}

/* Each ring has three pages in the low region. */
void fake_ring(struct fake *fake, struct fake_ring *ring)
{
	uint64_t at = 64 * KIB + fake->rings++ * 3 * PFN_SIZE;

	ring->place = (struct ring_place){ FAKE_SIZE, FAKE_USER + at, FAKE_USER + at + PFN_SIZE,
					   FAKE_USER + at + 2 * PFN_SIZE };
	ring->desc = fake_at(fake, at);
	ring->avail = fake_at(fake, at + PFN_SIZE);
	ring->used = fake_at(fake, at + 2 * PFN_SIZE);
	memset(ring->desc, 0, 3 * PFN_SIZE);
	ring->seen = 0;
}

void fake_desc(struct vring_desc *desc, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next)
{
	*desc = (struct vring_desc){ addr, len, flags, next };
}

void fake_add(struct fake_ring *ring, uint16_t head)
{
	uint16_t index = ring->avail->idx;

	ring->avail->ring[index % FAKE_SIZE] = head;
	__atomic_store_n(&ring->avail->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
}

bool fake_get(struct fake_ring *ring, uint32_t *head, uint32_t *written)
{
	const struct vring_used_elem *elem = &ring->used->ring[ring->seen % FAKE_SIZE];

	if (ring->seen == __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE))
		return false;
	*head = elem->id;
	*written = elem->len;
	ring->seen++;
	return true;
}
