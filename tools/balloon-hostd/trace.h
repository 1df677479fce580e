/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots as JSON lines: what policies saw, kept to be asked again. A line is one
 * round: {"host": {...}, "guests": [{"name": ..., ...}, ...]}, all memory in bytes.
 */
#ifndef TRACE_H
#define TRACE_H

#include <json-c/json.h>
#include <stdio.h>

#include "config.h"

struct guest;

/* The guests are the snapshot's, in the same order. */
void trace_write(FILE *file, const struct snapshot *snapshot, const struct guest *guests);
/* What the config's policy would do in each round; the exit status. */
int trace_replay(const char *path, const struct config *config);

/* For the status, too. */
struct json_object *trace_host(const struct host_view *host);
struct json_object *trace_guest(const char *name, const struct guest_view *view);

#endif
