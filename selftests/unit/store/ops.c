// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations on the page store, each with what the model expects of it.
 *
 * What goes in is in the model's table before the call, and what comes out is
 * there until after it: so the table is right for those, too, who come in
 * between on another processor. If any did, an operation's own results are less
 * certain; the counts have to be right all the same when it is over.
 */
#include <linux/nodemask.h>

#include "hands.h"
#include "machine.h"
#include "ops.h"

/* One in so many gaps is used by another processor; 0: none. */
static unsigned int busy_processors;

static bool nested;		/* another processor's operation runs */
static bool disturbed;		/* another one came in between */
static unsigned int removing;	/* operations that may split a chunk */
static long splits;

bool ops_offline;
unsigned long ops_done[NR_OPS], ops_disturbed, ops_splits;
const char *ops_current = "", *ops_nested = "";

/* ---- into the store ---- */

static unsigned int zones_of(struct list_head *list)
{
	unsigned int seen = 0;
	struct page *page;

	list_for_each_entry(page, list, lru)
		seen |= 1u << page_zonenum(page);
	return __builtin_popcount(seen);
}

static void new_pages(struct list_head *list, unsigned long nr)
{
	struct zone *zone = one_in(2) ? &zones[below(NR_ZONES)] : NULL;

	while (nr--) {
		struct page *page;

		page = alloc_page_of(zone ? zone : &zones[below(NR_ZONES)]);
		if (page)
			list_add(&page->lru, list);
	}
}

static bool insert(void)
{
	unsigned int nr_zones;
	unsigned long nr = 0;
	struct page *page;
	LIST_HEAD(list);

	if (one_in(2) || !draw_list(&forgotten, &list, amount()))
		new_pages(&list, amount());
	list_for_each_entry(page, &list, lru) {
		model_move(page, SINGLE, page_to_nid(page));
		nr++;
	}
	expected_events[BALLOON_INFLATE] += nr;
	nr_zones = store.adjust_managed ? zones_of(&list) : 0;
	managed_adjustments = 0;
	vb_store_insert(&store, &list);
	never(!list_empty(&list));
	/* More than four are collected in several goes. */
	never(!disturbed && nr_zones <= 4 && managed_adjustments != nr_zones);
	return nr;
}

/* One that the zone can spare, and that may stay where it is. */
static struct page *new_chunk(void)
{
	unsigned long reserve = one_in(2) ? below(NR_PAGES / 2) : 0;
	struct page *chunk = vb_chunk_alloc(reserve);
	unsigned long share;
	struct zone *zone;
	bool spared;

	if (!last_block)
		return NULL;
	zone = page_zone(last_block);
	share = reserve * zone->managed / (totalram_pages() + 1);
	/* Without it, if it was given back. */
	spared = zone->free - (chunk ? 0 : VB_CHUNK_PAGES) >=
		 zone->high_wmark + share;
	never(chunk && (chunk != last_block || zone->movable));
	never(!chunk && !last_block->free);
	never(!chunk == (spared && !pluggable(last_block)));
	return chunk;
}

static bool insert_chunk(void)
{
	struct page *chunk = one_in(2) ? draw(&chunks) : NULL;

	if (!chunk)
		chunk = new_chunk();
	if (!chunk)
		return false;
	set_page_private(chunk, below(3));	/* messages that name it */
	model_move_chunk(chunk, CHUNK, page_to_nid(chunk));
	expected_events[BALLOON_INFLATE] += VB_CHUNK_PAGES;
	vb_store_insert_chunk(&store, chunk);
	return true;
}

/* ---- out of the store ---- */

void page_was_split(struct page *page)
{
	never(!removing);
	never(frame_of(page)->place != CHUNK);
	model_move_chunk(page, FRAGMENT, frame_of(page)->nid);
	splits++;
	ops_splits++;
}

/* Return: how many were removed; they are in the bag. */
static unsigned long remove_from(unsigned long nr, int nid)
{
	long singles = model_count(SINGLE, nid) + model_count(FRAGMENT, nid);
	long all = singles + model_count(CHUNK, nid), taken;
	struct page *page;
	LIST_HEAD(list);

	splits = 0;
	removing++;
	taken = vb_store_remove(&store, &list, nr, nid);
	removing--;
	list_for_each_entry(page, &list, lru) {
		const struct frame *f = frame_of(page);

		never(f->place != SINGLE && f->place != FRAGMENT);
		never(nid != NUMA_NO_NODE && f->nid != nid);
	}
	never(left(&list, &removed) != (unsigned long)taken);
	never(taken > (long)nr);
	if (!disturbed) {
		/* Only when there was nothing else, and no more than needed. */
		long more = taken > singles ? taken - singles : 0;

		never(taken != ((long)nr < all ? (long)nr : all));
		never(splits != (more + VB_CHUNK_PAGES - 1) / VB_CHUNK_PAGES);
	}
	return taken;
}

