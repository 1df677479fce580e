/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/mmzone.h> with what 7.3 has.
 *
 * Supplies MAX_PAGE_ORDER (since 6.8): the largest order that the page
 * allocator serves. Before, MAX_ORDER was that order or one more (6.4 changed
 * it), while MAX_ORDER_NR_PAGES has always been the size of the largest block.
 * Not for #if.
 */
#ifndef COMPAT_LINUX_MMZONE_H
#define COMPAT_LINUX_MMZONE_H

#include_next <linux/mmzone.h>

#ifndef MAX_PAGE_ORDER
#include <linux/log2.h>
#define MAX_PAGE_ORDER	ilog2(MAX_ORDER_NR_PAGES)
#endif

#endif /* COMPAT_LINUX_MMZONE_H */
