// SPDX-License-Identifier: GPL-2.0-only
/* One value of the config file; see config_value.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config_value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };
static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { NULL, 0 },
};

static const struct unit bytes[] = {
	{ "", 1 }, { "K", 1024 }, { "M", MIB }, { "G", GIB }, { "T", 1024 * GIB }, { NULL, 0 },
};

static const struct unit percents[] = { { "%", 1 }, { NULL, 0 } };

const char * const source_names[SOURCES] = { "auto", "psi", "vmpressure", "meminfo" };

/* A whole number and one of the units right after it. */
static bool parse_number(const char *text, const struct unit *unit, uint64_t *number)
{
	unsigned long long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	while (unit->name && strcasecmp(unit->name, end))
		unit++;
	return !errno && unit->name && !__builtin_mul_overflow(value, unit->factor, number);
}

static const char *parse_amount(const struct value_rule *rule, const char *text,
				struct amount *amount)
{
	struct amount new = { 0 };

	if (parse_number(text, percents, &new.percent) ? new.percent > 100 :
	    !parse_number(text, bytes, &new.bytes) || new.bytes < rule->least ||
	    new.bytes > rule->most)
		return "memory such as 512M, or a part from 0% to 100%";
	*amount = new;
	return NULL;
}

static const char *parse_text(const struct value_rule *rule, const char *text, char **value)
{
	char *copy;

	if (strlen(text) > rule->most)
		return "something shorter";
	copy = *text ? strdup(text) : NULL;
	if (*text && !copy)
		return "less than what is left of memory";
	free(*value);
	*value = copy;
	return NULL;
}

static const char *parse_policy(const char *text, const struct policy **value)
{
	const struct policy *policy = policy_find(text);

	if (!policy)
		return "hint, proportional, equal, mom, fixed or static";
	*value = policy;
	return NULL;
}

static const char *parse_source(const char *text, uint64_t *value)
{
	for (uint64_t i = 0; i < SOURCES; i++) {
		if (!strcmp(text, source_names[i])) {
			*value = i;
			return NULL;
		}
	}
	return "auto, psi, vmpressure or meminfo";
}

static const char *parse_within(const struct value_rule *rule, const char *text,
				const struct unit *units, const char *what, uint64_t *value)
{
	uint64_t number;

	if (!parse_number(text, units, &number) || number < rule->least || number > rule->most)
		return what;
	*value = number;
	return NULL;
}

const char *value_parse(const struct value_rule *rule, const char *text, void *value)
{
	switch (rule->kind) {
	case VALUE_NUMBER:
		return parse_within(rule, text, plain, "a whole number within its limits", value);
	case VALUE_TIME:
		return parse_within(rule, text, times,
				    "a time such as 500ms, 10s or 2min, within its limits", value);
	case VALUE_BYTES:
		return parse_within(rule, text, bytes, "memory such as 512M", value);
	case VALUE_AMOUNT:
		return parse_amount(rule, text, value);
	case VALUE_TEXT:
		return parse_text(rule, text, value);
	case VALUE_SOURCE:
		return parse_source(text, value);
	case VALUE_POLICY:
		return parse_policy(text, value);
	}
	return "something else";
}
