// SPDX-License-Identifier: GPL-2.0-only
/* What the host may ask, and what it may not: that changes nothing and is counted. */
#include <string.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

#include "guest.h"

static void says_who_it_is(void **state)
{
	struct json_object *answer = ask("{\"command\":\"hello\",\"id\":7}"), *commands;

	(void)state;
	assert_true(is_good(answer));
	assert_string_equal(request_text(answer, "agent"), "balloon-agent");
	assert_string_equal(request_text(answer, "version"), "test");
	assert_int_equal(member(answer, "/protocol"), 1);
	assert_int_equal(member(answer, "/id"), 7);
	assert_int_equal(member(answer, "/requests"), 1);
	assert_int_equal(member(answer, "/refused"), 0);
	assert_true(json_object_object_get_ex(answer, "commands", &commands));
	assert_string_equal(json_object_to_json_string_ext(commands, JSON_C_TO_STRING_PLAIN),
			    "[\"hello\",\"hint\",\"snapshot\"]");
	assert_non_null(strstr(json_object_to_json_string_ext(answer, 0), "\"hints\":true"));
	assert_non_null(strstr(json_object_to_json_string_ext(answer, 0), "\"psi\":true"));
	json_object_put(answer);
}

static void says_how_the_guest_is(void **state)
{
	struct json_object *answer = ask("{\"command\":\"snapshot\"}"), *value;

	(void)state;
	assert_true(is_good(answer));
	assert_int_equal(member(answer, "/snapshot/available"), GIB);
	assert_int_equal(member(answer, "/snapshot/slack"), GIB);
	assert_int_equal(member(answer, "/snapshot/offset"), -300 * 4096);
	assert_int_equal(member(answer, "/snapshot/psi/some/total"), 123456);
	assert_int_equal(member(answer, "/snapshot/psi/full/total"), 65432);
	assert_int_equal(json_pointer_get(answer, "/snapshot/psi/some/avg10", &value), 0);
	assert_true(json_object_get_double(value) == 1.5);
	assert_int_equal(json_pointer_get(answer, "/snapshot/state", &value), 0);
	assert_string_equal(json_object_get_string(value), "idle");
	json_object_put(answer);
}

/* A guest with the kernel's own driver, or with none, or without PSI, is not silent. */
static void what_is_not_there_is_left_out(void **state)
{
	struct json_object *answer, *snapshot, *value;
	char path[128];

	(void)state;
	unload();
	snprintf(path, sizeof(path), "%s/pressure/memory", proc);
	unlink(path);
	answer = ask("{\"command\":\"snapshot\"}");
	assert_true(is_good(answer));
	assert_true(json_object_object_get_ex(answer, "snapshot", &snapshot));
	assert_false(json_object_object_get_ex(snapshot, "slack", &value));
	assert_false(json_object_object_get_ex(snapshot, "offset", &value));
	assert_true(json_object_object_get_ex(snapshot, "psi", &value));
	assert_null(value);
	assert_int_equal(member(snapshot, "/available"), GIB);
	json_object_put(answer);
	answer = ask("{\"command\":\"hello\"}");
	assert_non_null(strstr(json_object_to_json_string_ext(answer, 0), "\"hints\":false"));
	assert_non_null(strstr(json_object_to_json_string_ext(answer, 0), "\"psi\":false"));
	json_object_put(answer);
}

static const struct {
	const char *line, *why;
} bad[] = {
	{ "garbage", "unexpected" },
	{ "[1,2]", "not a JSON object" },
	{ "\"hello\"", "not a JSON object" },
	{ "{}", "\"command\" is one of" },
	{ "{\"command\":1}", "\"command\" is one of" },
	{ "{\"command\":\"reboot\"}", "\"command\" is one of" },
	{ "{\"command\":\"hello\",\"id\":\"x\"}", "\"id\"" },
	{ "{\"command\":\"hello\",\"id\":1.5}", "\"id\"" },
	{ "{\"command\":\"hello\",\"level\":\"low\"}", "only" },
	{ "{\"command\":\"snapshot\",\"fresh\":true}", "only" },
	{ "{\"command\":\"hello\"} trailing", "unexpected" },
	{ "{\"command\":\"hint\"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"urgent\"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"critical \"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"low need=1G\"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"LOW\"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\\u0000\"}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":3}", "\"level\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":-1}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":1125899906842625}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":99999999999999999999999}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":1e9}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":\"1G\"}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":null}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":[1]}", "\"need\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":0}", "\"ttl_ms\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":-5}", "\"ttl_ms\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":3600001}", "\"ttl_ms\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":\"10s\"}", "\"ttl_ms\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl_ms\":true}", "\"ttl_ms\"" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"ttl\":5}", "only" },
	{ "{\"command\":\"hint\",\"level\":\"low\",\"need\":1,\"wait\":true}", "only" },
};

static void bad_requests_are_counted_and_change_nothing(void **state)
{
	const unsigned int count = sizeof(bad) / sizeof(*bad);
	struct json_object *answer;

	(void)state;
	for (unsigned int i = 0; i < count; i++)
		refused(bad[i].line, bad[i].why);
	assert_string_equal(get_file(device, "pressure/hint"), "");
	answer = ask("{\"command\":\"hello\"}");
	assert_int_equal(member(answer, "/requests"), count + 1);
	assert_int_equal(member(answer, "/refused"), count);
	json_object_put(answer);
}

static void an_error_has_the_id(void **state)
{
	struct json_object *answer = ask("{\"command\":\"hint\",\"id\":-12,\"level\":0}");

	(void)state;
	assert_false(is_good(answer));
	assert_int_equal(member(answer, "/id"), -12);
	json_object_put(answer);
}

static void only_the_host_may_speak(void **state)
{
	struct sockaddr_vm peer = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_HOST };

	(void)state;
	assert_true(link_from_host(&peer));
	peer.svm_cid = VMADDR_CID_LOCAL;
	assert_false(link_from_host(&peer));
	peer.svm_cid = VMADDR_CID_HYPERVISOR;
	assert_false(link_from_host(&peer));
	peer.svm_cid = 3;
	assert_false(link_from_host(&peer));
	peer.svm_cid = VMADDR_CID_HOST;
	peer.svm_family = 0;
	assert_false(link_from_host(&peer));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_who_it_is, make, destroy),
		cmocka_unit_test_setup_teardown(says_how_the_guest_is, make, destroy),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_left_out, make, destroy),
		cmocka_unit_test_setup_teardown(bad_requests_are_counted_and_change_nothing, make,
						destroy),
		cmocka_unit_test_setup_teardown(an_error_has_the_id, make, destroy),
		cmocka_unit_test(only_the_host_may_speak),
	};

	return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
