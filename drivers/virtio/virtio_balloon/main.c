// SPDX-License-Identifier: GPL-2.0-only
/*
 * The virtio driver: in what order a balloon is put together and taken apart.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_ring.h>

#include "balloon.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static void init(struct vb_dev *vb, struct virtio_device *vdev)
{
	vb->vdev = vdev;
	vdev->priv = vb;
	mutex_init(&vb->actual_mutex);
	init_rwsem(&vb->online_sem);
	spin_lock_init(&vb->policy_lock);
	spin_lock_init(&vb->kick_lock);
	spin_lock_init(&vb->awake_lock);
	INIT_DELAYED_WORK(&vb->resize_work, vb_resize_work);
	INIT_WORK(&vb->deflate_work, vb_deflate_work);
	INIT_DELAYED_WORK(&vb->tell_work, vb_tell_work);
	INIT_DELAYED_WORK(&vb->sample_work, vb_sample_work);
	INIT_WORK(&vb->stats_work, vb_stats_work);
	vb_hint_init(vb);
	vb_pressure_init(vb);
	vb_queues_init(vb);
	INIT_LIST_HEAD(&vb->in_report);
	spin_lock_init(&vb->reported_lock);
	INIT_LIST_HEAD(&vb->reported);
	vb->stopping = true;
}

static int alloc_store(struct vb_dev *vb)
{
	bool deflate_on_oom = virtio_has_feature(vb->vdev,
						 VIRTIO_BALLOON_F_DEFLATE_ON_OOM);

	return vb_store_init(&vb->store, !deflate_on_oom,
			     IS_ENABLED(CONFIG_BALLOON_MIGRATION) ?
			     vb_migratepage : NULL);
}

static int alloc_workqueues(struct vb_dev *vb)
{
	vb->wq = alloc_workqueue("virtio_balloon", WQ_UNBOUND | WQ_FREEZABLE, 0);
	if (!vb->wq)
		return -ENOMEM;
	vb->deflate_wq = alloc_workqueue("virtio_balloon_deflate",
					 WQ_UNBOUND | WQ_FREEZABLE |
					 WQ_MEM_RECLAIM, 0);
	if (!vb->deflate_wq) {
		destroy_workqueue(vb->wq);
		return -ENOMEM;
	}
	return 0;
}

static void free_workqueues(struct vb_dev *vb)
{
	destroy_workqueue(vb->deflate_wq);
	destroy_workqueue(vb->wq);
}

static int balloon_probe(struct virtio_device *vdev)
{
	struct vb_dev *vb;
	int err;

	if (!vdev->config->get) {
		dev_err(&vdev->dev, "no access to the configuration space\n");
		return -EINVAL;
	}
	vb = kzalloc(sizeof(*vb), GFP_KERNEL);
	if (!vb)
		return -ENOMEM;
	init(vb, vdev);
	err = alloc_store(vb);
	if (err)
		goto err_free;
	vb->policy.below_target =
		virtio_has_feature(vdev, VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
	vb_tunables_init(vb);
	err = alloc_workqueues(vb);
	if (err)
		goto err_store;
	err = vb_hint_register(vb);
	if (err)
		goto err_workqueues;
	/* After the one for hints, and so called after it. */
	err = vb_shrinker_register(vb);
	if (err)
		goto err_hint;
	err = vb_oom_register(vb);
	if (err)
		goto err_shrinker;
	err = vb_hotplug_register(vb);
	if (err)
		goto err_oom;
	err = vb_power_register(vb);
	if (err)
		goto err_hotplug;
	err = vb_go_online(vb);
	if (err)
		goto err_power;
	vb_debugfs_register(vb);
	return 0;

err_power:
	vb_power_unregister(vb);
err_hotplug:
	vb_hotplug_unregister(vb);
err_oom:
	vb_oom_unregister(vb);
err_shrinker:
	vb_shrinker_unregister(vb);
err_hint:
	vb_hint_unregister(vb);
err_workqueues:
	free_workqueues(vb);
err_store:
	vb_store_destroy(&vb->store);
