// SPDX-License-Identifier: GPL-2.0-only
/* The whole device, between a VMM, a driver and a client that may all be wrong. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "fake.h"
#include "protocol.h"

#define ALL	(F_BIT(VIRTIO_BALLOON_F_STATS_VQ) | F_BIT(VIRTIO_BALLOON_F_REPORTING) | \
		 F_BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) | F_BIT(VIRTIO_BALLOON_F_HOST_PRESSURE))
#define LISTS	(512 * KIB)	/* where the driver has its lists of pages */

static struct device dev;
static struct fake fake;
static struct fake_ring rings[ROLES];
static int vmm, kicks[ROLES], calls[ROLES], client = -1;
static char control_path[64];

static void run(void)
{
	while (sd_event_run(dev.event, 0) > 0)
		;
}

static void attach(void)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	vmm = pair[0];
	assert_true(protocol_attach(&dev, pair[1]) >= 0);
}

static int make(void **state)
{
	(void)state;
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

static int destroy(void **state)
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
static void send_message(uint32_t request, uint32_t flags, const void *data, uint32_t size,
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

static void send_u64(uint32_t request, uint64_t value)
{
	send_message(request, 0, &value, sizeof(value), NULL, 0);
}

static void send_state(uint32_t request, uint32_t index, uint32_t num)
{
	const struct message_state state = { index, num };

	send_message(request, 0, &state, sizeof(state), NULL, 0);
}

static uint64_t receive_u64(void)
{
	struct { struct message_header header; char data[300]; } __attribute__((packed)) wire;
	uint64_t value = 0;

	assert_true(recv(vmm, &wire, sizeof(wire), MSG_DONTWAIT) > 12);
	memcpy(&value, wire.data, sizeof(value));
	return value;
}

static bool alive(void)
{
	return dev.front >= 0;
}

static void start_ring(unsigned int index, uint16_t base)
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

static void start_memory(void)
{
	struct message_memory table = { .count = 2 };
	int fds[2];

	memcpy(table.ranges, fake.ranges, sizeof(fake.ranges));
	fake_fds(&fake, fds);
	send_message(SET_MEM_TABLE, 0, &table, offsetof(struct message_memory, ranges[2]), fds, 2);
}

/* What QEMU sends when a driver is ready. */
static void start(void)
{
	send_u64(SET_FEATURES, ALL | F_BIT(VIRTIO_F_VERSION_1) | F_BIT(F_PROTOCOL_FEATURES));
	start_memory();
	for (unsigned int i = 0; i < ROLES; i++)
		start_ring(i, rings[i].used->idx);
	for (unsigned int i = 0; i < ROLES; i++)
		send_state(SET_VRING_ENABLE, i, 1);
	assert_true(alive());
}

static void stop(void)
{
	for (unsigned int i = 0; i < ROLES; i++) {
		close(kicks[i]);
		close(calls[i]);
	}
}

static void kick(unsigned int index)
{
	eventfd_write(kicks[index], 1);
	run();
}

/* Inflate or deflate these pages, and see that the device answers. */
static void pages(enum role role, const uint32_t *pfns, unsigned int count)
{
	uint32_t head, written;

	memcpy(fake_at(&fake, LISTS), pfns, count * sizeof(*pfns));
	fake_desc(&rings[role].desc[0], LISTS, count * sizeof(*pfns), 0, 0);
	fake_add(&rings[role], 0);
	kick(role);
	assert_true(fake_get(&rings[role], &head, &written));
	assert_int_equal(head, 0);
}

static void speaks_the_protocol(void **state)
{
	const uint32_t flags = MESSAGE_NEED_REPLY;
	uint64_t value = PROTOCOL_FEATURES;

	(void)state;
	send_message(GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_int_equal(receive_u64(), ALL | F_BIT(VIRTIO_F_VERSION_1) |
			 F_BIT(F_PROTOCOL_FEATURES));
	send_message(GET_PROTOCOL_FEATURES, 0, NULL, 0, NULL, 0);
	assert_int_equal(receive_u64(), PROTOCOL_FEATURES);
	send_u64(SET_PROTOCOL_FEATURES, value);
	send_message(GET_QUEUE_NUM, 0, NULL, 0, NULL, 0);
	assert_int_equal(receive_u64(), ROLES);
	value = 1ull << 60;
	send_message(SET_FEATURES, flags, &value, sizeof(value), NULL, 0);
	assert_int_equal(receive_u64(), 1);
	value = ALL;
	send_message(SET_FEATURES, flags, &value, sizeof(value), NULL, 0);
	assert_int_equal(receive_u64(), 0);
	/* Unknown, but it can be told so. */
	send_message(99, flags, NULL, 0, NULL, 0);
	assert_int_equal(receive_u64(), 1);
	assert_true(alive());
}

static void inflates_and_deflates(void **state)
{
	const uint32_t list[] = { 1030, 1025, 1024, 1026 }, twice[] = { 1024 };
	const uint32_t none[] = { 300, 5000, UINT32_MAX };
	uint64_t backed;

	(void)state;
	start();
	memset(fake_at(&fake, LISTS), 0, PFN_SIZE);
	memset(fake.high, 7, MIB);
	backed = fake_backed(&fake);
	pages(Q_INFLATE, list, 4);
	assert_int_equal(dev.books.header->held, 4);
	assert_int_equal(fake_backed(&fake), backed - 4 * PFN_SIZE);
	assert_int_equal(device_queue(&dev, Q_INFLATE)->calls, 2);
	assert_int_equal(books_violations(&dev.books), 0);
	pages(Q_INFLATE, twice, 1);
	assert_int_equal(dev.books.header->violations[V_INFLATED_TWICE], 1);
	pages(Q_INFLATE, none, 3);
	assert_int_equal(dev.books.header->violations[V_NO_PAGE], 3);
	pages(Q_DEFLATE, list, 3);
	assert_int_equal(dev.books.header->held, 1);
	pages(Q_DEFLATE, list, 1);
	assert_int_equal(dev.books.header->violations[V_NEVER_INFLATED], 1);
	stop();
}

static void sees_a_page_in_use(void **state)
{
	const uint32_t list[] = { 1024, 1025 };
	uint64_t resident;

	(void)state;
	start();
	pages(Q_INFLATE, list, 2);
	assert_int_equal(audit_all(&dev, &resident), 0);
	assert_int_equal(resident, 0);
	fake.high[PFN_SIZE + 99] = 1;
	assert_int_equal(audit_all(&dev, &resident), 1);
	assert_int_equal(resident, 1);
	/* With MUST_TELL_HOST also when it comes back. */
	pages(Q_DEFLATE, list, 2);
	assert_int_equal(dev.books.header->violations[V_USED], 2);
	stop();
}

static void reads_statistics(void **state)
{
	struct virtio_balloon_stat stats[3] = { { 4, 1000 }, { 6, 2000 }, { 77, 3 } };
	uint32_t head, written;

	(void)state;
	start();
	assert_false(stats_refresh(&dev));
	memcpy(fake_at(&fake, LISTS), stats, sizeof(stats));
	fake_desc(&rings[Q_STATS].desc[0], LISTS, sizeof(stats), 0, 0);
	fake_add(&rings[Q_STATS], 0);
	kick(Q_STATS);
	assert_int_equal(dev.stats, 3);
	assert_int_equal(dev.stat[2].tag, 77);
	assert_int_equal(dev.stat[1].value, 2000);
	assert_false(fake_get(&rings[Q_STATS], &head, &written));
	assert_true(stats_refresh(&dev));
	assert_true(fake_get(&rings[Q_STATS], &head, &written));
	/* Not made of statistics, and two at a time. */
	rings[Q_STATS].desc[0].len = 15;
	fake_add(&rings[Q_STATS], 0);
	fake_add(&rings[Q_STATS], 0);
	kick(Q_STATS);
	assert_int_equal(dev.books.header->violations[V_STATS], 2);
	assert_int_equal(dev.books.header->violations[V_TWO_BUFFERS], 1);
	rings[Q_STATS].desc[0].len = MIB / 4;
	stats_refresh(&dev);
	fake_add(&rings[Q_STATS], 0);
	kick(Q_STATS);
	assert_int_equal(dev.stats, STATS_MAX);
	stop();
}

static void takes_reports(void **state)
{
	const uint32_t list[] = { 1024 };
	uint64_t backed;

	(void)state;
	start();
	memset(fake.high, 7, 2 * MIB);
	pages(Q_INFLATE, list, 1);
	backed = fake_backed(&fake);
	fake_desc(&rings[Q_REPORT].desc[0], FAKE_HIGH_AT + MIB, MIB, VRING_DESC_F_WRITE, 0);
	fake_add(&rings[Q_REPORT], 0);
	kick(Q_REPORT);
	assert_int_equal(fake_backed(&fake), backed - MIB);
	assert_int_equal(books_violations(&dev.books), 0);
	/* With a page of the balloon in it. */
	fake_desc(&rings[Q_REPORT].desc[0], FAKE_HIGH_AT, MIB, VRING_DESC_F_WRITE, 0);
	fake_add(&rings[Q_REPORT], 0);
	kick(Q_REPORT);
	assert_int_equal(dev.books.header->violations[V_REPORTED], 1);
	stop();
}

static void put_reply(uint32_t seq, uint32_t flags, uint64_t yielded)
{
	struct virtio_balloon_pressure_reply reply = { seq, flags, yielded, 42 };

	memcpy(fake_at(&fake, LISTS), &reply, sizeof(reply));
	fake_desc(&rings[Q_PRESSURE].desc[0], LISTS, sizeof(reply), VRING_DESC_F_NEXT, 1);
	fake_desc(&rings[Q_PRESSURE].desc[1], LISTS + 64,
		  sizeof(struct virtio_balloon_pressure_hint), VRING_DESC_F_WRITE, 0);
	fake_add(&rings[Q_PRESSURE], 0);
	kick(Q_PRESSURE);
}

static void hints_and_replies(void **state)
{
	struct virtio_balloon_pressure_hint hint;
	uint32_t head, written;

	(void)state;
	start();
	/* Only the newest is sent, when there is a buffer. */
	pressure_hint(&dev, 1, 5, 0);
	pressure_hint(&dev, 3, 4096, 1000);
	put_reply(0, 0, 0);
	assert_true(fake_get(&rings[Q_PRESSURE], &head, &written));
	assert_int_equal(written, sizeof(hint));
	memcpy(&hint, fake_at(&fake, LISTS + 64), sizeof(hint));
	assert_int_equal(hint.seq, 1);
	assert_int_equal(hint.level, 3);
	assert_int_equal(hint.need, 4096);
	put_reply(1, 0, 4096);
	assert_int_equal(dev.reply.yielded, 4096);
	assert_int_equal(dev.reply.slack, 42);
	assert_int_equal(books_violations(&dev.books), 0);
	assert_int_equal(dev.replies, 1);
	pressure_hint(&dev, 2, 0, 0);
	put_reply(9, 0, 0);			/* never sent */
	pressure_hint(&dev, 2, 0, 0);
	put_reply(3, 1, 1);			/* refused, and yet yielded */
	pressure_hint(&dev, 2, 0, 0);
	put_reply(4, 2, 0);			/* a flag that there is not */
	assert_int_equal(dev.books.header->violations[V_PRESSURE], 3);
	put_reply(4, 0, 0);
	assert_int_equal(dev.books.header->violations[V_TWO_BUFFERS], 1);
	stop();
}

static void goes_on_after_a_break(void **state)
{
	const uint32_t list[] = { 1024, 1025 };

	(void)state;
	start();
	pages(Q_INFLATE, list, 2);
	/* The VMM goes away and comes again; the last request was never answered. */
	fake_add(&rings[Q_INFLATE], 0);
	rings[Q_INFLATE].used->idx = 0;
	rings[Q_INFLATE].avail->idx = 1;
	rings[Q_DEFLATE].used->idx = 5;
	rings[Q_DEFLATE].avail->idx = 5;
	stop();
	close(vmm);
	run();
	assert_false(alive());
	assert_int_equal(dev.memory.count, 0);
	attach();
	start();
	assert_int_equal(dev.books.header->held, 2);
	assert_int_equal(books_violations(&dev.books), 0);
	assert_int_equal(rings[Q_INFLATE].used->idx, 1);
	/* A driver that begins at 0 in all rings is new. */
	stop();
	close(vmm);
	run();
	for (unsigned int i = 0; i < ROLES; i++) {
		memset(rings[i].avail, 0, PFN_SIZE);
		memset(rings[i].used, 0, PFN_SIZE);
		rings[i].seen = 0;
	}
	attach();
	start();
	assert_int_equal(dev.books.header->held, 0);
	pages(Q_INFLATE, list, 2);
	assert_int_equal(books_violations(&dev.books), 0);
	stop();
}

/* The program ends and starts again, and the VMM does not notice; see keep.c. */
static void goes_on_after_a_restart(void **state)
{
	static char names[3 + 2 * ROLES][16];
	char *pointers[3 + 2 * ROLES];
	const uint32_t list[] = { 1024, 1025, 1026 };
	unsigned int i, count = 0;
	int fds[3 + 2 * ROLES];
	uint32_t head, written;

	(void)state;
	start();
	pages(Q_INFLATE, list, 2);
	fds[count] = dup(dev.front);
	strcpy(names[count++], "front");
	for (i = 0; i < 2; i++) {
		fds[count] = dup(fake.fd);
		snprintf(names[count++], sizeof(*names), "memory%u", i);
	}
	for (i = 0; i < ROLES; i++) {
		fds[count] = dup(kicks[i]);
		snprintf(names[count++], sizeof(*names), "kick%u", i);
		fds[count] = dup(calls[i]);
		snprintf(names[count++], sizeof(*names), "call%u", i);
	}
	for (i = 0; i < count; i++)
		pointers[i] = names[i];
	protocol_close(&dev);
	fake_add(&rings[Q_DEFLATE], 0);
	fake_desc(&rings[Q_DEFLATE].desc[0], LISTS, 2 * sizeof(*list), 0, 0);
	assert_true(keep_resume(&dev, pointers, fds, (int)count));
	run();
	assert_true(fake_get(&rings[Q_DEFLATE], &head, &written));
	assert_int_equal(dev.books.header->held, 0);
	assert_int_equal(books_violations(&dev.books), 0);
	pages(Q_INFLATE, list, 3);
	assert_int_equal(dev.books.header->held, 3);
	send_message(GET_FEATURES, 0, NULL, 0, NULL, 0);
	assert_int_equal(receive_u64() & ALL, ALL);
	/* Names that mean nothing, and none. */
	protocol_close(&dev);
	strcpy(names[0], "memory99");
	strcpy(names[1], "kick9");
	fds[0] = dup(fake.fd);
	fds[1] = dup(fake.fd);
	assert_false(keep_resume(&dev, pointers, fds, 2));
	assert_false(keep_resume(&dev, NULL, NULL, 0));
	stop();
}

static void bad_messages_end_the_connection(void **state)
{
	static const uint32_t requests[] = {
		SET_FEATURES, SET_MEM_TABLE, SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE,
		GET_VRING_BASE, SET_VRING_KICK, SET_VRING_CALL, SET_VRING_ENABLE, SET_CONFIG,
	};
	uint8_t data[400];
	unsigned int i;
	int fds[12];

	(void)state;
	memset(data, 0xff, sizeof(data));
	for (i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		send_message(requests[i], 0, data, 3, NULL, 0);
		assert_false(alive());
		close(vmm);
		attach();
		send_message(requests[i], 0, data, i % 2 ? 8 : 40, NULL, 0);
		assert_false(alive());
		close(vmm);
		attach();
	}
	for (i = 0; i < 12; i++)
		fds[i] = dup(fake.fd);
	send_message(SET_MEM_TABLE, 0, data, 264, fds, 12);
	assert_false(alive());
	close(vmm);
	attach();
	send_message(GET_FEATURES, 2, NULL, 0, NULL, 0);
	assert_false(alive());
}

/* Of every three messages one is whole; none may do more than end the connection. */
static void random_messages(void **state)
{
	uint64_t data[50];

	(void)state;
	for (unsigned int round = 0; round < 30000; round++) {
		uint64_t x = fake_random();
		uint32_t sizes[] = { 8, 40, 0, 12, 268, (uint32_t)(x >> 20 & 255), 8, 8 };
		uint32_t size = sizes[x >> 40 & 7];
		int fd = dup(fake.fd);

		if (!alive()) {
			close(vmm);
			attach();
			if (x & 1 << 18)
				start_memory();
		}
		for (unsigned int i = 0; i < 50; i++)
			data[i] = fake_random() >> (fake_random() & 63);
		send_message(x & 31 ? x % 37 : (uint32_t)x, x >> 8 & MESSAGE_NEED_REPLY, data, size,
			     &fd, x >> 16 & 1);
		if (!(x >> 16 & 1))
			close(fd);
		while (recv(vmm, data, sizeof(data), MSG_DONTWAIT) > 0)
			;
	}
}

/* A driver that writes anything anywhere into its rings. */
static void random_driver(void **state)
{
	(void)state;
	start();
	for (unsigned int round = 0; round < 3000; round++) {
		for (unsigned int i = 0; i < ROLES; i++) {
			for (unsigned int j = 0; j < FAKE_SIZE; j++) {
				uint64_t x = fake_random();

				fake_desc(&rings[i].desc[j], x % (8 * MIB), 1 + x % 5000,
					  (uint16_t)(x >> 40 & 3), (uint16_t)(x >> 50 & 7));
			}
			if (fake_random() % 500)
				fake_add(&rings[i], (uint16_t)(fake_random() % FAKE_SIZE));
			else
				rings[i].avail->idx = (uint16_t)fake_random();
			kick(i);
		}
		if (round % 100)
			continue;
		for (unsigned int i = 0; i < ROLES; i++) {
			send_state(GET_VRING_BASE, i, 0);
			receive_u64();
			close(kicks[i]);
			close(calls[i]);
			rings[i].avail->idx = rings[i].used->idx;
		}
		start();
	}
	assert_true(alive());
	assert_true(books_violations(&dev.books) > 1000);
	stop();
}

static void hostile_mode_harms_nobody_here(void **state)
{
	const uint32_t list[] = { 1024, 1025, 1026 };
	uint32_t head, written, target = 0;
	unsigned int targets = 0;

	(void)state;
	assert_int_equal(hostile_parse(&dev, ""), -EINVAL);
	assert_int_equal(hostile_parse(&dev, "1:nothing"), -EINVAL);
	assert_int_equal(hostile_parse(&dev, "99999999999999999999999"), -EINVAL);
	assert_int_equal(hostile_parse(&dev, "7"), 0);
	assert_true(hostile_start(&dev) >= 0);
	start();
	for (unsigned int i = 0; i < 20000; i++) {
		enum role role = i % 2 ? Q_DEFLATE : Q_INFLATE;

		memcpy(fake_at(&fake, LISTS), list, sizeof(list));
		fake_desc(&rings[role].desc[0], LISTS, sizeof(list), 0, 0);
		fake_add(&rings[role], 0);
		kick(role);
		while (fake_get(&rings[role], &head, &written))
			;
		if (!(i % 10))
			put_reply((uint32_t)i, 0, 0);
	}
	assert_true(dev.hints > 500);
	/* About four a second */
	for (unsigned int i = 0; i < 3000; i++) {
		usleep(1000);
		run();
		targets += dev.books.header->target != target;
		target = dev.books.header->target;
	}
	assert_true(targets >= 3);
	stop();
}

static void talk(const char *text, size_t size, char *answer, size_t room)
{
	ssize_t got;

	assert_int_equal(send(client, text, size, MSG_NOSIGNAL), size);
	run();
	got = recv(client, answer, room - 1, MSG_DONTWAIT);
	answer[got > 0 ? got : 0] = '\0';
}

static void open_control(void)
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

static void answers_clients(void **state)
{
	static const char * const wrong[] = {
		"{}\n", "[]\n", "null\n", "1\n", "{\n", "\"target\"\n", "{\"command\":1}\n",
		"{\"command\":\"target\"}\n", "{\"command\":\"target\",\"pages\":-1}\n",
		"{\"command\":\"target\",\"pages\":4294967296}\n",
		"{\"command\":\"target\",\"pages\":1.5}\n",
		"{\"command\":\"target\",\"pages\":\"1\"}\n",
		"{\"command\":\"target\",\"pages\":1} x\n",
		"{\"command\":\"hint\",\"level\":\"worst\"}\n",
		"{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":3600001}\n",
		"{\"command\":\"hint\",\"level\":\"low\",\"need\":-1}\n",
		"{\"command\":\"stats\",\"fresh\":true}\n", "{\"command\":\"events\",\"on\":3}\n",
		"[[[[[[[[[[[[[[[[[[[[\n", "\xff\xfe\n", "{\"command\":\"nothing\"}\n",
	};
	static const char * const right[] = {
		"{\"command\":\"target\",\"pages\":5}\n", "{\"command\":\"status\"}\n",
		"{\"command\":\"books\"}\n", "{\"command\":\"latencies\"}\n",
		"{\"command\":\"audit\"}\n", "{\"command\":\"stats\"}\n",
		"{\"command\":\"hint\",\"level\":\"low\",\"need\":1,\"ttl_ms\":3600000}\n",
		"{\"command\":\"events\",\"on\":true}\n",
	};
	char answer[65536];

	(void)state;
	open_control();
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		talk(wrong[i], strlen(wrong[i]), answer, sizeof(answer));
		assert_non_null(strstr(answer, "\"ok\":false"));
	}
	assert_int_equal(dev.books.header->target, 0);
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		talk(right[i], strlen(right[i]), answer, sizeof(answer));
		assert_non_null(strstr(answer, "\"ok\":true"));
	}
	assert_int_equal(dev.books.header->target, 5);
	/* In pieces, and several at once. */
	talk("{\"command\":", 11, answer, sizeof(answer));
	assert_string_equal(answer, "");
	talk("\"stats\"}\n\n{}\n", 13, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"ok\":true"));
	assert_non_null(strstr(answer, "\"ok\":false"));
	close(client);
	run();
}

