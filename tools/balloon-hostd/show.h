/* SPDX-License-Identifier: GPL-2.0-only */
/* balloon-hostd status: what a running daemon knows, for people or for programs. */
#ifndef SHOW_H
#define SHOW_H

#include <stdbool.h>

/* The exit status. */
int show_status(const char *socket, bool json);

#endif
