// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl doctor: what is wrong, and what to do about it. */
#include <stdarg.h>

#include "ctl.h"
#include "findings.h"
#include "json.h"
#include "text.h"

static const struct {
	const char *name;
	const char *colour;
} levels[LEVEL_NR] = {
	[LEVEL_GOOD] = { "good", "32" },
	[LEVEL_INFO] = { "info", "2" },
	[LEVEL_WARN] = { "warn", "33" },
	[LEVEL_BAD] = { "bad", "31" },
};

/* Add a finding; a list that is full keeps its last one changing. */
struct finding *found(struct findings *f, enum severity level, const char *id,
		      const char *what, ...)
{
	struct finding *one = &f->list[f->nr];
	va_list args;

	if (f->nr < MAX_FINDINGS - 1)
		f->nr++;
	*one = (struct finding){ .level = level, .id = id };
	va_start(args, what);
	vsnprintf(one->what, sizeof(one->what), what, args);
	va_end(args);
	return one;
}

/* Say what to do about it. */
void advise(struct finding *finding, const char *advice, ...)
{
	va_list args;

	va_start(args, advice);
	vsnprintf(finding->advice, sizeof(finding->advice), advice, args);
	va_end(args);
}

static void print_text(const struct findings *f, const struct style *style)
{
	int i;

	for (i = 0; i < f->nr; i++) {
		const struct finding *one = &f->list[i];

		if (style->colour)
			printf("\033[%sm%-4s\033[0m ",
			       levels[one->level].colour,
			       levels[one->level].name);
		else
			printf("%-4s ", levels[one->level].name);
		print_sentence(style, 5, 5, "%s", one->what);
		if (!*one->advice)
			continue;
		printf("     -> ");
		print_sentence(style, 8, 8, "%s", one->advice);
	}
}

static void add_text(struct json_object *object, const char *name,
		     const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void print_json(const struct findings *f)
{
	struct json_object *list = json_object_new_array(), *entry;
	int i;

	for (i = 0; i < f->nr; i++) {
		const struct finding *one = &f->list[i];

		entry = json_object_new_object();
		add_text(entry, "level", levels[one->level].name);
		add_text(entry, "id", one->id);
		add_text(entry, "what", one->what);
		add_text(entry, "advice", one->advice);
		json_object_array_add(list, entry);
	}
	json_print(list, stdout, true);
}

static enum severity worst_of(const struct findings *f)
{
	enum severity worst = LEVEL_GOOD;
	int i;

	for (i = 0; i < f->nr; i++)
		if (f->list[i].level > worst)
			worst = f->list[i].level;
	return worst;
}

int cmd_doctor(const struct options *o)
{
	struct style style = style_of(stdout, false);
	static struct findings findings;
	static struct snapshot s;

	if (!get_snapshot(&s, o))
		return EXIT_BAD;
	find_driver(&findings, &s);
	find_device(&findings, &s);
	find_balloon(&findings, &s);
	find_system(&findings, &s);
	if (o->json)
		print_json(&findings);
	else
		print_text(&findings, &style);
	return worst_of(&findings) >= LEVEL_WARN ? EXIT_BAD : EXIT_GOOD;
}
