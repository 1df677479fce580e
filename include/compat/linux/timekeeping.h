/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/timekeeping.h>, which needs <linux/ktime.h> before it on 6.1.
 */
#ifndef COMPAT_LINUX_TIMEKEEPING_H
#define COMPAT_LINUX_TIMEKEEPING_H

#include <linux/ktime.h>
#include_next <linux/timekeeping.h>

#endif /* COMPAT_LINUX_TIMEKEEPING_H */
