// SPDX-License-Identifier: GPL-2.0-only
/* The guest's memory as one bar: used, cache, balloon, free; a caret at the target. */
#include "bar.h"
#include "format.h"

#define LEFT 1
#define WIDTH (CANVAS_WIDTH - 2)
#define NR_PARTS 4

static const struct {
	const char *name;
	enum ink ink;
	enum glyph glyph;
} parts[NR_PARTS] = {
	{ "used", INK_USED, GLYPH_USED },
	{ "cache", INK_CACHE, GLYPH_CACHE },
	{ "balloon", INK_BALLOON, GLYPH_BALLOON },
	{ "free", INK_FREE, GLYPH_FREE },
};

/* The cell that a size ends at, rounded; within the bar. */
int cell_of(int64_t bytes, int64_t total, int width)
{
	int64_t cell = total > 0 ? (bytes * width + total / 2) / total : 0;

	return cell < 0 ? 0 : cell > width ? width : (int)cell;
}

/* The caret stands under the last cell that the balloon would have at its target. */
static void draw_caret(struct canvas *c, int y, const struct snapshot *s,
		       const struct style *style)
{
	static const char word[] = "target";
	const struct memory *m = &s->memory;
	int64_t end = m->used + m->cache + selected(s)->target;
	int cell = cell_of(end, m->total, WIDTH);
	int x = LEFT + (cell ? cell - 1 : 0);

	canvas_glyph(c, x, y, INK_TARGET, GLYPH_CARET, style);
	if (cell > WIDTH / 2)
		x -= (int)sizeof(word);
	else
		x += 2;
	canvas_text(c, x, y, INK_TARGET, "%s", word);
}

/* Three lines: the bar, the caret, the legend. */
void bar_draw(struct canvas *c, int y, const struct snapshot *s,
	      const struct style *style)
{
	const struct memory *m = &s->memory;
	const int64_t sizes[NR_PARTS] = { m->used, m->cache, m->balloon, m->free };
	int part, end, x = LEFT, legend = LEFT;
	int64_t sum = 0;

	canvas_text(c, 0, y, INK_DIM, "[");
	for (part = 0; part < NR_PARTS; part++) {
		sum += sizes[part];
		end = LEFT + cell_of(sum, m->total, WIDTH);
		for (; x < end; x++)
			canvas_glyph(c, x, y, parts[part].ink,
				     parts[part].glyph, style);
		canvas_glyph(c, legend, y + 2, parts[part].ink,
			     parts[part].glyph, style);
		legend = canvas_text(c, legend + 2, y + 2, INK_PLAIN, "%s %s",
				     parts[part].name, mib(sizes[part])) + 2;
	}
	canvas_text(c, LEFT + WIDTH, y, INK_DIM, "]");
	if (selected(s) && selected(s)->ours)
		draw_caret(c, y + 1, s, style);
}
