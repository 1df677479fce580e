// SPDX-License-Identifier: GPL-2.0-only
/* A whole agent in a guest of scratch folders, and the host at the other end of a socket. */
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest.h"

struct agent agent;
int host;
char device[FOLDER_SIZE], proc[FOLDER_SIZE];

static char scratch[] = "/tmp/balloon-agent-XXXXXX";
static char heard[4 * JSONLINE_MAX];
static size_t unheard;

static void path_of(char *path, size_t size, const char *folder, const char *name)
{
	assert_true((size_t)snprintf(path, size, "%s/%s", folder, name) < size);
}

void put_file(const char *folder, const char *name, const char *text)
{
	char path[256];
	FILE *file;

	path_of(path, sizeof(path), folder, name);
	file = fopen(path, "we");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

const char *get_file(const char *folder, const char *name)
{
	static char text[4096];
	char path[256];
	size_t got;
	FILE *file;

	path_of(path, sizeof(path), folder, name);
	file = fopen(path, "re");
	got = file ? fread(text, 1, sizeof(text) - 1, file) : 0;
	text[got] = '\0';
	if (file)
		fclose(file);
	return text;
}

static void make_folder(const char *folder, const char *name)
{
	char path[256];

	path_of(path, sizeof(path), folder, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	(void)stat;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void remove_folder(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void load(void)
{
	assert_int_equal(mkdir(device, 0755), 0);
	make_folder(device, "balloon");
	make_folder(device, "pressure");
	put_file(device, "balloon/state", "idle\n");
	put_file(device, "balloon/offset_pages", "-300\n");
	put_file(device, "pressure/hint", "");
	put_file(device, "pressure/slack", "1073741824\n");
	put_file(device, "pressure/interval_ms", "50\n");
	reply(0, 0, 0);
	put_file(device, "pressure/hint_seq", "0\n");
}

void reply(unsigned int seq, uint64_t yielded, uint64_t slack)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)yielded);
	put_file(device, "pressure/reply_yielded", text);
	snprintf(text, sizeof(text), "%llu\n", (unsigned long long)slack);
	put_file(device, "pressure/reply_slack", text);
	snprintf(text, sizeof(text), "%u\n", seq);
	put_file(device, "pressure/reply_seq", text);
}

void unload(void)
{
	remove_folder(device);
}

static void make_proc(void)
{
	assert_int_equal(mkdir(proc, 0755), 0);
	make_folder(proc, "pressure");
	put_file(proc, "pressure/memory",
		 "some avg10=1.50 avg60=0.20 avg300=0.00 total=123456\n"
		 "full avg10=0.75 avg60=0.10 avg300=0.00 total=65432\n");
	put_file(proc, "meminfo",
		 "MemTotal:        2030304 kB\nMemFree:          123456 kB\n"
		 "MemAvailable:    1048576 kB\nBuffers:            1234 kB\n");
	put_file(proc, "vmstat", "nr_free_pages 4711\npgfault 1000\npgmajfault 100\n");
}

int make(void **state)
{
	int pair[2];

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	memset(scratch + strlen(scratch) - 6, 'X', 6);
	assert_non_null(mkdtemp(scratch));
	path_of(device, sizeof(device), scratch, "virtio3");
	path_of(proc, sizeof(proc), scratch, "proc");
	load();
	make_proc();
	memset(&agent, 0, sizeof(agent));
	agent.port = PORT_NAME;
	agent.device = device;
	agent.proc = proc;
	agent.sys = scratch;
	unheard = 0;
	assert_true(sd_event_new(&agent.event) >= 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	host = pair[0];
	assert_true(link_use(&agent, pair[1], JSONLINE_SOCKET) >= 0);
	return 0;
}

int destroy(void **state)
{
	(void)state;
	link_stop(&agent);
	sd_event_unref(agent.event);
	close(host);
	remove_folder(scratch);
	return 0;
}

void run(void)
{
	while (sd_event_run(agent.event, 0) > 0)
		;
}

void tell(const char *text, size_t size)
{
	while (size) {
		ssize_t sent = send(host, text, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		run();
		if (sent < 0)
			return;
		text += sent;
		size -= (size_t)sent;
	}
}

/* One line of what was heard, if there is a whole one. */
static struct json_object *next_line(void)
{
	char *end = memchr(heard, '\n', unheard);
	struct json_object *value;
	const char *error;

	if (!end)
		return NULL;
	value = jsonline_parse(heard, (size_t)(end - heard), &error);
	assert_non_null(value);
	unheard -= (size_t)(end + 1 - heard);
	memmove(heard, end + 1, unheard);
	return value;
}

struct json_object *hear(unsigned int ms)
{
	uint64_t until = now_usec() + ms * 1000ull;
	struct json_object *value;

	while (!(value = next_line()) && now_usec() <= until) {
		ssize_t got = recv(host, heard + unheard, sizeof(heard) - unheard, MSG_DONTWAIT);

		if (got > 0)
			unheard += (size_t)got;
		else
			sd_event_run(agent.event, 1000);
	}
	return value;
}

struct json_object *ask(const char *line)
{
	struct json_object *answer;

	tell(line, strlen(line));
	tell("\n", 1);
	answer = hear(5000);
	assert_non_null(answer);
	return answer;
}

bool is_good(struct json_object *answer)
{
	struct json_object *good;

	assert_true(json_object_object_get_ex(answer, "ok", &good));
	return json_object_get_boolean(good);
}

void refused(const char *line, const char *why)
{
	struct json_object *answer = ask(line);
	const char *error = request_text(answer, "error");

	if (is_good(answer) || !strstr(error, why))
		fail_msg("%.200s: %s", line, json_object_to_json_string(answer));
	json_object_put(answer);
}

int64_t member(struct json_object *object, const char *path)
{
	struct json_object *value;

	if (json_pointer_get(object, path, &value) ||
	    !json_object_is_type(value, json_type_int))
		fail_msg("nothing at %s in %s", path, json_object_to_json_string(object));
	return json_object_get_int64(value);
}

/* xorshift64: the same numbers each time */
uint64_t random_number(void)
{
	static uint64_t x = 88172645463325252ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}
