// SPDX-License-Identifier: GPL-2.0-only
/*
 * The balloon-agent in a guest, by the host's end of its port org.autoballoon.hint.0.
 *
 * The hypervisor keeps what nobody in the guest reads: so no more than one question
 * and one hint wait there, and an old hint is never followed by a heap of others.
 */
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "request.h"

enum { ID_HELLO = 1, ID_SNAPSHOT, ID_HINT, IDS };

struct hint {
	struct guest *guest;
	struct link *link;
	char *path;
	bool hints;			/* the agent has a driver that takes them */
	uint64_t since;			/* when the oldest question was asked */
	bool waits[IDS];
};

static bool waits(const struct hint *hint)
{
	return hint->waits[ID_HELLO] || hint->waits[ID_SNAPSHOT] || hint->waits[ID_HINT];
}

static void ask(struct hint *hint, const char *command, int id, struct json_object *request)
{
	json_object_object_add(request, "command", json_object_new_string(command));
	json_object_object_add(request, "id", json_object_new_int(id));
	if (!waits(hint))
		hint->since = hostd_now(hint->guest->hostd);
	hint->waits[id] = true;
	link_put(hint->link, request);
}

static void on_snapshot(struct hint *hint, struct json_object *snapshot)
{
	uint64_t slack = UINT64_MAX;

	/* Below 0 when it lives off its reserve: then it has none. */
	if (!json_object_object_get_ex(snapshot, "slack", NULL))
		return;
	if (!request_number(snapshot, "slack", 0, INT64_MAX, &slack))
		slack = 0;
	guest_slack_is(hint->guest, slack);
}

static void on_answer(struct hint *hint, int id, struct json_object *line)
{
	struct json_object *part;
	uint64_t yielded = 0;

	if (*request_text(line, "error")) {
		guest_trouble(hint->guest, TROUBLE_REFUSED, request_text(line, "error"));
		/* The driver may be gone: ask anew what is there. */
		hint->hints &= id != ID_HINT;
		return;
	}
	if (json_object_object_get_ex(line, "hints", &part))
		hint->hints = json_object_get_boolean(part);
	if (json_object_object_get_ex(line, "snapshot", &part))
		on_snapshot(hint, part);
	if (json_object_object_get_ex(line, "reply", &part) && part &&
	    request_number(part, "yielded", 0, INT64_MAX, &yielded))
		guest_yielded(hint->guest, yielded);
}

static void on_line(struct link *link, struct json_object *line, void *context)
{
	struct hint *hint = context;
	uint64_t id = 0;

	if (!json_object_is_type(line, json_type_object) ||
	    !request_number(line, "id", 1, IDS - 1, &id) || !hint->waits[id]) {
		guest_trouble(hint->guest, TROUBLE_GARBAGE, "hints: an answer to nothing");
		link_reset(link, "an answer to nothing");
		return;
	}
	hint->waits[id] = false;
	on_answer(hint, (int)id, line);
}

static void on_opened(struct link *link, void *context)
{
	struct hint *hint = context;

	(void)link;
	memset(hint->waits, 0, sizeof(hint->waits));
	ask(hint, "hello", ID_HELLO, json_object_new_object());
}

static void on_closed(struct link *link, const char *why, void *context)
{
	struct hint *hint = context;

	(void)link;
	(void)why;
	hint->hints = false;
}

static const struct link_user user = {
	.opened = on_opened, .line = on_line, .closed = on_closed,
};

struct hint *hint_new(struct guest *guest, const char *path)
{
	struct hint *hint = calloc(1, sizeof(*hint));

	if (!hint)
		return NULL;
	hint->guest = guest;
	hint->path = strdup(path);
	if (hint->path)
		hint->link = link_new(guest->hostd->guest_event, path, &user, hint);
	if (hint->link)
		return hint;
	hint_free(hint);
	return NULL;
}

void hint_free(struct hint *hint)
{
	if (!hint)
		return;
	link_free(hint->link);
	free(hint->path);
	free(hint);
}

const char *hint_path(const struct hint *hint)
{
	return hint->path;
}

bool hint_there(const struct hint *hint)
{
	return link_is_open(hint->link) && hint->hints;
}

void hint_poll(struct hint *hint)
{
	uint64_t silent = hostd_now(hint->guest->hostd) - hint->since;

	if (!link_is_open(hint->link))
		return;
	if (waits(hint) && silent > hint->guest->hostd->config->timeout_ms * 1000) {
		guest_trouble(hint->guest, TROUBLE_SILENCE, "no answer of its agent in time");
		link_reset(hint->link, "no answer in time");
		return;
	}
	/* The answer to a hint tells how the guest is, too. */
	if (waits(hint))
		return;
	if (hint->hints)
		ask(hint, "snapshot", ID_SNAPSHOT, json_object_new_object());
	else
		ask(hint, "hello", ID_HELLO, json_object_new_object());
}

bool hint_send(struct hint *hint, enum level level, uint64_t need, uint32_t ttl_ms)
{
	struct json_object *request;

	if (hint->waits[ID_HINT])
		return false;
	request = json_object_new_object();
	json_object_object_add(request, "level", json_object_new_string(pressure_levels[level]));
	if (need)
		answer_add(request, "need", need);
	answer_add(request, "ttl_ms", ttl_ms);
	ask(hint, "hint", ID_HINT, request);
	return true;
}
