/* SPDX-License-Identifier: GPL-2.0-only */
/* A guest made of a memfd, with a driver that can be as wrong as a test wants. */
#ifndef FAKE_H
#define FAKE_H

/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "memory.h"
#include "ring.h"

#define KIB		1024ull
#define MIB		(1024 * KIB)
#define FAKE_SIZE	8		/* of a ring */
#define FAKE_USER	0x700000000000ull
/* Two regions with a gap between them, of one file */
#define FAKE_LOW	MIB
#define FAKE_HIGH_AT	(4 * MIB)
#define FAKE_HIGH	(3 * MIB)
#define FAKE_TOTAL	(FAKE_LOW + FAKE_HIGH)

/* One ring's page; the driver's own view of it. */
struct fake_ring {
	struct ring_place place;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t seen;			/* of the used ring */
};

struct fake {
	int fd;
	uint8_t *low, *high;		/* mapped twice: here and in the device */
	struct memory_range ranges[2];
	unsigned int rings;
};

void fake_make(struct fake *fake);
void fake_free(struct fake *fake);
/* Two descriptors of the file, as a VMM sends them. */
void fake_fds(const struct fake *fake, int fds[2]);
void *fake_at(const struct fake *fake, uint64_t guest);
/* Bytes of guest memory that the host has to back. */
uint64_t fake_backed(const struct fake *fake);

void fake_ring(struct fake *fake, struct fake_ring *ring);
void fake_desc(struct vring_desc *desc, uint64_t addr, uint32_t len, uint16_t flags,
	       uint16_t next);
/* Make a head available. */
void fake_add(struct fake_ring *ring, uint16_t head);
/* The next used element; false if there is none. */
bool fake_get(struct fake_ring *ring, uint32_t *head, uint32_t *written);

/* The same numbers every time. */
uint64_t fake_random(void);

#endif
