/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's own memory: how much there is, and how much is lacking. */
#ifndef HOST_H
#define HOST_H

#include "policy.h"

struct host_memory {
	uint64_t total;			/* or the cgroup's limit, if that is less */
	uint64_t available;
	uint64_t soon;			/* available when guests have done what is asked now */
	uint64_t swapped_out;		/* bytes since the host was started */
	/* The last resorts of the kernel: shown, and left alone. */
	uint64_t swap_used;
	uint64_t ksm_saved;
};

/* Fills in all, or returns a negative errno. `cgroup` is a folder, or NULL. */
int host_read(struct host_memory *memory, const char *cgroup);

/*
 * Fills in `soon`: in the time until then as much goes as went since the last round. But
 * no more than half of the reserve: what goes at once, for a new guest, goes once.
 */
void host_foresee(struct host_memory *now, const struct host_memory *last, uint64_t reserve);

/* By what will be available alone: the last half and the last quarter of the reserve are worse. */
enum level host_level(const struct host_memory *memory, uint64_t reserve);

/* The next round's view; `view` has the last one's, and the reserve. */
void host_estimate(struct host_view *view, const struct host_memory *now,
		   const struct host_memory *last, enum level level);

#endif
