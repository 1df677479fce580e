// SPDX-License-Identifier: GPL-2.0-only
/* The model over time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "series.h"

/* Makes room for one more; the array doubles at powers of two. */
static bool grow(void **array, int nr, size_t size)
{
	void *bigger;

	if (nr & (nr - 1))
		return true;
	bigger = realloc(*array, (nr ? 2 * (size_t)nr : 1) * size);
	if (bigger)
		*array = bigger;
	return bigger;
}

/*
 * A decision is known by its time and kind: when takings that follow each
 * other make one decision, its numbers grow from one look to the next.
 */
static bool add_decision(struct series *series, const struct decision *d)
{
	int i;

	for (i = series->nr_decisions; i--;) {
		struct decision *known = &series->decisions[i];

		if (known->at_ms == d->at_ms && known->event == d->event) {
			*known = *d;
			return true;
		}
	}
	if (!grow((void **)&series->decisions, series->nr_decisions, sizeof(*d)))
		return false;
	series->decisions[series->nr_decisions++] = *d;
	return true;
}

/* False when out of memory. A point that is older than the last is left out. */
bool series_add(struct series *series, const struct snapshot *s)
{
	const struct device *d = selected(s);
	bool ours = d && d->ours;
	int i;

	if (series->nr_points &&
	    series->points[series->nr_points - 1].at_ms >= s->at_ms)
		return true;
	if (!grow((void **)&series->points, series->nr_points,
		  sizeof(*series->points)))
		return false;
	series->points[series->nr_points++] = (struct point) {
		.at_ms = s->at_ms,
		.memory = s->memory,
		.target = ours ? d->target : UNKNOWN,
		.actual = ours ? d->actual : UNKNOWN,
	};
	if (d)
		snprintf(series->device, sizeof(series->device), "%s", d->name);
	for (i = 0; ours && i < d->nr_decisions; i++)
		if (!add_decision(series, &d->decisions[i]))
			return false;
	return true;
}

/* A recording, a snapshot a line. False, after a message, if it is none. */
bool series_read(struct series *series, FILE *file, const char *name)
{
	struct snapshot *s = malloc(sizeof(*s));
	char *line = NULL;
	size_t size = 0;
	int number = 0;
	bool good = s;

	while (good && getline(&line, &size, file) > 0) {
		number++;
		good = json_parse_snapshot(s, line) && series_add(series, s);
	}
	if (!good)
		fprintf(stderr, "balloonctl: %s:%d is no line of a recording\n",
			name, number);
	else if (!series->nr_points)
		fprintf(stderr, "balloonctl: %s is empty, no recording\n", name);
	free(line);
	free(s);
	return good && series->nr_points;
}

/* Keeps the latest points, and forgets the older half of twice as many. */
void series_forget(struct series *series, int kept)
{
	int old = series->nr_points - kept;

	if (series->nr_points < 2 * kept)
		return;
	memmove(series->points, series->points + old,
		(size_t)kept * sizeof(*series->points));
	series->nr_points = kept;
}

void series_free(struct series *series)
{
	free(series->points);
	free(series->decisions);
	memset(series, 0, sizeof(*series));
}

/* The index of the last point that is not after a time, or -1. */
int series_last(const struct series *series, int64_t at_ms)
{
	int i = series->nr_points;

	while (i-- && series->points[i].at_ms > at_ms)
		;
	return i;
}

/* What part of the time between two points tasks waited for memory; -1: not known. */
double series_stall(const struct series *series, int from, int to)
{
	const struct point *a = &series->points[from], *b = &series->points[to];
	double part;

	if (a->memory.stall_us == UNKNOWN || b->memory.stall_us == UNKNOWN ||
	    b->at_ms <= a->at_ms)
		return -1;
	part = (double)(b->memory.stall_us - a->memory.stall_us) /
	       (1000.0 * (double)(b->at_ms - a->at_ms));
	return part < 0 ? 0 : part > 1 ? 1 : part;
}

/* The largest size that a picture has to show. */
int64_t series_top(const struct series *series)
{
	int64_t top = 1 << 20;
	int i;

	for (i = 0; i < series->nr_points; i++) {
		const struct point *p = &series->points[i];

		if (p->memory.total > top)
			top = p->memory.total;
	}
	return top;
}

static bool is_release(enum event event)
{
	return event == EVENT_NEED || event == EVENT_THRASH ||
	       event == EVENT_OOM;
}

/*
 * The hold-offs: from a taking to its word that it is over, or, where that
 * has not come yet, for as long as the latest taking said.
 */
int series_windows(const struct series *series, struct window **windows)
{
	int i, nr = 0;
	bool open = false;

	*windows = calloc((size_t)series->nr_decisions + 1, sizeof(**windows));
	for (i = 0; *windows && i < series->nr_decisions; i++) {
		const struct decision *d = &series->decisions[i];

		if (is_release(d->event) && d->holdoff_ms) {
			if (!open)
				(*windows)[nr++].from_ms = d->at_ms;
			(*windows)[nr - 1].to_ms = d->at_ms + d->holdoff_ms;
			open = true;
		} else if (d->event == EVENT_HOLDOFF_OVER && open) {
			(*windows)[nr - 1].to_ms = d->at_ms;
			open = false;
		}
	}
	return *windows ? nr : 0;
}
