/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/swap.h> with what 7.3 has.
 *
 * Supplies mm_account_reclaimed_pages() (since 6.4). Before, vmscan looked for
 * what it calls reclaimed in the field reclaimed_slab.
 */
#ifndef COMPAT_LINUX_SWAP_H
#define COMPAT_LINUX_SWAP_H

#include_next <linux/swap.h>

#ifndef COMPAT_HAVE_MM_ACCOUNT_RECLAIMED_PAGES
static inline void mm_account_reclaimed_pages(unsigned long pages)
{
	if (current->reclaim_state)
		current->reclaim_state->reclaimed_slab += pages;
}
#endif

#endif /* COMPAT_LINUX_SWAP_H */
