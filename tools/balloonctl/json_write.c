// SPDX-License-Identifier: GPL-2.0-only
/* A snapshot as JSON: what `export --json` prints, and a line of a recording. */
#include "features.h"
#include "json.h"

static void add_text(struct json_object *object, const char *name,
		     const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *name,
		       int64_t value)
{
	json_object_object_add(object, name,
			       value == UNKNOWN ? NULL :
			       json_object_new_int64(value));
}

static void add_bool(struct json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

static void add_features(struct json_object *object, const char *name,
			 uint64_t features)
{
	struct json_object *list = json_object_new_array(), *entry;
	int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!has_feature(features, bit))
			continue;
		entry = json_object_new_string(feature_name(bit));
		json_object_array_add(list, entry);
	}
	json_object_object_add(object, name, list);
}

static struct json_object *json_memory(const struct memory *m)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "total", m->total);
	add_number(object, "used", m->used);
	add_number(object, "cache", m->cache);
	add_number(object, "balloon", m->balloon);
	add_number(object, "free", m->free);
	add_number(object, "available", m->available);
	add_number(object, "stall_us", m->stall_us);
	return object;
}

static struct json_object *json_module(const struct module *m)
{
	struct json_object *object = json_object_new_object();

	add_bool(object, "builtin", m->builtin);
	add_bool(object, "loaded", m->loaded);
	add_text(object, "version", m->version);
	add_text(object, "installed", m->installed);
	add_text(object, "preferred", m->preferred);
	return object;
}

struct json_object *json_decision(const struct decision *d)
{
	struct json_object *object = json_object_new_object();

	add_number(object, "at_ms", d->at_ms);
	add_text(object, "event", event_names[d->event]);
	add_number(object, "pages", d->pages);
	add_number(object, "bytes", d->bytes);
	add_number(object, "calls", d->calls);
	add_number(object, "lasted_ms", d->lasted_ms);
	add_number(object, "available", d->available);
	add_bool(object, "swaps", d->swaps);
	add_number(object, "mark", d->mark);
	add_number(object, "holdoff_ms", d->holdoff_ms);
	add_number(object, "need", d->need);
	add_text(object, "level", d->level);
	add_text(object, "text", d->text);
	return object;
}

static void add_ours(struct json_object *object, const struct device *d)
{
	struct json_object *list;
	int i;

	add_text(object, "state", d->state);
	add_number(object, "target", d->target);
	add_number(object, "actual", d->actual);
	add_number(object, "goal", d->goal);
	add_number(object, "offset", d->offset);
	list = json_object_new_object();
	for (i = 0; i < TUNE_NR; i++)
		add_text(list, tunables[i].name, d->tunables[i]);
	json_object_object_add(object, "tunables", list);
	list = json_object_new_object();
	for (i = 0; i < d->nr_counters; i++)
		add_number(list, d->counters[i].name, d->counters[i].value);
	json_object_object_add(object, "counters", list);
	list = json_object_new_array();
	for (i = 0; i < d->nr_decisions; i++)
		json_object_array_add(list, json_decision(&d->decisions[i]));
	json_object_object_add(object, "decisions", list);
}

static struct json_object *json_device(const struct device *d)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", d->name);
	add_text(object, "driver", d->driver);
	add_bool(object, "ours", d->ours);
	add_features(object, "accepted", d->accepted);
	if (d->offered_known)
		add_features(object, "offered", d->offered);
	if (d->ours)
		add_ours(object, d);
	return object;
}

struct json_object *json_snapshot(const struct snapshot *s)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();
	int i;

	add_number(object, "at_ms", s->at_ms);
	add_text(object, "release", s->system.release);
	add_number(object, "page_size", s->system.page_size);
	json_object_object_add(object, "memory", json_memory(&s->memory));
	json_object_object_add(object, "module", json_module(&s->module));
	if (selected(s))
		add_text(object, "selected", selected(s)->name);
	for (i = 0; i < s->nr_devices; i++)
		json_object_array_add(list, json_device(&s->devices[i]));
	json_object_object_add(object, "devices", list);
	return object;
}

/* Prints and frees it. */
void json_print(struct json_object *object, FILE *out, bool pretty)
{
	int flags = pretty ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			     JSON_C_TO_STRING_PLAIN;

	fprintf(out, "%s\n", json_object_to_json_string_ext(object, flags |
			JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}
