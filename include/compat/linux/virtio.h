/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/virtio.h> with what 7.3 has.
 *
 * Supplies struct virtio_driver.shutdown, which the kernel has since 6.16.
 * Before that, a struct of the newer shape is registered by way of one of the
 * older shape, and a reboot notifier, which runs just before the devices are
 * shut down, calls the method. The embedded device_driver has a method of its
 * own, but stable kernels gave the bus one, which takes precedence.
 * Where this applies, &drv->driver is not what is registered: a driver that
 * wants its struct device_driver takes it from vdev->dev.driver.
 *
 * virtio_device_shutdown() (since 7.2) is in virtio_config.h beside this file,
 * because it needs virtio_synchronize_cbs() from there.
 */
#ifndef COMPAT_LINUX_VIRTIO_H
#define COMPAT_LINUX_VIRTIO_H

#ifdef COMPAT_HAVE_VIRTIO_DRIVER_SHUTDOWN
#include_next <linux/virtio.h>
#else

#define virtio_driver	compat_virtio_core
#include_next <linux/virtio.h>
#undef virtio_driver
#include <linux/notifier.h>
#include <linux/reboot.h>

struct virtio_driver {
	struct device_driver driver;
	const struct virtio_device_id *id_table;
	const unsigned int *feature_table;
	unsigned int feature_table_size;
	const unsigned int *feature_table_legacy;
	unsigned int feature_table_size_legacy;
	int (*validate)(struct virtio_device *dev);
	int (*probe)(struct virtio_device *dev);
	void (*scan)(struct virtio_device *dev);
	void (*remove)(struct virtio_device *dev);
	void (*config_changed)(struct virtio_device *dev);
	int (*freeze)(struct virtio_device *dev);
	int (*restore)(struct virtio_device *dev);
	void (*shutdown)(struct virtio_device *dev);
	struct compat_virtio_core core;
	struct notifier_block reboot;
};

static inline int compat_virtio_shutdown_one(struct device *dev, void *drv)
{
	device_lock(dev);
	if (dev->driver)
		((struct virtio_driver *)drv)->shutdown(dev_to_virtio(dev));
	device_unlock(dev);
	return 0;
}

static inline int compat_virtio_reboot(struct notifier_block *nb,
				       unsigned long unused, void *data)
{
	struct virtio_driver *drv =
		container_of(nb, struct virtio_driver, reboot);

	if (driver_for_each_device(&drv->core.driver, NULL, drv,
				   compat_virtio_shutdown_one))
		pr_warn("%s: not all devices were shut down\n",
			drv->driver.name);
	return NOTIFY_DONE;
}

static inline int compat_register_virtio_driver(struct virtio_driver *drv,
						struct module *owner)
{
	int err;

	drv->core = (struct compat_virtio_core) {
		.driver				= drv->driver,
		.id_table			= drv->id_table,
		.feature_table			= drv->feature_table,
		.feature_table_size		= drv->feature_table_size,
		.feature_table_legacy		= drv->feature_table_legacy,
		.feature_table_size_legacy	= drv->feature_table_size_legacy,
		.validate			= drv->validate,
		.probe				= drv->probe,
		.scan				= drv->scan,
		.remove				= drv->remove,
		.config_changed			= drv->config_changed,
#ifdef CONFIG_PM
		.freeze				= drv->freeze,
		.restore			= drv->restore,
#endif
	};
	drv->core.driver.owner = owner;

	/* A macro since 6.10, a function before. */
#ifdef register_virtio_driver
	err = __register_virtio_driver(&drv->core, owner);
#undef register_virtio_driver
#else
	err = register_virtio_driver(&drv->core);
#endif
	if (!err && drv->shutdown) {
		drv->reboot.notifier_call = compat_virtio_reboot;
		err = register_reboot_notifier(&drv->reboot);
		if (err)
			unregister_virtio_driver(&drv->core);
	}
	return err;
}

static inline void compat_unregister_virtio_driver(struct virtio_driver *drv)
{
	if (drv->shutdown)
		unregister_reboot_notifier(&drv->reboot);
	unregister_virtio_driver(&drv->core);
}

#define register_virtio_driver(drv) \
	compat_register_virtio_driver(drv, THIS_MODULE)
#define unregister_virtio_driver(drv) \
	compat_unregister_virtio_driver(drv)

#endif /* !COMPAT_HAVE_VIRTIO_DRIVER_SHUTDOWN */

#endif /* COMPAT_LINUX_VIRTIO_H */
