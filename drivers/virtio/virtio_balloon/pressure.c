// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints about the host's memory pressure, from the pressure queue and from
 * sysfs. What the guest yields is the policy's decision, that it goes to the
 * host the resize worker's work; here hints are read, and replies made.
 *
 * A hint is answered when what it yielded has reached the host, or when the
 * next one may be acted on, whichever is first. Until then the queue's one
 * buffer is withheld, so that a host cannot flood the guest. A hint that breaks
 * the rules changes nothing, and is answered at once, but no more often either.
 */
#include <linux/compiler.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "balloon.h"
#include "trace.h"

/*
 * Number the hints from sysfs here, those of the queue have numbers. Return: true if
 * no other hint waited.
 */
static bool take_hint(struct vb_dev *vb, enum vb_hint_from from, u32 seq,
		      const struct vb_host_hint *hint)
{
	struct vb_pressure *pr = &vb->pressure;
	struct vb_owed *owed = &pr->owed[from];
	bool first;

	spin_lock(&vb->policy_lock);
	if (from == VB_FROM_SYSFS)
		seq = ++pr->hints;
	first = !vb->policy.yield.waiting;
	vb_policy_hint(&vb->policy, vb_now(), hint);
	owed->waiting = true;
	owed->next = seq;
	spin_unlock(&vb->policy_lock);
	vb_count(vb, VB_CNT_pressure_hints, 1);
	trace_vb_pressure_hint(vb, from, seq, hint);
	return first;
}

static void refuse_hint(struct vb_dev *vb, u32 seq, u64 due)
{
	struct vb_owed *owed = &vb->pressure.owed[VB_FROM_QUEUE];

	spin_lock(&vb->policy_lock);
	owed->owed = true;
	owed->invalid = true;
	owed->seq = seq;
	owed->due = due;
	spin_unlock(&vb->policy_lock);
	vb_pressure_refused(vb);
}

/* Old ones are replayed; that some never came does no harm. */
static bool is_newer(const struct vb_pressure *pr, u32 seq)
{
	return seq && (!pr->seq_known || (s32)(seq - pr->seq) > 0);
}

static bool is_valid(const struct virtio_balloon_pressure_hint *hint)
{
	return hint->level <= VIRTIO_BALLOON_PRESSURE_CRITICAL &&
	       !memchr_inv(hint->reserved, 0, sizeof(hint->reserved)) &&
	       !hint->reserved2 &&
	       le64_to_cpu(hint->need) <= VIRTIO_BALLOON_PRESSURE_NEED_MAX &&
	       le32_to_cpu(hint->ttl_ms) <= VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS;
}

/* The host returned the buffer, with @written bytes of a hint in it. */
static void receive(struct vb_dev *vb, unsigned int written)
{
	struct vb_pressure *pr = &vb->pressure;
	struct virtio_balloon_pressure_hint wire;
	u32 interval = READ_ONCE(vb->policy.tune.pressure_interval_ms);
	u64 now = vb_now(), due = clamp(pr->due, now, now + interval);
	struct vb_host_hint hint;
	u32 seq;

	BUILD_BUG_ON(VB_LEVEL_CRITICAL != VIRTIO_BALLOON_PRESSURE_CRITICAL);

	memcpy(&wire, &pr->in, sizeof(wire));
	barrier();	/* the host may go on writing: looked at once */
	seq = written < sizeof(wire) ? 0 : le32_to_cpu(wire.seq);
	if (written != sizeof(wire) || !is_newer(pr, seq) || !is_valid(&wire)) {
		pr->due = due + interval;
		refuse_hint(vb, seq, due);
		return;
	}
	pr->due = now + interval;
	pr->seq = seq;
	pr->seq_known = true;
	hint.level = wire.level;
	hint.need = wire.need ? le64_to_cpu(wire.need) >> PAGE_SHIFT :
				VB_NEED_ANY;
	hint.ttl_ms = le32_to_cpu(wire.ttl_ms);
	take_hint(vb, VB_FROM_QUEUE, seq, &hint);
}

/* What was heard until now is what was acted on. Caller holds vb->policy_lock. */
static void owe(struct vb_owed *owed)
{
	if (!owed->waiting)
		return;
	owed->waiting = false;
	owed->owed = true;
	owed->invalid = false;
	owed->seq = owed->next;
}

