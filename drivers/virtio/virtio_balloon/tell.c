// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the host is told of what was posted, by whom, and at whose cost.
 *
 * A host may do its work while it is being told: then the processor that kicks
 * has nothing else for so long, and under emulation no other gets an interrupt
 * or reads a register of a device meanwhile.
 */
#include <linux/cpumask.h>
#include <linux/kernel_stat.h>

#include "balloon.h"

/* Long enough for whoever waits for memory to see that it came back. */
#define SOON_JIFFIES		2
/* A kick that took longer had the host do its work in it. */
#define SLOW_KICK_US		1000
/* How long to count what processors work: several ticks, or it says nothing. */
#define CROWD_NS		(40 * NSEC_PER_MSEC)
/* After a longer time it says nothing of now. */
#define CROWD_MAX_NS		NSEC_PER_SEC

/**
 * vb_tell_soon - tell the host in a moment, unless somebody does before
 * @vb: the device
 *
 * Whoever waits for the host, or has no room left in the ring, kicks at once.
 *
 * Context: any.
 */
void vb_tell_soon(struct vb_dev *vb)
{
	vb_kick_tell(vb, SOON_JIFFIES);
}

/**
 * vb_tell_beside - tell the host at once, on another processor
 * @vb: the device
 *
 * Context: any.
 */
void vb_tell_beside(struct vb_dev *vb)
{
	vb_kick_tell(vb, 0);
}

/**
 * vb_tell_work - tell the host of what was posted, and of the size
 * @work: vb->tell_work
 */
void vb_tell_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(to_delayed_work(work), struct vb_dev,
					 tell_work);
	u64 start = ktime_get_ns();

	vb_queue_kick(&vb->queues[VB_VQ_INFLATE]);
	vb_queue_kick(&vb->queues[VB_VQ_DEFLATE]);
	/* What MUST_TELL_HOST keeps back is no more in the balloon, nor the guest's. */
	if (!vb_must_tell_host(vb))
		vb_write_actual(vb);
	WRITE_ONCE(vb->crowd.told_ns,
		   vb->crowd.told_ns + ktime_get_ns() - start);
}

/* What all processors have worked, but for the work above; ns, in ticks. */
static u64 worked_ns(const struct vb_crowd *crowd)
{
	u64 ns = -READ_ONCE(crowd->told_ns);
	struct kernel_cpustat stat;
	unsigned int cpu;

	for_each_possible_cpu(cpu) {
		kcpustat_cpu_fetch(&stat, cpu);
		ns += stat.cpustat[CPUTIME_USER] + stat.cpustat[CPUTIME_NICE] +
		      stat.cpustat[CPUTIME_SYSTEM];
	}
	return ns;
}

/*
 * Do others work besides the worker, which does all the time? By half a processor at
 * least: a tick finds somebody there now and then. Looked at now and then.
 */
static bool is_crowded(struct vb_crowd *crowd)
{
	u64 now = ktime_get_ns(), elapsed = now - crowd->looked_ns;
	u64 worked;

	if (elapsed < CROWD_NS)
		return crowd->is;
	worked = worked_ns(crowd);
	crowd->is = elapsed < CROWD_MAX_NS &&
		    (s64)(worked - crowd->worked_ns) > (s64)elapsed * 3 / 2;
	crowd->looked_ns = now;
	crowd->worked_ns = worked;
	return crowd->is;
}

/**
 * vb_should_pause - is it time to let others do their work?
 * @vb: the device
 * @shrinks: the last round made the balloon smaller, so nobody waits for more
 *
 * Where a host that is told keeps the whole guest waiting, one round right after
 * the other would leave nothing to whoever else works in it. Into an idle guest
 * the balloon grows at full speed.
 *
 * Context: the resize worker, once a round.
 */
bool vb_should_pause(struct vb_dev *vb, bool shrinks)
{
	bool slow = READ_ONCE(vb->kick_us) > SLOW_KICK_US;

	WRITE_ONCE(vb->kick_us, 0);
	return slow && (shrinks || is_crowded(&vb->crowd));
}
