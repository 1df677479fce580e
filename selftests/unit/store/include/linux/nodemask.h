/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model's machine has two NUMA nodes.
 */
#ifndef STORE_LINUX_NODEMASK_H
#define STORE_LINUX_NODEMASK_H

#include <linux/mmzone.h>

#define nr_node_ids		NR_NODES
#define NUMA_NO_NODE		(-1)

#endif /* STORE_LINUX_NODEMASK_H */