/* Return: true if there was something to act on, and it was time to. */
static bool act(struct vb_dev *vb)
{
	struct vb_host_hint hint;
	enum vb_hint_from from;
	enum vb_acted acted;
	struct vb_snapshot s;
	s64 pages;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	acted = vb_policy_act(&vb->policy, &s, &pages);
	hint = vb->policy.yield.hint;
	if (acted == VB_ACTED)
		vb_log(vb, VB_EVENT_HINT, &s, pages);
	for (from = 0; acted != VB_ACTED_NOT && from < VB_FROM_NR; from++)
		owe(&vb->pressure.owed[from]);
	spin_unlock(&vb->policy_lock);

	if (acted == VB_ACTED) {
		vb_count(vb, VB_CNT_pressure_hints_acted, 1);
		trace_vb_yield(vb, &s, &hint, pages);
		/* To give, and to look when the pressure is over. */
		vb_kick_resize(vb);
	} else if (acted == VB_ACTED_EXPIRED) {
		vb_count(vb, VB_CNT_pressure_hints_expired, 1);
	}
	return acted != VB_ACTED_NOT;
}

/* Caller holds vb->policy_lock. Return: how long a reply has to wait; ms. */
static u32 reply_wait(struct vb_dev *vb, const struct vb_owed *owed, u64 now)
{
	lockdep_assert_held(&vb->policy_lock);

	if (owed->invalid)
		return now < owed->due ? owed->due - now : 0;
	return vb->policy.yield.left ? vb_policy_hint_wait(&vb->policy, now) :
				       0;
}

/* Caller holds vb->policy_lock. */
static void fill_in(struct vb_dev *vb, struct vb_owed *owed,
		    const struct vb_snapshot *s, struct vb_reply *reply)
{
	s64 total = atomic64_read(&vb->counters[VB_CNT_yielded_pages]);

	lockdep_assert_held(&vb->policy_lock);

	reply->seq = owed->seq;
	reply->invalid = owed->invalid;
	reply->slack = vb_policy_spare(&vb->policy, s) << PAGE_SHIFT;
	reply->yielded = 0;
	if (!owed->invalid) {
		reply->yielded = (total - owed->told) << PAGE_SHIFT;
		owed->told = total;
	}
	owed->owed = false;
}

/* Return: true if there is a @reply; else @wait is what it has to wait at most. */
static bool make_reply(struct vb_dev *vb, enum vb_hint_from from,
		       struct vb_reply *reply, u32 *wait)
{
	struct vb_owed *owed = &vb->pressure.owed[from];
	struct vb_snapshot s;
	bool ready = false;
	u32 ms = 0;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	vb_count(vb, VB_CNT_yielded_pages, vb_policy_given(&vb->policy, &s));
	if (owed->owed) {
		ms = reply_wait(vb, owed, s.now);
		ready = !ms;
	}
	if (ready)
		fill_in(vb, owed, &s, reply);
	if (ready && from == VB_FROM_SYSFS)
		vb->pressure.reply = *reply;
	if (vb->policy.yield.waiting)
		ms = min_not_zero(ms, max(vb_policy_hint_wait(&vb->policy,
							      s.now), 1U));
	spin_unlock(&vb->policy_lock);
	if (ready)
		trace_vb_pressure_reply(vb, from, reply);
	*wait = min_not_zero(*wait, ms);
	return ready;
}

static void post(struct vb_dev *vb, const struct vb_reply *reply)
{
	struct vb_queue *q = &vb->queues[VB_VQ_PRESSURE];
	struct vb_pressure *pr = &vb->pressure;
	int err;

	pr->out.seq = cpu_to_le32(reply->seq);
	pr->out.flags = cpu_to_le32(reply->invalid ?
				    VIRTIO_BALLOON_PRESSURE_REPLY_INVALID : 0);
	pr->out.yielded = cpu_to_le64(reply->yielded);
	pr->out.slack = cpu_to_le64(reply->slack);
	memset(&pr->in, 0, sizeof(pr->in));
	err = vb_queue_post_exchange(q, &pr->out, sizeof(pr->out), &pr->in,
				     sizeof(pr->in));
	if (err)
		dev_err(&vb->vdev->dev,
			"the pressure queue cannot be used: error %d\n", err);
	else
		vb_queue_kick(q);
}

