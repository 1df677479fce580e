/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that need not be atomic, because the model has one thread. After each
 * change of one another processor may come in between.
 */
#ifndef STORE_LINUX_ATOMIC_H
#define STORE_LINUX_ATOMIC_H

#include <linux/spinlock.h>

typedef struct {
	long counter;
} atomic_long_t;

static inline long atomic_long_read(const atomic_long_t *v)
{
	return v->counter;
}

static inline void atomic_long_add(long i, atomic_long_t *v)
{
	v->counter += i;
	other_processors();
}

static inline void atomic_long_sub(long i, atomic_long_t *v)
{
	atomic_long_add(-i, v);
}

#endif /* STORE_LINUX_ATOMIC_H */
