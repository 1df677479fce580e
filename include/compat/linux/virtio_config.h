/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/virtio_config.h> with what 7.3 has.
 *
 * Supplies: struct virtqueue_info and virtio_find_vqs() on it (since 6.11),
 * virtio_device_shutdown() (since 7.2; the kernel declares it in virtio.h).
 */
#ifndef COMPAT_LINUX_VIRTIO_CONFIG_H
#define COMPAT_LINUX_VIRTIO_CONFIG_H

#ifdef COMPAT_HAVE_VIRTQUEUE_INFO
#include_next <linux/virtio_config.h>
#else

#define virtio_find_vqs	compat_virtio_find_vqs_core
#include_next <linux/virtio_config.h>
#undef virtio_find_vqs

struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
	bool ctx;
};

#define COMPAT_VQS_MAX	16	/* more than any device driver here uses */

/* An entry without a name is skipped and gives a NULL in @vqs. */
static inline int virtio_find_vqs(struct virtio_device *vdev,
				  unsigned int nvqs, struct virtqueue *vqs[],
				  struct virtqueue_info vqs_info[],
				  struct irq_affinity *desc)
{
	vq_callback_t *callbacks[COMPAT_VQS_MAX];
	const char *names[COMPAT_VQS_MAX];
	bool ctx[COMPAT_VQS_MAX];
	unsigned int i;

	if (nvqs > COMPAT_VQS_MAX)
		return -EINVAL;

	for (i = 0; i < nvqs; i++) {
		callbacks[i] = vqs_info[i].callback;
		names[i] = vqs_info[i].name;
		ctx[i] = vqs_info[i].ctx;
	}

	return virtio_find_vqs_ctx(vdev, nvqs, vqs, callbacks, names, ctx, desc);
}

#endif /* !COMPAT_HAVE_VIRTQUEUE_INFO */

#ifndef COMPAT_HAVE_VIRTIO_DEVICE_SHUTDOWN
static inline void virtio_device_shutdown(struct virtio_device *dev)
{
	/* Some devices do not survive a kick after their reset. */
	virtio_break_device(dev);
	virtio_synchronize_cbs(dev);
	virtio_reset_device(dev);
}
#endif

#endif /* COMPAT_LINUX_VIRTIO_CONFIG_H */
