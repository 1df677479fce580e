/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only place that knows how kernels differ. The code is written against
 * the newest kernel; HAVE_* come from Kbuild, which reads the headers.
 */
#ifndef BALLOONSIM_COMPAT_H
#define BALLOONSIM_COMPAT_H

#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "balloonsim.h"

#ifndef HAVE_VIRTQUEUE_INFO
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

static int bsim_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			 struct virtqueue *vqs[], struct virtqueue_info info[],
			 struct irq_affinity *desc);

/* Older kernels pass callbacks and names in two arrays. */
static int bsim_find_vqs_arrays(struct virtio_device *vdev, unsigned int nvqs,
				struct virtqueue *vqs[], vq_callback_t *callbacks[],
				const char * const names[], const bool *ctx,
				struct irq_affinity *desc)
{
	struct virtqueue_info info[2 * BSIM_ROLES] = {};
	unsigned int i;

	if (nvqs > ARRAY_SIZE(info))
		return -EINVAL;

	for (i = 0; i < nvqs; i++) {
		info[i].name = names[i];
		info[i].callback = callbacks[i];
		info[i].ctx = ctx && ctx[i];
	}
	return bsim_find_vqs(vdev, nvqs, vqs, info, desc);
}

#define BSIM_FIND_VQS	bsim_find_vqs_arrays
#else
#define BSIM_FIND_VQS	bsim_find_vqs
#endif

#endif
