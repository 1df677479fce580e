// SPDX-License-Identifier: GPL-2.0-only
/* Requests and answers as JSON objects; see request.h. */
#include <string.h>

#include "request.h"

const char * const pressure_levels[PRESSURE_LEVELS] = { "none", "low", "medium", "critical" };

bool request_number(struct json_object *request, const char *name, uint64_t least, uint64_t most,
		    uint64_t *value)
{
	struct json_object *member;
	uint64_t number;

	if (!json_object_object_get_ex(request, name, &member))
		return true;
	if (!json_object_is_type(member, json_type_int) || json_object_get_int64(member) < 0)
		return false;
	number = json_object_get_uint64(member);
	if (number < least || number > most)
		return false;
	*value = number;
	return true;
}

const char *request_text(struct json_object *request, const char *name)
{
	struct json_object *member = NULL;
	const char *text;

	json_object_object_get_ex(request, name, &member);
	if (!json_object_is_type(member, json_type_string))
		return "";
	text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member) ? text : "";
}

int request_level(struct json_object *request)
{
	const char *name = request_text(request, "level");

	for (int i = 0; i < PRESSURE_LEVELS; i++)
		if (!strcmp(name, pressure_levels[i]))
			return i;
	return -1;
}

bool request_has_only(struct json_object *request, const char * const *names)
{
	json_object_object_foreach(request, key, value) {
		unsigned int i;

		(void)value;
		for (i = 0; names[i] && strcmp(key, names[i]); i++)
			;
		if (!names[i])
			return false;
	}
	return true;
}

struct json_object *answer_good(void)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "ok", json_object_new_boolean(true));
	return answer;
}

struct json_object *answer_bad(const char *why)
{
	struct json_object *answer = json_object_new_object();

	json_object_object_add(answer, "ok", json_object_new_boolean(false));
	json_object_object_add(answer, "error", json_object_new_string(why));
	return answer;
}

void answer_add(struct json_object *answer, const char *name, uint64_t value)
{
	json_object_object_add(answer, name, json_object_new_uint64(value));
}
