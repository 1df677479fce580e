// SPDX-License-Identifier: GPL-2.0-only
/*
 * Taking pages back for those who can neither allocate nor wait.
 *
 * Without MUST_TELL_HOST the host is told and the pages are the guest's at
 * once. With it, or where the ring has no room, the deflate work does it.
 */
#include "balloon.h"

/**
 * vb_release - take back what was granted
 * @vb: the device
 * @why: the reason
 * @granted: pages, from one of the grants
 * @nid: the node to take them from, NUMA_NO_NODE for any
 *
 * Context: reclaim, OOM; the caller holds vb->online_sem for reading. Allocates
 * nothing, waits for nobody.
 * Return: pages that the guest has back by now.
 */
long vb_release(struct vb_dev *vb, enum vb_why why, long granted, int nid)
{
	long freed = 0;

	lockdep_assert_held_read(&vb->online_sem);
	if (!vb->online)
		freed = vb_deflate_untold(vb, granted, nid);
	else if (!vb_must_tell_host(vb))
		freed = vb_deflate_nowait(vb, granted, nid);
	if (vb->online && !freed)
		vb_deflate_hand_over(vb, why, granted);
	vb_released(vb, why, granted, freed);
	if (vb->online && freed)
		vb_deflate_look_after(vb);
	return freed;
}
