/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/vmstat.h> with what is needed to count reclaim on every kernel.
 *
 * On every kernel, also on the newest: global_reclaim_pages().
 *
 * PGSCAN_*, PGSTEAL_* and PGREFILL were events until 7.0 and are node
 * statistics since 7.1. Both are plain enumerators: reading one with the
 * other's function compiles and gives some other counter.
 */
#ifndef COMPAT_LINUX_VMSTAT_H
#define COMPAT_LINUX_VMSTAT_H

#include_next <linux/vmstat.h>

/**
 * global_reclaim_pages() - a reclaim counter of the whole system, in pages
 * @events: what all_vm_events() has filled in
 * @item: PGSCAN_KSWAPD, PGSCAN_DIRECT, PGSTEAL_KSWAPD, PGSTEAL_DIRECT ...
 */
#ifdef COMPAT_HAVE_RECLAIM_NODE_STATS
#define global_reclaim_pages(events, item) \
	((void)(events), global_node_page_state(item))
#else
#define global_reclaim_pages(events, item)	((events)[item])
#endif

#endif /* COMPAT_LINUX_VMSTAT_H */
