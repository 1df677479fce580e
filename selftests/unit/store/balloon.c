// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's balloon in the model: its list of single pages, and compaction
 * that takes pages off it for a while.
 */
#include <errno.h>
#include <linux/spinlock.h>

#include "machine.h"

bool marks_stick;

static spinlock_t balloon_pages_lock;

void balloon_devinfo_init(struct balloon_dev_info *bdi)
{
	bdi->isolated_pages = 0;
	INIT_LIST_HEAD(&bdi->pages);
	bdi->migratepage = NULL;
	bdi->adjust_managed_page_count = false;
}

static void insert(struct balloon_dev_info *bdi, struct page *page)
{
	never(page->refcount < 1 || page->order);
	__SetPageOffline(page);
	page->sticky = false;
	page->movable_ops = marks_stick;
	set_page_private(page, (unsigned long)bdi);
	list_add(&page->lru, &bdi->pages);
}

static void finalize(struct page *page)
{
	set_page_private(page, 0);
	if (marks_stick)
		page->sticky = true;
	else
		__ClearPageOffline(page);
}

static void lock(void)
{
	never(spinlocks_held);		/* it nests in none of the store's */
	spin_lock(&balloon_pages_lock);
}

size_t balloon_page_list_enqueue(struct balloon_dev_info *bdi,
				 struct list_head *pages)
{
	struct page *page, *next;
	size_t nr = 0;

	lock();
	list_for_each_entry_safe(page, next, pages, lru) {
		list_del(&page->lru);
		insert(bdi, page);
		if (bdi->adjust_managed_page_count)
			adjust_managed_page_count(page, -1);
		balloon_node_pages_add(page, 1);
		nr++;
	}
	count_vm_events(BALLOON_INFLATE, nr);
	spin_unlock(&balloon_pages_lock);
	return nr;
}

size_t balloon_page_list_dequeue(struct balloon_dev_info *bdi,
				 struct list_head *pages, size_t nr)
{
	struct page *page, *next;
	size_t taken = 0;

	lock();
	list_for_each_entry_safe(page, next, &bdi->pages, lru) {
		if (taken == nr)
			break;
		list_del(&page->lru);
		if (bdi->adjust_managed_page_count)
			adjust_managed_page_count(page, 1);
		finalize(page);
		list_add(&page->lru, pages);
		balloon_node_pages_add(page, -1);
		taken++;
	}
	count_vm_events(BALLOON_DEFLATE, taken);
	spin_unlock(&balloon_pages_lock);
	return taken;
}

/**
 * balloon_isolate - compaction takes a page off the balloon's list
 * @page: a single page that is in the balloon, or on its way into or out of it
 *
 * Return: false if it is not on that list, or no longer.
 */
bool balloon_isolate(struct page *page)
{
	struct balloon_dev_info *bdi = (void *)page->private;

	if (!bdi || !page->lru.next)
		return false;
	lock();
	list_del(&page->lru);
	bdi->isolated_pages++;
	spin_unlock(&balloon_pages_lock);
	return true;
}

/**
 * balloon_putback - an isolated page comes home
 * @page: the page
 */
void balloon_putback(struct page *page)
{
	struct balloon_dev_info *bdi = (void *)page->private;

	lock();
	list_add(&page->lru, &bdi->pages);
	bdi->isolated_pages--;
	spin_unlock(&balloon_pages_lock);
}

/**
 * balloon_migrate - an isolated page is exchanged
 * @newpage: takes its place
 * @page: is given up by the balloon
 *
 * Return: 0, or what the driver says.
 */
int balloon_migrate(struct page *newpage, struct page *page)
{
	struct balloon_dev_info *bdi = (void *)page->private;
	int err = bdi->migratepage(bdi, newpage, page, MIGRATE_ASYNC);

	if (err)
		return err;
	lock();
	get_page(newpage);
	insert(bdi, newpage);
	count_vm_events(BALLOON_MIGRATE, 1);
	bdi->isolated_pages--;
	finalize(page);
	spin_unlock(&balloon_pages_lock);
	put_page(page);
	put_page(newpage);
	return 0;
}
