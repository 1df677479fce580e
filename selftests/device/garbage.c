// SPDX-License-Identifier: GPL-2.0-only
/* The whole device under garbage from the VMM, the driver and clients, and its own mischief. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

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

/* What happened once can be had again. */
static void a_seed_says_it_all(void **state)
{
	uint64_t features[64];
	bool differs = false;
	unsigned int i;

	(void)state;
	assert_int_equal(hostile_parse(&dev, "7:features"), 0);
	assert_true(hostile_start(&dev) >= 0);
	for (i = 0; i < 64; i++) {
		features[i] = hostile_features(&dev, ALL);
		differs |= features[i] != features[0];
	}
	assert_true(differs);
	hostile_seed(&dev, 8);
	for (i = 0, differs = false; i < 64; i++)
		differs |= hostile_features(&dev, ALL) != features[i];
	assert_true(differs);
	hostile_seed(&dev, 7);
	for (i = 0; i < 64; i++)
		assert_int_equal(hostile_features(&dev, ALL), features[i]);
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

static void says_nothing_of_the_configuration_when_hushed(void **state)
{
	uint8_t said[64];
	int back[2];

	(void)state;
	assert_int_equal(hostile_parse(&dev, "7:targets"), 0);
	assert_true(hostile_start(&dev) >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, back), 0);
	dev.back = back[0];
	start();
	device_set_target(&dev, 1);
	assert_true(protocol_unread(&dev) > 0);
	assert_true(read(back[1], said, sizeof(said)) > 0);
	assert_int_equal(protocol_unread(&dev), 0);
	hostile_hush(&dev);
	device_set_target(&dev, 2);
	assert_int_equal(protocol_unread(&dev), 0);
	hostile_seed(&dev, 8);
	device_set_target(&dev, 3);
	assert_true(protocol_unread(&dev) > 0);
	stop();
	close(back[1]);
}

static void random_lines(void **state)
{
	static const char alphabet[] = "{}[]\":,command target hint level pages 0123456789.eE\n\\u";
	const unsigned int letters = sizeof(alphabet) - 1;
	char text[300], answer[65536];
	unsigned int i, round;

	(void)state;
	open_control();
	for (round = 0; round < 20000; round++) {
		size_t size = 1 + fake_random() % sizeof(text);

		for (i = 0; i < size; i++)
			text[i] = fake_random() % 20 ? alphabet[fake_random() % letters] :
				(char)fake_random();
		talk(text, size, answer, sizeof(answer));
	}
	/* A line without an end is refused, once; what follows its end is heard. */
	talk("\n", 1, answer, sizeof(answer));
	while (recv(client, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		;
	memset(answer, 'x', sizeof(answer));
	for (round = 0; round < 8; round++) {
		send(client, answer, sizeof(answer), MSG_NOSIGNAL | MSG_DONTWAIT);
		run();
	}
	talk("\n", 1, answer, sizeof(answer));
	assert_string_equal(answer, "{\"ok\":false,\"error\":\"the line is too long\"}\n");
	talk("{}\n", 3, answer, sizeof(answer));
	assert_non_null(strstr(answer, "there are: audit"));
	close(client);
	run();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_messages, make, destroy),
		cmocka_unit_test_setup_teardown(random_driver, make, destroy),
		cmocka_unit_test_setup_teardown(a_seed_says_it_all, make, destroy),
		cmocka_unit_test_setup_teardown(hostile_mode_harms_nobody_here, make, destroy),
		cmocka_unit_test_setup_teardown(says_nothing_of_the_configuration_when_hushed,
						make, destroy),
		cmocka_unit_test_setup_teardown(random_lines, make, destroy),
	};

	return cmocka_run_group_tests_name("garbage", tests, NULL, NULL);
}
