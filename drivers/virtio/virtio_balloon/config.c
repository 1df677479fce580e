// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's configuration space. Access may sleep, so only workers and
 * probe come here. A field that a feature promises is touched only behind that
 * feature: the transport treats an access past the device's length as a bug.
 */
#include <linux/poison.h>
#include <linux/virtio_config.h>

#include "balloon.h"

/**
 * vb_read_target - how large does the host want the balloon to be?
 * @vb: the device
 *
 * Context: process, may sleep.
 * Return: guest pages, rounded up, so that a target which is no multiple of
 * the guest's page size has one fixed point.
 */
s64 vb_read_target(struct vb_dev *vb)
{
	u32 num_pages;

	virtio_cread_le(vb->vdev, struct virtio_balloon_config, num_pages,
			&num_pages);
	return DIV_ROUND_UP((u64)num_pages, VB_PFNS_PER_PAGE);
}

/**
 * vb_write_actual - tell the host how large the balloon is
 * @vb: the device
 *
 * Writes only what changed: each write is an exit to the host.
 *
 * Context: process, may sleep.
 */
void vb_write_actual(struct vb_dev *vb)
{
	u32 actual;

	mutex_lock(&vb->actual_mutex);
	actual = min_t(u64, U32_MAX,
		       (u64)vb_store_pages(&vb->store) * VB_PFNS_PER_PAGE);
	if (actual != vb->last_actual)
		virtio_cwrite_le(vb->vdev, struct virtio_balloon_config, actual,
				 &actual);
	vb->last_actual = actual;
	mutex_unlock(&vb->actual_mutex);
}

/**
 * vb_read_hint_cmd - which hinting session does the host want?
 * @vb: a device with FREE_PAGE_HINT
 *
 * Context: process, may sleep.
 * Return: a session id, VIRTIO_BALLOON_CMD_ID_STOP or _DONE.
 */
u32 vb_read_hint_cmd(struct vb_dev *vb)
{
	u32 cmd = VIRTIO_BALLOON_CMD_ID_STOP;

	virtio_cread_le_feature(vb->vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT,
				struct virtio_balloon_config,
				free_page_hint_cmd_id, &cmd);
	return cmd;
}

/**
 * vb_write_poison - tell the host what free pages of this guest contain
 * @vb: the device; does nothing without PAGE_POISON
 *
 * Zeroes where the guest clears pages when it frees them, the kernel's poison
 * byte otherwise.
 *
 * Context: process, may sleep.
 */
void vb_write_poison(struct vb_dev *vb)
{
	u32 poison = want_init_on_free() ? 0 : PAGE_POISON * 0x01010101U;

	if (virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		virtio_cwrite_le(vb->vdev, struct virtio_balloon_config,
				 poison_val, &poison);
}
