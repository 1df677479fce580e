// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: suspend and hibernation.
 *
 * The transport resets the device on resume. For suspend the pages stay in the
 * balloon, and the host is told of them again afterwards. A hibernation image
 * wants the memory, and with MUST_TELL_HOST the pages of a forgetful host
 * could not be taken back lawfully: then the balloon is emptied beforehand, as
 * far as the host answers.
 */
#include <linux/device.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/suspend.h>

#include "balloon.h"

/* A host that takes longer to take back a balloon has to live with the image. */
#define EMPTY_TIMEOUT_MS	60000

static void set_empty(struct vb_dev *vb, bool empty)
{
	spin_lock(&vb->policy_lock);
	vb->policy.empty = empty;
	spin_unlock(&vb->policy_lock);
	vb_kick_resize(vb);
}

/* What is in a report that stays without an answer only a reset brings back. */
static bool holds_pages(struct vb_dev *vb)
{
	return vb_store_pages(&vb->store) ||
	       (atomic_long_read(&vb->inflating) &&
		!vb_queue_stalled(&vb->queues[VB_VQ_REPORT]));
}

/*
 * A report that the host does not answer would keep the freezer from
 * suspending the system: the kernel's work waits for it, however long. Only a
 * reset ends that, so the device is restarted, as if it came out of a suspend.
 */
static void end_stuck_report(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_REPORT];

	if (!READ_ONCE(q->in_flight) ||
	    (!vb_queue_stalled(q) && !vb_queue_broken(q)))
		return;
	dev_warn(&vb->vdev->dev,
		 "restarting the device: it does not answer a report\n");
	if (virtio_device_freeze(vb->vdev) || virtio_device_restore(vb->vdev))
		dev_err(&vb->vdev->dev, "the device could not be restarted\n");
}

/* Runs the worker until the balloon is empty, or cannot be emptied. */
static void empty_balloon(struct vb_dev *vb)
{
	ktime_t deadline = ktime_add_ms(ktime_get(), EMPTY_TIMEOUT_MS);

	set_empty(vb, true);
	/* Each flush runs one round; when none is queued any more it is over. */
	while (holds_pages(vb) && !vb_stalled(vb) &&
	       flush_delayed_work(&vb->resize_work) &&
	       ktime_before(ktime_get(), deadline))
		cond_resched();
	if (vb_store_pages(&vb->store))
		dev_warn(&vb->vdev->dev,
			 "%ld pages stay in the balloon: the host did not take them back\n",
			 vb_store_pages(&vb->store));
}

static int pm_notify(struct notifier_block *nb, unsigned long event,
		     void *unused)
{
	struct vb_dev *vb = container_of(nb, struct vb_dev, pm_nb);

	switch (event) {
	case PM_SUSPEND_PREPARE:
		if (vb_must_tell_host(vb))
			empty_balloon(vb);
		end_stuck_report(vb);
		break;
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		empty_balloon(vb);
		end_stuck_report(vb);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		set_empty(vb, false);
		break;
	}
	return NOTIFY_OK;
}

/**
 * vb_power_register - be told of what the system is up to
 * @vb: the device
 *
 * Return: 0 or a negative errno.
 */
int vb_power_register(struct vb_dev *vb)
{
	/* The transport wakes the system; we only see its events through. */
	device_set_wakeup_capable(&vb->vdev->dev, true);
	vb->pm_nb.notifier_call = pm_notify;
	return register_pm_notifier(&vb->pm_nb);
}

/**
 * vb_power_unregister - the opposite of vb_power_register()
 * @vb: the device
 */
void vb_power_unregister(struct vb_dev *vb)
{
	unregister_pm_notifier(&vb->pm_nb);
	device_set_wakeup_capable(&vb->vdev->dev, false);
}

/**
 * vb_freeze - the system suspends
 * @vdev: the virtio device
 *
 * Context: the workqueue vb->wq is frozen.
 * Return: 0.
 */
int vb_freeze(struct virtio_device *vdev)
{
	vb_go_offline(vdev->priv, true);
	return 0;
}

/**
 * vb_restore - the system resumes, the device was reset
 * @vdev: the virtio device
 *
 * Return: 0 or a negative errno.
 */
int vb_restore(struct virtio_device *vdev)
{
	struct vb_dev *vb = vdev->priv;
	int err = vb_go_online(vb);

	/* Nobody would ever take back what the host no longer knows of. */
	if (err)
		vb_store_empty(&vb->store);
	return err;
}
