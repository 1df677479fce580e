/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A grid of characters to draw in. Every picture of the terminal is drawn
 * here first, and then printed, or put on the screen.
 */
#ifndef BALLOONCTL_CANVAS_H
#define BALLOONCTL_CANVAS_H

#include <stdbool.h>
#include <stdio.h>

#include "helpers.h"

#define CANVAS_WIDTH 80
#define CANVAS_HEIGHT 24

/* The colours have the meanings that they have in the SVG. */
enum ink {
	INK_PLAIN,
	INK_DIM,
	INK_USED,
	INK_CACHE,
	INK_BALLOON,
	INK_FREE,
	INK_TARGET,
	INK_ALARM,
	INK_NR
};

enum glyph {
	GLYPH_USED,
	GLYPH_CACHE,
	GLYPH_BALLOON,
	GLYPH_FREE,
	GLYPH_CARET,
	GLYPH_LINE,
	GLYPH_TICK,
	GLYPH_NR
};

struct cell {
	char text[5];		/* one character, in the terminal's encoding */
	unsigned char ink;
};

struct canvas {
	int height;
	struct cell cells[CANVAS_HEIGHT][CANVAS_WIDTH];
};

/* How this terminal wants to be written to. */
struct style {
	bool utf8;
	bool colour;
	int columns;		/* of a line; 0: any number */
};

struct style style_of(FILE *out, bool ascii);
void canvas_clear(struct canvas *c, int height);
void canvas_glyph(struct canvas *c, int x, int y, enum ink ink,
		  enum glyph glyph, const struct style *style);
void canvas_column(struct canvas *c, int x, int y, enum ink ink, int eighths,
		   const struct style *style);
int canvas_text(struct canvas *c, int x, int y, enum ink ink,
		const char *format, ...) PRINTF(5, 6);
void canvas_print(const struct canvas *c, FILE *out, const struct style *style);

#endif /* BALLOONCTL_CANVAS_H */
