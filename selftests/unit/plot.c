// SPDX-License-Identifier: GPL-2.0-only
/*
 * See plot.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"

#define LINES	5
#define POINTS	100000
#define WIDTH	900.0
#define HEIGHT	360.0
#define LEFT	70.0
#define TOP	40.0

static const struct {
	const char *name, *color;
} lines[LINES] = {
	{ "balloon", "#1f4e9c" },
	{ "target", "#9db8e0" },
	{ "processes", "#b03030" },
	{ "page cache", "#d0a040" },
	{ "available", "#3a8a4a" },
};

static struct {
	double seconds, mib[LINES];
} points[POINTS];
static int nr_points;

void plot_point(double seconds, double balloon, double target, double anon,
		double cache, double available)
{
	const double mib[LINES] = { balloon, target, anon, cache, available };

	if (nr_points == POINTS)
		return;
	points[nr_points].seconds = seconds;
	memcpy(points[nr_points].mib, mib, sizeof(mib));
	nr_points++;
}

static double highest(void)
{
	double most = 1;
	int i, j;

	for (i = 0; i < nr_points; i++)
		for (j = 0; j < LINES; j++)
			if (points[i].mib[j] > most)
				most = points[i].mib[j];
	return most;
}

static void draw_frame(FILE *file, double seconds, double mib)
{
	int i;

	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" font-family=\"sans-serif\" font-size=\"12\">\n",
		LEFT + WIDTH + 30, TOP + HEIGHT + 40);
	fputs("<!-- SPDX-License-Identifier: GPL-2.0-only -->\n", file);
	fputs("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n", file);
	for (i = 0; i <= 4; i++) {
		double y = TOP + HEIGHT * (4 - i) / 4, x = LEFT + WIDTH * i / 4;

		fprintf(file, "<path d=\"M%g %gH%g\" stroke=\"#dddddd\"/>\n",
			LEFT, y, LEFT + WIDTH);
		fprintf(file, "<text x=\"%g\" y=\"%g\" text-anchor=\"end\">%.0f MiB</text>\n",
			LEFT - 5, y + 4, mib * i / 4);
		fprintf(file, "<text x=\"%g\" y=\"%g\" text-anchor=\"middle\">%.0f s</text>\n",
			x, TOP + HEIGHT + 20, seconds * i / 4);
	}
	for (i = 0; i < LINES; i++)
		fprintf(file, "<text x=\"%g\" y=\"20\" fill=\"%s\">%s</text>\n",
			LEFT + 130 * i, lines[i].color, lines[i].name);
}

int plot_save(const char *name)
{
	double seconds = nr_points ? points[nr_points - 1].seconds : 1;
	double mib = highest();
	FILE *file = fopen(name, "w");
	int i, j;

	if (!file)
		goto fail;
	if (seconds <= 0)
		seconds = 1;
	draw_frame(file, seconds, mib);
	for (j = 0; j < LINES; j++) {
		fprintf(file, "<polyline fill=\"none\" stroke=\"%s\" points=\"",
			lines[j].color);
		for (i = 0; i < nr_points; i++)
			fprintf(file, "%.1f,%.1f ",
				LEFT + WIDTH * points[i].seconds / seconds,
				TOP + HEIGHT * (1 - points[i].mib[j] / mib));
		fputs("\"/>\n", file);
	}
	fputs("</svg>\n", file);
	if (!fclose(file))
		return 0;
fail:
	fprintf(stderr, "%s: %s\n", name, strerror(errno));
	return 2;
}
