// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VMM sends any messages, and a driver has anything in its rings. The input is
 * a list of actions: a byte that says which, and what it needs. Whatever they are,
 * the device serves the next VMM.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

#define ACTIONS_MAX	200

static const uint8_t *input;
static size_t left;

/* The next `size` bytes, and zeroes where there are no more. */
static uint64_t next(size_t size)
{
	uint64_t value = 0;
	size_t have = size < left ? size : left;

	memcpy(&value, input, have);
	input += have;
	left -= have;
	return value;
}

static void send_some_message(void)
{
	uint8_t data[320] = { 0 };
	uint32_t request = (uint32_t)next(1), flags = (uint32_t)next(1);
	uint32_t size = (uint32_t)next(2) % (sizeof(data) + 1);
	size_t have = size < left ? size : left;
	int fds[2] = { dup(fake.fd), dup(kicks[0]) };
	unsigned int count = flags & 3;

	memcpy(data, input, have);
	input += have;
	left -= have;
	if (count > 2)
		count = 0;
	for (unsigned int i = count; i < 2; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	/* A descriptor that is none cannot be sent. */
	if (count == 2 && fds[1] < 0) {
		close(fds[0]);
		count = 0;
	}
	send_message(request, flags & MESSAGE_NEED_REPLY, data, size, fds, count);
}

static void send_raw(void)
{
	size_t size = (size_t)next(1);

	if (size > left)
		size = left;
	send(vmm, input, size, MSG_NOSIGNAL | MSG_DONTWAIT);
	input += size;
	left -= size;
	run();
}

static void write_descriptor(void)
{
	struct fake_ring *ring = &rings[next(1) % ROLES];
	struct vring_desc *desc = &ring->desc[next(1) % FAKE_SIZE];
	uint64_t address = next(4);
	uint32_t len = (uint32_t)next(2);
	uint16_t flags = (uint16_t)next(1), link = (uint16_t)next(1);

	fake_desc(desc, address, len, flags, link);
}

/* Some numbers of pages, where descriptors can point to. */
static void write_pages(void)
{
	uint32_t *pfns = fake_at(&fake, LISTS);
	unsigned int count = (unsigned int)next(1) % 64;

	for (unsigned int i = 0; i < count; i++)
		pfns[i] = (uint32_t)next(2);
}

static void restart_ring(void)
{
	unsigned int index = (unsigned int)next(1) % ROLES;

	if (kicks[index] >= 0)
		close(kicks[index]);
	if (calls[index] >= 0)
		close(calls[index]);
	start_ring(index, (uint16_t)next(1));
	send_state(SET_VRING_ENABLE, index, 1);
}

static void act(void)
{
	unsigned int index;

	switch (next(1) % 9) {
	case 0:
	case 1:
		send_some_message();
		break;
	case 2:
		send_raw();
		break;
	case 3:
		start_memory();
		break;
	case 4:
		restart_ring();
		break;
	case 5:
		write_descriptor();
		break;
	case 6:
		index = (unsigned int)next(1) % ROLES;
		fake_add(&rings[index], (uint16_t)next(1));
		if (kicks[index] >= 0)
			kick(index);
		break;
	case 7:
		write_pages();
		break;
	case 8:
		pressure_hint(&dev, (unsigned int)next(1) & 3, next(4), (uint32_t)next(2));
		stats_refresh(&dev);
		device_set_target(&dev, (uint32_t)next(2));
		run();
		break;
	}
}

static void close_all(int *fds)
{
	for (unsigned int i = 0; i < ROLES; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char answers[4096];

	input = data;
	left = size;
	make(NULL);
	memset(kicks, -1, sizeof(kicks));
	memset(calls, -1, sizeof(calls));
	if (next(1) & 1)
		start();
	for (unsigned int i = 0; left && i < ACTIONS_MAX; i++) {
		if (!alive()) {
			close(vmm);
			attach();
		}
		act();
		while (recv(vmm, answers, sizeof(answers), MSG_DONTWAIT) > 0)
			;
	}
	close_all(kicks);
	close_all(calls);
	close(vmm);
	run();
	attach();
	send_message(GET_FEATURES, 0, NULL, 0, NULL, 0);
	receive_u64();
	assert_true(alive());
	destroy(NULL);
	return 0;
}
