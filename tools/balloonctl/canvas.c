// SPDX-License-Identifier: GPL-2.0-only
/* A grid of characters, and how it is printed. */
#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "canvas.h"

static const struct {
	const char *utf8, *ascii;
} glyphs[GLYPH_NR] = {
	[GLYPH_USED] = { "█", "#" },
	[GLYPH_CACHE] = { "▓", "=" },
	[GLYPH_BALLOON] = { "░", "o" },
	[GLYPH_FREE] = { "·", "." },
	[GLYPH_CARET] = { "▲", "^" },
	[GLYPH_LINE] = { "─", "-" },
	[GLYPH_TICK] = { "│", "|" },
};

/* What a terminal is told: SGR parameters. */
static const char *const colours[INK_NR] = {
	[INK_DIM] = "2",
	[INK_USED] = "33",
	[INK_CACHE] = "32",
	[INK_BALLOON] = "34",
	[INK_FREE] = "2",
	[INK_TARGET] = "1",
	[INK_ALARM] = "31",
};

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* See no-color.org and bixense.com/clicolors. */
static bool colour_of(FILE *out)
{
	const char *term = getenv("TERM");

	if (is_set("NO_COLOR"))
		return false;
	return is_set("CLICOLOR_FORCE") ||
	       (isatty(fileno(out)) && term && strcmp(term, "dumb"));
}

/* Where it is no terminal, lines are as long as they are. */
static int columns_of(FILE *out)
{
	enum { LEAST = 40 };
	struct winsize size;
	int columns = 0;

	if (is_set("COLUMNS"))
		columns = atoi(getenv("COLUMNS"));
	else if (!ioctl(fileno(out), TIOCGWINSZ, &size))
		columns = size.ws_col;
	return columns < LEAST ? 0 : columns;
}

struct style style_of(FILE *out, bool ascii)
{
	return (struct style) {
		.utf8 = !ascii && !strcmp(nl_langinfo(CODESET), "UTF-8"),
		.colour = colour_of(out),
		.columns = columns_of(out),
	};
}

void canvas_clear(struct canvas *c, int height)
{
	int x, y;

	c->height = height;
	for (y = 0; y < CANVAS_HEIGHT; y++)
		for (x = 0; x < CANVAS_WIDTH; x++)
			c->cells[y][x] = (struct cell){ " ", INK_PLAIN };
}

static void put(struct canvas *c, int x, int y, enum ink ink, const char *text,
		size_t length)
{
	struct cell *cell;

	if (x < 0 || x >= CANVAS_WIDTH || y < 0 || y >= c->height)
		return;
	cell = &c->cells[y][x];
	memcpy(cell->text, text, length);
	cell->text[length] = '\0';
	cell->ink = ink;
}

void canvas_glyph(struct canvas *c, int x, int y, enum ink ink,
		  enum glyph glyph, const struct style *style)
{
	const char *text = style->utf8 ? glyphs[glyph].utf8 :
					 glyphs[glyph].ascii;

	put(c, x, y, ink, text, strlen(text));
}

/* A cell that is filled from below. */
void canvas_column(struct canvas *c, int x, int y, enum ink ink, int eighths,
		   const struct style *style)
{
	static const char *const parts[] = {
		" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"
	};
	const char *text = style->utf8 ? parts[eighths] :
			   !eighths ? " " : eighths < 4 ? "_" : "#";

	put(c, x, y, ink, text, strlen(text));
}

/* ASCII text; what does not fit is cut off. Returns the column behind it. */
int canvas_text(struct canvas *c, int x, int y, enum ink ink,
		const char *format, ...)
{
	char text[CANVAS_WIDTH + 1];
	const char *at;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (at = text; *at; at++)
		put(c, x++, y, ink, at, 1);
	return x;
}

static int width_of(const struct cell *line)
{
	int width = CANVAS_WIDTH;

	while (width && !strcmp(line[width - 1].text, " "))
		width--;
	return width;
}

static void print_line(const struct cell *line, FILE *out, bool colour)
{
	int x, width = width_of(line);
	const char *now = NULL;

	for (x = 0; x < width; x++) {
		const char *wanted = colour ? colours[line[x].ink] : NULL;

		if (wanted != now)
			fprintf(out, wanted ? "\033[0;%sm" : "\033[0m", wanted);
		now = wanted;
		fputs(line[x].text, out);
	}
	fputs(now ? "\033[0m\n" : "\n", out);
}

void canvas_print(const struct canvas *c, FILE *out, const struct style *style)
{
	int y;

	for (y = 0; y < c->height; y++)
		print_line(c->cells[y], out, style->colour);
}
