// SPDX-License-Identifier: GPL-2.0-only
/* Random lines: each is answered by one line of JSON, and nothing else happens. */
#include <string.h>
#include <sys/socket.h>

#include "guest.h"

static const char * const words[] = {
	"{", "}", "[", "]", ":", ",", "\"", "\\", "\n", " ", "\"command\":", "\"hint\"",
	"\"hello\"", "\"snapshot\"", "\"level\":", "\"low\"", "\"none\"", "\"need\":",
	"\"ttl_ms\":", "\"id\":", "-", "1e9", "4611686018427387904", "99999999999999999999",
	"null", "true", "\\u0000", "0.1",
};

static size_t random_line(char *line, size_t room)
{
	size_t size = 0, count = random_number() % 30;

	while (count-- && size + 32 < room) {
		const char *word = words[random_number() % (sizeof(words) / sizeof(*words))];

		if (random_number() % 10)
			size += (size_t)sprintf(line + size, "%s", word);
		else
			line[size++] = (char)random_number();
	}
	return size;
}

/* A good request with one thing in it changed. */
static size_t damaged_line(char *line, size_t room)
{
	static const char good[] =
		"{\"command\":\"hint\",\"level\":\"low\",\"need\":%u,\"ttl_ms\":%u}\n";
	size_t size = (size_t)snprintf(line, room, good, (unsigned int)random_number(),
				       (unsigned int)random_number() % 5000000);

	line[random_number() % size] = (char)random_number();
	return size;
}

static void random_lines(void **state)
{
	char line[1024];
	uint64_t asked;

	(void)state;
	/* No hint waits for long. */
	reply(1000000, 0, 0);
	for (unsigned int round = 0; round < 20000; round++) {
		struct json_object *answer;
		size_t size = random_number() % 2 ? random_line(line, sizeof(line)) :
						    damaged_line(line, sizeof(line));

		tell(line, size);
		while ((answer = hear(0))) {
			is_good(answer);
			json_object_put(answer);
		}
		assert_non_null(agent.stream);
	}
	tell("\n", 1);
	asked = agent.requests;
	assert_true(agent.refused > 5000 && agent.refused < asked && agent.hints > 0);
	json_object_put(hear(300));
	for (struct json_object *answer; (answer = hear(100));)
		json_object_put(answer);
	json_object_put(ask("{\"command\":\"hello\"}"));
	assert_int_equal(agent.requests, asked + 1);
}

/* Bytes without any order, in pieces of any size. */
static void random_bytes(void **state)
{
	char bytes[3000];

	(void)state;
	for (unsigned int round = 0; round < 5000; round++) {
		size_t size = 1 + random_number() % sizeof(bytes);

		for (size_t i = 0; i < size; i++)
			bytes[i] = (char)random_number();
		tell(bytes, size);
		for (struct json_object *answer; (answer = hear(0)); json_object_put(answer))
			assert_false(is_good(answer));
	}
	assert_string_equal(get_file(device, "pressure/hint"), "");
	assert_int_equal(agent.refused, agent.requests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_lines, make, destroy),
		cmocka_unit_test_setup_teardown(random_bytes, make, destroy),
	};

	return cmocka_run_group_tests_name("garbage", tests, NULL, NULL);
}
