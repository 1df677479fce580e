// SPDX-License-Identifier: GPL-2.0-only
/*
 * The books: whose is each 4 KiB page, as far as the device knows.
 *
 *	 guest --inflate seen--> inflating --acknowledged--> held
 *	   ^                                                  |
 *	   +--acknowledged-- deflating <----deflate seen------+
 *
 * Every other step is a violation and changes nothing. A page is painted when
 * the host has overwritten it; the paint must not change while the page is the
 * device's: from the inflate on, until the deflate is asked for (without
 * MUST_TELL_HOST) or acknowledged (with it). A page is reported from the answer
 * to a report on, until it is inflated.
 */
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "balloonsim.h"

enum {
	PAGE_GUEST,
	PAGE_INFLATING,
	PAGE_HELD,
	PAGE_DEFLATING,
	PAGE_STATE = 3,
	PAGE_PAINTED = 4,
	PAGE_REPORTED = 8,
};

int bsim_books_init(struct bsim *sim)
{
	sim->books.pages = bsim_host_pages();
	sim->books.state = vzalloc(sim->books.pages);
	return sim->books.state ? 0 : -ENOMEM;
}

void bsim_books_exit(struct bsim *sim)
{
	vfree(sim->books.state);
}

static u8 page_state(struct bsim *sim, u32 pfn)
{
	return sim->books.state[pfn] & PAGE_STATE;
}

static void set_page_state(struct bsim *sim, u32 pfn, u8 state)
{
	lockdep_assert_held(&sim->lock);
	sim->books.state[pfn] = (sim->books.state[pfn] & ~PAGE_STATE) | state;
}

static bool is_ram(struct bsim *sim, u32 pfn, const char *verb)
{
	if (pfn < sim->books.pages && bsim_host_is_ram(pfn))
		return true;

	bsim_violation(sim, "pfn-not-ram: %s of %#x", verb, pfn);
	return false;
}

static void set_painted(struct bsim *sim, u32 pfn, bool painted)
{
	u8 *state = &sim->books.state[pfn];

	lockdep_assert_held(&sim->lock);
	if (!(*state & PAGE_PAINTED) == !painted)
		return;
	*state ^= PAGE_PAINTED;
	sim->books.painted += painted ? 1 : -1;
}

/* An inflate of @pfn was asked for. False: it counts for nothing. */
bool bsim_books_inflate(struct bsim *sim, u32 pfn)
{
	if (!is_ram(sim, pfn, "inflate"))
		return false;

	switch (page_state(sim, pfn)) {
	case PAGE_INFLATING:
	case PAGE_HELD:
		bsim_violation(sim, "inflate-twice: pfn %#x", pfn);
		return false;
	case PAGE_DEFLATING:
		bsim_violation(sim, "inflate-in-deflate: pfn %#x, its deflate is in flight", pfn);
		return false;
	}

	set_page_state(sim, pfn, PAGE_INFLATING);
	if (sim->books.state[pfn] & PAGE_REPORTED)
		sim->books.inflated_reported++;
	sim->books.state[pfn] &= ~PAGE_REPORTED;
	sim->books.inflating++;
	return true;
}

void bsim_books_inflate_ack(struct bsim *sim, u32 pfn)
{
	set_page_state(sim, pfn, PAGE_HELD);
	sim->books.inflating--;
	sim->books.held++;
	sim->books.inflated++;
}

/* A deflate of @pfn was asked for. False: it counts for nothing. */
bool bsim_books_deflate(struct bsim *sim, u32 pfn)
{
	if (!is_ram(sim, pfn, "deflate"))
		return false;

	switch (page_state(sim, pfn)) {
	case PAGE_GUEST:
		bsim_violation(sim, "deflate-not-held: pfn %#x", pfn);
		return false;
	case PAGE_INFLATING:
		bsim_violation(sim, "deflate-unacked: pfn %#x, its inflate is in flight", pfn);
		return false;
	case PAGE_DEFLATING:
		bsim_violation(sim, "deflate-twice: pfn %#x", pfn);
		return false;
	}

	set_page_state(sim, pfn, PAGE_DEFLATING);
	if (!bsim_has(sim, VIRTIO_BALLOON_F_MUST_TELL_HOST))
		set_painted(sim, pfn, false);
	sim->books.held--;
	sim->books.deflating++;
	return true;
}

void bsim_books_deflate_ack(struct bsim *sim, u32 pfn)
{
	set_page_state(sim, pfn, PAGE_GUEST);
	set_painted(sim, pfn, false);
	sim->books.deflating--;
	sim->books.deflated++;
}

/* The driver said that @pfn is free, and was answered. */
void bsim_books_reported(struct bsim *sim, u64 pfn)
{
	lockdep_assert_held(&sim->lock);
	if (pfn < sim->books.pages)
		sim->books.state[pfn] |= PAGE_REPORTED;
}

