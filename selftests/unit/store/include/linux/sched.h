/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Time passes in the model when something sleeps.
 */
#ifndef STORE_LINUX_SCHED_H
#define STORE_LINUX_SCHED_H

#include <linux/bug.h>

void cond_resched(void);
long schedule_timeout_uninterruptible(long timeout);

#endif /* STORE_LINUX_SCHED_H */
