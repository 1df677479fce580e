/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model that the page store is compared with: where each page frame is,
 * and how many there are in each place.
 */
#ifndef STORE_MODEL_H
#define STORE_MODEL_H

#include "../unit.h"
#include "store.h"

/**
 * enum place - where a page frame is
 * @OUT: not in the store
 * @SINGLE: on the kernel's balloon list
 * @ISOLATED: compaction has it, or it has just come off that list
 * @FRAGMENT: a single page on the store's own list
 * @CHUNK: part of a chunk
 * @UNTOLD: a single page that the host forgot
 * @UNTOLD_CHUNK: part of a chunk that the host forgot
 */
enum place {
	OUT, SINGLE, ISOLATED, FRAGMENT, CHUNK, UNTOLD, UNTOLD_CHUNK, NR_PLACES
};

/**
 * struct frame - what is known of a page frame
 * @place: see enum place
 * @nid: the node on whose list it is
 * @stamp: see new_stamp()
 */
struct frame {
	unsigned char place;
	unsigned char nid;
	unsigned long stamp;
};

extern struct vb_store store;
extern struct frame frames[NR_PAGES];
extern long expected_events[NR_VM_EVENTS];

#define frame_of(page)	(&frames[(page) - mem_map])

void model_init(void);
long model_count(enum place place, int nid);
long model_in_store(void);
unsigned long new_stamp(void);
void model_move(struct page *page, enum place place, int nid);
void model_move_chunk(struct page *chunk, enum place place, int nid);
void model_never_below_none(void);
void model_compare(void);
void model_sweep(void);

#endif /* STORE_MODEL_H */
