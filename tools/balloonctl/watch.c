// SPDX-License-Identifier: GPL-2.0-only
/*
 * balloonctl watch: the strips, live or from a recording. On a terminal they
 * are a screen; otherwise each frame is printed as text.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "screen.h"
#include "series.h"
#include "strips.h"

/* More than fit on the screen; older ones are forgotten. */
#define KEPT_POINTS 4096

struct watch {
	const struct options *o;
	struct style style;
	struct series series;
	int64_t at_ms;		/* the end of the time axis */
	int64_t end_ms;		/* of the recording */
	int frames;
	bool tty;
	bool paused;
};

static bool read_recording(struct watch *w)
{
	FILE *file = fopen(w->o->replay, "re");
	bool good;

	if (!file) {
		fail("%s: %s", w->o->replay, strerror(errno));
		return false;
	}
	good = series_read(&w->series, file, w->o->replay);
	fclose(file);
	if (!good)
		return false;
	w->at_ms = w->series.points[0].at_ms;
	w->end_ms = w->series.points[w->series.nr_points - 1].at_ms;
	return true;
}

/* Goes on by an interval; false at the end, or after a message. */
static bool advance(struct watch *w)
{
	static struct snapshot s;

	if (w->o->replay) {
		if (w->frames)
			w->at_ms += (int64_t)(w->o->interval * w->o->speed * 1000);
		if (w->at_ms > w->end_ms)
			w->at_ms = w->end_ms;
		return true;
	}
	if (!get_snapshot(&s, w->o) || !series_add(&w->series, &s))
		return false;
	series_forget(&w->series, KEPT_POINTS);
	w->at_ms = s.at_ms;
	return true;
}

static void show(struct watch *w)
{
	double span = w->o->interval * w->o->speed * STRIPS_COLUMNS * 1000;
	struct canvas canvas;

	strips_draw(&canvas, &w->series, w->at_ms - (int64_t)span, w->at_ms,
		    &w->style);
	if (w->tty)
		screen_put(&canvas, STRIPS_FREE_ROW, w->paused ?
			   "paused; SPACE goes on, q quits" :
			   "SPACE pauses, q quits", w->paused);
	else
		canvas_print(&canvas, stdout, &w->style);
	w->frames++;
}

static bool at_end(const struct watch *w)
{
	if (w->o->count && w->frames >= w->o->count)
		return true;
	return !w->tty && w->o->replay && w->at_ms >= w->end_ms;
}

/* Until the interval is over; false when the user wants to quit. */
static bool wait_for_next(struct watch *w)
{
	int key, ms = (int)(w->o->interval * 1000);

	if (!w->tty) {
		usleep((useconds_t)ms * 1000);
		return true;
	}
	do {
		key = screen_key(w->paused ? -1 : ms);
		if (key == ' ')
			w->paused = !w->paused;
		if (key == 'q')
			return false;
		if (key == ' ')
			show(w);
	} while (w->paused);
	return true;
}

int cmd_watch(const struct options *o)
{
	struct watch w = {
		.o = o,
		.style = style_of(stdout, o->ascii),
		.tty = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO),
	};
	int code = EXIT_BAD;

	if (o->replay && !read_recording(&w))
		goto out;
	if (w.tty && !screen_open(&w.style))
		goto out;
	while (advance(&w)) {
		code = EXIT_GOOD;
		show(&w);
		if (at_end(&w) || !wait_for_next(&w))
			break;
	}
	if (w.tty)
		screen_close();
out:
	series_free(&w.series);
	return code;
}
