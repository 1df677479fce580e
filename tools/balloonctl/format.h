/* SPDX-License-Identifier: GPL-2.0-only */
/* Numbers for people. */
#ifndef BALLOONCTL_FORMAT_H
#define BALLOONCTL_FORMAT_H

#include <stdint.h>

/* Each may be used up to eight times in one statement. */
const char *mib(int64_t bytes);
const char *seconds(int64_t ms);
const char *duration(int64_t ms);
const char *count_of(int64_t number, const char *what);

#endif /* BALLOONCTL_FORMAT_H */
