/* SPDX-License-Identifier: GPL-2.0-only */
/* One value of the config file: from text to where it belongs. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "config.h"

enum value_kind {
	VALUE_NUMBER,			/* uint64_t, from least to most */
	VALUE_TIME,			/* uint64_t of milliseconds: 10s, 500ms, 2min */
	VALUE_BYTES,			/* uint64_t: 512M */
	VALUE_AMOUNT,			/* struct amount: 512M or 25% */
	VALUE_TEXT,			/* char *, "" is NULL */
	VALUE_SOURCE,			/* uint64_t */
	VALUE_POLICY,			/* const struct policy * */
};

struct value_rule {
	enum value_kind kind;
	uint64_t least, most;		/* numbers, milliseconds, bytes */
};

/* NULL if it is good, else what would be. */
const char *value_parse(const struct value_rule *rule, const char *text, void *value);

#endif
