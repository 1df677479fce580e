/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal as a screen: a canvas is put there, keys come from there. */
#ifndef BALLOONCTL_SCREEN_H
#define BALLOONCTL_SCREEN_H

#include "canvas.h"

bool screen_open(const struct style *style);
void screen_put(const struct canvas *c, int line, const char *keys, bool paused);
int screen_key(int timeout_ms);
void screen_close(void);

#endif /* BALLOONCTL_SCREEN_H */
