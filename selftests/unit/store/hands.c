// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hands of the driver: what has left the page store, and goes back into it
 * or to the guest.
 */
#include "hands.h"

struct bag removed, forgotten, chunks;

static u64 *random_state;

/**
 * hands_init - nobody has any page
 * @seed: what is random follows from it
 */
void hands_init(u64 *seed)
{
	random_state = seed;
	removed.nr = 0;
	forgotten.nr = 0;
	chunks.nr = 0;
}

/**
 * below - a random number
 * @limit: what it is smaller than
 *
 * Return: the number.
 */
u64 below(u64 limit)
{
	return rnd(random_state) % limit;
}

/**
 * one_in - true once in a while
 * @n: one time in so many
 *
 * Return: is it that time?
 */
bool one_in(unsigned int n)
{
	return !below(n);
}

/**
 * amount - a number of pages
 *
 * Return: few as a rule, sometimes more than a chunk has.
 */
unsigned long amount(void)
{
	if (one_in(32))
		return 1 + below(2 * VB_CHUNK_PAGES);
	return 1 + below(one_in(8) ? 64 : 8);
}

/**
 * any_node - for operations that take a node
 *
 * Return: one, or NUMA_NO_NODE.
 */
int any_node(void)
{
	return (int)below(NR_NODES + 1) - 1;
}

/**
 * put - put a page into a bag
 * @bag: the bag
 * @page: the page
 */
void put(struct bag *bag, struct page *page)
{
	bag->pages[bag->nr++] = page;
}

/**
 * draw - take a random page out of a bag
 * @bag: the bag
 *
 * Return: the page or NULL.
 */
struct page *draw(struct bag *bag)
{
	unsigned long at;
	struct page *page;

	if (!bag->nr)
		return NULL;
	at = below(bag->nr);
	page = bag->pages[at];
	bag->pages[at] = bag->pages[--bag->nr];
	return page;
}

/**
 * draw_list - take random pages out of a bag
 * @bag: the bag
 * @list: receives them
 * @nr: how many at most
 *
 * Return: how many.
 */
unsigned long draw_list(struct bag *bag, struct list_head *list,
			unsigned long nr)
{
	struct page *page;
	unsigned long i;

	for (i = 0; i < nr; i++) {
		page = draw(bag);
		if (!page)
			break;
		list_add(&page->lru, list);
	}
	return i;
}

/**
 * left - single pages left the store
 * @list: the pages; emptied
 * @bag: receives them
 *
 * Return: how many.
 */
unsigned long left(struct list_head *list, struct bag *bag)
{
	struct page *page, *next;
	unsigned long nr = 0;

	list_for_each_entry_safe(page, next, list, lru) {
		never(page->offline && !page->sticky);
		never(page->private);
		list_del(&page->lru);
		model_move(page, OUT, 0);
		put(bag, page);
		nr++;
	}
	expected_events[BALLOON_DEFLATE] += nr;
	return nr;
}

/**
 * chunk_left - a chunk left the store
 * @chunk: the chunk
 * @from: where it was
 */
void chunk_left(struct page *chunk, enum place from)
{
	long i;

	never((chunk - mem_map) % VB_CHUNK_PAGES);
	for (i = 0; i < VB_CHUNK_PAGES; i++) {
		never(frame_of(chunk + i)->place != from);
		never(chunk[i].offline);
	}
	never(chunk->lru.next);
	model_move_chunk(chunk, OUT, 0);
	expected_events[BALLOON_DEFLATE] += VB_CHUNK_PAGES;
	put(&chunks, chunk);
}

/**
 * free_some - give some of what left the store back to the guest
 *
 * Return: false if there was none.
 */
bool free_some(void)
{
	struct bag *bag = one_in(3) ? &chunks : one_in(2) ? &removed :
							    &forgotten;
	/* All now and then, so that not all memory ends up here. */
	unsigned long nr = one_in(8) ? NR_PAGES : amount();
	LIST_HEAD(list);

	nr = draw_list(bag, &list, nr);
	if (bag == &chunks)
		never(vb_chunks_free(&list) != nr * VB_CHUNK_PAGES);
	else
		never(vb_pages_free(&list) != nr);
	never(!list_empty(&list));
	return nr;
}

/**
 * hands_empty - give all that left the store back to the guest
 */
void hands_empty(void)
{
	LIST_HEAD(singles);
	LIST_HEAD(blocks);

	draw_list(&removed, &singles, NR_PAGES);
	draw_list(&forgotten, &singles, NR_PAGES);
	draw_list(&chunks, &blocks, NR_BLOCKS);
	vb_pages_free(&singles);
	vb_chunks_free(&blocks);
}
