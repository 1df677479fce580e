// SPDX-License-Identifier: GPL-2.0-only
/*
 * When the host is told of what was posted, by whom, and at whose cost.
 *
 * A host may do its work while it is being told: then the processor that kicks
 * has nothing else for so long, and under emulation no other gets an interrupt
 * or reads a register of a device meanwhile.
 */
#include <linux/cpumask.h>
#include <linux/tick.h>

#include "balloon.h"

/* Long enough for whoever waits for memory to see that it came back. */
#define SOON_JIFFIES		2
/* A kick that took longer had the host do its work in it. */
#define SLOW_KICK_US		1000
/* What processors worked in a longer time says nothing of now. */
#define CROWD_MAX_US		USEC_PER_SEC
/* So often in a row, or it was by chance. */
#define CROWD_LOOKS		3

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
 * vb_tell_work - tell the host of the deflate, and of the size
 * @work: vb->tell_work
 */
void vb_tell_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(to_delayed_work(work), struct vb_dev,
					 tell_work);

	vb_queue_kick(&vb->queues[VB_VQ_DEFLATE]);
	/* What MUST_TELL_HOST keeps back is no more in the balloon, nor the guest's. */
	if (!vb_must_tell_host(vb))
		vb_write_actual(vb);
}

/* How long all processors have been idle. Nought where nobody counts it; us. */
static u64 idle_us(void)
{
	unsigned int cpu;
	u64 us = 0;

	for_each_online_cpu(cpu)
		us += get_cpu_idle_time_us(cpu, NULL) +
		      get_cpu_iowait_time_us(cpu, NULL);
	return us;
}

/*
 * Do others work besides the worker? By a quarter of a processor at the least,
 * since the last look, with which the worker itself was busy at the most; and
 * more than once, for an interrupt, too, may have to wait for the host.
 */
static bool is_crowded(struct vb_crowd *crowd)
{
	u64 now = ktime_to_us(ktime_get()), idle = idle_us();
	u64 elapsed = now - crowd->looked_us;
	s64 worked = elapsed * num_online_cpus() - (idle - crowd->idle_us);

	if (elapsed > CROWD_MAX_US || worked < (s64)elapsed * 5 / 4)
		crowd->looks = 0;
	else if (crowd->looks < CROWD_LOOKS)
		crowd->looks++;
	crowd->looked_us = now;
	crowd->idle_us = idle;
	return crowd->looks == CROWD_LOOKS;
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
