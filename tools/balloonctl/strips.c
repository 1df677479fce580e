// SPDX-License-Identifier: GPL-2.0-only
/*
 * Three strips on one time axis. The balloon comes from the top of memory, so
 * that what its target leaves to the guest is a line that only the host moves.
 */
#include <stdlib.h>
#include <string.h>

#include "bar.h"
#include "format.h"
#include "strips.h"

#define LEFT (CANVAS_WIDTH - STRIPS_COLUMNS)

enum {
	SIZES_TOP = 1,
	SIZES_ROWS = STRIPS_FREE_ROW - SIZES_TOP,
	STALL_TOP = STRIPS_FREE_ROW + 1,
	STALL_ROWS = 4,
	EVENTS_ROW = 19,
	HOLDOFF_ROW,
	AXIS_ROW,
	LEGEND_ROW,
	LAST_ROW,
};

/* Marks on the axis: one for so many columns. */
#define MARK_COLUMNS 14

struct axis {
	int64_t from_ms, to_ms;
};

/* In the order of their weight: the heaviest of a column is shown. */
static const struct {
	enum event event;
	char letter;
	const char *name;
} letters[] = {
	{ EVENT_OTHER, '?', "other" },
	{ EVENT_HOLDOFF_OVER, 'e', "hold-off end" },
	{ EVENT_SELF, 's', "self" },
	{ EVENT_DECAY, 'd', "decay" },
	{ EVENT_RETURN, 'r', "return" },
	{ EVENT_HINT, 'H', "hint" },
	{ EVENT_TARGET, 'T', "target" },
	{ EVENT_NEED, 'N', "need" },
	{ EVENT_THRASH, 'X', "thrash" },
	{ EVENT_OOM, 'O', "OOM" },
};

#define NR_LETTERS ARRAY_SIZE(letters)

static size_t weight_of(enum event event)
{
	size_t i;

	for (i = 0; i < NR_LETTERS; i++)
		if (letters[i].event == event)
			return i;
	return 0;
}

char event_letter(enum event event)
{
	return letters[weight_of(event)].letter;
}

/* The last moment of a column. */
static int64_t end_of(const struct axis *axis, int column)
{
	int64_t span = axis->to_ms - axis->from_ms;

	return axis->from_ms + span * (column + 1) / STRIPS_COLUMNS;
}

/* Where a moment is on the axis; -1 or STRIPS_COLUMNS if it is not on it. */
static int column_of(const struct axis *axis, int64_t at_ms)
{
	int64_t span = axis->to_ms - axis->from_ms;

	if (at_ms < axis->from_ms)
		return -1;
	if (at_ms >= axis->to_ms)
		return at_ms == axis->to_ms ? STRIPS_COLUMNS - 1 : STRIPS_COLUMNS;
	return (int)((at_ms - axis->from_ms) * STRIPS_COLUMNS / span);
}

static void draw_size(struct canvas *c, int x, const struct point *p,
		      int64_t top, const struct style *style)
{
	const struct memory *m = &p->memory;
	int used = cell_of(m->used, top, SIZES_ROWS);
	int cache = cell_of(m->used + m->cache, top, SIZES_ROWS);
	int balloon = cell_of(m->total - m->balloon, top, SIZES_ROWS);
	int row, bottom = SIZES_TOP + SIZES_ROWS - 1;

	for (row = 0; row < cell_of(m->total, top, SIZES_ROWS); row++) {
		if (row < used)
			canvas_glyph(c, x, bottom - row, INK_USED, GLYPH_USED,
				     style);
		else if (row < cache)
			canvas_glyph(c, x, bottom - row, INK_CACHE, GLYPH_CACHE,
				     style);
		else if (row < balloon)
			canvas_glyph(c, x, bottom - row, INK_FREE, GLYPH_FREE,
				     style);
		else
			canvas_glyph(c, x, bottom - row, INK_BALLOON,
				     GLYPH_BALLOON, style);
	}
	if (p->target == UNKNOWN)
		return;
	row = cell_of(m->total - p->target, top, SIZES_ROWS);
	if (row == SIZES_ROWS)
		row--;
	canvas_glyph(c, x, bottom - row, INK_TARGET, GLYPH_LINE, style);
}

