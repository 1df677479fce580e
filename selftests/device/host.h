/* SPDX-License-Identifier: GPL-2.0-only */
/* The other side of a whole device: a VMM, a driver and a client. */
#ifndef HOST_H
#define HOST_H

#include "fake.h"
#include "protocol.h"

#define ALL	(F_BIT(VIRTIO_BALLOON_F_STATS_VQ) | F_BIT(VIRTIO_BALLOON_F_REPORTING) | \
		 F_BIT(VIRTIO_BALLOON_F_MUST_TELL_HOST) | F_BIT(VIRTIO_BALLOON_F_HOST_PRESSURE))
#define LISTS	(512 * KIB)	/* where the driver has its lists of pages */

extern struct device dev;
extern struct fake fake;
extern struct fake_ring rings[ROLES];
extern int vmm, kicks[ROLES], calls[ROLES], client;

void run(void);
void attach(void);
int make(void **state);
int destroy(void **state);
void send_message(uint32_t request, uint32_t flags, const void *data, uint32_t size, int *fds,
		  unsigned int count);
void send_u64(uint32_t request, uint64_t value);
void send_state(uint32_t request, uint32_t index, uint32_t num);
uint64_t receive_u64(void);
bool alive(void);
void start_ring(unsigned int index, uint16_t base);
void start_memory(void);
void start(void);
void stop(void);
void kick(unsigned int index);
void pages(enum role role, const uint32_t *pfns, unsigned int count);
void put_reply(uint32_t seq, uint32_t flags, uint64_t yielded);
void talk(const char *text, size_t size, char *answer, size_t room);
void open_control(void);

#endif
