// SPDX-License-Identifier: GPL-2.0-only
/* balloon-hostd status; see show.h. */
#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "policy.h"
#include "request.h"
#include "show.h"

#define BAR	32			/* columns */

static FILE *reach(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return fdopen(fd, "r");
	if (fd >= 0)
		close(fd);
	return NULL;
}

/* The answer, or NULL. */
static struct json_object *ask(FILE *daemon, const char *command, uint64_t from)
{
	struct json_object *answer = NULL;
	char *line = NULL;
	size_t room = 0;

	dprintf(fileno(daemon), "{\"command\": \"%s\", \"from\": %" PRIu64 "}\n", command,
		from);
	if (getline(&line, &room, daemon) > 0)
		answer = json_tokener_parse(line);
	free(line);
	return answer;
}

static uint64_t number(struct json_object *object, const char *name)
{
	uint64_t value = 0;

	request_number(object, name, 0, UINT64_MAX, &value);
	return value;
}

static bool is(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) && json_object_get_boolean(value);
}

/* 512M, 1.5G: at most five letters */
static const char *memory(uint64_t bytes, char text[16])
{
	if (bytes < 10 * GIB)
		snprintf(text, 16, bytes < GIB ? "%.0fM" : "%.1fG",
			 (double)bytes / (double)(bytes < GIB ? MIB : GIB));
	else
		snprintf(text, 16, "%.0fG", (double)bytes / (double)GIB);
	return text;
}

/* As long as its memory is its maximum's part; a caret where it is to be. */
static void draw(char bar[BAR + 1], uint64_t size, uint64_t target, uint64_t max)
{
	uint64_t filled = scale_u64(size, BAR, max), caret = scale_u64(target, BAR, max);

	memset(bar, '.', BAR);
	memset(bar, '#', min_u64(filled, BAR));
	if (max)
		bar[min_u64(caret, BAR) - (caret > 0)] = '^';
	bar[BAR] = '\0';
}

/* What should be known beside the numbers. */
static const char *remark(struct json_object *guest)
{
	if (!is(guest, "connected"))
		return "not connected";
	if (is(guest, "migrating"))
		return "migrates";
	if (number(guest, "size_age") > STALE_ROUNDS)
		return "silent";
	if (number(guest, "stats_age") > STALE_ROUNDS)
		return "no statistics";
	return "";
}

static void show_guest(struct json_object *guest)
{
	uint64_t size = number(guest, "size"), resident = number(guest, "resident");
	const char *hinted = request_text(guest, "hinted");
	char bar[BAR + 1], texts[4][16];

	draw(bar, size, number(guest, "target"), number(guest, "max"));
	printf("%-20s [%s] %5s of %5s  free %5s  reported %5s  %s%s%s\n",
	       request_text(guest, "name"), bar, memory(size, texts[0]),
	       memory(number(guest, "max"), texts[1]), memory(number(guest, "available"), texts[2]),
	       memory(resident ? less_u64(size, resident) : 0, texts[3]),
	       is(guest, "has_hints") ? "hint " : "", is(guest, "has_hints") ? hinted : "",
	       remark(guest));
}

static void show_host(struct json_object *status)
{
	struct json_object *host = NULL;
	char texts[5][16];

	json_object_object_get_ex(status, "host", &host);
	printf("host: pressure %s by %s, %s of %s available (reserve %s), %s lacking\n",
	       request_text(host, "level"), request_text(status, "source"),
	       memory(number(host, "available"), texts[0]),
	       memory(number(host, "total"), texts[1]),
	       memory(number(host, "reserve"), texts[2]), memory(number(host, "need"), texts[3]));
	printf("last resorts: %s in swap, ", memory(number(host, "swap_used"), texts[4]));
	printf("%s saved by KSM\n", memory(number(host, "ksm_saved"), texts[4]));
	printf("policy %s, %" PRIu64 " guests, round %" PRIu64 "%s\n",
	       request_text(status, "policy"), number(status, "guests"), number(status, "round"),
	       is(status, "dry_run") ? ", dry run" : "");
}

static void print_json(struct json_object *object)
{
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
}

/* All of them, some at a time. False if the daemon stopped answering. */
static bool show_guests(FILE *daemon, bool json)
{
	struct json_object *answer, *list;
	uint64_t from = 0;

	do {
		answer = ask(daemon, "guests", from);
		if (!json_object_object_get_ex(answer, "guests", &list)) {
			json_object_put(answer);
			return false;
		}
		for (size_t i = 0; i < json_object_array_length(list); i++) {
			if (json)
				print_json(json_object_array_get_idx(list, i));
			else
				show_guest(json_object_array_get_idx(list, i));
		}
		from = number(answer, "next");
		json_object_put(answer);
	} while (from);
	return true;
}

int show_status(const char *socket, bool json)
{
	FILE *daemon = socket ? reach(socket) : NULL;
	struct json_object *status;
	bool good = false;

	if (!daemon) {
		fprintf(stderr, "balloon-hostd: %s: %s\n", socket ?: "status",
			socket ? strerror(errno) : "the config wants none");
		return EXIT_FAILURE;
	}
	status = ask(daemon, "status", 0);
	if (status && json)
		print_json(status);
	else if (status)
		show_host(status);
	if (status)
		good = show_guests(daemon, json);
	json_object_put(status);
	fclose(daemon);
	if (!good)
		fprintf(stderr, "balloon-hostd: the daemon does not answer\n");
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
