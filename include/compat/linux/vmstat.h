/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/vmstat.h> with what 7.3 has.
 *
 * Supplies global_node_page_state() of PGSCAN_KSWAPD, PGSCAN_DIRECT,
 * PGSTEAL_KSWAPD, PGSTEAL_DIRECT, PGSTEAL_ANON and PGSTEAL_FILE, which were
 * events until 7.0 and are node statistics since 7.1. Both are plain
 * enumerators: reading one with the other's function compiles and gives some
 * other counter. Here the six get values that are out of range for events, so
 * that the compiler sees the mistake of indexing an array of events with them.
 *
 * As events PGSCAN_KSWAPD to PGSTEAL_DIRECT leave out what cgroups reclaim at
 * their own limit; as node statistics they do not.
 */
#ifndef COMPAT_LINUX_VMSTAT_H
#define COMPAT_LINUX_VMSTAT_H

#include_next <linux/vmstat.h>

#ifndef COMPAT_HAVE_RECLAIM_NODE_STATS

#include <linux/cpumask.h>
#include <linux/percpu.h>

#define COMPAT_VM_EVENT	0x10000		/* above every item of any kind */

/* A macro is not expanded inside itself: on the right stand the enumerators. */
#define PGSCAN_KSWAPD	(COMPAT_VM_EVENT + PGSCAN_KSWAPD)
#define PGSCAN_DIRECT	(COMPAT_VM_EVENT + PGSCAN_DIRECT)
#define PGSTEAL_KSWAPD	(COMPAT_VM_EVENT + PGSTEAL_KSWAPD)
#define PGSTEAL_DIRECT	(COMPAT_VM_EVENT + PGSTEAL_DIRECT)
#define PGSTEAL_ANON	(COMPAT_VM_EVENT + PGSTEAL_ANON)
#define PGSTEAL_FILE	(COMPAT_VM_EVENT + PGSTEAL_FILE)

static inline unsigned long compat_global_node_page_state(int item)
{
	unsigned long sum = 0;
#ifdef CONFIG_VM_EVENT_COUNTERS
	int cpu;
#endif

	if (item < COMPAT_VM_EVENT)
		return global_node_page_state(item);
#ifdef CONFIG_VM_EVENT_COUNTERS
	/* A CPU that goes offline leaves its counts to another one. */
	for_each_online_cpu(cpu)
		sum += per_cpu(vm_event_states, cpu).event[item - COMPAT_VM_EVENT];
#endif
	return sum;
}

#define global_node_page_state(item)	compat_global_node_page_state(item)

#endif /* !COMPAT_HAVE_RECLAIM_NODE_STATS */

#endif /* COMPAT_LINUX_VMSTAT_H */
