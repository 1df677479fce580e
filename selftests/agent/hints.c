// SPDX-License-Identifier: GPL-2.0-only
/* A hint goes to the driver, the reply comes back; a driver comes and goes. */
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

#define CRITICAL "{\"command\":\"hint\",\"level\":\"critical\",\"need\":1073741824,\"ttl_ms\":10000,\"id\":1}\n"

/* The driver takes one more hint; its file is not truncated by what it is told. */
static void hint_arrives(const char *text, unsigned int seq)
{
	char number[16];

	snprintf(number, sizeof(number), "%u\n", seq);
	put_file(device, "pressure/hint", "");
	put_file(device, "pressure/hint_seq", number);
	tell(text, strlen(text));
}

static void reply_comes_back(void **state)
{
	struct json_object *answer;

	(void)state;
	hint_arrives(CRITICAL, 1);
	assert_string_equal(get_file(device, "pressure/hint"),
			    "critical need=1073741824 ttl=10000ms");
	assert_null(hear(60));
	reply(1, GIB / 2, GIB / 4);
	answer = hear(10000);
	assert_non_null(answer);
	assert_true(is_good(answer));
	assert_int_equal(member(answer, "/id"), 1);
	assert_int_equal(member(answer, "/reply/yielded"), GIB / 2);
	assert_int_equal(member(answer, "/reply/slack"), GIB / 4);
	assert_int_equal(member(answer, "/snapshot/available"), GIB);
	json_object_put(answer);
	assert_null(hear(60));
}

static void what_is_not_said_is_not_told(void **state)
{
	static const char * const lines[][2] = {
		{ "{\"command\":\"hint\",\"level\":\"none\"}\n", "none" },
		{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":0}\n", "low" },
		{ "{\"command\":\"hint\",\"level\":\"medium\",\"ttl_ms\":1}\n", "medium ttl=1ms" },
		{ "{\"level\":\"low\",\"need\":1125899906842624,\"command\":\"hint\"}\n",
		  "low need=1125899906842624" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		hint_arrives(lines[i][0], i + 1);
		assert_string_equal(get_file(device, "pressure/hint"), lines[i][1]);
		reply(i + 1, 0, 0);
		json_object_put(hear(10000));
	}
}

/* Hints that were merged have one reply; numbers wrap. */
static void several_wait(void **state)
{
	unsigned int seq = UINT32_MAX - 1;
	struct json_object *answer;

	(void)state;
	reply(seq - 1, 0, 0);
	for (unsigned int i = 0; i < 3; i++)
		hint_arrives(CRITICAL, seq + i);
	tell("{\"command\":\"snapshot\",\"id\":2}\n", 30);
	answer = hear(10000);
	assert_int_equal(member(answer, "/id"), 2);
	json_object_put(answer);
	reply(seq + 1, 4096, 0);
	for (unsigned int i = 0; i < 2; i++) {
		answer = hear(10000);
		assert_int_equal(member(answer, "/reply/seq"), UINT32_MAX);
		assert_int_equal(member(answer, "/reply/yielded"), 4096);
		json_object_put(answer);
	}
	assert_null(hear(60));
	reply(seq + 2, 8192, 0);
	answer = hear(10000);
	assert_int_equal(member(answer, "/reply/yielded"), 8192);
	json_object_put(answer);
}

static void a_flood_is_bounded(void **state)
{
	unsigned int good = 0, bad = 0;

	(void)state;
	put_file(device, "pressure/interval_ms", "10000\n");
	for (unsigned int i = 0; i < 1000; i++)
		hint_arrives(CRITICAL, 1);
	reply(1, 0, 0);
	while (good + bad < 1000) {
		struct json_object *answer = hear(10000);

		assert_non_null(answer);
		good += is_good(answer);
		bad += !is_good(answer);
		json_object_put(answer);
	}
	assert_int_equal(good, WAITING_MAX);
	assert_int_equal(agent.hints, WAITING_MAX);
}

/* Twice the driver's interval and a second: then the host hears that there is no reply. */
static void a_driver_that_does_not_reply(void **state)
{
	uint64_t start = now_usec();
	struct json_object *answer, *reply;

	(void)state;
	hint_arrives(CRITICAL, 1);
	answer = hear(10000);
	assert_in_range(now_usec() - start, 1100000, 5000000);
	assert_true(is_good(answer));
	assert_true(json_object_object_get_ex(answer, "reply", &reply));
	assert_null(reply);
	json_object_put(answer);
}

static void the_driver_goes_and_comes(void **state)
{
	struct json_object *answer;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		unload();
		refused(CRITICAL, "no balloon driver");
		load();
		hint_arrives(CRITICAL, 1);
		reply(1, round, 0);
		answer = hear(10000);
		assert_int_equal(member(answer, "/reply/yielded"), round);
		json_object_put(answer);
	}
	/* While a hint waits, too. */
	hint_arrives(CRITICAL, 2);
	unload();
	answer = hear(10000);
	assert_true(is_good(answer));
	json_object_put(answer);
	refused(CRITICAL, "no balloon driver");
}

static void a_driver_without_hints(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/pressure/hint", device);
	unlink(path);
	refused(CRITICAL, "takes no hints");
}

/* Without --device: the first one below the driver's folder. */
static void finds_the_driver(void **state)
{
	char drivers[160], path[200];

	(void)state;
	agent.device = NULL;
	refused(CRITICAL, "no balloon driver");
	snprintf(drivers, sizeof(drivers), "%s/bus/virtio/drivers/virtio_balloon", agent.sys);
	for (char *c = drivers + strlen(agent.sys) + 1; c; c = strchr(c + 1, '/')) {
		snprintf(path, sizeof(path), "%.*s", (int)(c - drivers), drivers);
		mkdir(path, 0755);
	}
	mkdir(drivers, 0755);
	refused(CRITICAL, "no balloon driver");
	snprintf(path, sizeof(path), "%s/module", drivers);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/virtio3", drivers);
	assert_int_equal(symlink(device, path), 0);
	hint_arrives(CRITICAL, 1);
	assert_string_equal(get_file(device, "pressure/hint"),
			    "critical need=1073741824 ttl=10000ms");
}

/* Answers to a host that is gone are nobody's: the next one does not hear them. */
static void the_next_host_hears_nothing_old(void **state)
{
	int pair[2];

	(void)state;
	hint_arrives(CRITICAL, 1);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(host);
	host = pair[0];
	run();
	assert_null(agent.stream);
	assert_true(link_use(&agent, pair[1], JSONLINE_SOCKET) >= 0);
	reply(1, 0, 0);
	assert_null(hear(100));
	json_object_put(ask("{\"command\":\"hello\"}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reply_comes_back, make, destroy),
		cmocka_unit_test_setup_teardown(what_is_not_said_is_not_told, make, destroy),
		cmocka_unit_test_setup_teardown(several_wait, make, destroy),
		cmocka_unit_test_setup_teardown(a_flood_is_bounded, make, destroy),
		cmocka_unit_test_setup_teardown(a_driver_that_does_not_reply, make, destroy),
		cmocka_unit_test_setup_teardown(the_driver_goes_and_comes, make, destroy),
		cmocka_unit_test_setup_teardown(a_driver_without_hints, make, destroy),
		cmocka_unit_test_setup_teardown(finds_the_driver, make, destroy),
		cmocka_unit_test_setup_teardown(the_next_host_hears_nothing_old, make, destroy),
	};

	return cmocka_run_group_tests_name("hints", tests, NULL, NULL);
}
