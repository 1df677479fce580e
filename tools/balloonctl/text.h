/* SPDX-License-Identifier: GPL-2.0-only */
/* Sentences that end their lines between words. */
#ifndef BALLOONCTL_TEXT_H
#define BALLOONCTL_TEXT_H

#include "canvas.h"

void print_sentence(const struct style *style, int column, int hang,
		    const char *format, ...) PRINTF(4, 5);

#endif /* BALLOONCTL_TEXT_H */
