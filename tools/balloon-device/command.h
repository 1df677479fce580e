/* SPDX-License-Identifier: GPL-2.0-only */
/* What a client can ask for, apart from how it is connected. */
#ifndef COMMAND_H
#define COMMAND_H

#include "device.h"

struct command_result {
	struct json_object *answer;	/* NULL: none yet */
	bool events;			/* in and out: the client wants events */
	bool wait_for_stats;		/* the answer is command_stats(), when they come */
};

/* `request` is NULL if it was no JSON; then `error` says why. */
void command_run(struct device *dev, struct json_object *request, const char *error,
		 struct command_result *result);
struct json_object *command_stats(struct device *dev);

#endif
