/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's balloon: single pages that compaction may isolate, and then puts
 * back or exchanges. See balloon.c.
 */
#ifndef STORE_LINUX_BALLOON_H
#define STORE_LINUX_BALLOON_H

#include <linux/mm.h>

enum migrate_mode { MIGRATE_ASYNC };

struct balloon_dev_info {
	unsigned long isolated_pages;
	struct list_head pages;
	int (*migratepage)(struct balloon_dev_info *bdi, struct page *newpage,
			   struct page *page, enum migrate_mode mode);
	bool adjust_managed_page_count;
};

void balloon_devinfo_init(struct balloon_dev_info *bdi);
size_t balloon_page_list_enqueue(struct balloon_dev_info *bdi,
				 struct list_head *pages);
size_t balloon_page_list_dequeue(struct balloon_dev_info *bdi,
				 struct list_head *pages, size_t nr);

static inline void balloon_node_pages_add(struct page *page, long nr)
{
	page_pgdat(page)->balloon_pages += nr;
}

#endif /* STORE_LINUX_BALLOON_H */
