/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hints about the host's memory pressure: what pressure.c knows of them. A part of
 * balloon.h.
 */
#ifndef VB_PRESSURE_H
#define VB_PRESSURE_H

#include <linux/types.h>
#include <linux/workqueue.h>

#include <linux/virtio_balloon_pressure.h>

enum vb_hint_from {
	VB_FROM_QUEUE,
	VB_FROM_SYSFS,
	VB_FROM_NR
};

/**
 * struct vb_owed - the reply that somebody who sent hints waits for
 * @waiting: a hint was not acted on yet
 * @next: its number, or that of the latest
 * @owed: there is a reply to be made
 * @invalid: the hint broke the rules
 * @seq: its number
 * @due: no reply to an invalid hint before; ms
 * @told: pages yielded that earlier replies have told of
 */
struct vb_owed {
	bool waiting;
	u32 next;
	bool owed;
	bool invalid;
	u32 seq;
	u64 due;
	s64 told;
};

/**
 * struct vb_reply - what the guest did about a hint
 * @seq: number of the hint
 * @invalid: it broke the rules
 * @yielded: since the reply before; bytes
 * @slack: what could still be given; bytes
 */
struct vb_reply {
	u32 seq;
	bool invalid;
	u64 yielded;
	u64 slack;
};

/**
 * struct vb_pressure - hints, from the queue and from sysfs
 * @work: runs on vb->wq; as long as it may, sole user of the queue, and of what
 *	is not said to be protected otherwise
 * @out: the device reads the reply from here
 * @in: the device writes its hint to here
 * @seq: of the last hint from the queue
 * @seq_known: there was one since the device was reset
 * @due: no reply to an invalid hint from the queue before; ms
 * @owed: replies to be made. Protected by vb->policy_lock
 * @hints: number of the last hint from sysfs. Protected by vb->policy_lock
 * @reply: the last one to a hint from sysfs. Protected by vb->policy_lock
 */
struct vb_pressure {
	struct delayed_work work;
	struct virtio_balloon_pressure_reply out;
	struct virtio_balloon_pressure_hint in;
	u32 seq;
	bool seq_known;
	u64 due;
	struct vb_owed owed[VB_FROM_NR];
	u32 hints;
	struct vb_reply reply;
};

#endif /* VB_PRESSURE_H */
