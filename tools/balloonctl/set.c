// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl set: change a tunable, or list all of them. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "ctl.h"
#include "json.h"
#include "text.h"

static void range_of(const struct tunable *t, char *text, size_t size)
{
	if (t->words)
		snprintf(text, size, "%s", t->words);
	else
		snprintf(text, size, "%" PRId64 " to %" PRId64, t->min, t->max);
}

/* Where a line is too short for all of it, what a tunable is for has one of its own. */
static void list_text(const struct device *d)
{
	enum { WHAT = 61, WIDE = WHAT + 50, NEXT = 4 };
	const struct style style = style_of(stdout, false);
	bool narrow = style.columns && style.columns < WIDE;
	char range[48];
	int id;

	for (id = 0; id < TUNE_NR; id++) {
		const struct tunable *t = &tunables[id];

		range_of(t, range, sizeof(range));
		printf(narrow ? "%-25s %8s %-6s %s\n%*s" : "%-25s %8s %-6s %-18s %*s",
		       t->name, d->tunables[id], t->unit, range,
		       narrow ? NEXT : 0, "");
		print_sentence(&style, narrow ? NEXT : WHAT,
			       narrow ? NEXT : WHAT, "%s", t->what);
	}
}

static void list_json(const struct device *d)
{
	struct json_object *list = json_object_new_array();
	int id;

	for (id = 0; id < TUNE_NR; id++) {
		struct json_object *entry = json_object_new_object();
		const struct tunable *t = &tunables[id];

		json_object_object_add(entry, "name",
				       json_object_new_string(t->name));
		json_object_object_add(entry, "value",
				       json_object_new_string(d->tunables[id]));
		json_object_object_add(entry, "unit",
				       json_object_new_string(t->unit));
		if (t->words) {
			json_object_object_add(entry, "words",
					       json_object_new_string(t->words));
		} else {
			json_object_object_add(entry, "min",
					       json_object_new_int64(t->min));
			json_object_object_add(entry, "max",
					       json_object_new_int64(t->max));
		}
		json_object_object_add(entry, "what",
				       json_object_new_string(t->what));
		json_object_array_add(list, entry);
	}
	json_print(list, stdout, true);
}

static void change_json(int id, const char *before, const char *now)
{
	struct json_object *entry = json_object_new_object();

	json_object_object_add(entry, "name",
			       json_object_new_string(tunables[id].name));
	json_object_object_add(entry, "before", json_object_new_string(before));
	json_object_object_add(entry, "value", json_object_new_string(now));
	json_object_object_add(entry, "unit",
			       json_object_new_string(tunables[id].unit));
	json_print(entry, stdout, true);
}

static int write_failed(const char *name, const char *value, int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return fail("%s: not allowed; run this as root", name);
	case EROFS:
		return fail("%s: sysfs is mounted read-only; mount -o remount,rw /sys, or set it outside of the container",
			    name);
	case EINVAL:
		return fail("%s: the driver does not take \"%s\"; its reason is in the kernel log",
			    name, value);
	default:
		return fail("%s: %s", name, strerror(-err));
	}
}

static int unknown(const char *name)
{
	int id;

	fprintf(stderr, "balloonctl: %s is not one of", name);
	for (id = 0; id < TUNE_NR; id++)
		fprintf(stderr, "%s %s", id ? "," : "", tunables[id].name);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

int cmd_set(const struct options *o)
{
	static struct snapshot s;
	const struct device *d;
	char why[96], now[24];
	int id = 0, err;

	if (o->nr_args == 1)
		return fail("set %s to what? set KEY VALUE", o->args[0]) + 1;
	if (o->nr_args)
		id = tunable_find(o->args[0]);
	if (id < 0)
		return unknown(o->args[0]);
	if (o->nr_args && !tunable_valid(id, o->args[1], why, sizeof(why)))
		return fail("%s: \"%s\" %s; nothing was changed", o->args[0],
			    o->args[1], why);
	if (!get_snapshot(&s, o))
		return EXIT_BAD;
	d = need_ours(&s);
	if (!d)
		return EXIT_BAD;
	if (!o->nr_args) {
		o->json ? list_json(d) : list_text(d);
		return EXIT_GOOD;
	}
	err = tunable_write(id, d->name, o->args[1]);
	if (err)
		return write_failed(o->args[0], o->args[1], err);
	tunable_read(id, d->name, now, sizeof(now));
	if (o->json)
		change_json(id, d->tunables[id], now);
	else
		printf("%s: %s -> %s%s%s\n", o->args[0], d->tunables[id], now,
		       *tunables[id].unit ? " " : "", tunables[id].unit);
	return EXIT_GOOD;
}
