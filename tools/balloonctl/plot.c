// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl plot: a recording as a picture. */
#include <errno.h>
#include <string.h>

#include "ctl.h"
#include "series.h"
#include "strips.h"
#include "svg.h"

static void print_strips(const struct series *series, FILE *out, bool ascii)
{
	struct style style = style_of(out, ascii);
	int64_t from = series->points[0].at_ms;
	int64_t to = series->points[series->nr_points - 1].at_ms;
	struct canvas canvas;

	strips_draw(&canvas, series, from, to > from ? to : from + 1, &style);
	canvas_print(&canvas, out, &style);
}

int cmd_plot(const struct options *o)
{
	const char *name = o->nr_args ? o->args[0] : "-";
	FILE *file = strcmp(name, "-") ? fopen(name, "re") : stdin;
	struct series series = { 0 };
	FILE *out = NULL;
	int code = EXIT_BAD;

	if (!file)
		return fail("%s: %s", name, strerror(errno));
	if (series_read(&series, file, name))
		out = open_output(o);
	if (file != stdin)
		fclose(file);
	if (out) {
		if (o->text)
			print_strips(&series, out, o->ascii);
		else
			svg_print(&series, out);
		code = close_output(out, o);
	}
	series_free(&series);
	return code;
}
