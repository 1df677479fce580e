// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free page reporting: the kernel names blocks of free memory, which the host
 * may drop until the guest writes to them again.
 */
#include <linux/page_reporting.h>
#include <linux/scatterlist.h>

#include "balloon.h"

/*
 * The kernel puts the blocks back on its free lists as soon as this returns,
 * whatever it returns. So once they are posted it waits for as long as the
 * host may take them: until the answer, or a reset.
 */
static int report(struct page_reporting_dev_info *info, struct scatterlist *sg,
		  unsigned int nents)
{
	struct vb_dev *vb = container_of(info, struct vb_dev, reporting);
	struct vb_queue *q = &vb->queues[VB_VQ_REPORT];
	int err = -EBUSY;

	if (!down_read_trylock(&vb->online_sem))
		return -EBUSY;
	if (vb->online && !vb_queue_in_flight(q))
		err = vb_queue_post_in(q, sg, nents);
	if (!err)
		vb_queue_kick(q);
	up_read(&vb->online_sem);
	if (err)
		return err;

	vb_queue_wait_quarantined(q);
	if (!READ_ONCE(q->vq))
		return -ESHUTDOWN;
	for (; sg; sg = sg_next(sg))
		vb_count(vb, VB_CNT_reported_pages, sg->length >> PAGE_SHIFT);
	return 0;
}

/**
 * vb_reporting_register - become the one who reports free pages
 * @vb: the device; nothing is done without REPORTING
 *
 * A second balloon finds the place taken, and does without.
 *
 * Context: process.
 * Return: 0 or a negative errno.
 */
int vb_reporting_register(struct vb_dev *vb)
{
	struct page_reporting_dev_info *info = &vb->reporting;
	unsigned int capacity;
	int err;

	if (!vb->queues[VB_VQ_REPORT].vq)
		return 0;
	capacity = virtqueue_get_vring_size(vb->queues[VB_VQ_REPORT].vq);
	memset(info, 0, sizeof(*info));
	info->report = report;
	info->order = PAGE_REPORTING_ORDER_UNSPECIFIED;
	/* A block of the default order would be 512 MiB there; take 2 MiB. */
	if (IS_ENABLED(CONFIG_ARM64_64K_PAGES))
		info->order = 5;
	err = page_reporting_set_capacity(info, capacity);
	if (err) {
		dev_warn(&vb->vdev->dev,
			 "report queue of %u entries is too small for this kernel: free pages are not reported\n",
			 capacity);
		return 0;
	}
	err = page_reporting_register(info);
	vb->reporting_on = !err;
	if (err == -EBUSY)
		dev_info(&vb->vdev->dev,
			 "another device reports the free pages already\n");
	return err == -EBUSY ? 0 : err;
}

/**
 * vb_reporting_unregister - the opposite of vb_reporting_register()
 * @vb: the device, which was reset: a report in flight has ended
 *
 * Context: process, may sleep.
 */
void vb_reporting_unregister(struct vb_dev *vb)
{
	if (vb->reporting_on)
		page_reporting_unregister(&vb->reporting);
	vb->reporting_on = false;
}
