/* SPDX-License-Identifier: GPL-2.0-only */
/* What other VMMs accept on their inflate queue, as data. */
#ifndef PROFILE_H
#define PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "release.h"

enum over {
	OVER_STALL,		/* never answered: the guest waits for ever */
	OVER_IGNORE,		/* answered, and nothing is done */
};

struct profile {
	const char *name;
	uint64_t features;	/* that it offers, unless told otherwise */
	uint32_t max_bytes;	/* of page numbers in one descriptor, 0: no limit */
	enum over over;		/* what it does with more */
	bool head_only;		/* the rest of a chain is not looked at, but answered */
	bool counts;		/* it keeps `actual` itself */
	enum merge merge;
	const char *limits;	/* in words, for --help */
};

const struct profile *profile_find(const char *name);
/* By number, for lists; NULL at the end. */
const struct profile *profile_number(unsigned int number);

#endif
