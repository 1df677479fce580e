// SPDX-License-Identifier: GPL-2.0-only
/*
 * The statistics queue: the host returns our buffer when it wants fresh
 * numbers. The kernel has the numbers of all sixteen tags on every supported
 * version; each buffer holds the same subset.
 */
#include <linux/mm.h>
#include <linux/swap.h>
#include <linux/vmstat.h>

#include "balloon.h"

static u64 bytes(u64 pages)
{
	return pages << PAGE_SHIFT;
}

static void put(struct vb_dev *vb, unsigned int *nr, u16 tag, u64 value)
{
	struct virtio_balloon_stat *stat = &vb->stats[(*nr)++];

	stat->tag = cpu_to_virtio16(vb->vdev, tag);
	stat->val = cpu_to_virtio64(vb->vdev, value);
}

static void put_memory(struct vb_dev *vb, unsigned int *nr)
{
	struct sysinfo info;

	si_meminfo(&info);
	put(vb, nr, VIRTIO_BALLOON_S_MEMFREE, bytes(info.freeram));
	put(vb, nr, VIRTIO_BALLOON_S_MEMTOT, bytes(info.totalram));
	put(vb, nr, VIRTIO_BALLOON_S_AVAIL, bytes(si_mem_available()));
	put(vb, nr, VIRTIO_BALLOON_S_CACHES,
	    bytes(global_node_page_state(NR_FILE_PAGES)));
}

#ifdef CONFIG_VM_EVENT_COUNTERS
static void put_basic_events(struct vb_dev *vb, unsigned int *nr,
			     const unsigned long *events)
{
	put(vb, nr, VIRTIO_BALLOON_S_SWAP_IN, bytes(events[PSWPIN]));
	put(vb, nr, VIRTIO_BALLOON_S_SWAP_OUT, bytes(events[PSWPOUT]));
	put(vb, nr, VIRTIO_BALLOON_S_MAJFLT, events[PGMAJFAULT]);
	put(vb, nr, VIRTIO_BALLOON_S_MINFLT, events[PGFAULT]);
#ifdef CONFIG_HUGETLB_PAGE
	put(vb, nr, VIRTIO_BALLOON_S_HTLB_PGALLOC, events[HTLB_BUDDY_PGALLOC]);
	put(vb, nr, VIRTIO_BALLOON_S_HTLB_PGFAIL,
	    events[HTLB_BUDDY_PGALLOC_FAIL]);
#endif
}

/* Tags 10 to 15. */
static void put_reclaim_events(struct vb_dev *vb, unsigned int *nr,
			       const unsigned long *events)
{
	unsigned long stalls = 0;
	int zone;

	for (zone = 0; zone < MAX_NR_ZONES; zone++)
		stalls += events[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
	put(vb, nr, VIRTIO_BALLOON_S_OOM_KILL, events[OOM_KILL]);
	put(vb, nr, VIRTIO_BALLOON_S_ALLOC_STALL, stalls);
	put(vb, nr, VIRTIO_BALLOON_S_ASYNC_SCAN,
	    bytes(global_node_page_state(PGSCAN_KSWAPD)));
	put(vb, nr, VIRTIO_BALLOON_S_DIRECT_SCAN,
	    bytes(global_node_page_state(PGSCAN_DIRECT)));
	put(vb, nr, VIRTIO_BALLOON_S_ASYNC_RECLAIM,
	    bytes(global_node_page_state(PGSTEAL_KSWAPD)));
	put(vb, nr, VIRTIO_BALLOON_S_DIRECT_RECLAIM,
	    bytes(global_node_page_state(PGSTEAL_DIRECT)));
}

static void put_events(struct vb_dev *vb, unsigned int *nr)
{
	unsigned long events[NR_VM_EVENT_ITEMS];

	all_vm_events(events);
	put_basic_events(vb, nr, events);
	if (!vb_stats_basic)
		put_reclaim_events(vb, nr, events);
}
#else
static void put_events(struct vb_dev *vb, unsigned int *nr) { }
#endif

static int post(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_STATS];
	unsigned int nr = 0;
	int err;

	put_memory(vb, &nr);
	put_events(vb, &nr);
	err = vb_queue_post_out(q, vb->stats, nr * sizeof(vb->stats[0]));
	if (!err)
		vb_queue_kick(q);
	return err;
}

/**
 * vb_stats_start - give the host the buffer that it asks with
 * @vb: the device; nothing is done without STATS_VQ
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int vb_stats_start(struct vb_dev *vb)
{
	BUILD_BUG_ON(sizeof(struct virtio_balloon_stat) != 10);

	if (!vb->queues[VB_VQ_STATS].vq)
		return 0;
	return post(vb);
}

/**
 * vb_stats_request - the host returned the buffer
 * @vq: the statistics queue
 *
 * Context: hard interrupt.
 */
void vb_stats_request(struct virtqueue *vq)
{
	struct vb_dev *vb = vq->vdev->priv;

	vb_kick_work(vb, vb->wq, &vb->stats_work, VB_AWAKE_STATS);
}

/**
 * vb_stats_work - answer with fresh numbers
 * @work: vb->stats_work
 *
 * A request without a returned buffer is spurious and gets no answer: the
 * host may be reading the numbers it has.
 */
void vb_stats_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(work, struct vb_dev, stats_work);

	vb_relax(vb, VB_AWAKE_STATS);
	if (!vb_queue_reap(&vb->queues[VB_VQ_STATS]))
		return;
	vb_count(vb, VB_CNT_stats_requests, 1);
	post(vb);
}