err_free:
	kfree(vb);
	dev_err(&vdev->dev, "the balloon cannot be used: error %d\n", err);
	return err;
}

static void balloon_remove(struct virtio_device *vdev)
{
	struct vb_dev *vb = vdev->priv;

	vb_debugfs_unregister(vb);
	vb_power_unregister(vb);
	vb_hotplug_unregister(vb);
	vb_oom_unregister(vb);
	vb_shrinker_unregister(vb);
	vb_hint_unregister(vb);
	vb_go_offline(vb, false);
	free_workqueues(vb);
	vb_store_destroy(&vb->store);
	kfree(vb);
}

/* Reboot or kexec: the host must not touch memory any more; ours may stay. */
static void balloon_shutdown(struct virtio_device *vdev)
{
	struct vb_dev *vb = vdev->priv;

	vb_stop_work(vb);
	down_write(&vb->online_sem);
	vb->online = false;
	up_write(&vb->online_sem);
	virtio_device_shutdown(vdev);
}

/* Context: config_lock held, interrupts off. */
static void balloon_config_changed(struct virtio_device *vdev)
{
	vb_kick_all(vdev->priv);
}

/* Hypervisors count the queues that they offer: ours would have other numbers. */
static void refuse_reporting(struct virtio_device *vdev)
{
	if (virtio_has_feature(vdev, VIRTIO_BALLOON_F_REPORTING))
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_HOST_PRESSURE);
	__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_REPORTING);
}

/*
 * The host may drop reported pages, and gives them back as zeroes. Where the
 * guest expects its own pattern in free pages the host has to know it; a host
 * that cannot be told must not be given any.
 */
static int balloon_validate(struct virtio_device *vdev)
{
	if (!want_init_on_free() && !page_poisoning_enabled_static())
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_PAGE_POISON);
	else if (!virtio_has_feature(vdev, VIRTIO_BALLOON_F_PAGE_POISON))
		refuse_reporting(vdev);

	/* The standard does not reserve the bit: it may mean something else. */
	if (!vb_pressure_queue)
		__virtio_clear_bit(vdev, VIRTIO_BALLOON_F_HOST_PRESSURE);

	/* Posting must not allocate: it happens in reclaim. */
	__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	/* The device wants page numbers, not what an IOMMU makes of them. */
	if (virtio_has_feature(vdev, VIRTIO_F_ACCESS_PLATFORM))
		dev_info(&vdev->dev,
			 "ACCESS_PLATFORM does not go with a balloon; a device that insists is refused\n");
	__virtio_clear_bit(vdev, VIRTIO_F_ACCESS_PLATFORM);
	return 0;
}

static const struct virtio_device_id balloon_ids[] = {
	{ VIRTIO_ID_BALLOON, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static const unsigned int balloon_features[] = {
	VIRTIO_BALLOON_F_MUST_TELL_HOST,
	VIRTIO_BALLOON_F_STATS_VQ,
	VIRTIO_BALLOON_F_DEFLATE_ON_OOM,
	VIRTIO_BALLOON_F_FREE_PAGE_HINT,
	VIRTIO_BALLOON_F_PAGE_POISON,
	VIRTIO_BALLOON_F_REPORTING,
	VIRTIO_BALLOON_F_HOST_PRESSURE,
};

static const struct attribute_group *balloon_groups[] = {
	&vb_balloon_group,
	&vb_counters_group,
	&vb_pressure_group,
	NULL
};

static struct virtio_driver balloon_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.dev_groups = balloon_groups,
	.feature_table = balloon_features,
	.feature_table_size = ARRAY_SIZE(balloon_features),
	.id_table = balloon_ids,
	.validate = balloon_validate,
	.probe = balloon_probe,
	.remove = balloon_remove,
	.shutdown = balloon_shutdown,
	.config_changed = balloon_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = vb_freeze,
	.restore = vb_restore,
#endif
};

module_virtio_driver(balloon_driver);
MODULE_DEVICE_TABLE(virtio, balloon_ids);
MODULE_DESCRIPTION("Virtio memory balloon that resizes itself");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
