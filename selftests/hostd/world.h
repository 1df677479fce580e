/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A host and its guests, simulated: a step is a round of one second. Guests use
 * memory, inflate and deflate at a limited speed, and do what the driver does with
 * a hint. The policy sees nothing but the snapshot.
 */
#ifndef WORLD_H
#define WORLD_H

#include "host.h"

#define WORLD_GUESTS	8
#define WORLD_HINT_S	10		/* how long a hint holds */

struct world_guest {
	struct guest_view view;
	uint64_t used;			/* what it cannot be without */
	uint64_t surplus;		/* given beyond the target, because of a hint */
	uint64_t moved;			/* through its balloon, either way */
	uint64_t least;			/* memory that it ever had available */
	unsigned int hint_left;		/* seconds */
	unsigned int quiet;		/* seconds since its balloon moved */
};

struct world {
	const struct policy *policy;
	struct policy_options options;
	struct host_memory memory, last;
	struct host_view host;
	uint64_t others;		/* what the host uses beside guests */
	uint64_t speed;			/* of a balloon, bytes a second */
	unsigned int now;		/* seconds */
	unsigned int quiet;		/* seconds since a size or a target changed */
	size_t count;
	struct world_guest guests[WORLD_GUESTS];
};

void world_make(struct world *world, const struct policy *policy, size_t count, bool hints);
void world_round(struct world *world);
/* Until nothing has changed for 20 seconds; how long it took to come to rest. */
unsigned int world_settle(struct world *world, unsigned int most);
uint64_t world_moved(const struct world *world);

#endif
