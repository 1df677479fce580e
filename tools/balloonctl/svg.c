// SPDX-License-Identifier: GPL-2.0-only
/*
 * The SVG timeline: memory stacked, the target as a step line, hold-offs
 * shaded, a tick for each event. Numbers are printed without the locale.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sentence.h"
#include "strips.h"
#include "svg.h"

#define WIDTH 960
#define HEIGHT 460
#define LEFT 76
#define RIGHT 20
#define TOP 96
#define BOTTOM 56
/* Points that are closer to each other cannot be told apart; pixels. */
#define CLOSE 0.5
/* The width of the letter of an event. */
#define LETTER 9

struct scale {
	int64_t from_ms, to_ms;
	double top;		/* MiB */
	double step;
};

/* The layers of memory, from the bottom. */
enum layer { USED, CACHE, FREE, BALLOON, NR_LAYERS };

static const char *const layer_names[NR_LAYERS] = {
	"used", "cache", "free", "balloon"
};

static const char style[] =
"<style>\n"
"svg { font: 13px system-ui, sans-serif; background: #ffffff; }\n"
"text { fill: #1f2328; }\n"
".title { font-size: 17px; font-weight: 600; }\n"
".small { font-size: 12px; fill: #59636e; }\n"
".grid { stroke: #d1d9e0; stroke-width: 1; }\n"
".axis { stroke: #59636e; stroke-width: 1; }\n"
".holdoff { fill: #6e7781; fill-opacity: 0.25; }\n"
".used { fill: #bc4c00; }\n"
".cache { fill: #1a7f37; }\n"
".free { fill: #f0f3f6; }\n"
".balloon { fill: #0969da; }\n"
".layer { fill-opacity: 0.7; }\n"
".target { fill: none; stroke: #1f2328; stroke-width: 2.2; stroke-dasharray: 7 5; }\n"
".event { stroke: #1f2328; stroke-width: 1.5; }\n"
".alarm { stroke: #bc4c00; }\n"
"@media (prefers-color-scheme: dark) {\n"
"svg { background: #0d1117; }\n"
"text { fill: #f0f6fc; }\n"
".small { fill: #9198a1; }\n"
".grid { stroke: #30363d; }\n"
".axis { stroke: #9198a1; }\n"
".holdoff { fill: #9aa4ae; }\n"
".used { fill: #f0883e; }\n"
".cache { fill: #56d364; }\n"
".free { fill: #161b22; }\n"
".balloon { fill: #58a6ff; }\n"
".target { stroke: #f0f6fc; }\n"
".event { stroke: #f0f6fc; }\n"
".alarm { stroke: #f0883e; }\n"
"}\n"
"</style>\n";

/* A coordinate with one decimal, and that only if it is not 0. */
static void number(FILE *out, double value)
{
	long tenths = lround(value * 10);

	fprintf(out, "%s%ld", tenths < 0 ? "-" : "", labs(tenths) / 10);
	if (tenths % 10)
		fprintf(out, ".%ld", labs(tenths) % 10);
}

static void pair(FILE *out, const char *command, double x, double y)
{
	fputs(command, out);
	number(out, x);
	fputc(' ', out);
	number(out, y);
}

static void escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '&')
			fputs("&amp;", out);
		else if (*text == '<')
			fputs("&lt;", out);
		else
			fputc(*text, out);
	}
}

static double place_x(const struct scale *scale, int64_t at_ms)
{
	double part = (double)(at_ms - scale->from_ms) /
		      (double)(scale->to_ms - scale->from_ms);

	part = part < 0 ? 0 : part > 1 ? 1 : part;
	return LEFT + part * (WIDTH - LEFT - RIGHT);
}

static double place_y(const struct scale *scale, int64_t bytes)
{
	double mib = (double)bytes / (1 << 20);

	return HEIGHT - BOTTOM - mib / scale->top * (HEIGHT - TOP - BOTTOM);
}

static double binary_step(double span, int parts)
{
	double step = 1;

	while (step * parts < span)
		step *= 2;
	return step;
}

/* 1, 2 or 5 times a power of ten. */
static double decimal_step(double span, int parts)
{
	double step = 0.1;

	for (;; step *= 10) {
		if (step * parts >= span)
			return step;
		if (2 * step * parts >= span)
			return 2 * step;
		if (5 * step * parts >= span)
			return 5 * step;
	}
}

static struct scale scale_of(const struct series *series)
{
	const struct point *last = &series->points[series->nr_points - 1];
	double top = (double)series_top(series) / (1 << 20);
	struct scale scale = {
		.from_ms = series->points[0].at_ms,
		.to_ms = last->at_ms,
		.step = binary_step(top, 6),
	};

