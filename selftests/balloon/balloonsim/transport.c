// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transport: what the virtio core calls to get at the device.
 */
#include <linux/slab.h>
#include <linux/virtio_balloon.h>

#include "balloonsim.h"
#include "compat.h"

#define FIELD_END(f)	offsetofend(struct virtio_balloon_config, f)

/* Each field belongs to a feature; without it, the driver must not touch it. */
static bool field_allowed(struct bsim *sim, unsigned int offset, bool write)
{
	switch (offset) {
	case offsetof(struct virtio_balloon_config, num_pages):
		return !write;
	case offsetof(struct virtio_balloon_config, actual):
		return true;
	case offsetof(struct virtio_balloon_config, free_page_hint_cmd_id):
		return !write && bsim_has(sim, VIRTIO_BALLOON_F_FREE_PAGE_HINT);
	case offsetof(struct virtio_balloon_config, poison_val):
		return bsim_has(sim, VIRTIO_BALLOON_F_PAGE_POISON);
	default:
		return false;
	}
}

static bool config_access_ok(struct bsim *sim, unsigned int offset, unsigned int len, bool write)
{
	const char *verb = write ? "write" : "read";

	if (offset + len > sim->config_len) {
		bsim_violation(sim, "config-range: %s of %u bytes at %u, length is %u",
			       verb, len, offset, sim->config_len);
		return false;
	}
	if (len != sizeof(__le32) || !field_allowed(sim, offset, write))
		bsim_violation(sim, "config-field: %s of %u bytes at %u, features %#llx",
			       verb, len, offset, sim->negotiated);
	return true;
}

static void bsim_config_get(struct virtio_device *vdev, unsigned int offset, void *buf,
			    unsigned int len)
{
	struct bsim *sim = to_bsim(vdev);

	if (sim->gone) {
		memset(buf, 0xff, len);
		return;
	}
	memset(buf, 0, len);
	if (!config_access_ok(sim, offset, len, false))
		return;

	spin_lock_irq(&sim->lock);
	memcpy(buf, (void *)&sim->config + offset, len);
	sim->config_reads++;
	spin_unlock_irq(&sim->lock);
}

static void bsim_config_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
			    unsigned int len)
{
	struct bsim *sim = to_bsim(vdev);

	if (sim->gone || !config_access_ok(sim, offset, len, true))
		return;

	spin_lock_irq(&sim->lock);
	memcpy((void *)&sim->config + offset, buf, len);
	if (offset == offsetof(struct virtio_balloon_config, actual))
		sim->actual_writes++;
	spin_unlock_irq(&sim->lock);
}

static u32 bsim_config_generation(struct virtio_device *vdev)
{
	return READ_ONCE(to_bsim(vdev)->config_generation);
}

/* What the host wants changes, without a word to the driver. */
void bsim_set_target(struct bsim *sim, u32 pages)
{
	spin_lock_irq(&sim->lock);
	sim->config.num_pages = cpu_to_le32(pages);
	bsim_traffic_target(sim);
	sim->config_generation++;
	spin_unlock_irq(&sim->lock);
}

void bsim_config_irq(struct irq_work *work)
{
	virtio_config_changed(&container_of(work, struct bsim, config_irq)->vdev);
}

void bsim_config_changed(struct bsim *sim)
{
	if (!sim->gone)
		irq_work_queue(&sim->config_irq);
}

static u8 bsim_get_status(struct virtio_device *vdev)
{
	return to_bsim(vdev)->status;
}

static void bsim_set_status(struct virtio_device *vdev, u8 status)
{
	struct bsim *sim = to_bsim(vdev);
	unsigned int i;

	if ((status & VIRTIO_CONFIG_S_FEATURES_OK) && (sim->setup.require & ~sim->negotiated))
		status &= ~VIRTIO_CONFIG_S_FEATURES_OK;

	spin_lock_irq(&sim->lock);
	sim->status = status;
	/* a driver may have put buffers into the rings while it set them up */
	for (i = 0; i < sim->nr_queues; i++)
		bsim_queue_fetch(&sim->queues[i]);
	spin_unlock_irq(&sim->lock);
	bsim_serve_wake(sim);
}