/* To who may be replied to. Return: when to look again; ms, 0 for never. */
static u32 reply_to_all(struct vb_dev *vb)
{
	struct vb_reply reply;
	u32 wait = 0;

	if (make_reply(vb, VB_FROM_SYSFS, &reply, &wait))
		sysfs_notify(&vb->vdev->dev.kobj, "pressure", "reply_seq");
	if (make_reply(vb, VB_FROM_QUEUE, &reply, &wait))
		post(vb, &reply);
	return wait;
}

/* What the host said since we last looked. */
static void hear(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_PRESSURE];

	if (vb_queue_reap(q))
		receive(vb, q->written);
}

/*
 * Reads what came, replies, and acts. Whoever waits for a reply still when it is
 * time to act on the next hint gets it first: hints of others do not put it off.
 */
static void pressure_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(to_delayed_work(work), struct vb_dev,
					 pressure.work);
	u32 wait;

	hear(vb);
	do {
		wait = reply_to_all(vb);
	} while (act(vb));
	if (wait)
		vb_kick_pressure(vb, wait);
}

/**
 * vb_pressure_init - nobody has said anything
 * @vb: the device
 */
void vb_pressure_init(struct vb_dev *vb)
{
	INIT_DELAYED_WORK(&vb->pressure.work, pressure_work);
}

/**
 * vb_pressure_start - give the host the buffer that it hints with
 * @vb: the device, just reset; nothing is done without HOST_PRESSURE
 *
 * Context: process; no work is allowed yet.
 */
void vb_pressure_start(struct vb_dev *vb)
{
	struct vb_pressure *pr = &vb->pressure;
	struct vb_reply reply = {};

	if (!vb->queues[VB_VQ_PRESSURE].vq)
		return;
	pr->seq_known = false;
	pr->due = 0;
	pr->owed[VB_FROM_QUEUE] = (struct vb_owed) {
		.told = atomic64_read(&vb->counters[VB_CNT_yielded_pages]),
	};
	reply.slack = vb_pressure_slack(vb);
	post(vb, &reply);
}

/**
 * vb_pressure_stop - hear what the host said before the queue goes
 * @vb: the device, with all workers stopped
 *
 * The work may not have come to it: the hint is to be acted on nevertheless, by
 * the next work that runs. Its reply goes with the queue.
 *
 * Context: process.
 */
void vb_pressure_stop(struct vb_dev *vb)
{
	hear(vb);
}

/**
 * vb_pressure_answered - the host returned the buffer
 * @vq: the pressure queue
 *
 * Context: hard interrupt.
 */
void vb_pressure_answered(struct virtqueue *vq)
{
	vb_kick_pressure(vq->vdev->priv, 0);
}

/**
 * vb_pressure_hint - somebody else speaks for the host
 * @vb: the device
 * @hint: what it says
 *
 * The work knows when the first of them may be acted on, and so all: however many
 * these are, it is not run for each.
 *
 * Context: process.
 */
void vb_pressure_hint(struct vb_dev *vb, const struct vb_host_hint *hint)
{
	if (take_hint(vb, VB_FROM_SYSFS, 0, hint))
		vb_kick_pressure(vb, 0);
}

/**
 * vb_pressure_refused - a hint broke the rules
 * @vb: the device
 *
 * Context: any.
 */
void vb_pressure_refused(struct vb_dev *vb)
{
	vb_count(vb, VB_CNT_pressure_hints_invalid, 1);
}

/**
 * vb_pressure_last - where are we with the hints from sysfs?
 * @vb: the device
 * @hints: filled in with the number of the last one, 0 for none
 * @reply: filled in with the last reply to one
 *
 * Context: process.
 */
void vb_pressure_last(struct vb_dev *vb, u32 *hints, struct vb_reply *reply)
{
	spin_lock(&vb->policy_lock);
	*hints = vb->pressure.hints;
	*reply = vb->pressure.reply;
	spin_unlock(&vb->policy_lock);
}

/**
 * vb_pressure_slack - what could the guest still give?
 * @vb: the device
 *
 * Context: process.
 * Return: bytes.
 */
u64 vb_pressure_slack(struct vb_dev *vb)
{
	struct vb_snapshot s;
	s64 pages;

	spin_lock(&vb->policy_lock);
	vb_snapshot(vb, &s);
	pages = vb_policy_spare(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
	return (u64)pages << PAGE_SHIFT;
}
