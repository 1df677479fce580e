// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compaction, which takes pages of the balloon away for a while, and exchanges
 * them for others, also for those of another zone or node.
 */
#include <linux/sched.h>

#include "hands.h"
#include "machine.h"
#include "ops.h"

static struct bag isolated;
static bool refuse;
static bool came_home;		/* since somebody waited last */

/**
 * compaction_init - it has no pages
 */
void compaction_init(void)
{
	isolated.nr = 0;
	came_home = false;
}

/**
 * isolate - compaction takes a page off the kernel's balloon list
 *
 * Return: false if it found none.
 */
bool isolate(void)
{
	unsigned int tries = 16;
	struct page *page;

	while (tries--) {
		page = &mem_map[below(NR_PAGES)];
		if (frame_of(page)->place != SINGLE || !balloon_isolate(page))
			continue;
		model_move(page, ISOLATED, frame_of(page)->nid);
		put(&isolated, page);
		return true;
	}
	return false;
}

/**
 * putback - compaction is done with a page, which comes home
 *
 * Return: false if it had none.
 */
bool putback(void)
{
	struct page *page = draw(&isolated);

	if (!page)
		return false;
	model_move(page, SINGLE, frame_of(page)->nid);
	balloon_putback(page);
	came_home = true;
	return true;
}

/**
 * migratepage - the driver's part of an exchange
 * @bdi: the kernel's balloon
 * @newpage: enters it
 * @page: leaves it
 * @mode: not used
 *
 * Return: 0, or -EAGAIN if the exchange is refused this time.
 */
int migratepage(struct balloon_dev_info *bdi, struct page *newpage,
		struct page *page, enum migrate_mode mode)
{
	struct vb_node *node = container_of(bdi, struct vb_node, bdi);

	(void)mode;
	never(node->store != &store);
	if (refuse)
		return -EAGAIN;
	vb_store_migrated(&store, page, newpage);
	return 0;
}

/**
 * migrate - compaction exchanges a page
 *
 * Return: false if there was none, or nothing in exchange, or it was refused.
 */
bool migrate(void)
{
	struct page *page = draw(&isolated), *newpage;

	if (!page)
		return false;
	newpage = alloc_page_of(&zones[below(NR_ZONES)]);
	refuse = !newpage || one_in(8);
	if (refuse) {
		if (newpage) {
			never(balloon_migrate(newpage, page) != -EAGAIN);
			put_page(newpage);
		}
		put(&isolated, page);
		return false;
	}
	model_move(newpage, SINGLE, frame_of(page)->nid);
	model_move(page, OUT, 0);
	expected_events[BALLOON_MIGRATE]++;
	never(balloon_migrate(newpage, page));
	never(!page->free);
	return true;
}

/*
 * Time passes for whoever waits for isolated pages. If there are none he waits
 * for ever, unless he just missed that one came home.
 */
long schedule_timeout_uninterruptible(long timeout)
{
	never(spinlocks_held || timeout < 1);
	never(!ops_offline);
	never(!putback() && !came_home);
	came_home = false;
	return 0;
}
