/* SPDX-License-Identifier: GPL-2.0-only */
/* A recording as an SVG file: the same recording gives the same bytes. */
#ifndef BALLOONCTL_SVG_H
#define BALLOONCTL_SVG_H

#include <stdio.h>

#include "series.h"

void svg_print(const struct series *series, FILE *out);

#endif /* BALLOONCTL_SVG_H */
