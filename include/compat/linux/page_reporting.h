/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/page_reporting.h> with what 7.3 has.
 *
 * Supplies PAGE_REPORTING_ORDER_UNSPECIFIED. Where the kernel has it (7.2),
 * order 0 means pages of order 0; where not, order 0 means the kernel's choice.
 *
 * On every kernel, also on the newest: page_reporting_set_capacity().
 */
#ifndef COMPAT_LINUX_PAGE_REPORTING_H
#define COMPAT_LINUX_PAGE_REPORTING_H

#include <linux/errno.h>
#include_next <linux/page_reporting.h>

#ifndef PAGE_REPORTING_ORDER_UNSPECIFIED
#define PAGE_REPORTING_ORDER_UNSPECIFIED	0
#endif

/**
 * page_reporting_set_capacity() - say how many pages one report may hold
 * @prdev: not registered yet
 * @n: what the device can take at once
 *
 * Kernels before 7.2 have no such field and report up to
 * PAGE_REPORTING_CAPACITY pages at once, whatever the driver can take.
 *
 * Return: 0, or -ENOSPC if @prdev must not be registered.
 */
static inline int page_reporting_set_capacity(struct page_reporting_dev_info *prdev,
					      unsigned int n)
{
#ifdef COMPAT_HAVE_REPORTING_CAPACITY
	/* 0 would mean the default, which is the most. */
	if (!n)
		return -ENOSPC;
	prdev->capacity = n < PAGE_REPORTING_CAPACITY ? n : PAGE_REPORTING_CAPACITY;
	return 0;
#else
	return n < PAGE_REPORTING_CAPACITY ? -ENOSPC : 0;
#endif
}

#endif /* COMPAT_LINUX_PAGE_REPORTING_H */
