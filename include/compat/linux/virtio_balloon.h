/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/virtio_balloon.h> with what 7.3 has.
 *
 * Supplies the statistics tags 10 to 15 (since 6.12). The kernel's counters
 * behind them are older, so a driver can send them on every kernel.
 */
#ifndef COMPAT_LINUX_VIRTIO_BALLOON_H
#define COMPAT_LINUX_VIRTIO_BALLOON_H

#include_next <linux/virtio_balloon.h>

#if VIRTIO_BALLOON_S_NR == 10
#undef VIRTIO_BALLOON_S_NR
#define VIRTIO_BALLOON_S_OOM_KILL	10	/* OOM killer invocations */
#define VIRTIO_BALLOON_S_ALLOC_STALL	11	/* stalls in page allocation */
#define VIRTIO_BALLOON_S_ASYNC_SCAN	12	/* memory scanned by kswapd */
#define VIRTIO_BALLOON_S_DIRECT_SCAN	13	/* memory scanned by allocators */
#define VIRTIO_BALLOON_S_ASYNC_RECLAIM	14	/* memory freed by kswapd */
#define VIRTIO_BALLOON_S_DIRECT_RECLAIM	15	/* memory freed by allocators */
#define VIRTIO_BALLOON_S_NR		16
#endif

#endif /* COMPAT_LINUX_VIRTIO_BALLOON_H */
