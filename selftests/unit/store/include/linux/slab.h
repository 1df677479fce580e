/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Allocation of the driver's own memory, from that of the test program.
 */
#ifndef STORE_LINUX_SLAB_H
#define STORE_LINUX_SLAB_H

#include <linux/mm.h>

extern bool kcalloc_fails;

void *kcalloc(size_t n, size_t size, gfp_t gfp);
void kfree(const void *ptr);

#endif /* STORE_LINUX_SLAB_H */