static bool remove_singles(void)
{
	return remove_from(amount(), any_node());
}

static bool remove_chunk(void)
{
	int nid = any_node();
	bool some = model_count(CHUNK, nid);
	struct page *chunk = vb_store_remove_chunk(&store, nid);

	never(!disturbed && some == !chunk);
	if (!chunk)
		return false;
	never(nid != NUMA_NO_NODE && frame_of(chunk)->nid != nid);
	chunk_left(chunk, CHUNK);
	return true;
}

/* What was removed in vain goes to the kernel's list, where it can be moved. */
static bool put_back(void)
{
	struct page *page;
	LIST_HEAD(list);
	long nr;

	nr = draw_list(&removed, &list, amount());
	list_for_each_entry(page, &list, lru)
		model_move(page, SINGLE, page_to_nid(page));
	expected_events[BALLOON_INFLATE] += nr;
	vb_store_insert(&store, &list);
	never(!list_empty(&list));
	return nr;
}

/* Sort out what remove_range() gave. */
static long range_left(struct list_head *list, struct list_head *singles,
		       unsigned long start, unsigned long nr)
{
	struct page *page, *next;
	long sum = 0;

	list_for_each_entry(page, singles, lru) {
		never(frame_of(page)->place != FRAGMENT);
		never(page_to_pfn(page) - start >= nr);
	}
	list_for_each_entry_safe(page, next, list, lru) {
		never(page_to_pfn(page) - start >= nr);
		list_del(&page->lru);
		chunk_left(page, CHUNK);
		sum += VB_CHUNK_PAGES;
	}
	return sum + left(singles, &removed);
}

static bool remove_range(void)
{
	unsigned long block = below(NR_BLOCKS), first = block * BLOCK_PAGES;
	unsigned long i, nr = BLOCK_PAGES, start = FIRST_PFN + first;
	long expected = 0, taken;
	LIST_HEAD(singles);
	LIST_HEAD(list);

	while (!one_in(3) && first + nr < NR_PAGES &&
	       page_to_nid(&mem_map[first + nr]) == page_to_nid(&mem_map[first]))
		nr += BLOCK_PAGES;
	for (i = first; i < first + nr; i++)
		expected += frames[i].place == CHUNK ||
			    frames[i].place == FRAGMENT;
	vb_store_remove_range(&store, start, nr, &list, &singles);
	taken = range_left(&list, &singles, start, nr);
	never(!disturbed && taken != expected);
	return taken;
}

/*
 * The host does not know of them, so they are simply free. Nobody comes in
 * between, who might get a frame before the table knows that it is free.
 */
static bool drop_range(void)
{
	unsigned long first = below(NR_BLOCKS) * BLOCK_PAGES, i;
	bool some = false;

	nested = true;
	vb_store_drop_range(&store, FIRST_PFN + first, BLOCK_PAGES);
	nested = false;
	for (i = first; i < first + BLOCK_PAGES; i++) {
		enum place place = frames[i].place;

		if (place != UNTOLD && place != UNTOLD_CHUNK)
			continue;
		never(!mem_map[i].free);
		model_move(&mem_map[i], OUT, 0);
		expected_events[BALLOON_DEFLATE]++;
		some = true;
	}
	return some;
}

/* ---- told and untold ---- */

static bool take_untold(void)
{
	int nid = any_node();
	long all = model_count(UNTOLD, nid);
	unsigned long nr = amount(), taken;
	struct page *page;
	LIST_HEAD(list);

	taken = vb_store_take_untold(&store, &list, nr, nid);
	/* In the midst of forgetting the table is behind. */
	list_for_each_entry(page, &list, lru) {
		enum place place = frame_of(page)->place;

		never(place == OUT || (place != UNTOLD && !ops_offline));
		never(nid != NUMA_NO_NODE && page_to_nid(page) != nid);
	}
	never(left(&list, &forgotten) != taken);
	never(taken > nr);
	never(!disturbed && (long)taken != ((long)nr < all ? (long)nr : all));
	return taken;
}

