// SPDX-License-Identifier: GPL-2.0-only
/* The whole device, between a VMM, a driver and a client that may all be wrong. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host.h"

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

static void lists_that_are_none(void **state)
{
	struct vring_desc *desc = rings[Q_INFLATE].desc;
	uint32_t head, written;

	(void)state;
	start();
	/* Longer than any, with half a number at its end, and one to write to. */
	fake_desc(&desc[0], FAKE_HIGH_AT, MIB, 0, 0);
	fake_desc(&desc[1], LISTS, 7, 0, 0);
	fake_desc(&desc[2], LISTS, 8, VRING_DESC_F_WRITE, 0);
	for (uint16_t i = 0; i < 3; i++) {
		fake_add(&rings[Q_INFLATE], i);
		kick(Q_INFLATE);
		assert_true(fake_get(&rings[Q_INFLATE], &head, &written));
		assert_int_equal(head, i);
		assert_int_equal(dev.books.header->violations[V_LENGTH], i + 1);
	}
	assert_int_equal(device_queue(&dev, Q_INFLATE)->requests, 3);
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
	/* Their content would do, their size does not. */
	memset(data, 0, sizeof(data));
	for (i = 4; i <= 12; i += 8) {
		send_message(SET_PROTOCOL_FEATURES, 0, data, i, NULL, 0);
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
		"{\"command\":\"hostile\",\"seed\":1}\n", "{\"command\":\"hush\"}\n",
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(speaks_the_protocol, make, destroy),
		cmocka_unit_test_setup_teardown(inflates_and_deflates, make, destroy),
		cmocka_unit_test_setup_teardown(lists_that_are_none, make, destroy),
		cmocka_unit_test_setup_teardown(sees_a_page_in_use, make, destroy),
		cmocka_unit_test_setup_teardown(reads_statistics, make, destroy),
		cmocka_unit_test_setup_teardown(takes_reports, make, destroy),
		cmocka_unit_test_setup_teardown(hints_and_replies, make, destroy),
		cmocka_unit_test_setup_teardown(goes_on_after_a_break, make, destroy),
		cmocka_unit_test_setup_teardown(goes_on_after_a_restart, make, destroy),
		cmocka_unit_test_setup_teardown(bad_messages_end_the_connection, make, destroy),
		cmocka_unit_test_setup_teardown(answers_clients, make, destroy),
	};

	return cmocka_run_group_tests_name("vmm", tests, NULL, NULL);
}
