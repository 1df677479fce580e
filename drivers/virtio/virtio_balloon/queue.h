/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtqueues and their messages. Part of balloon.h, where the locks are
 * described.
 */
#ifndef VB_QUEUE_H
#define VB_QUEUE_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/wait.h>

#include "store.h"

/* The device counts in 4 KiB pages, whatever the guest's page size is. */
#define VB_PFNS_PER_PAGE	(PAGE_SIZE >> VIRTIO_BALLOON_PFN_SHIFT)
/*
 * 1024 bytes: larger messages hang a guest on Firecracker and are
 * acknowledged but ignored by cloud-hypervisor.
 */
#define VB_BUF_PFNS		256
#define VB_BUF_PAGES		(VB_BUF_PFNS / VB_PFNS_PER_PAGE)
#define VB_CHUNK_BUFS		((unsigned int)VB_CHUNK_PAGES / VB_BUF_PAGES)
/*
 * Messages of a queue that may be in flight, a KiB each. Inflation: 64 MiB,
 * posted in rounds of half as much, so that the guest allocates one half while
 * the host works on the other. Deflation: as much as the rings of the common
 * hypervisors hold, so that the guest has 128 MiB back without waiting.
 */
#define VB_INFLATE_BUFS		64
#define VB_DEFLATE_BUFS		128
#define VB_ROUND_BUFS		(VB_INFLATE_BUFS / 2)

enum vb_vq {
	VB_VQ_INFLATE,
	VB_VQ_DEFLATE,
	VB_VQ_STATS,
	VB_VQ_HINT,
	VB_VQ_REPORT,
	VB_VQ_PRESSURE,
	VB_VQ_NR
};

struct vb_dev;

/**
 * struct vb_buf - one message of page numbers
 * @node: on the queue's free or done list; off both while in flight
 * @pages: the pages that this message quarantines until it is acknowledged
 * @held: a page quarantined likewise whose list linkage somebody else uses
 * @chunk: a chunk quarantined likewise, on each message that names a part of
 *	it; its page_private() counts them
 * @in_flight: posted and not acknowledged. Protected by the queue's lock
 * @nr_pfns: entries in use
 * @pfns: the message; own allocation, since the device reads it
 */
struct vb_buf {
	struct list_head node;
	struct list_head pages;
	struct page *held;
	struct page *chunk;
	bool in_flight;
	unsigned int nr_pfns;
	__virtio32 *pfns;
};

/**
 * struct vb_queue - a virtqueue with its messages
 * @vb: the device
 * @name: for messages
 * @vq: NULL while the device is offline. Written under @lock
 * @lock: protects what follows, and the ring
 * @free: messages at rest
 * @done: acknowledged messages with pages that somebody must take care of
 * @bufs: all messages
 * @nr_bufs: how many; 0 for queues that carry no page numbers
 * @in_flight: posted and not yet acknowledged
 * @unowned: those of them that quarantine nothing: on the inflate queue the
 *	migrations, whose pages the balloon's list already holds
 * @held: those of them that hold a page which nobody waits for
 * @news: something was posted since the host was last told
 * @flags: VB_Q_STALLED: the host did not answer in time; set by whoever waited,
 *	cleared by whoever sees the answer. Atomic bit operations
 * @acked: messages ever acknowledged: waiters tell progress by it
 * @written: bytes that the host says it wrote into the last of them
 * @wait: woken by each interrupt of the queue, and by stopping
 */
struct vb_queue {
	struct vb_dev *vb;
	const char *name;
	struct virtqueue *vq;
	spinlock_t lock;	/* the ring, and all below */
	struct list_head free;
	struct list_head done;
	struct vb_buf *bufs;
	unsigned int nr_bufs;
	unsigned int in_flight;
	unsigned int unowned;
	unsigned int held;
	bool news;
	unsigned long flags;
	unsigned long acked;
	unsigned int written;
	wait_queue_head_t wait;
};

/* Bit of vb_queue.flags, see there. */
#define VB_Q_STALLED		0

static inline bool vb_queue_stalled(struct vb_queue *q)
{
	return test_bit(VB_Q_STALLED, &q->flags);
}

/**
 * vb_chunk_more_parts - one message that names a part of a chunk is done
 * @chunk: a quarantined chunk
 *
 * Context: under the lock of the messages' queue, or after its reset.
 * Return: true while others still quarantine the chunk.
 */
static inline bool vb_chunk_more_parts(struct page *chunk)
{
	unsigned long parts = page_private(chunk);

	if (parts > 1)
		set_page_private(chunk, parts - 1);
	return parts > 1;
}

/* rings.c */
void vb_queues_init(struct vb_dev *vb);
int vb_queues_create(struct vb_dev *vb);
void vb_queues_reset(struct vb_dev *vb);

/* message.c */
struct vb_buf *vb_buf_get(struct vb_queue *q);
void vb_buf_put(struct vb_queue *q, struct vb_buf *buf);
void vb_buf_add_page(struct vb_queue *q, struct vb_buf *buf, struct page *page);
void vb_buf_set_part(struct vb_queue *q, struct vb_buf *buf, struct page *chunk,
		     unsigned int part);
void vb_buf_sort(struct vb_queue *q, struct vb_buf *buf);
bool vb_buf_names(struct vb_queue *q, struct vb_buf *buf, struct page *page,
		  unsigned long nr);

/* queue.c */
int vb_queue_post(struct vb_queue *q, struct vb_buf *buf);
int vb_queue_post_chunk(struct vb_queue *q, struct page *chunk,
			bool quarantine);
int vb_queue_post_out(struct vb_queue *q, void *data, unsigned int len);
int vb_queue_post_in(struct vb_queue *q, struct scatterlist *sg,
		     unsigned int nents);
int vb_queue_post_exchange(struct vb_queue *q, void *out, unsigned int out_len,
			   void *in, unsigned int in_len);
void vb_queue_kick(struct vb_queue *q);
void vb_queue_remind(struct vb_queue *q);
unsigned int vb_queue_reap(struct vb_queue *q);
struct vb_buf *vb_queue_next_done(struct vb_queue *q);
bool vb_queue_has_done(struct vb_queue *q);
unsigned int vb_queue_in_flight(struct vb_queue *q);
unsigned int vb_queue_unowned(struct vb_queue *q);
bool vb_queue_names(struct vb_queue *q, struct page *page, unsigned long nr);
bool vb_queue_broken(struct vb_queue *q);
int vb_queue_wait(struct vb_queue *q, unsigned int max_in_flight);
int vb_queue_wait_unowned(struct vb_queue *q);
void vb_queue_wait_quarantined(struct vb_queue *q);
void vb_wait_handed_over(struct vb_dev *vb, unsigned int ms);
void vb_wake_waiters(struct vb_dev *vb);

#endif /* VB_QUEUE_H */
