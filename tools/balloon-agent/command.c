// SPDX-License-Identifier: GPL-2.0-only
/* The host's requests: hello, hint, snapshot. */
#include <string.h>

#include "agent.h"

#define PROTOCOL	1

static const char *snapshot(struct agent *agent, struct json_object *request,
			    struct json_object *id)
{
	struct json_object *answer = answer_good();

	(void)request;
	json_object_object_add(answer, "snapshot", snapshot_take(agent));
	link_answer(agent, id, answer);
	return NULL;
}

/* Who answers, what it can do here and now, and what it was asked until now. */
static const char *hello(struct agent *agent, struct json_object *request,
			 struct json_object *id);

/* What may be asked, with what beside "command" and "id". */
static const struct {
	const char *name;
	const char *keys[6];
	const char *why;
	const char *(*run)(struct agent *agent, struct json_object *request,
			   struct json_object *id);
} commands[] = {
	{ "hello", { "command", "id", NULL }, "hello: only \"id\" may be given", hello },
	{ "hint", { "command", "id", "level", "need", "ttl_ms", NULL },
	  "hint: only \"level\", \"need\", \"ttl_ms\", \"id\" may be given", hint_give },
	{ "snapshot", { "command", "id", NULL }, "snapshot: only \"id\" may be given", snapshot },
};

#define COMMANDS	(sizeof(commands) / sizeof(*commands))

static const char *hello(struct agent *agent, struct json_object *request,
			 struct json_object *id)
{
	struct json_object *answer = answer_good(), *names = json_object_new_array();
	bool hints = driver_has(agent, HINT_FILE);
	char version[32];

	(void)request;
	json_object_object_add(answer, "agent", json_object_new_string("balloon-agent"));
	json_object_object_add(answer, "version", json_object_new_string(AUTOBALLOON_VERSION));
	answer_add(answer, "protocol", PROTOCOL);
	for (size_t i = 0; i < COMMANDS; i++)
		json_object_array_add(names, json_object_new_string(commands[i].name));
	json_object_object_add(answer, "commands", names);
	json_object_object_add(answer, "hints", json_object_new_boolean(hints));
	if (!driver_read(agent, "driver/module/version", version, sizeof(version)))
		json_object_object_add(answer, "driver", json_object_new_string(version));
	json_object_object_add(answer, "psi", json_object_new_boolean(snapshot_has_psi(agent)));
	answer_add(answer, "requests", agent->requests);
	answer_add(answer, "refused", agent->refused);
	link_answer(agent, id, answer);
	return NULL;
}

/* Return: NULL, or what is wrong with the request. */
static const char *run(struct agent *agent, struct json_object *request, struct json_object *id)
{
	const char *name = request_text(request, "command");

	for (size_t i = 0; i < COMMANDS; i++) {
		if (strcmp(name, commands[i].name))
			continue;
		if (!request_has_only(request, commands[i].keys))
			return commands[i].why;
		return commands[i].run(agent, request, id);
	}
	return "\"command\" is one of hello, hint, snapshot";
}

void command_run(struct agent *agent, struct json_object *request, const char *error)
{
	struct json_object *id = NULL;

	agent->requests++;
	if (request && !json_object_is_type(request, json_type_object)) {
		error = "not a JSON object";
	} else if (request) {
		json_object_object_get_ex(request, "id", &id);
		if (id && !json_object_is_type(id, json_type_int)) {
			error = "\"id\" is a whole number";
			id = NULL;
		} else {
			error = run(agent, request, id);
		}
	}
	if (!error)
		return;
	agent->refused++;
	link_answer(agent, id, answer_bad(error));
}
