// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl why: what the balloon does now, and the decisions that led there. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "ctl.h"
#include "format.h"
#include "json.h"
#include "sentence.h"
#include "text.h"

/* Decisions that are told if the user does not say how many. */
#define DEFAULT_COUNT 10

static int64_t reserve_of(const struct device *d)
{
	return strtoll(d->tunables[TUNE_RESERVE_KIB], NULL, 10) * 1024;
}

static int64_t low_mark_of(const struct device *d)
{
	return reserve_of(d) *
	       strtoll(d->tunables[TUNE_LOW_PERCENT], NULL, 10) / 100;
}

/* Why the goal is not target + offset, if it is not. */
static void print_limit(const struct snapshot *s, const struct device *d,
			const struct style *style)
{
	int64_t available = s->memory.available, reserve = reserve_of(d);
	int64_t slack = available - reserve;

	if (d->goal >= d->target + d->offset)
		return;
	if (!strcmp(d->state, "holding-off"))
		print_sentence(style, 0, 0, "It does not grow now, because the guest took memory back a short time ago (hold-off).");
	else if (slack > 0)
		print_sentence(style, 0, 0, "The reserve limits its growth: available %s - reserve %s = %s that the guest can give.",
			       mib(available), mib(reserve), mib(slack));
	else
		print_sentence(style, 0, 0, "The reserve bars its growth: available %s is %s below the reserve %s.",
			       mib(available), mib(-slack), mib(reserve));
}

static void print_now(const struct snapshot *s, const struct device *d,
		      const struct style *style)
{
	int64_t low = low_mark_of(d), available = s->memory.available;

	print_sentence(style, 0, 0, "%s is %s with %s. Its goal is %s; the host's target %s %c the guest's offset %s = %s.",
		       d->name, d->state, mib(d->actual), mib(d->goal),
		       mib(d->target), d->offset < 0 ? '-' : '+',
		       mib(d->offset < 0 ? -d->offset : d->offset),
		       mib(d->target + d->offset > 0 ? d->target + d->offset : 0));
	print_limit(s, d, style);
	print_sentence(style, 0, 0, "The guest is in need below the low mark %s = %s %% of the reserve %s; available %s is %s %s it.",
		       mib(low), d->tunables[TUNE_LOW_PERCENT],
		       mib(reserve_of(d)), mib(available),
		       mib(available < low ? low - available : available - low),
		       available < low ? "below" : "above");
}

/* Available memory on a scale of four reserves, with the two marks below it. */
static void print_gauge(const struct snapshot *s, const struct device *d,
			const struct style *style)
{
	enum { LEFT = 11, WIDTH = CANVAS_WIDTH - LEFT - 1 };
	int64_t scale = 4 * reserve_of(d);
	int end = cell_of(s->memory.available, scale, WIDTH);
	struct canvas c;
	int x;

	if (!scale)
		return;
	canvas_clear(&c, 2);
	canvas_text(&c, 0, 0, INK_PLAIN, "available");
	for (x = 0; x < WIDTH; x++)
		canvas_glyph(&c, LEFT + x, 0, x < end ? INK_CACHE : INK_FREE,
			     x < end ? GLYPH_CACHE : GLYPH_FREE, style);
	x = LEFT + cell_of(low_mark_of(d), scale, WIDTH);
	canvas_glyph(&c, x, 1, INK_ALARM, GLYPH_CARET, style);
	canvas_text(&c, x + 1, 1, INK_ALARM, "low");
	x = LEFT + cell_of(reserve_of(d), scale, WIDTH);
	canvas_glyph(&c, x, 1, INK_TARGET, GLYPH_CARET, style);
	x = canvas_text(&c, x + 1, 1, INK_TARGET, "reserve");
	x = LEFT + cell_of(2 * reserve_of(d), scale, WIDTH);
	canvas_glyph(&c, x, 1, INK_DIM, GLYPH_CARET, style);
	canvas_text(&c, x + 1, 1, INK_DIM, "returns from here on");
	canvas_print(&c, stdout, style);
}

static int first_of(const struct device *d, const struct options *o)
{
	int count = o->count ? o->count : DEFAULT_COUNT;

	return d->nr_decisions > count ? d->nr_decisions - count : 0;
}

static void print_decisions(const struct snapshot *s, const struct device *d,
			    int first, const struct style *style)
{
	char sentence[SENTENCE_SIZE];
	int i;

	for (i = first; i < d->nr_decisions; i++) {
		sentence_of(sentence, sizeof(sentence), d->decisions, i);
		putchar('\n');
		print_sentence(style, 0, 4, "%s (%s ago): %s",
			       seconds(d->decisions[i].at_ms),
			       duration(s->at_ms - d->decisions[i].at_ms),
			       sentence);
	}
}

static void print_json(const struct device *d, int first)
{
	struct json_object *list = json_object_new_array(), *entry;
	char sentence[SENTENCE_SIZE];
	int i;

	for (i = first; i < d->nr_decisions; i++) {
		sentence_of(sentence, sizeof(sentence), d->decisions, i);
		entry = json_decision(&d->decisions[i]);
		json_object_object_add(entry, "sentence",
				       json_object_new_string(sentence));
		json_object_array_add(list, entry);
	}
	json_print(list, stdout, true);
}

static int no_decisions(int err)
{
	if (err == -EACCES || err == -EPERM)
		return fail("the decisions are for root to read, and not under lockdown");
	return fail("the decisions are in debugfs, which is not there; mount -t debugfs none /sys/kernel/debug");
}

int cmd_why(const struct options *o)
{
	struct style style = style_of(stdout, o->ascii);
	static struct snapshot s;
	const struct device *d;

	if (!get_snapshot(&s, o))
		return EXIT_BAD;
	d = need_ours(&s);
	if (!d)
		return EXIT_BAD;
	if (!o->json) {
		print_now(&s, d, &style);
		print_gauge(&s, d, &style);
	}
	if (d->decisions_err)
		return no_decisions(d->decisions_err);
	if (o->json)
		print_json(d, first_of(d, o));
	else
		print_decisions(&s, d, first_of(d, o), &style);
	return EXIT_GOOD;
}
