// SPDX-License-Identifier: GPL-2.0-only
/*
 * A table says where each page frame is. All that the store and the kernel
 * count must follow from it.
 */
#include <linux/nodemask.h>
#include <string.h>

#include "machine.h"
#include "model.h"

struct vb_store store;
struct frame frames[NR_PAGES];
long expected_events[NR_VM_EVENTS];

static long counts[NR_PLACES][NR_NODES];
/* Frames in the store, by what they are and not by whose list they are on. */
static long in_zone[NR_ZONES];

/**
 * model_init - nothing is in the store
 */
void model_init(void)
{
	memset(frames, 0, sizeof(frames));
	memset(counts, 0, sizeof(counts));
	memset(in_zone, 0, sizeof(in_zone));
	memset(expected_events, 0, sizeof(expected_events));
}

/**
 * model_count - how many frames are in a place
 * @place: the place
 * @nid: on the lists of this node, or NUMA_NO_NODE
 *
 * Return: the number.
 */
long model_count(enum place place, int nid)
{
	return nid == NUMA_NO_NODE ? counts[place][0] + counts[place][1] :
				     counts[place][nid];
}

/**
 * model_in_store - how many frames the store has
 *
 * Return: the number.
 */
long model_in_store(void)
{
	long sum = 0;
	int place;

	for (place = OUT + 1; place < NR_PLACES; place++)
		sum += model_count(place, NUMA_NO_NODE);
	return sum;
}

/**
 * new_stamp - a number to mark frames with
 *
 * Return: one that no frame has.
 */
unsigned long new_stamp(void)
{
	static unsigned long last;

	return ++last;
}

/**
 * model_move - a frame goes to another place
 * @page: the frame
 * @place: the place
 * @nid: the node on whose list it is now
 */
void model_move(struct page *page, enum place place, int nid)
{
	struct frame *f = frame_of(page);

	if (f->place != OUT) {
		counts[f->place][f->nid]--;
		in_zone[page_zonenum(page)]--;
	}
	f->place = place;
	f->nid = nid;
	if (place != OUT) {
		counts[place][nid]++;
		in_zone[page_zonenum(page)]++;
	}
}

/**
 * model_move_chunk - all frames of a chunk go to another place
 * @chunk: the first one
 * @place: the place
 * @nid: the node on whose list it is now
 */
void model_move_chunk(struct page *chunk, enum place place, int nid)
{
	long i;

	for (i = 0; i < VB_CHUNK_PAGES; i++)
		model_move(chunk + i, place, nid);
}

static void same(long got, long expected, const char *what, long which)
{
	if (got != expected)
		broken("%s %ld: %ld, not %ld", what, which, got, expected);
}

/**
 * model_never_below_none - what must hold of the counts at any time
 *
 * In the midst of operations they may be ahead of the pages, as seen from
 * another processor, but never behind.
 */
void model_never_below_none(void)
{
	int i;

	never(vb_store_pages(&store) < 0);
	never(atomic_long_read(&store.nr_untold) < 0);
	for (i = 0; i < NR_NODES; i++)
		never(vb_store_node_pages(&store, i) < 0);
}

/**
 * model_compare - do all counts say what the table says?
 */
void model_compare(void)
{
	long untold = model_count(UNTOLD, NUMA_NO_NODE) +
		      model_count(UNTOLD_CHUNK, NUMA_NO_NODE);
	long in_node[NR_NODES] = {};
	int i;

	same(vb_store_pages(&store), model_in_store(), "pages of store", 0);
	same(atomic_long_read(&store.nr_untold), untold, "untold of store", 0);
	for (i = 0; i < NR_ZONES; i++) {
		long taken = store.adjust_managed ? in_zone[i] : 0;

		same(zones[i].managed, ZONE_PAGES - taken,
		     "managed pages of zone", i);
		in_node[zones[i].nid] += in_zone[i];
	}
	for (i = 0; i < NR_NODES; i++) {
		same(vb_store_node_pages(&store, i),
		     counts[SINGLE][i] + counts[ISOLATED][i] +
		     counts[FRAGMENT][i] + counts[CHUNK][i] +
		     counts[UNTOLD][i] + counts[UNTOLD_CHUNK][i],
		     "pages of node", i);
		same(nodes[i].balloon_pages, in_node[i],
		     "NR_BALLOON_PAGES of node", i);
		same(store.nodes[i].bdi.isolated_pages, counts[ISOLATED][i],
		     "isolated pages of node", i);
	}
	for (i = 0; i < NR_VM_EVENTS; i++)
		same(vm_events[i], expected_events[i], "vm event", i);
	never(spinlocks_held);
}

/* Each page on a list must be in that place, and the list must have them all. */
static void sweep_list(struct list_head *list, enum place place, int nid,
		       unsigned long step)
{
	unsigned long stamp = new_stamp();
	struct page *page;
	long nr = 0;

	list_for_each_entry(page, list, lru) {
		struct frame *f = frame_of(page);

		same(f->place, place, "place of frame", page - mem_map);
		same(f->nid, nid, "node of frame", page - mem_map);
		never(f->stamp == stamp);
		f->stamp = stamp;
		nr += step;
	}
	same(nr, model_count(place, nid), "pages in place", place);
}

static void sweep_frame(const struct page *page)
{
	const struct frame *f = frame_of(page);
	bool first = (page - mem_map) % VB_CHUNK_PAGES == 0;

	switch (f->place) {
	case OUT:
		never(page->offline && !page->sticky);
		never(page->free && page->offline);
		return;
	case CHUNK:
	case UNTOLD_CHUNK:
		never(page->refcount != (first ? 1 : 0));
		never(page->order != (first ? VB_CHUNK_ORDER : 0));
		break;
	default:
		never(page->refcount != 1 || page->order);
	}
	never(page->free || !page->offline);
	never(page->sticky && !page->movable_ops);
}

/**
 * model_sweep - is every frame where the table says?
 */
void model_sweep(void)
{
	unsigned long i;

	for (i = 0; i < NR_NODES; i++) {
		struct vb_node *node = &store.nodes[i];

		sweep_list(&node->bdi.pages, SINGLE, i, 1);
		sweep_list(&node->fragments, FRAGMENT, i, 1);
		sweep_list(&node->chunks, CHUNK, i, VB_CHUNK_PAGES);
		sweep_list(&node->untold, UNTOLD, i, 1);
		sweep_list(&node->untold_chunks, UNTOLD_CHUNK, i,
			   VB_CHUNK_PAGES);
	}
	for (i = 0; i < NR_PAGES; i++)
		sweep_frame(&mem_map[i]);
}