/* May the guest not touch this page now? */
static bool is_owned(struct bsim *sim, u64 pfn)
{
	u8 state;

	if (pfn >= sim->books.pages)
		return false;

	state = page_state(sim, pfn);
	return state == PAGE_INFLATING || state == PAGE_HELD ||
	       (state == PAGE_DEFLATING && bsim_has(sim, VIRTIO_BALLOON_F_MUST_TELL_HOST));
}

/* Has the device not yet answered that @pfn is the guest's? */
bool bsim_books_listed(struct bsim *sim, u64 pfn)
{
	return pfn < sim->books.pages && page_state(sim, pfn) != PAGE_GUEST;
}

/* Overwrites pages whose inflate is in flight, as the host may from then on. */
void bsim_books_paint(struct bsim *sim, const u32 *pfns, unsigned int nr)
{
	unsigned long flags;
	unsigned int i;

	lockdep_assert_held(&sim->service);

	for (i = 0; i < nr; i++)
		if (pfns[i] != BSIM_PFN_IGNORED)
			bsim_host_paint(sim->setup.seed, pfns[i]);

	spin_lock_irqsave(&sim->lock, flags);
	for (i = 0; i < nr; i++)
		if (pfns[i] != BSIM_PFN_IGNORED)
			set_painted(sim, pfns[i], true);
	spin_unlock_irqrestore(&sim->lock, flags);
}

/*
 * The driver puts a deflate into the ring before it frees the page, and may
 * notify later. So a page whose paint has changed is only guilty if its deflate
 * is not in the ring either: read the ring, then look again.
 */
static void page_changed(struct bsim *sim, u32 pfn, unsigned int word, const char *when)
{
	unsigned long flags;
	bool guilty;

	spin_lock_irqsave(&sim->lock, flags);
	bsim_queue_fetch(&sim->queues[BSIM_DEFLATE]);
	guilty = (sim->books.state[pfn] & PAGE_PAINTED) && is_owned(sim, pfn);
	set_painted(sim, pfn, false);
	spin_unlock_irqrestore(&sim->lock, flags);

	if (guilty)
		bsim_violation(sim, "used-while-ballooned: pfn %#x changed at byte %zu, seen at %s",
			       pfn, word * sizeof(u64), when);
}

static bool check_page(struct bsim *sim, u32 pfn, const char *when)
{
	unsigned int word;

	if (!(READ_ONCE(sim->books.state[pfn]) & PAGE_PAINTED))
		return false;

	sim->books.scrubbed++;
	if (!bsim_host_painted(sim->setup.seed, pfn, &word))
		page_changed(sim, pfn, word, when);
	return true;
}

/* Is the paint on these pages what it was? */
void bsim_books_check(struct bsim *sim, const u32 *pfns, unsigned int nr, const char *when)
{
	unsigned int i;

	lockdep_assert_held(&sim->service);

	for (i = 0; i < nr; i++)
		if (pfns[i] != BSIM_PFN_IGNORED)
			check_page(sim, pfns[i], when);
}

/*
 * Checks up to @pages painted pages, going on where the last call ended. A call
 * that is not for all of them looks at a limited part of the books, too.
 */
void bsim_books_scrub(struct bsim *sim, u64 pages, const char *when)
{
	struct bsim_books *books = &sim->books;
	u64 looks = pages == BSIM_SCRUB_ALL ? books->pages : 256 * pages;

	lockdep_assert_held(&sim->service);

	for (; looks && pages && READ_ONCE(books->painted); looks--) {
		if (check_page(sim, books->scrub_cursor, when))
			pages--;
		if (++books->scrub_cursor >= books->pages)
			books->scrub_cursor = 0;
		if (!(looks & 0xfff))
			cond_resched();
	}
}

/* 2 MiB-aligned blocks that the device holds whole. Exact while nothing moves. */
u64 bsim_books_blocks(struct bsim *sim)
{
	u64 pfn, blocks = 0;
	u32 run = 0;

	for (pfn = 0; pfn < sim->books.pages; pfn++) {
		if (pfn % BSIM_BLOCK == 0)
			run = 0;
		run += page_state(sim, pfn) == PAGE_HELD;
		blocks += run == BSIM_BLOCK;
	}
	return blocks;
}

/* Pages held that the guest has marked as without content. */
u64 bsim_books_offline(struct bsim *sim)
{
	u64 pfn, nr = 0;

	for (pfn = 0; pfn < sim->books.pages; pfn++)
		nr += page_state(sim, pfn) == PAGE_HELD && bsim_host_is_offline(pfn);
	return nr;
}

/* After a reset the device holds nothing, whatever the driver had given it. */
void bsim_books_reset(struct bsim *sim)
{
	struct bsim_books *books = &sim->books;

	lockdep_assert_held(&sim->lock);

	books->held_at_reset = books->held + books->inflating;
	if (books->held_at_reset + books->deflating)
		memset(books->state, 0, books->pages);
	books->held = 0;
	books->inflating = 0;
	books->deflating = 0;
	books->painted = 0;
}
