/* SPDX-License-Identifier: GPL-2.0-only */
/* The model over time: what is seen live, or read from a recording. */
#ifndef BALLOONCTL_SERIES_H
#define BALLOONCTL_SERIES_H

#include <stdio.h>

#include "model.h"

struct point {
	int64_t at_ms;
	struct memory memory;
	int64_t target, actual;	/* UNKNOWN unless the driver is ours */
};

struct series {
	struct point *points;
	int nr_points;
	struct decision *decisions;
	int nr_decisions;
	char device[24];
};

/* A stretch of time in which the balloon did not grow. */
struct window {
	int64_t from_ms, to_ms;
};

bool series_add(struct series *series, const struct snapshot *s);
bool series_read(struct series *series, FILE *file, const char *name);
void series_forget(struct series *series, int kept);
void series_free(struct series *series);
int series_last(const struct series *series, int64_t at_ms);
double series_stall(const struct series *series, int from, int to);
int64_t series_top(const struct series *series);
int series_windows(const struct series *series, struct window **windows);

#endif /* BALLOONCTL_SERIES_H */