static void draw_sizes(struct canvas *c, const struct series *series,
		       const struct axis *axis, const struct style *style)
{
	int64_t top = series_top(series);
	int column, i;

	canvas_text(c, 0, SIZES_TOP, INK_DIM, "%9s", mib(top));
	canvas_text(c, 0, SIZES_TOP + SIZES_ROWS - 1, INK_DIM, "%9s", "0");
	for (column = 0; column < STRIPS_COLUMNS; column++) {
		i = series_last(series, end_of(axis, column));
		if (i >= 0)
			draw_size(c, LEFT + column, &series->points[i], top,
				  style);
	}
}

static void draw_stalls(struct canvas *c, const struct series *series,
			const struct axis *axis, const struct style *style)
{
	int column, i, row, eighths, before = series_last(series, axis->from_ms);
	double stall = 0;

	canvas_text(c, 0, STALL_TOP, INK_DIM, "%9s", "100 %");
	canvas_text(c, 0, STALL_TOP + STALL_ROWS - 1, INK_DIM, "%9s", "stalls");
	for (column = 0; column < STRIPS_COLUMNS; column++) {
		i = series_last(series, end_of(axis, column));
		/* Between two points it stays what it was. */
		if (before >= 0 && i > before)
			stall = series_stall(series, before, i);
		/* What is there at all is to be seen. */
		eighths = (int)(stall * STALL_ROWS * 8 + 0.5);
		if (!eighths && stall > 0.001)
			eighths = 1;
		for (row = STALL_ROWS; row-- && eighths > 0; eighths -= 8)
			canvas_column(c, LEFT + column, STALL_TOP + row,
				      INK_ALARM, eighths < 8 ? eighths : 8,
				      style);
		if (i > before)
			before = i;
	}
}

static void draw_events(struct canvas *c, const struct series *series,
			const struct axis *axis)
{
	size_t weight, heaviest[STRIPS_COLUMNS] = { 0 };
	int i, column;

	canvas_text(c, 0, EVENTS_ROW, INK_DIM, "%9s", "events");
	for (i = 0; i < series->nr_decisions; i++) {
		const struct decision *d = &series->decisions[i];

		column = column_of(axis, d->at_ms);
		if (column < 0 || column >= STRIPS_COLUMNS)
			continue;
		weight = weight_of(d->event);
		if (weight < heaviest[column])
			continue;
		heaviest[column] = weight;
		canvas_text(c, LEFT + column, EVENTS_ROW,
			    d->event <= EVENT_OOM ? INK_ALARM : INK_PLAIN, "%c",
			    letters[weight].letter);
	}
}

static void draw_holdoffs(struct canvas *c, const struct series *series,
			  const struct axis *axis, const struct style *style)
{
	struct window *windows;
	int i, column, nr = series_windows(series, &windows);

	canvas_text(c, 0, HOLDOFF_ROW, INK_DIM, "%9s", "hold-off");
	for (i = 0; i < nr; i++) {
		int last = column_of(axis, windows[i].to_ms);

		column = column_of(axis, windows[i].from_ms);
		for (column = column < 0 ? 0 : column;
		     column <= last && column < STRIPS_COLUMNS; column++)
			canvas_glyph(c, LEFT + column, HOLDOFF_ROW, INK_ALARM,
				     GLYPH_LINE, style);
	}
	free(windows);
}

static void draw_axis(struct canvas *c, const struct axis *axis,
		      const struct style *style)
{
	int column;

	for (column = 0; column < STRIPS_COLUMNS; column += MARK_COLUMNS) {
		int64_t at_ms = end_of(axis, column - 1);

		canvas_glyph(c, LEFT + column, AXIS_ROW, INK_DIM, GLYPH_TICK,
			     style);
		/* Before that there was no guest. */
		if (at_ms >= 0)
			canvas_text(c, LEFT + column + 1, AXIS_ROW, INK_DIM,
				    "%.1f s", (double)at_ms / 1000);
	}
}

