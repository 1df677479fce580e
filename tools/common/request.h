/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests and answers as JSON objects: {"command": NAME, ...} is answered by
 * {"ok": true, ...} or {"ok": false, "error": WHY}.
 */
#ifndef REQUEST_H
#define REQUEST_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* Their numbers are those of linux/virtio_balloon_pressure.h. */
#define PRESSURE_LEVELS	4
extern const char * const pressure_levels[PRESSURE_LEVELS];

/* A whole number from `least` to `most`; a missing one is *value as it is. */
bool request_number(struct json_object *request, const char *name, uint64_t least, uint64_t most,
		    uint64_t *value);
/* The number of the level in "level", or -1. */
int request_level(struct json_object *request);
/* The text in a key, or "". */
const char *request_text(struct json_object *request, const char *name);
/* Are there no other keys than these? The list ends in NULL. */
bool request_has_only(struct json_object *request, const char * const *names);

struct json_object *answer_good(void);
struct json_object *answer_bad(const char *why);
void answer_add(struct json_object *answer, const char *name, uint64_t value);

#endif