	if (scale.to_ms == scale.from_ms)
		scale.to_ms++;
	scale.top = ceil(top / scale.step) * scale.step;
	return scale;
}

/* Where a layer of memory ends. */
static int64_t end_of(const struct memory *m, enum layer layer)
{
	switch (layer) {
	case USED:
		return m->used;
	case CACHE:
		return m->used + m->cache;
	case FREE:
		return m->total - m->balloon;
	default:
		return m->total;
	}
}

/* The points that are far enough from the one before to be drawn. */
static int next_point(const struct series *series, const struct scale *scale,
		      int i, int step)
{
	double x = place_x(scale, series->points[i].at_ms);

	for (i += step; i > 0 && i < series->nr_points - 1; i += step)
		if (fabs(place_x(scale, series->points[i].at_ms) - x) >= CLOSE)
			break;
	return i;
}

/* A layer goes from the end of the one below it, back to its own end. */
static void draw_layer(const struct series *series, const struct scale *scale,
		       enum layer layer, FILE *out)
{
	int i, last = series->nr_points - 1;

	fprintf(out, "<path class=\"layer %s\" d=\"", layer_names[layer]);
	for (i = 0; i <= last; i = next_point(series, scale, i, 1))
		pair(out, i ? "L" : "M",
		     place_x(scale, series->points[i].at_ms),
		     place_y(scale, end_of(&series->points[i].memory, layer)));
	for (i = last; i >= 0; i = next_point(series, scale, i, -1))
		pair(out, "L", place_x(scale, series->points[i].at_ms),
		     layer == USED ? HEIGHT - BOTTOM :
		     place_y(scale, end_of(&series->points[i].memory,
					   layer - 1)));
	fputs("Z\"/>\n", out);
}

/* What the target leaves to the guest. */
static void draw_target(const struct series *series, const struct scale *scale,
			FILE *out)
{
	const char *begin = "<path class=\"target\" d=\"M";
	double x, y, last_y = -1;
	int i;

	for (i = 0; i < series->nr_points; i++) {
		const struct point *p = &series->points[i];

		if (p->target == UNKNOWN)
			continue;
		x = place_x(scale, p->at_ms);
		y = place_y(scale, p->memory.total - p->target);
		if (last_y < 0) {
			pair(out, begin, x, y);
		} else if (lround(y * 10) != lround(last_y * 10)) {
			pair(out, "L", x, last_y);
			pair(out, "L", x, y);
		}
		last_y = y;
	}
	if (last_y >= 0) {
		pair(out, "L", WIDTH - RIGHT, last_y);
		fputs("\"/>\n", out);
	}
}

static void draw_holdoffs(const struct series *series,
			  const struct scale *scale, FILE *out)
{
	struct window *windows;
	int i, nr = series_windows(series, &windows);

	for (i = 0; i < nr; i++) {
		double x = place_x(scale, windows[i].from_ms);
		double end = place_x(scale, windows[i].to_ms);

		if (end <= x)
			continue;
		fputs("<rect class=\"holdoff\" x=\"", out);
		number(out, x);
		fprintf(out, "\" y=\"%d\" width=\"", TOP);
		number(out, end - x);
		fprintf(out, "\" height=\"%d\"/>\n", HEIGHT - TOP - BOTTOM);
	}
	free(windows);
}

static bool in_picture(const struct decision *d, const struct scale *scale)
{
	return d->at_ms >= scale->from_ms && d->at_ms <= scale->to_ms;
}

/*
 * A tick above the picture with its letter, which stands beside the one before
 * it, not on it; its sentence is shown on hovering. Returns where the letter is.
 */
static double draw_event(const struct series *series, int i,
			 const struct scale *scale, double before, FILE *out)
{
	const struct decision *d = &series->decisions[i];
	double x = place_x(scale, d->at_ms);
	char sentence[SENTENCE_SIZE];

	sentence_of(sentence, sizeof(sentence), series->decisions, i);
	fputs("<g><title>", out);
	escaped(out, sentence);
	fprintf(out, "</title><path class=\"event%s\" d=\"M",
		d->event <= EVENT_OOM ? " alarm" : "");
	number(out, x);
	fprintf(out, " %dv10\"/><text class=\"small\" x=\"", TOP - 10);
	if (x < before + LETTER)
		x = before + LETTER;
	number(out, x);
	fprintf(out, "\" y=\"%d\" text-anchor=\"middle\">%c</text></g>\n",
		TOP - 14, event_letter(d->event));
	return x;
}

static void draw_events(const struct series *series, const struct scale *scale,
			FILE *out)
{
	double before = 0;
	int i;

	for (i = 0; i < series->nr_decisions; i++)
		if (in_picture(&series->decisions[i], scale))
			before = draw_event(series, i, scale, before, out);
}

