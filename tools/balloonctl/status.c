// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl status: one line, and one picture. */
#include "bar.h"
#include "ctl.h"
#include "format.h"
#include "json.h"

static void print_line(const struct snapshot *s)
{
	const struct device *d = selected(s);
	const struct memory *m = &s->memory;

	if (!d)
		printf("no balloon device");
	else if (d->ours)
		printf("%s %s: balloon %s, target %s", d->name, d->state,
		       mib(d->actual), mib(d->target));
	else
		printf("%s, %s: balloon %s", d->name,
		       *d->driver ? "with the kernel's own driver" :
				    "without a driver", mib(m->balloon));
	if (d && d->offset)
		printf(", offset %s", mib(d->offset));
	printf("; available %s\n", mib(m->available));
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
	print_line(&s);
	canvas_clear(&canvas, BAR_HEIGHT);
	bar_draw(&canvas, 0, &s, &style);
	canvas_print(&canvas, stdout, &style);
	return EXIT_GOOD;
}
