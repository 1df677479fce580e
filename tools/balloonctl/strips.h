/* SPDX-License-Identifier: GPL-2.0-only */
/* Three strips on one time axis: sizes, pressure, events. */
#ifndef BALLOONCTL_STRIPS_H
#define BALLOONCTL_STRIPS_H

#include "canvas.h"
#include "series.h"

/* How many columns the time axis has. */
#define STRIPS_COLUMNS 70
/* A row that is left free. */
#define STRIPS_FREE_ROW 13

void strips_draw(struct canvas *c, const struct series *series, int64_t from_ms,
		 int64_t to_ms, const struct style *style);
char event_letter(enum event event);

#endif /* BALLOONCTL_STRIPS_H */
