/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tested files need of the kernel's header of this name, in userspace.
 */
#ifndef UNIT_LINUX_MATH64_H
#define UNIT_LINUX_MATH64_H

#include <linux/types.h>

/* The divisor has 32 bits, as in the kernel: a larger one must show here too. */
static inline s64 div_s64(s64 dividend, s32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_ul(u64 dividend, unsigned long divisor)
{
	return dividend / divisor;
}

#endif /* UNIT_LINUX_MATH64_H */
