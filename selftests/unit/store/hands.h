/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What has left the page store, and random choices.
 */
#ifndef STORE_HANDS_H
#define STORE_HANDS_H

#include "model.h"

struct bag {
	struct page *pages[NR_PAGES];
	unsigned long nr;
};

extern struct bag removed;	/* singles: to be put back, or freed */
extern struct bag forgotten;	/* singles: to be inserted, or freed */
extern struct bag chunks;	/* to be inserted, or freed */

void hands_init(u64 *seed);
u64 below(u64 limit);
bool one_in(unsigned int n);
unsigned long amount(void);
int any_node(void);
void put(struct bag *bag, struct page *page);
struct page *draw(struct bag *bag);
unsigned long draw_list(struct bag *bag, struct list_head *list,
			unsigned long nr);
unsigned long left(struct list_head *list, struct bag *bag);
void chunk_left(struct page *chunk, enum place from);
bool free_some(void);
void hands_empty(void);

#endif /* STORE_HANDS_H */