static bool take_untold_chunk(void)
{
	int nid = any_node();
	bool some = model_count(UNTOLD_CHUNK, nid);
	struct page *chunk = vb_store_take_untold_chunk(&store, nid);

	never(!disturbed && some == !chunk);
	never(chunk && nid != NUMA_NO_NODE && page_to_nid(chunk) != nid);
	if (chunk)
		chunk_left(chunk, ops_offline && frame_of(chunk)->place == CHUNK ?
				  CHUNK : UNTOLD_CHUNK);
	return chunk;
}

/* All frames leave the store and come in again. */
static long told_again(void)
{
	long told = model_in_store() - model_count(UNTOLD, NUMA_NO_NODE) -
		    model_count(UNTOLD_CHUNK, NUMA_NO_NODE);

	expected_events[BALLOON_DEFLATE] += told;
	expected_events[BALLOON_INFLATE] += told;
	return told;
}

static bool forget_told(void)
{
	long told = told_again();
	unsigned long i;

	ops_offline = true;
	vb_store_forget_told(&store);
	ops_offline = false;
	never(model_count(ISOLATED, NUMA_NO_NODE));
	for (i = 0; i < NR_PAGES; i++) {
		struct frame *f = &frames[i];
		bool whole = f->place == CHUNK || f->place == UNTOLD_CHUNK;

		if (f->place != OUT)
			model_move(&mem_map[i], whole ? UNTOLD_CHUNK : UNTOLD,
				   page_to_nid(&mem_map[i]));
	}
	return told;
}

static bool empty(void)
{
	unsigned long i;
	long nr = model_in_store();

	told_again();
	ops_offline = true;
	vb_store_empty(&store);
	ops_offline = false;
	never(model_count(ISOLATED, NUMA_NO_NODE));
	for (i = 0; i < NR_PAGES; i++) {
		if (frames[i].place == OUT)
			continue;
		never(!mem_map[i].free);
		model_move(&mem_map[i], OUT, 0);
		expected_events[BALLOON_DEFLATE]++;
	}
	return nr;
}

const struct op ops[NR_OPS] = {
	{ "empty",		empty,		     1, -1, false, false },
	{ "insert",		insert,		  1200,  1, true,  false },
	{ "insert_chunk",	insert_chunk,	   400,  1, true,  false },
	{ "remove",		remove_singles,	  1200, -1, true,  false },
	{ "remove_chunk",	remove_chunk,	   200, -1, true,  false },
	{ "remove_range",	remove_range,	   200, -1, true,  false },
	{ "drop_range",		drop_range,	    40, -1, false, false },
	{ "put_back",		put_back,	   600,  1, true,  false },
	{ "take_untold",	take_untold,	   600, -1, true,  true },
	{ "take_untold_chunk",	take_untold_chunk, 100, -1, true,  true },
	{ "forget_told",	forget_told,	     3,  0, false, false },
	{ "isolate",		isolate,	   600,  0, true,  true },
	{ "putback",		putback,	   200,  0, true,  true },
	{ "migrate",		migrate,	   300,  0, true,  false },
	{ "free",		free_some,	   800,  0, true,  true },
};

/**
 * other_processors - where another processor may come in between, if no lock is held
 */
void other_processors(void)
{
	const struct op *op;

	if (nested || spinlocks_held || !busy_processors ||
	    !one_in(busy_processors))
		return;
	op = &ops[below(NR_OPS)];
	if (!op->other || (ops_offline && !op->offline))
		return;
	nested = true;
	disturbed = true;
	ops_nested = op->name;
	if (op->run())
		ops_done[op - ops]++;
	model_never_below_none();
	nested = false;
}

/**
 * ops_init - nobody has any page
 * @seed: what is random follows from it
 * @busy: another processor comes in between at one in so many gaps; 0: never
 */
void ops_init(u64 *seed, unsigned int busy)
{
	hands_init(seed);
	compaction_init();
	busy_processors = busy;
}

/**
 * ops_run - do one operation
 * @op: the operation
 */
void ops_run(const struct op *op)
{
	disturbed = false;
	ops_current = op->name;
	ops_nested = "";
	if (op->run())
		ops_done[op - ops]++;
	ops_disturbed += disturbed;
	model_compare();
}

/**
 * ops_finish - the other processors stop, and the guest gets all back
 */
void ops_finish(void)
{
	ops_run(&ops[0]);		/* empty */
	busy_processors = 0;
	hands_empty();
}