static void draw_axes(const struct scale *scale, FILE *out)
{
	double span = (double)(scale->to_ms - scale->from_ms) / 1000;
	double value, step = decimal_step(span, 10);
	int i;

	for (value = 0; value <= scale->top; value += scale->step) {
		double y = place_y(scale, (int64_t)value << 20);

		fputs("<path class=\"grid\" d=\"", out);
		pair(out, "M", LEFT, y);
		fprintf(out, "H%d\"/><text class=\"small\" x=\"%d\" y=\"",
			WIDTH - RIGHT, LEFT - 8);
		number(out, y);
		fputs("\" dy=\"4\" text-anchor=\"end\">", out);
		number(out, value);
		fputs("</text>\n", out);
	}
	for (i = 0; i * step < span + step / 1000; i++) {
		double x = place_x(scale, scale->from_ms + (int64_t)(i * step * 1000));

		fputs("<path class=\"axis\" d=\"", out);
		pair(out, "M", x, HEIGHT - BOTTOM);
		fputs("v5\"/><text class=\"small\" x=\"", out);
		number(out, x);
		fprintf(out, "\" y=\"%d\" text-anchor=\"middle\">",
			HEIGHT - BOTTOM + 19);
		number(out, i * step);
		fputs("</text>\n", out);
	}
	fprintf(out, "<path class=\"axis\" d=\"M%d %dH%d\"/>\n", LEFT,
		HEIGHT - BOTTOM, WIDTH - RIGHT);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">seconds</text>\n",
		(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14);
	fprintf(out, "<text transform=\"rotate(-90 20 %d)\" x=\"20\" y=\"%d\" text-anchor=\"middle\">MiB</text>\n",
		(TOP + HEIGHT - BOTTOM) / 2, (TOP + HEIGHT - BOTTOM) / 2);
}

static bool occurs(const struct series *series, const struct scale *scale,
		   enum event event)
{
	int i;

	for (i = 0; i < series->nr_decisions; i++)
		if (series->decisions[i].event == event &&
		    in_picture(&series->decisions[i], scale))
			return true;
	return false;
}

/* What the letters of the ticks are, at the right end. */
static void draw_letters(const struct series *series, const struct scale *scale,
			 FILE *out)
{
	const char *comma = "";
	int event;

	fprintf(out, "<text class=\"small\" x=\"%d\" y=\"54\" text-anchor=\"end\">",
		WIDTH - RIGHT);
	for (event = 0; event < EVENT_OTHER; event++) {
		if (!occurs(series, scale, event))
			continue;
		fprintf(out, "%s%c %s", comma, event_letter(event),
			event_names[event]);
		comma = ", ";
	}
	fputs("</text>\n", out);
}

static void draw_legend(bool target, FILE *out)
{
	int layer, x = LEFT;

	for (layer = 0; layer < NR_LAYERS; layer++) {
		fprintf(out, "<rect class=\"layer %s\" x=\"%d\" y=\"42\" width=\"16\" height=\"14\"/><text x=\"%d\" y=\"54\">%s</text>\n",
			layer_names[layer], x, x + 22, layer_names[layer]);
		x += 46 + (int)strlen(layer_names[layer]) * 7;
	}
	if (target) {
		fprintf(out, "<path class=\"target\" d=\"M%d 50h28\"/><text x=\"%d\" y=\"54\">target</text>\n",
			x, x + 36);
		x += 96;
	}
	fprintf(out, "<rect class=\"holdoff\" x=\"%d\" y=\"42\" width=\"16\" height=\"14\"/><text x=\"%d\" y=\"54\">hold-off</text>\n",
		x, x + 22);
}

/* The series has at least one point. */
void svg_print(const struct series *series, FILE *out)
{
	const struct scale scale = scale_of(series);
	int i;

	fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"Memory of the guest\">\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	fputs("<!-- SPDX-License-Identifier: GPL-2.0-only -->\n", out);
	fputs(style, out);
	fprintf(out, "<text class=\"title\" x=\"%d\" y=\"26\">Memory of the guest",
		LEFT);
	if (*series->device) {
		fputs(", balloon ", out);
		escaped(out, series->device);
	}
	fputs("</text>\n", out);
	for (i = 0; i < NR_LAYERS; i++)
		draw_layer(series, &scale, i, out);
	draw_axes(&scale, out);
	draw_holdoffs(series, &scale, out);
	draw_target(series, &scale, out);
	draw_events(series, &scale, out);
	draw_legend(series->points[series->nr_points - 1].target != UNKNOWN,
		    out);
	draw_letters(series, &scale, out);
	fputs("</svg>\n", out);
}
