/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the test has of the model's machine, beside the kernel's own interfaces
 * in include/linux: memory.c and balloon.c.
 */
#ifndef STORE_MACHINE_H
#define STORE_MACHINE_H

#include <linux/balloon.h>

/* The last block that alloc_pages() gave. */
extern struct page *last_block;
/* The kernel leaves PageOffline on what its balloon lets go of, since 6.17. */
extern bool marks_stick;

void memory_init(u64 *seed);
struct page *alloc_page_of(struct zone *zone);
bool pluggable(const struct page *block);

bool balloon_isolate(struct page *page);
void balloon_putback(struct page *page);
int balloon_migrate(struct page *newpage, struct page *page);

/* To be supplied by the test. */
void page_was_split(struct page *page);

#endif /* STORE_MACHINE_H */
