/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The books: which pages the driver has given us, and what it did wrong.
 *
 * They live in a file (or a memfd) that is mapped, so they outlive this
 * process; every change is one bit or one word.
 */
#ifndef BOOKS_H
#define BOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "memory.h"
#include "ring.h"

#define BOOKS_QUEUES		8
#define BOOKS_MESSAGES		64	/* the latest violations, as text */
#define BOOKS_MESSAGE_SIZE	120

enum violation {
	V_INFLATED_TWICE,	/* a page that is in the balloon already */
	V_NEVER_INFLATED,	/* deflated, but was not in the balloon */
	V_NO_PAGE,		/* a page number outside of the guest's memory */
	V_USED,			/* written while it was in the balloon */
	V_REPORTED,		/* reported as free while it was in the balloon */
	V_LENGTH,		/* a list of pages that is not made of page numbers */
	V_RING,			/* a ring or a descriptor that makes no sense */
	V_TWO_BUFFERS,		/* more than one buffer in a queue that has one */
	V_STATS,		/* statistics that are not made of statistics */
	V_PRESSURE,		/* a pressure buffer or reply against the rules */
	V_KINDS
};

/* What belongs to the descriptors of a connection; see keep.c. */
struct books_session {
	uint64_t features, protocol_features;
	uint32_t ranges;
	struct memory_range range[MEMORY_REGIONS];
	struct ring_place place[BOOKS_QUEUES];
	bool running[BOOKS_QUEUES];
};

/* What the file begins with. A bitmap of the pages follows at BOOKS_HEADER. */
struct books_header {
	uint64_t magic;
	uint32_t version;
	uint32_t hint_seq, hint_sent;	/* the newest, and the newest that the driver saw */
	uint64_t pages;			/* in the bitmap */
	uint64_t held;
	uint32_t target, actual, poison;	/* the device's configuration */
	uint16_t taken[BOOKS_QUEUES];	/* how far in each available ring the books go */
	uint64_t inflated, deflated, unknown;
	uint64_t violations[V_KINDS];
	struct books_session session;
};

struct books {
	struct books_header *header;
	uint64_t *bitmap;
	size_t map_size;
	int fd;
	bool unsure;			/* the balloon may hold pages that we never saw */
	uint64_t messages;
	char message[BOOKS_MESSAGES][BOOKS_MESSAGE_SIZE];
	void (*tell)(void *context, const char *message);
	void *context;
};

/* With a path the file is made or read, without it a memfd. 0 or -errno. */
int books_open(struct books *books, const char *path);
void books_close(struct books *books);
/* Have room for so many pages. 0 or -errno. */
int books_size(struct books *books, uint64_t pages);
/* The driver was reset: all its pages are its own again. */
void books_empty(struct books *books);

/* True if the page was not in the balloon, and now is. A replay is never wrong. */
bool books_inflate(struct books *books, uint64_t pfn, bool replay);
bool books_deflate(struct books *books, uint64_t pfn, bool replay);
bool books_held(const struct books *books, uint64_t pfn);
/* The first held page at or after `pfn`, and where the run of them ends; false if none. */
bool books_run(const struct books *books, uint64_t *pfn, uint64_t *end);

__attribute__((format(printf, 3, 4)))
void books_violation(struct books *books, enum violation kind, const char *format, ...);
uint64_t books_violations(const struct books *books);
/* A violation's name in JSON, as "inflated_twice". */
const char *violation_name(enum violation kind);

#endif
