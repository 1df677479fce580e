/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A lock that notes that it is held. There is one thread: to find it taken is a
 * deadlock. Where it is let go, another processor may come in between.
 */
#ifndef STORE_LINUX_SPINLOCK_H
#define STORE_LINUX_SPINLOCK_H

#include <linux/bug.h>
#include <linux/types.h>

typedef struct {
	bool held;
} spinlock_t;

#define DEFINE_SPINLOCK(name)	spinlock_t name

extern unsigned int spinlocks_held;
void other_processors(void);

static inline void spin_lock_init(spinlock_t *lock)
{
	lock->held = false;
}

static inline void spin_lock(spinlock_t *lock)
{
	never(lock->held);
	lock->held = true;
	spinlocks_held++;
}

static inline void spin_unlock(spinlock_t *lock)
{
	never(!lock->held);
	lock->held = false;
	spinlocks_held--;
	other_processors();
}

#endif /* STORE_LINUX_SPINLOCK_H */