static void random_lines(void **state)
{
	static const char alphabet[] = "{}[]\":,command target hint level pages 0123456789.eE\n\\u";
	char text[300], answer[65536];
	unsigned int i, round;

	(void)state;
	open_control();
	for (round = 0; round < 20000; round++) {
		size_t size = 1 + fake_random() % sizeof(text);

		for (i = 0; i < size; i++)
			text[i] = fake_random() % 20 ? alphabet[fake_random() % (sizeof(alphabet) - 1)] :
				(char)fake_random();
		talk(text, size, answer, sizeof(answer));
	}
	/* A line without an end is too much. */
	memset(answer, 'x', sizeof(answer));
	for (round = 0; round < 8 && send(client, answer, sizeof(answer), MSG_NOSIGNAL) > 0; round++)
		run();
	close(client);
	open_control();
	talk("{}\n", 3, answer, sizeof(answer));
	assert_non_null(strstr(answer, "\"ok\":false"));
	close(client);
	run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(speaks_the_protocol, make, destroy),
		cmocka_unit_test_setup_teardown(inflates_and_deflates, make, destroy),
		cmocka_unit_test_setup_teardown(sees_a_page_in_use, make, destroy),
		cmocka_unit_test_setup_teardown(reads_statistics, make, destroy),
		cmocka_unit_test_setup_teardown(takes_reports, make, destroy),
		cmocka_unit_test_setup_teardown(hints_and_replies, make, destroy),
		cmocka_unit_test_setup_teardown(goes_on_after_a_break, make, destroy),
		cmocka_unit_test_setup_teardown(goes_on_after_a_restart, make, destroy),
		cmocka_unit_test_setup_teardown(bad_messages_end_the_connection, make, destroy),
		cmocka_unit_test_setup_teardown(random_messages, make, destroy),
		cmocka_unit_test_setup_teardown(random_driver, make, destroy),
		cmocka_unit_test_setup_teardown(hostile_mode_harms_nobody_here, make, destroy),
		cmocka_unit_test_setup_teardown(answers_clients, make, destroy),
		cmocka_unit_test_setup_teardown(random_lines, make, destroy),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
