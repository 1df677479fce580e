// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line of a recording back into the model: as much of it as the pictures
 * and sentences need. What is missing, or of another type, is 0 or empty.
 */
#include <string.h>

#include "json.h"

/* Up to here JSON's numbers are exact, and sums of them fit. */
#define LARGEST (1LL << 53)

static int64_t number(struct json_object *object, const char *name,
		      int64_t missing)
{
	struct json_object *value;
	int64_t result;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, json_type_int))
		return missing;
	result = json_object_get_int64(value);
	return result > LARGEST ? LARGEST : result < -LARGEST ? -LARGEST : result;
}

static void text(struct json_object *object, const char *name, char *to,
		 size_t size)
{
	struct json_object *value;

	if (json_object_object_get_ex(object, name, &value) &&
	    json_object_is_type(value, json_type_string))
		snprintf(to, size, "%s", json_object_get_string(value));
}

static struct json_object *part(struct json_object *object, const char *name,
				enum json_type type)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value) ||
	    !json_object_is_type(value, type))
		return NULL;
	return value;
}

static void parse_memory(struct memory *m, struct json_object *object)
{
	m->total = number(object, "total", 0);
	m->used = number(object, "used", 0);
	m->cache = number(object, "cache", 0);
	m->balloon = number(object, "balloon", 0);
	m->free = number(object, "free", 0);
	m->available = number(object, "available", 0);
	m->stall_us = number(object, "stall_us", UNKNOWN);
}

static void parse_decision(struct decision *d, struct json_object *object)
{
	char event[24] = "";
	int i;

	text(object, "event", event, sizeof(event));
	d->event = EVENT_OTHER;
	for (i = 0; i < EVENT_NR; i++)
		if (!strcmp(event, event_names[i]))
			d->event = i;
	d->at_ms = number(object, "at_ms", 0);
	d->pages = number(object, "pages", 0);
	d->bytes = number(object, "bytes", 0);
	d->calls = number(object, "calls", 0);
	d->lasted_ms = number(object, "lasted_ms", 0);
	d->available = number(object, "available", 0);
	d->swaps = json_object_get_boolean(part(object, "swaps", json_type_boolean));
	d->mark = number(object, "mark", 0);
	d->holdoff_ms = number(object, "holdoff_ms", 0);
	d->need = number(object, "need", 0);
	text(object, "level", d->level, sizeof(d->level));
	text(object, "text", d->text, sizeof(d->text));
}

static void parse_device(struct device *d, struct json_object *object)
{
	struct json_object *list = part(object, "decisions", json_type_array);
	struct json_object *entry;
	size_t i;

	text(object, "name", d->name, sizeof(d->name));
	text(object, "driver", d->driver, sizeof(d->driver));
	d->ours = part(object, "counters", json_type_object);
	text(object, "state", d->state, sizeof(d->state));
	d->target = number(object, "target", 0);
	d->actual = number(object, "actual", 0);
	d->goal = number(object, "goal", 0);
	d->offset = number(object, "offset", 0);
	for (i = 0; list && i < json_object_array_length(list) &&
	     d->nr_decisions < MAX_DECISIONS; i++) {
		entry = json_object_array_get_idx(list, i);
		if (json_object_is_type(entry, json_type_object))
			parse_decision(&d->decisions[d->nr_decisions++], entry);
	}
}

static bool parse(struct snapshot *s, struct json_object *object)
{
	struct json_object *memory = part(object, "memory", json_type_object);
	struct json_object *list = part(object, "devices", json_type_array);
	struct json_object *entry;
	char name[24] = "";
	size_t i;

	if (!memory || !list)
		return false;
	s->at_ms = number(object, "at_ms", 0);
	parse_memory(&s->memory, memory);
	text(object, "selected", name, sizeof(name));
	for (i = 0; i < json_object_array_length(list) &&
	     s->nr_devices < MAX_DEVICES; i++) {
		entry = json_object_array_get_idx(list, i);
		if (!json_object_is_type(entry, json_type_object))
			continue;
		parse_device(&s->devices[s->nr_devices], entry);
		if (!strcmp(s->devices[s->nr_devices].name, name))
			s->selected = s->nr_devices;
		s->nr_devices++;
	}
	return true;
}

/* Is the text a snapshot? */
bool json_parse_snapshot(struct snapshot *s, const char *text)
{
	struct json_object *object = json_tokener_parse(text);
	bool good;

	memset(s, 0, sizeof(*s));
	good = object && json_object_is_type(object, json_type_object) &&
	       parse(s, object);
	json_object_put(object);
	return good;
}
