// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of page numbers: what is in them, and those at rest.
 */
#include <linux/sort.h>

#include "balloon.h"

/**
 * vb_buf_get - take a message that is at rest
 * @q: inflate or deflate queue
 *
 * Context: any.
 * Return: the empty message, or NULL when all are in flight.
 */
struct vb_buf *vb_buf_get(struct vb_queue *q)
{
	struct vb_buf *buf;
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	buf = list_first_entry_or_null(&q->free, struct vb_buf, node);
	if (buf)
		list_del_init(&buf->node);
	spin_unlock_irqrestore(&q->lock, flags);
	if (buf)
		buf->nr_pfns = 0;
	return buf;
}

/**
 * vb_buf_put - return a message that carries nothing
 * @q: its queue
 * @buf: the message
 *
 * Context: any.
 */
void vb_buf_put(struct vb_queue *q, struct vb_buf *buf)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	list_add(&buf->node, &q->free);
	spin_unlock_irqrestore(&q->lock, flags);
}

static u32 first_pfn(struct page *page)
{
	return page_to_pfn(page) * VB_PFNS_PER_PAGE;
}

/**
 * vb_buf_add_page - name a page in a message
 * @q: the queue of @buf
 * @buf: a message at rest with less than VB_BUF_PAGES pages
 * @page: the page; the caller decides whether the message quarantines it
 */
void vb_buf_add_page(struct vb_queue *q, struct vb_buf *buf, struct page *page)
{
	u32 pfn = first_pfn(page);
	unsigned int i;

	BUILD_BUG_ON(PAGE_SHIFT < VIRTIO_BALLOON_PFN_SHIFT);
	BUILD_BUG_ON(VB_PFNS_PER_PAGE > VB_BUF_PFNS);

	for (i = 0; i < VB_PFNS_PER_PAGE; i++)
		buf->pfns[buf->nr_pfns++] = cpu_to_virtio32(q->vb->vdev, pfn + i);
}

static int cmp_pfns(const void *a, const void *b, const void *vdev)
{
	struct virtio_device *dev = (struct virtio_device *)vdev;
	u32 x = virtio32_to_cpu(dev, *(const __virtio32 *)a);
	u32 y = virtio32_to_cpu(dev, *(const __virtio32 *)b);

	return x < y ? -1 : x > y;
}

/**
 * vb_buf_sort - put the page numbers of a message in ascending order
 * @q: the queue of @buf
 * @buf: a message at rest
 */
void vb_buf_sort(struct vb_queue *q, struct vb_buf *buf)
{
	sort_r(buf->pfns, buf->nr_pfns, sizeof(*buf->pfns), cmp_pfns, NULL,
	       q->vb->vdev);
}

/**
 * vb_buf_set_part - name a part of a chunk in a message
 * @q: the queue of @buf
 * @buf: a message at rest
 * @chunk: the chunk
 * @part: which, of VB_CHUNK_BUFS
 */
void vb_buf_set_part(struct vb_queue *q, struct vb_buf *buf, struct page *chunk,
		     unsigned int part)
{
	u32 pfn = first_pfn(chunk) + part * VB_BUF_PFNS;
	bool little = virtio_is_little_endian(q->vb->vdev);
	unsigned int i;

	for (i = 0; i < VB_BUF_PFNS; i++)
		buf->pfns[i] = __cpu_to_virtio32(little, pfn + i);
	buf->nr_pfns = VB_BUF_PFNS;
}

/**
 * vb_buf_names - does a message name any of these pages?
 * @q: the queue of @buf
 * @buf: a message whose page numbers are in ascending order
 * @page: the first of neighbouring pages
 * @nr: how many
 */
bool vb_buf_names(struct vb_queue *q, struct vb_buf *buf, struct page *page,
		  unsigned long nr)
{
	struct virtio_device *vdev = q->vb->vdev;
	u32 first = first_pfn(page);
	unsigned int low = 0, high = buf->nr_pfns;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if (virtio32_to_cpu(vdev, buf->pfns[mid]) < first)
			low = mid + 1;
		else
			high = mid;
	}
	return low < buf->nr_pfns && virtio32_to_cpu(vdev, buf->pfns[low]) -
				     first < nr * VB_PFNS_PER_PAGE;
}
