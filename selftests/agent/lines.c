// SPDX-License-Identifier: GPL-2.0-only
/* JSON lines: whole, in pieces, too long, no JSON; and ends that go away. */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

static struct sd_event *event;
static struct jsonline *stream;
static int far;
static unsigned int values, errors, closes;
static char last[JSONLINE_MAX + 8];

static void on_line(struct jsonline *from, struct json_object *value, const char *error,
		    void *context)
{
	assert_ptr_equal(from, stream);
	assert_ptr_equal(context, &values);
	assert_true(!value == !!error);
	values += !!value;
	errors += !!error;
	if (value)
		error = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);
	snprintf(last, sizeof(last), "%s", error);
}

static void on_closed(struct jsonline *from, void *context)
{
	(void)context;
	jsonline_free(from);
	stream = NULL;
	closes++;
}

static const struct jsonline_user user = { on_line, on_closed };

static unsigned int spin(void)
{
	unsigned int turns = 0;

	while (turns < 1000 && sd_event_run(event, 0) > 0)
		turns++;
	return turns;
}

static void use(int fd, enum jsonline_kind kind)
{
	values = 0;
	errors = 0;
	closes = 0;
	signal(SIGPIPE, SIG_IGN);
	assert_true(sd_event_new(&event) >= 0);
	assert_int_equal(jsonline_new(&stream, event, fd, kind, &user, &values), 0);
}

static int make_pair(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	far = pair[0];
	use(pair[1], JSONLINE_SOCKET);
	return 0;
}

static int end(void **state)
{
	(void)state;
	jsonline_free(stream);
	sd_event_unref(event);
	close(far);
	return 0;
}

static void say_to(const char *text)
{
	assert_int_equal(write(far, text, strlen(text)), strlen(text));
	spin();
}

static void whole_and_in_pieces(void **state)
{
	const char *text = "\n{\"a\":[1,2,{\"b\":\"c\\n\"}]} \r\n\t\n";

	(void)state;
	say_to("{\"x\":1}\n{\"y\":2}\n");
	assert_int_equal(values, 2);
	assert_string_equal(last, "{\"y\":2}");
	for (const char *c = text; *c; c++)
		say_to((char[]){ *c, '\0' });
	assert_int_equal(values, 3);
	assert_int_equal(errors, 0);
	assert_string_equal(last, "{\"a\":[1,2,{\"b\":\"c\\n\"}]}");
}

static void no_json(void **state)
{
	static const char * const lines[] = {
		"garbage\n", "{\n", "{\"a\":1\n", "{\"a\":1}}\n", "{\"a\":1} {\"b\":2}\n",
		"null\n", "{\"a\":'1'}\n", "{\"a\":1,}\n", "[[[[[[[[[[1]]]]]]]]]]\n", "\"\xff\"\n",
		"{\"a\":01}\n", "\x01\x02\n", "}\n", "\"\n", "{\"a\":1}x\n", "12\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		say_to(lines[i]);
		if (values)
			fail_msg("taken: %s", lines[i]);
		assert_int_equal(errors, i + 1);
		assert_string_not_equal(last, "");
		assert_string_not_equal(last, "success");
	}
	/* A zero byte ends a text in C, but not a line. */
	assert_int_equal(write(far, "{}\0{}\n", 6), 6);
	spin();
	assert_int_equal(values, 0);
	say_to("{\"a\":1}\n");
	assert_int_equal(values, 1);
	assert_non_null(stream);
}

/* `size` is the bytes of the line with its end. */
static void send_line(size_t size)
{
	char *line = malloc(size);

	memset(line, ' ', size);
	line[0] = '[';
	line[size - 2] = ']';
	line[size - 1] = '\n';
	for (size_t sent = 0; sent < size; spin()) {
		ssize_t more = send(far, line + sent, size - sent, MSG_DONTWAIT);

		sent += more > 0 ? (size_t)more : 0;
	}
	free(line);
}

static void too_long(void **state)
{
	(void)state;
	send_line(JSONLINE_MAX);
	assert_int_equal(values, 1);
	assert_int_equal(errors, 0);
	send_line(JSONLINE_MAX + 1);
	assert_int_equal(values, 1);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(last, "too long"));
	/* Once, however long it is; the next line is heard. */
	send_line(20 * JSONLINE_MAX);
	assert_int_equal(errors, 2);
	say_to("{}\n");
	assert_int_equal(values, 2);
	assert_int_equal(errors, 2);
}

/* An other end that asks and does not read is let go, before it costs memory. */
static void unread(void **state)
{
	unsigned int puts = 0;

	(void)state;
	memset(last, 'x', 1000);
	while (jsonline_put(stream, json_object_new_string_len(last, 1000))) {
		assert_true(++puts < 10 * JSONLINE_UNREAD / 1000);
		assert_non_null(stream);
	}
	assert_int_equal(closes, 0);
	spin();
	assert_int_equal(closes, 1);
	assert_true(puts * 1000 >= JSONLINE_UNREAD);
}

