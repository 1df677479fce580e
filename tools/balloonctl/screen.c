// SPDX-License-Identifier: GPL-2.0-only
/* The terminal as a screen, by ncurses. */
#include <curses.h>
#include <stdlib.h>
#include <string.h>

#include "screen.h"

static struct screen *screen;
static chtype inks[INK_NR];

static void choose_inks(const struct style *style)
{
	static const struct {
		enum ink ink;
		short colour;
	} wanted[] = {
		{ INK_USED, COLOR_YELLOW }, { INK_CACHE, COLOR_GREEN },
		{ INK_BALLOON, COLOR_BLUE }, { INK_ALARM, COLOR_RED },
	};
	size_t i;

	inks[INK_DIM] = A_DIM;
	inks[INK_FREE] = A_DIM;
	inks[INK_TARGET] = A_BOLD;
	if (!style->colour || !has_colors())
		return;
	start_color();
	use_default_colors();
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		init_pair((short)(i + 1), wanted[i].colour, -1);
		inks[wanted[i].ink] = COLOR_PAIR(i + 1);
	}
}

/* False, after a message, if this terminal is not known. */
bool screen_open(const struct style *style)
{
	screen = newterm(NULL, stdout, stdin);
	if (!screen) {
		fprintf(stderr, "balloonctl: the terminal \"%s\" is not known; set TERM, or print frames: watch --count 1 | cat\n",
			getenv("TERM") ? getenv("TERM") : "");
		return false;
	}
	set_term(screen);
	cbreak();
	noecho();
	curs_set(0);
	choose_inks(style);
	return true;
}

/* What the keys do stands at the right end of a line that the picture leaves free. */
void screen_put(const struct canvas *c, int line, const char *keys, bool paused)
{
	int x, y;

	erase();
	for (y = 0; y < c->height; y++)
		for (x = 0; x < CANVAS_WIDTH; x++) {
			attrset((int)inks[c->cells[y][x].ink]);
			mvaddstr(y, x, c->cells[y][x].text);
		}
	attrset(paused ? A_REVERSE : A_DIM);
	mvaddstr(line, CANVAS_WIDTH - (int)strlen(keys), keys);
	refresh();
}

/* A key, or ERR when none came in time. */
int screen_key(int timeout_ms)
{
	timeout(timeout_ms);
	return getch();
}

void screen_close(void)
{
	endwin();
	delscreen(screen);
}
