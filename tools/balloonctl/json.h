/* SPDX-License-Identifier: GPL-2.0-only */
/* The model as JSON, and back. */
#ifndef BALLOONCTL_JSON_H
#define BALLOONCTL_JSON_H

#include <json-c/json.h>
#include <stdio.h>

#include "model.h"

struct json_object *json_snapshot(const struct snapshot *s);
struct json_object *json_decision(const struct decision *d);
bool json_parse_snapshot(struct snapshot *s, const char *text);
void json_print(struct json_object *object, FILE *out, bool pretty);

#endif /* BALLOONCTL_JSON_H */
