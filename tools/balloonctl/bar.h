/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's memory as one bar. */
#ifndef BALLOONCTL_BAR_H
#define BALLOONCTL_BAR_H

#include "canvas.h"
#include "model.h"

#define BAR_HEIGHT 3

int cell_of(int64_t bytes, int64_t total, int width);
void bar_draw(struct canvas *c, int y, const struct snapshot *s,
	      const struct style *style);

#endif /* BALLOONCTL_BAR_H */
