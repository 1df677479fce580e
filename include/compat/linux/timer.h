/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/timer.h> with what 7.3 has.
 *
 * Supplies timer_delete_sync() (since 6.2 and 6.1.84).
 */
#ifndef COMPAT_LINUX_TIMER_H
#define COMPAT_LINUX_TIMER_H

#include_next <linux/timer.h>

#ifndef COMPAT_HAVE_TIMER_DELETE_SYNC
#define timer_delete_sync(timer)	del_timer_sync(timer)
#endif

#endif /* COMPAT_LINUX_TIMER_H */
