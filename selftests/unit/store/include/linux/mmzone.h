/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's machine: nodes, and the zones that their memory is divided into.
 */
#ifndef STORE_LINUX_MMZONE_H
#define STORE_LINUX_MMZONE_H

#include <linux/types.h>

#define NR_NODES		2
#define NR_ZONES		6

struct pglist_data {
	long balloon_pages;		/* NR_BALLOON_PAGES */
};

struct zone {
	unsigned int nid;
	bool movable;
	long managed;
	unsigned long free;
	unsigned long high_wmark;
};

enum zone_stat_item { NR_FREE_PAGES };

extern struct pglist_data nodes[NR_NODES];
extern struct zone zones[NR_ZONES];

static inline unsigned long zone_managed_pages(const struct zone *zone)
{
	return zone->managed;
}

static inline unsigned long high_wmark_pages(const struct zone *zone)
{
	return zone->high_wmark;
}

unsigned long zone_page_state(const struct zone *zone,
			      enum zone_stat_item item);
unsigned long totalram_pages(void);

#endif /* STORE_LINUX_MMZONE_H */