static void what_is_unread_comes_in_order(void **state)
{
	unsigned int count = 50000, next = 0;
	char line[16];
	size_t size = 0;

	(void)state;
	for (unsigned int i = 0; i < count; i++)
		assert_true(jsonline_put(stream, json_object_new_int(i)));
	while (next < count) {
		spin();
		assert_true(size < sizeof(line));
		assert_int_equal(recv(far, line + size, 1, MSG_DONTWAIT), 1);
		if (line[size++] != '\n')
			continue;
		assert_int_equal(atoi(line), next++);
		size = 0;
	}
}

static void a_socket_ends(void **state)
{
	(void)state;
	say_to("{\"a\":1}\n{\"half\"");
	shutdown(far, SHUT_WR);
	spin();
	assert_int_equal(values, 1);
	assert_int_equal(errors, 0);
	assert_int_equal(closes, 1);
	assert_null(stream);
}

static void ending_it(void **state)
{
	(void)state;
	jsonline_end(stream);
	assert_int_equal(closes, 0);
	assert_false(jsonline_put(stream, json_object_new_object()));
	assert_int_equal(write(far, "{}\n", 3), 3);
	spin();
	assert_int_equal(closes, 1);
	assert_int_equal(values, 0);
}

/* A pipe is like a port of virtio-serial: who writes comes and goes. */
static void use_pipe(char *path)
{
	assert_true(close(mkstemp(path)) == 0 && unlink(path) == 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	use(open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), JSONLINE_PORT);
}

static void leave_pipe(const char *path)
{
	assert_int_equal(errors, 0);
	assert_int_equal(closes, 0);
	far = -1;
	unlink(path);
}

static void a_port_without_a_host(void **state)
{
	char path[] = "/tmp/balloon-port-XXXXXX";

	(void)state;
	use_pipe(path);
	for (unsigned int i = 1; i <= 3; i++) {
		far = open(path, O_WRONLY | O_CLOEXEC);
		say_to("{\"a\":1}\n{\"half\"");
		assert_int_equal(values, i);
		close(far);
		/* Heard of once, and then nothing happens, however often one looks. */
		assert_in_range(spin(), 1, 3);
		assert_int_equal(spin(), 0);
		/* What is said meanwhile is nobody's. */
		assert_true(jsonline_put(stream, json_object_new_object()));
	}
	leave_pipe(path);
}

/* What it says comes before the word that it is there: till then it seems to be away. */
static void a_host_whose_data_comes_first(void **state)
{
	char path[] = "/tmp/balloon-port-XXXXXX";

	(void)state;
	use_pipe(path);
	for (unsigned int i = 1; i <= 3; i++) {
		far = open(path, O_WRONLY | O_CLOEXEC);
		say_to("{\"old\"");
		close(far);
		spin();
		far = open(path, O_WRONLY | O_CLOEXEC);
		assert_int_equal(write(far, "{\"a\"", 4), 4);
		close(far);
		assert_in_range(spin(), 1, 3);
		assert_int_equal(spin(), 0);
		far = open(path, O_WRONLY | O_CLOEXEC);
		say_to(":1}\n");
		assert_int_equal(values, i);
		close(far);
		spin();
	}
	leave_pipe(path);
}

static void texts_with_a_zero_byte(void **state)
{
	struct json_object *request = json_tokener_parse("{\"level\":\"low\\u0000er\",\"n\":1e3}");
	uint64_t value = 7;

	(void)state;
	assert_int_equal(request_level(request), -1);
	assert_string_equal(request_text(request, "n"), "");
	assert_false(request_number(request, "n", 0, 5000, &value));
	assert_true(request_number(request, "m", 0, 5000, &value));
	assert_int_equal(value, 7);
	json_object_put(request);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(whole_and_in_pieces, make_pair, end),
		cmocka_unit_test_setup_teardown(no_json, make_pair, end),
		cmocka_unit_test_setup_teardown(too_long, make_pair, end),
		cmocka_unit_test_setup_teardown(unread, make_pair, end),
		cmocka_unit_test_setup_teardown(what_is_unread_comes_in_order, make_pair, end),
		cmocka_unit_test_setup_teardown(a_socket_ends, make_pair, end),
		cmocka_unit_test_setup_teardown(ending_it, make_pair, end),
		cmocka_unit_test_teardown(a_port_without_a_host, end),
		cmocka_unit_test_teardown(a_host_whose_data_comes_first, end),
		cmocka_unit_test(texts_with_a_zero_byte),
	};

	return cmocka_run_group_tests_name("lines", tests, NULL, NULL);
}