static void bsim_reset_op(struct virtio_device *vdev)
{
	bsim_reset(to_bsim(vdev));
}

static u64 bsim_get_features(struct virtio_device *vdev)
{
	return to_bsim(vdev)->setup.features;
}

/* Packed rings, in-order use and the like are offered in vain: not done here. */
static int bsim_finalize_features(struct virtio_device *vdev)
{
	struct bsim *sim = to_bsim(vdev);
	unsigned int i;

	vring_transport_features(vdev);
	for (i = VIRTIO_TRANSPORT_F_START; i < VIRTIO_TRANSPORT_F_END; i++)
		if (i != VIRTIO_RING_F_INDIRECT_DESC && i != VIRTIO_RING_F_EVENT_IDX &&
		    i != VIRTIO_F_VERSION_1 && i != VIRTIO_F_ACCESS_PLATFORM)
			__virtio_clear_bit(vdev, i);

	sim->negotiated = vdev->features;
	return 0;
}

static void bsim_del_vqs(struct virtio_device *vdev)
{
	struct virtqueue *vq, *next;

	list_for_each_entry_safe(vq, next, &vdev->vqs, list) {
		bsim_queue_detach(vq->priv);
		vring_del_virtqueue(vq);
	}
}

static int setup_vq(struct bsim *sim, unsigned int index, struct virtqueue_info *info,
		    struct virtqueue **to)
{
	struct bsim_queue *q = &sim->queues[index];
	struct virtqueue *vq;

	if (index >= sim->nr_queues)
		return -ENOENT;

	vq = vring_create_virtqueue(index, sim->setup.ring_size, SMP_CACHE_BYTES, &sim->vdev,
				    true, false, info->ctx, bsim_notify, info->callback,
				    info->name);
	if (!vq)
		return -ENOMEM;

	vq->num_max = sim->setup.ring_size;
	vq->priv = q;
	bsim_queue_attach(q, vq);
	*to = vq;
	return 0;
}

/* As every transport of Linux does it: a queue without a name has no number. */
static int bsim_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
			 struct virtqueue *vqs[], struct virtqueue_info info[],
			 struct irq_affinity *desc)
{
	struct bsim *sim = to_bsim(vdev);
	unsigned int i, index = 0;
	int err;

	/* addresses in the ring would be bus addresses, which a host cannot map back */
	if (bsim_has(sim, VIRTIO_F_ACCESS_PLATFORM))
		return -EOPNOTSUPP;

	for (i = 0; i < nvqs; i++) {
		vqs[i] = NULL;
		if (!info[i].name)
			continue;
		err = setup_vq(sim, index++, &info[i], &vqs[i]);
		if (err) {
			bsim_del_vqs(vdev);
			return err;
		}
	}
	return 0;
}

static const char *bsim_bus_name(struct virtio_device *vdev)
{
	return dev_name(vdev->dev.parent);
}

static void bsim_synchronize_cbs(struct virtio_device *vdev)
{
	struct bsim *sim = to_bsim(vdev);
	unsigned int i;

	irq_work_sync(&sim->config_irq);
	for (i = 0; i < sim->nr_queues; i++)
		irq_work_sync(&sim->queues[i].irq);
}

const struct virtio_config_ops bsim_config_ops = {
	.get			= bsim_config_get,
	.set			= bsim_config_set,
	.generation		= bsim_config_generation,
	.get_status		= bsim_get_status,
	.set_status		= bsim_set_status,
	.reset			= bsim_reset_op,
	.find_vqs		= BSIM_FIND_VQS,
	.del_vqs		= bsim_del_vqs,
	.synchronize_cbs	= bsim_synchronize_cbs,
	.get_features		= bsim_get_features,
	.finalize_features	= bsim_finalize_features,
	.bus_name		= bsim_bus_name,
};
