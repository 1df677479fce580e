/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memory was plugged in by a driver.
 */
#ifndef STORE_LINUX_IOPORT_H
#define STORE_LINUX_IOPORT_H

#include <linux/types.h>

#define IORESOURCE_SYSTEM_RAM			0x01000200
#define IORESOURCE_SYSRAM_DRIVER_MANAGED	0x02000000

enum { IORES_DESC_NONE };
enum { REGION_INTERSECTS, REGION_DISJOINT, REGION_MIXED };

int region_intersects(u64 start, u64 size, unsigned long flags,
		      unsigned long desc);

#endif /* STORE_LINUX_IOPORT_H */
