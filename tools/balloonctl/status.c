// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl status: one line, and one picture. */
#include "bar.h"
#include "ctl.h"
#include "format.h"
#include "json.h"
#include "text.h"

static void print_line(const struct snapshot *s, const struct style *style)
{
	const struct device *d = selected(s);
	const char *available = mib(s->memory.available);
	char offset[40] = "";

	if (d && d->offset)
		snprintf(offset, sizeof(offset), ", offset %s", mib(d->offset));
	if (!d)
		print_sentence(style, 0, 0, "no balloon device; available %s",
			       available);
	else if (d->ours)
		print_sentence(style, 0, 0, "%s %s: balloon %s, target %s%s; available %s",
			       d->name, d->state, mib(d->actual),
			       mib(d->target), offset, available);
	else
		print_sentence(style, 0, 0, "%s, %s: balloon %s; available %s",
			       d->name, *d->driver ?
			       "with the kernel's own driver" :
			       "without a driver",
			       mib(s->memory.balloon), available);
}

int cmd_status(const struct options *o)
{
	struct style style = style_of(stdout, o->ascii);
	static struct snapshot s;
	struct canvas canvas;

	if (!get_snapshot(&s, o))
		return EXIT_BAD;
	if (o->json) {
		json_print(json_snapshot(&s), stdout, true);
		return EXIT_GOOD;
	}
	print_line(&s, &style);
	canvas_clear(&canvas, BAR_HEIGHT);
	bar_draw(&canvas, 0, &s, &style);
	canvas_print(&canvas, stdout, &style);
	return EXIT_GOOD;
}
