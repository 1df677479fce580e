/* SPDX-License-Identifier: GPL-2.0-only */
/* What the doctor finds in a snapshot; it asks nothing else. */
#ifndef BALLOONCTL_FINDINGS_H
#define BALLOONCTL_FINDINGS_H

#include "helpers.h"
#include "model.h"

#define MAX_FINDINGS 32

enum severity {
	LEVEL_GOOD,
	LEVEL_INFO,		/* worth knowing, nothing to do */
	LEVEL_WARN,		/* works, but not as well as it could */
	LEVEL_BAD,		/* does not work */
	LEVEL_NR
};

struct finding {
	enum severity level;
	const char *id;		/* for programs; it stays the same */
	char what[400];
	char advice[400];	/* what to do; "" if nothing */
};

struct findings {
	struct finding list[MAX_FINDINGS];
	int nr;
};

struct finding *found(struct findings *f, enum severity level, const char *id,
		      const char *what, ...) PRINTF(4, 5);
void advise(struct finding *finding, const char *advice, ...) PRINTF(2, 3);

void find_driver(struct findings *f, const struct snapshot *s);
void find_device(struct findings *f, const struct snapshot *s);
void find_balloon(struct findings *f, const struct snapshot *s);
void find_system(struct findings *f, const struct snapshot *s);

#endif /* BALLOONCTL_FINDINGS_H */
