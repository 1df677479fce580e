/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened: to the journal with its fields, or to standard error by hand. */
#ifndef LOG_H
#define LOG_H

#include <syslog.h>

/* `guest` may be NULL. */
__attribute__((format(printf, 3, 4)))
void say(int priority, const char *guest, const char *format, ...);

#endif
