// SPDX-License-Identifier: GPL-2.0-only
/* Snapshots as JSON lines, there and back; see trace.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"
#include "request.h"
#include "trace.h"

enum kind { KIND_U64, KIND_U32, KIND_BOOL, KIND_LEVEL };

struct field {
	const char *name;
	enum kind kind;
	size_t offset;
};

#define HOST(member, kind)	{ #member, kind, offsetof(struct host_view, member) }
#define GUEST(member, kind)	{ #member, kind, offsetof(struct guest_view, member) }

static const struct field host_fields[] = {
	HOST(total, KIND_U64), HOST(available, KIND_U64), HOST(reserve, KIND_U64),
	HOST(need, KIND_U64), HOST(level, KIND_LEVEL), HOST(pressed, KIND_U32),
	{ NULL, 0, 0 },
};

static const struct field guest_fields[] = {
	GUEST(max, KIND_U64), GUEST(floor, KIND_U64), GUEST(size, KIND_U64),
	GUEST(target, KIND_U64), GUEST(fixed, KIND_U64), GUEST(shares, KIND_U64),
	GUEST(available, KIND_U64), GUEST(unused, KIND_U64), GUEST(slack, KIND_U64),
	GUEST(resident, KIND_U64), GUEST(coming, KIND_U64), GUEST(size_age, KIND_U32),
	GUEST(stats_age, KIND_U32), GUEST(hinted, KIND_LEVEL), GUEST(asked, KIND_BOOL),
	GUEST(has_slack, KIND_BOOL), GUEST(has_hints, KIND_BOOL), GUEST(migrating, KIND_BOOL),
	{ NULL, 0, 0 },
};

static struct json_object *get(const struct field *field, const void *base)
{
	const char *at = (const char *)base + field->offset;

	switch (field->kind) {
	case KIND_U64:
		return json_object_new_uint64(*(const uint64_t *)at);
	case KIND_U32:
		return json_object_new_uint64(*(const uint32_t *)at);
	case KIND_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case KIND_LEVEL:
		return json_object_new_string(pressure_levels[*(const enum level *)at]);
	}
	return NULL;
}

static struct json_object *encode(const struct field *fields, const void *base)
{
	struct json_object *object = json_object_new_object();

	for (; fields->name; fields++)
		json_object_object_add(object, fields->name, get(fields, base));
	return object;
}

/* A missing member stays 0. */
static bool set(const struct field *field, struct json_object *object, void *base)
{
	char *at = (char *)base + field->offset;
	struct json_object *member;
	uint64_t number = 0;
	int level;

	if (!json_object_object_get_ex(object, field->name, &member))
		return true;
	switch (field->kind) {
	case KIND_U64:
		return request_number(object, field->name, 0, INT64_MAX, (uint64_t *)at);
	case KIND_U32:
		if (!request_number(object, field->name, 0, UINT32_MAX, &number))
			return false;
		*(uint32_t *)at = (uint32_t)number;
		return true;
	case KIND_BOOL:
		*(bool *)at = json_object_get_boolean(member);
		return json_object_is_type(member, json_type_boolean);
	case KIND_LEVEL:
		for (level = 0; level < PRESSURE_LEVELS; level++)
			if (!strcmp(json_object_get_string(member) ?: "", pressure_levels[level]))
				break;
		*(enum level *)at = level < PRESSURE_LEVELS ? (enum level)level : LEVEL_NONE;
		return level < PRESSURE_LEVELS;
	}
	return false;
}

static bool decode(const struct field *fields, struct json_object *object, void *base)
{
	bool good = json_object_is_type(object, json_type_object);

	for (; good && fields->name; fields++)
		good = set(fields, object, base);
	return good;
}

struct json_object *trace_host(const struct host_view *host)
{
	return encode(host_fields, host);
}

struct json_object *trace_guest(const char *name, const struct guest_view *view)
{
	struct json_object *object = encode(guest_fields, view);

	json_object_object_add(object, "name", json_object_new_string(name));
	return object;
}

void trace_write(FILE *file, const struct snapshot *snapshot, const struct guest *guests)
{
	struct json_object *line = json_object_new_object();
	struct json_object *list = json_object_new_array();

	json_object_object_add(line, "host", trace_host(&snapshot->host));
	for (size_t i = 0; i < snapshot->count; i++, guests = guests->next)
		json_object_array_add(list, trace_guest(guests->name, &snapshot->guests[i]));
	json_object_object_add(line, "guests", list);
	fprintf(file, "%s\n", json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
	fflush(file);
	json_object_put(line);
}

static void print(unsigned int round, const char *name, const struct guest_view *view,
		  const struct decision *decision)
{
	if (decision->target != view->target)
		printf("%u %s target %" PRIu64 " %" PRIu64 "\n", round, name, view->target,
		       decision->target);
	if (decision->hint)
		printf("%u %s hint %s %" PRIu64 "\n", round, name,
		       pressure_levels[decision->level], decision->need);
}

static bool replay_round(unsigned int round, struct json_object *line,
			 const struct config *config)
{
	struct json_object *host = NULL, *list = NULL;
	struct snapshot snapshot = { 0 };
	struct decision *decisions;
	struct guest_view *views;
	bool good;

	json_object_object_get_ex(line, "host", &host);
	json_object_object_get_ex(line, "guests", &list);
	if (!decode(host_fields, host, &snapshot.host) ||
	    !json_object_is_type(list, json_type_array))
		return false;
	snapshot.count = json_object_array_length(list);
	views = calloc(snapshot.count + 1, sizeof(*views));
	decisions = calloc(snapshot.count + 1, sizeof(*decisions));
	good = views && decisions;
	for (size_t i = 0; good && i < snapshot.count; i++)
		good = decode(guest_fields, json_object_array_get_idx(list, i), &views[i]);
	snapshot.guests = views;
	if (good)
		policy_decide(config->policy, &snapshot, &config->options, decisions);
	for (size_t i = 0; good && i < snapshot.count; i++)
		print(round, request_text(json_object_array_get_idx(list, i), "name"), &views[i],
		      &decisions[i]);
	free(views);
	free(decisions);
	return good;
}

int trace_replay(const char *path, const struct config *config)
{
	FILE *file = fopen(path, "re");
	unsigned int round = 0;
	char *text = NULL;
	bool good = file;
	size_t room = 0;

	if (!file)
		perror(path);
	while (good && getline(&text, &room, file) > 0) {
		struct json_object *line = json_tokener_parse(text);

		good = replay_round(++round, line, config);
		json_object_put(line);
		if (!good)
			fprintf(stderr, "%s:%u: no snapshot\n", path, round);
	}
	free(text);
	if (file)
		fclose(file);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
