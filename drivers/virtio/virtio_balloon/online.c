// SPDX-License-Identifier: GPL-2.0-only
/*
 * On line and off line: the queues come and go, with probe and remove, and
 * with suspend and resume.
 */
#include <linux/virtio_config.h>

#include "balloon.h"

/**
 * vb_go_online - create the queues and start to work
 * @vb: the device, reset
 *
 * Context: process: probe, or the system resumes.
 * Return: 0 or a negative errno, with the device as it was.
 */
int vb_go_online(struct vb_dev *vb)
{
	int err;

	err = vb_queues_create(vb);
	if (err)
		return err;
	vb_write_poison(vb);
	virtio_device_ready(vb->vdev);
	err = vb_stats_start(vb);
	if (err)
		goto err_reset;
	vb_pressure_start(vb);
	vb->last_actual = U32_MAX;	/* unlike any: to be written */

	down_write(&vb->online_sem);
	vb->online = true;
	up_write(&vb->online_sem);

	err = vb_reporting_register(vb);
	if (err)
		goto err_offline;
	vb_allow_work(vb);
	vb_kick_all(vb);
	/* The host may have asked before work was allowed. */
	vb_kick_work(vb, vb->wq, &vb->stats_work, 0);
	vb_kick_pressure(vb, 0);
	return 0;

err_offline:
	down_write(&vb->online_sem);
	vb->online = false;
	up_write(&vb->online_sem);
err_reset:
	vb_queues_reset(vb);
	return err;
}

/* What the host still owes, or what it has of ours, in good order. */
static void settle(struct vb_dev *vb, bool keep_pages)
{
	long err = vb_queue_wait(&vb->queues[VB_VQ_INFLATE], 0);

	vb_inflate_collect(vb);
	/* In vain, and it keeps nobody from the rest: the reset ends it. */
	vb_report_wait(vb);
	vb_reported_drop(vb, LONG_MAX, NUMA_NO_NODE);
	while (!err && !keep_pages && vb_store_pages(&vb->store)) {
		err = vb_deflate(vb, vb_store_pages(&vb->store));
		if (err == -EAGAIN)	/* isolated pages come home in a moment */
			err = vb_store_pause();
		else if (err > 0)
			err = 0;
	}
	if (!err)
		err = vb_queue_wait(&vb->queues[VB_VQ_DEFLATE], 0);
	vb_deflate_collect(vb);
	if (!keep_pages && !err)
		vb_write_actual(vb);
}

/**
 * vb_go_offline - stop to work, reset the device and let go of the queues
 * @vb: the device
 * @keep_pages: the balloon keeps its pages, though the host forgets them
 *
 * A host that does not answer is given up after the time-out: the reset makes
 * the pages safe to use.
 *
 * Context: process: remove, or the system suspends.
 */
void vb_go_offline(struct vb_dev *vb, bool keep_pages)
{
	bool was_online;

	vb_stop_work(vb);
	down_write(&vb->online_sem);
	was_online = vb->online;
	vb->online = false;
	up_write(&vb->online_sem);
	/* Nobody hands anything over now. */
	atomic_long_set(&vb->deflate_wanted, 0);

	if (was_online) {
		settle(vb, keep_pages);
		if (keep_pages)
			vb_pressure_stop(vb);
		vb_queues_reset(vb);
		vb_report_abandon(vb);
		vb_reporting_unregister(vb);
	} else {
		/* A resume failed: leave the device as one expects it. */
		virtio_reset_device(vb->vdev);
	}
	vb_hint_return_all(vb);
	if (keep_pages)
		vb_store_forget_told(&vb->store);
	else
		vb_store_empty(&vb->store);
}
