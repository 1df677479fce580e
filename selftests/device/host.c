// SPDX-License-Identifier: GPL-2.0-only
/* The other side of a whole device: a VMM, a driver and a client. */
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host.h"

struct device dev;
struct fake fake;
struct fake_ring rings[ROLES];
int vmm, kicks[ROLES], calls[ROLES], client = -1;

static char control_path[64];

void run(void)
{
	while (sd_event_run(dev.event, 0) > 0)
		;
}

void attach(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vmm = pair[0];
	assert_true(protocol_attach(&dev, pair[1]) >= 0);
}

int make(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memset(&dev, 0, sizeof(dev));
	dev.options.profile = profile_find("reference");
	dev.options.features = ALL;
	dev.options.release = true;
	dev.options.verify = true;
	/* Nobody connects there; it is where the device would wait for the next VMM. */
	snprintf(control_path, sizeof(control_path), "/tmp/balloon-control-%d", getpid());
	dev.options.socket = control_path;
	assert_true(sd_event_new(&dev.event) >= 0);
	assert_int_equal(books_open(&dev.books, NULL), 0);
	device_init(&dev);
	fake_make(&fake);
	for (unsigned int i = 0; i < ROLES; i++)
		fake_ring(&fake, &rings[i]);
	attach();
	return 0;
}

int destroy(void **state)
{
	(void)state;
	protocol_close(&dev);
	if (dev.hostile)
		hostile_free(&dev);
	protocol_end();
	control_close(&dev);
	books_close(&dev.books);
	sd_event_unref(dev.event);
	close(vmm);
	fake_free(&fake);
	unlink(control_path);
	return 0;
}

/* Send a message; `fds` are closed. */
void send_message(uint32_t request, uint32_t flags, const void *data, uint32_t size,
		  int *fds, unsigned int count)
{
	struct message_header wire = { request, MESSAGE_VERSION | flags, size };
	union {
		char data[CMSG_SPACE(16 * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec parts[] = { { &wire, sizeof(wire) }, { (void *)data, size } };
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };

	if (count) {
		header.msg_control = control.data;
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		CMSG_FIRSTHDR(&header)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&header)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&header)->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&header)), fds, count * sizeof(int));
	}
	sendmsg(vmm, &header, MSG_NOSIGNAL);
	while (count--)
		close(fds[count]);
	run();
}

void send_u64(uint32_t request, uint64_t value)
{
	send_message(request, 0, &value, sizeof(value), NULL, 0);
}

void send_state(uint32_t request, uint32_t index, uint32_t num)
{
	const struct message_state state = { index, num };

	send_message(request, 0, &state, sizeof(state), NULL, 0);
}

uint64_t receive_u64(void)
{
	struct { struct message_header header; char data[300]; } __attribute__((packed)) wire;
	uint64_t value = 0;

	assert_true(recv(vmm, &wire, sizeof(wire), MSG_DONTWAIT) > 12);
	memcpy(&value, wire.data, sizeof(value));
	return value;
}

bool alive(void)
{
	return dev.front >= 0;
}

void start_ring(unsigned int index, uint16_t base)
{
	const struct fake_ring *ring = &rings[index];
	const struct message_address address = {
		index, 0, ring->place.desc, ring->place.used, ring->place.avail, 0
	};
	uint64_t number = index;
	int fd;

	send_state(SET_VRING_NUM, index, FAKE_SIZE);
	send_state(SET_VRING_BASE, index, base);
	send_message(SET_VRING_ADDR, 0, &address, sizeof(address), NULL, 0);
	kicks[index] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = dup(kicks[index]);
	send_message(SET_VRING_KICK, 0, &number, sizeof(number), &fd, 1);
	calls[index] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	fd = dup(calls[index]);
	send_message(SET_VRING_CALL, 0, &number, sizeof(number), &fd, 1);
}

void start_memory(void)
{
	struct message_memory table = { .count = 2 };
	int fds[2];

	memcpy(table.ranges, fake.ranges, sizeof(fake.ranges));
	fake_fds(&fake, fds);
	send_message(SET_MEM_TABLE, 0, &table, offsetof(struct message_memory, ranges[2]), fds, 2);
}

/* What QEMU sends when a driver is ready. */
void start(void)
{
	send_u64(SET_FEATURES, ALL | F_BIT(VIRTIO_F_VERSION_1) | F_BIT(F_PROTOCOL_FEATURES));
	start_memory();
	for (unsigned int i = 0; i < ROLES; i++)
		start_ring(i, rings[i].used->idx);
	for (unsigned int i = 0; i < ROLES; i++)
		send_state(SET_VRING_ENABLE, i, 1);
	assert_true(alive());
}

void stop(void)
{
	for (unsigned int i = 0; i < ROLES; i++) {
		close(kicks[i]);
		close(calls[i]);
	}
}

void kick(unsigned int index)
{
	eventfd_write(kicks[index], 1);
	run();
}

/* Inflate or deflate these pages, and see that the device answers. */
void pages(enum role role, const uint32_t *pfns, unsigned int count)
{
	uint32_t head, written;

	memcpy(fake_at(&fake, LISTS), pfns, count * sizeof(*pfns));
	fake_desc(&rings[role].desc[0], LISTS, count * sizeof(*pfns), 0, 0);
	fake_add(&rings[role], 0);
	kick(role);
	assert_true(fake_get(&rings[role], &head, &written));
	assert_int_equal(head, 0);
}

void put_reply(uint32_t seq, uint32_t flags, uint64_t yielded)
{
	struct virtio_balloon_pressure_reply reply = { seq, flags, yielded, 42 };

	memcpy(fake_at(&fake, LISTS), &reply, sizeof(reply));
	fake_desc(&rings[Q_PRESSURE].desc[0], LISTS, sizeof(reply), VRING_DESC_F_NEXT, 1);
	fake_desc(&rings[Q_PRESSURE].desc[1], LISTS + 64,
		  sizeof(struct virtio_balloon_pressure_hint), VRING_DESC_F_WRITE, 0);
	fake_add(&rings[Q_PRESSURE], 0);
	kick(Q_PRESSURE);
}

void talk(const char *text, size_t size, char *answer, size_t room)
{
	ssize_t got;

	assert_int_equal(send(client, text, size, MSG_NOSIGNAL), size);
	run();
	got = recv(client, answer, room - 1, MSG_DONTWAIT);
	answer[got > 0 ? got : 0] = '\0';
}

void open_control(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	dev.options.control = control_path;
	if (!dev.control)
		assert_true(control_open(&dev) >= 0);
	strcpy(address.sun_path, control_path);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
	run();
}
