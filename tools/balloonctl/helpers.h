/* SPDX-License-Identifier: GPL-2.0-only */
/* What C lacks. */
#ifndef BALLOONCTL_HELPERS_H
#define BALLOONCTL_HELPERS_H

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* The compiler checks the arguments of functions with a format. */
#define PRINTF(text, first) __attribute__((format(printf, text, first)))

#endif /* BALLOONCTL_HELPERS_H */
