// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting and stopping the workers, and keeping the system awake for them.
 */
#include <linux/device.h>
#include <linux/pm.h>

#include "balloon.h"

/**
 * vb_stay_awake - keep the system from suspending
 * @vb: the device
 * @why: the reason, to be taken back with vb_relax()
 *
 * Context: any; hard interrupt included.
 */
void vb_stay_awake(struct vb_dev *vb, unsigned int why)
{
	unsigned long flags;

	spin_lock_irqsave(&vb->awake_lock, flags);
	if (!vb->awake)
		pm_stay_awake(&vb->vdev->dev);
	vb->awake |= why;
	spin_unlock_irqrestore(&vb->awake_lock, flags);
}

/**
 * vb_relax - a reason to stay awake is gone
 * @vb: the device
 * @why: the reason
 *
 * Context: any.
 */
void vb_relax(struct vb_dev *vb, unsigned int why)
{
	unsigned long flags;

	spin_lock_irqsave(&vb->awake_lock, flags);
	if (vb->awake && !(vb->awake & ~why))
		pm_relax(&vb->vdev->dev);
	vb->awake &= ~why;
	spin_unlock_irqrestore(&vb->awake_lock, flags);
}

/**
 * vb_kick_resize - something changed: have the worker look
 * @vb: the device
 *
 * Context: any, hard interrupt included.
 */
void vb_kick_resize(struct vb_dev *vb)
{
	unsigned long flags;

	spin_lock_irqsave(&vb->kick_lock, flags);
	if (!vb->stopping) {
		set_bit(VB_KICKED, &vb->flags);
		vb_stay_awake(vb, VB_AWAKE_RESIZE);
		mod_delayed_work(vb->wq, &vb->resize_work, 0);
	}
	spin_unlock_irqrestore(&vb->kick_lock, flags);
}

/**
 * vb_resize_rested - nothing left to do: the system may suspend
 * @vb: the device
 *
 * Context: the resize worker.
 */
void vb_resize_rested(struct vb_dev *vb)
{
	spin_lock_irq(&vb->kick_lock);
	if (!vb_kicked(vb))
		vb_relax(vb, VB_AWAKE_RESIZE);
	spin_unlock_irq(&vb->kick_lock);
}

/**
 * vb_is_resize_worker - who am I?
 * @vb: the device
 *
 * Context: any.
 * Return: true if this is the device's resize worker.
 */
bool vb_is_resize_worker(struct vb_dev *vb)
{
	return current_work() == &vb->resize_work.work;
}

/**
 * vb_kick_work - queue one of the other works
 * @vb: the device
 * @wq: where it runs
 * @work: which
 * @why: VB_AWAKE_ bits that keep the system awake until it has run, or 0
 *
 * Context: any, hard interrupt included.
 */
void vb_kick_work(struct vb_dev *vb, struct workqueue_struct *wq,
		  struct work_struct *work, unsigned int why)
{
	unsigned long flags;

	spin_lock_irqsave(&vb->kick_lock, flags);
	if (!vb->stopping) {
		if (why)
			vb_stay_awake(vb, why);
		queue_work(wq, work);
	}
	spin_unlock_irqrestore(&vb->kick_lock, flags);
}

/* Queue a work so many jiffies later, unless it runs sooner anyway; or now. */
static void kick_delayed(struct vb_dev *vb, struct workqueue_struct *wq,
			 struct delayed_work *work, unsigned long delay)
{
	unsigned long flags;

	spin_lock_irqsave(&vb->kick_lock, flags);
	if (!vb->stopping && delay)
		queue_delayed_work(wq, work, delay);
	else if (!vb->stopping)
		mod_delayed_work(wq, work, 0);
	spin_unlock_irqrestore(&vb->kick_lock, flags);
}

/**
 * vb_kick_sampler - have the sampler look
 * @vb: the device
 * @delay_ms: when, unless it looks sooner anyway; 0 for at once
 *
 * Context: any but hard interrupt.
 */
void vb_kick_sampler(struct vb_dev *vb, unsigned int delay_ms)
{
	kick_delayed(vb, vb->deflate_wq, &vb->sample_work,
		     msecs_to_jiffies(delay_ms));
}

/**
 * vb_kick_tell - have the host told of what was posted
 * @vb: the device
 * @delay: when, unless it is told sooner anyway; jiffies, 0 for at once
 *
 * Context: any.
 */
void vb_kick_tell(struct vb_dev *vb, unsigned long delay)
{
	kick_delayed(vb, vb->deflate_wq, &vb->tell_work, delay);
}

/**
 * vb_kick_pressure - have somebody look at the hints
 * @vb: the device
 * @delay_ms: when, unless it is looked sooner anyway; 0 for at once
 *
 * Context: any, hard interrupt included.
 */
void vb_kick_pressure(struct vb_dev *vb, unsigned int delay_ms)
{
	kick_delayed(vb, vb->wq, &vb->pressure.work,
		     msecs_to_jiffies(delay_ms));
}

/**
 * vb_kick_all - the host changed the configuration
 * @vb: the device
 *
 * Context: any, hard interrupt included.
 */
void vb_kick_all(struct vb_dev *vb)
{
	vb_kick_resize(vb);
	if (!virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		return;
	set_bit(VB_HINT_CMD, &vb->flags);
	vb_kick_work(vb, vb->wq, &vb->hint.work, 0);
}

/**
 * vb_stop_work - stop all workers and let none start
 * @vb: the device
 *
 * Workers that wait for the host stop waiting. Afterwards the caller is the
 * only one left that resizes the balloon, and may itself wait for the host.
 *
 * Context: process, may sleep.
 */
void vb_stop_work(struct vb_dev *vb)
{
	spin_lock_irq(&vb->kick_lock);
	vb->stopping = true;
	spin_unlock_irq(&vb->kick_lock);

	WRITE_ONCE(vb->hurry, true);
	vb_wake_waiters(vb);
	cancel_delayed_work_sync(&vb->resize_work);
	cancel_delayed_work_sync(&vb->sample_work);
	cancel_work_sync(&vb->deflate_work);
	cancel_delayed_work_sync(&vb->tell_work);
	cancel_work_sync(&vb->stats_work);
	cancel_work_sync(&vb->hint.work);
	cancel_delayed_work_sync(&vb->pressure.work);
	WRITE_ONCE(vb->hurry, false);

	vb_relax(vb, VB_AWAKE_RESIZE | VB_AWAKE_STATS);
}

/**
 * vb_allow_work - the opposite of vb_stop_work()
 * @vb: the device
 *
 * Context: process.
 */
void vb_allow_work(struct vb_dev *vb)
{
	spin_lock_irq(&vb->kick_lock);
	vb->stopping = false;
	spin_unlock_irq(&vb->kick_lock);
}