/* What the letters are that are on the axis, the heaviest first. */
static void draw_letters(struct canvas *c, const struct series *series,
			 const struct axis *axis, int x)
{
	bool there[NR_LETTERS] = { false };
	size_t weight;
	int i, column;

	for (i = 0; i < series->nr_decisions; i++) {
		column = column_of(axis, series->decisions[i].at_ms);
		if (column >= 0 && column < STRIPS_COLUMNS)
			there[weight_of(series->decisions[i].event)] = true;
	}
	for (weight = NR_LETTERS; weight--;) {
		int width = 2 + (int)strlen(letters[weight].name);

		if (there[weight] && x + width <= CANVAS_WIDTH)
			x = canvas_text(c, x, LEGEND_ROW, INK_DIM, "%c %s ",
					letters[weight].letter,
					letters[weight].name);
	}
}

static void draw_legend(struct canvas *c, const struct series *series,
			const struct axis *axis, const struct style *style)
{
	static const struct {
		enum ink ink;
		enum glyph glyph;
		const char *name;
	} parts[] = {
		{ INK_USED, GLYPH_USED, "used" },
		{ INK_CACHE, GLYPH_CACHE, "cache" },
		{ INK_FREE, GLYPH_FREE, "free" },
		{ INK_BALLOON, GLYPH_BALLOON, "balloon" },
		{ INK_TARGET, GLYPH_LINE, "target" },
	};
	size_t i;
	int x = 0;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		canvas_glyph(c, x, LEGEND_ROW, parts[i].ink, parts[i].glyph,
			     style);
		x = canvas_text(c, x + 2, LEGEND_ROW, INK_PLAIN, "%s",
				parts[i].name) + 1;
	}
	draw_letters(c, series, axis, x);
}

/* The latest that the driver said until then. */
static void draw_last(struct canvas *c, const struct series *series,
		      const struct axis *axis)
{
	int i = series->nr_decisions;

	while (i-- && series->decisions[i].at_ms > axis->to_ms)
		;
	if (i >= 0)
		canvas_text(c, 1, LAST_ROW, INK_PLAIN, "%s: %s",
			    seconds(series->decisions[i].at_ms),
			    series->decisions[i].text);
}

static void draw_title(struct canvas *c, const struct series *series,
		       const struct axis *axis)
{
	int x, i = series_last(series, axis->to_ms);
	const struct point *p;

	if (i < 0)
		return;
	p = &series->points[i];
	x = canvas_text(c, 1, 0, INK_PLAIN, "%s  %s",
			*series->device ? series->device : "no device",
			seconds(p->at_ms));
	x = canvas_text(c, x + 2, 0, INK_PLAIN, "balloon %s",
			mib(p->memory.balloon));
	if (p->target != UNKNOWN)
		x = canvas_text(c, x, 0, INK_PLAIN, " of %s", mib(p->target));
	canvas_text(c, x + 2, 0, INK_PLAIN, "available %s",
		    mib(p->memory.available));
}

/* What is known of the time from from_ms to to_ms, which is later. */
void strips_draw(struct canvas *c, const struct series *series, int64_t from_ms,
		 int64_t to_ms, const struct style *style)
{
	const struct axis axis = { from_ms, to_ms };

	canvas_clear(c, CANVAS_HEIGHT);
	draw_title(c, series, &axis);
	draw_sizes(c, series, &axis, style);
	draw_stalls(c, series, &axis, style);
	draw_events(c, series, &axis);
	draw_holdoffs(c, series, &axis, style);
	draw_axis(c, &axis, style);
	draw_legend(c, series, &axis, style);
	draw_last(c, series, &axis);
}
