/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What store.h needs of the kernel's header of this name.
 */
#ifndef STORE_LINUX_BITS_H
#define STORE_LINUX_BITS_H

#define BIT(nr)			(1UL << (nr))

#endif /* STORE_LINUX_BITS_H */
