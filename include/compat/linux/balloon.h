/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/balloon.h> for kernels before 7.0, which have <linux/balloon_compaction.h>.
 *
 * Supplies: struct balloon_dev_info, and balloon_devinfo_init(),
 * balloon_page_list_enqueue() and balloon_page_list_dequeue() on it;
 * migratepage() with the meaning it has since 7.0, where the core moves the
 * pages on its lists and the driver only talks to the host;
 * CONFIG_BALLOON_MIGRATION. There are no functions for single pages.
 *
 * Before 6.17: page_has_movable_ops(), as far as the balloon asks.
 *
 * On every kernel, also on the newest: balloon_node_pages_add().
 *
 * balloon_page_delete() became balloon_page_finalize() in 6.17, and in 6.1.160
 * and 6.12.64: Kbuild.include probes for it.
 */
#ifndef COMPAT_LINUX_BALLOON_H
#define COMPAT_LINUX_BALLOON_H

#include <linux/mm.h>
#include <linux/vmstat.h>

#ifdef COMPAT_HAVE_BALLOON_H
#include_next <linux/balloon.h>
#else

#include <linux/spinlock.h>

/*
 * The header below defines the older struct and functions on it. They keep
 * working under another name, inside the newer struct.
 */
#include <linux/pagemap.h>
#include <linux/page-flags.h>
#include <linux/migrate.h>
#include <linux/gfp.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/list.h>
#define balloon_dev_info	compat_balloon_core
#define balloon_devinfo_init	compat_balloon_core_init
#include <linux/balloon_compaction.h>
#undef balloon_dev_info
#undef balloon_devinfo_init

#if defined(CONFIG_BALLOON_COMPACTION) && !defined(CONFIG_BALLOON_MIGRATION)
#define CONFIG_BALLOON_MIGRATION 1
#endif

struct balloon_dev_info {
	struct compat_balloon_core core;
	int (*migratepage)(struct balloon_dev_info *b_dev_info,
			   struct page *newpage, struct page *page,
			   enum migrate_mode mode);
	bool adjust_managed_page_count;
};

#ifdef CONFIG_BALLOON_COMPACTION
/* The core no longer knows @page, which is about to be freed. */
static inline void compat_balloon_forget(struct page *page)
{
#ifdef COMPAT_HAVE_BALLOON_PAGE_FINALIZE
	balloon_page_finalize(page);
#else
	/* Leaves the list alone, because the page is still isolated. */
	balloon_page_delete(page);
#endif
}

/*
 * The core calls this with both pages locked and @page isolated. The driver
 * answers 0 (@newpage is in the balloon and @page is not), -ENOENT (@page is
 * out and @newpage did not get in) or another error (nothing happened).
 */
static inline int compat_balloon_migratepage(struct compat_balloon_core *core,
					     struct page *newpage,
					     struct page *page,
					     enum migrate_mode mode)
{
	struct balloon_dev_info *b_dev_info =
		container_of(core, struct balloon_dev_info, core);
	unsigned long flags;
	int rc;

	rc = b_dev_info->migratepage(b_dev_info, newpage, page, mode);
	if (rc < 0 && rc != -ENOENT)
		return rc;

	if (!rc)
		get_page(newpage);	/* the balloon's reference */

	spin_lock_irqsave(&core->pages_lock, flags);
	if (!rc) {
		balloon_page_insert(core, newpage);
		__count_vm_event(BALLOON_MIGRATE);
	} else {
		__count_vm_event(BALLOON_DEFLATE);
	}
	core->isolated_pages--;
	spin_unlock_irqrestore(&core->pages_lock, flags);

	compat_balloon_forget(page);
	put_page(page);			/* the balloon's reference */

	return 0;
}
#endif /* CONFIG_BALLOON_COMPACTION */

static inline void balloon_devinfo_init(struct balloon_dev_info *b_dev_info)
{
	compat_balloon_core_init(&b_dev_info->core);
#ifdef CONFIG_BALLOON_COMPACTION
	b_dev_info->core.migratepage = compat_balloon_migratepage;
#endif
	b_dev_info->migratepage = NULL;
	b_dev_info->adjust_managed_page_count = false;
}

/*
 * The core takes it for a bug when a page is locked that enters the balloon.
 * A page that was in it before still looks movable to a compaction that scans,
 * which may take a reference and the lock for a moment, until it sees better.
 */
static inline void compat_balloon_let_go(struct list_head *pages)
{
	struct page *page;

	list_for_each_entry(page, pages, lru) {
		page->mapping = NULL;
		/* Who saw the old mapping holds a reference. */
		smp_mb();
		while (page_count(page) != 1)
			cond_resched();
	}
}

static inline size_t
compat_balloon_list_enqueue(struct balloon_dev_info *b_dev_info,
			    struct list_head *pages)
{
	compat_balloon_let_go(pages);
	return balloon_page_list_enqueue(&b_dev_info->core, pages);
}

/* A macro is not expanded inside itself, so these call the kernel's functions. */
#define balloon_page_list_enqueue(b, list) \
	compat_balloon_list_enqueue(b, list)
#define balloon_page_list_dequeue(b, list, n) \
	balloon_page_list_dequeue(&(b)->core, list, n)

#endif /* !COMPAT_HAVE_BALLOON_H */

#ifndef COMPAT_HAVE_PAGE_HAS_MOVABLE_OPS
/* A page that leaves the kernel's balloon is not marked any more. */
static inline bool page_has_movable_ops(const struct page *page)
{
	return false;
}
#endif

/**
 * balloon_node_pages_add() - correct a node's count of ballooned pages
 * @page: a page of the node
 * @nr: pages to add, negative to take off
 *
 * For what the kernel's balloon does not count itself. Kernels without
 * NR_BALLOON_PAGES (before 6.16) do not count at all.
 */
static inline void balloon_node_pages_add(struct page *page, long nr)
{
#ifdef COMPAT_HAVE_NR_BALLOON_PAGES
	mod_node_page_state(page_pgdat(page), NR_BALLOON_PAGES, nr);
#endif
}

#endif /* COMPAT_LINUX_BALLOON_H */
