// SPDX-License-Identifier: GPL-2.0-only
/*
 * One simulated device, from its making to its end.
 */
#include <linux/delay.h>
#include <linux/pm.h>
#include <linux/slab.h>

#include "balloonsim.h"

static void bsim_parent_release(struct device *dev)
{
	kfree(dev);
}

static void bsim_vdev_release(struct device *dev)
{
	struct bsim *sim = to_bsim(dev_to_virtio(dev));
	unsigned int i;

	for (i = 0; i < BSIM_ROLES; i++)
		bsim_queue_exit(&sim->queues[i]);
	bsim_books_exit(sim);
	kfree(sim);
}

#ifdef CONFIG_PM_SLEEP
static int bsim_suspend(struct device *dev)
{
	return virtio_device_freeze(dev_get_drvdata(dev));
}

static int bsim_resume(struct device *dev)
{
	return virtio_device_restore(dev_get_drvdata(dev));
}

static DEFINE_SIMPLE_DEV_PM_OPS(bsim_pm_ops, bsim_suspend, bsim_resume);
#define BSIM_PM_OPS	(&bsim_pm_ops)
#else
#define BSIM_PM_OPS	NULL
#endif

/**
 * bsim_sleep() - suspend this device alone, as the system does with all of them
 * @sim: the device
 * @ms: for how long
 *
 * Return: 0, what the driver says, or -EOPNOTSUPP.
 */
int bsim_sleep(struct bsim *sim, unsigned int ms)
{
	int err = -EOPNOTSUPP;

#ifdef CONFIG_PM_SLEEP
	device_lock(&sim->vdev.dev);
	err = virtio_device_freeze(&sim->vdev);
	if (!err) {
		msleep(ms);
		err = virtio_device_restore(&sim->vdev);
	}
	device_unlock(&sim->vdev.dev);
#endif
	return err;
}

static const struct device_type bsim_parent_type = {
	.name	= "balloonsim",
	.pm	= BSIM_PM_OPS,
};

static struct device *parent_create(unsigned int id)
{
	struct device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int err;

	if (!dev)
		return ERR_PTR(-ENOMEM);

	device_initialize(dev);
	dev->type = &bsim_parent_type;
	dev->release = bsim_parent_release;
	err = dev_set_name(dev, "balloonsim%u", id);
	if (!err)
		err = device_add(dev);
	if (err) {
		put_device(dev);
		return ERR_PTR(err);
	}
	return dev;
}

/* Queues are numbered densely over what the device offers, as VMMs do it. */
static void number_queues(struct bsim *sim)
{
	static const unsigned int feature[BSIM_ROLES] = {
		[BSIM_STATS]	= VIRTIO_BALLOON_F_STATS_VQ,
		[BSIM_HINT]	= VIRTIO_BALLOON_F_FREE_PAGE_HINT,
		[BSIM_REPORT]	= VIRTIO_BALLOON_F_REPORTING,
		[BSIM_PRESSURE]	= BSIM_F_HOST_PRESSURE,
	};
	enum bsim_role role;

	for (role = 0; role < BSIM_ROLES; role++) {
		if (role >= BSIM_STATS && !(sim->setup.features & BIT_ULL(feature[role])))
			continue;
		sim->queues[sim->nr_queues].role = role;
		sim->queues[sim->nr_queues].index = sim->nr_queues;
		sim->nr_queues++;
	}
	sim->nr_queues = min(sim->nr_queues, sim->setup.queues);
}

/* As long as the offered features promise, and no longer. */
static unsigned int config_length(u64 features)
{
	if (features & BIT_ULL(VIRTIO_BALLOON_F_PAGE_POISON))
		return offsetofend(struct virtio_balloon_config, poison_val);
	if (features & BIT_ULL(VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		return offsetofend(struct virtio_balloon_config, free_page_hint_cmd_id);
	return offsetofend(struct virtio_balloon_config, actual);
}

static struct bsim *bsim_alloc(const struct bsim_setup *setup)
{
	struct bsim *sim = kzalloc(sizeof(*sim), GFP_KERNEL);
	unsigned int i;
	int err;

	if (!sim)
		return ERR_PTR(-ENOMEM);

	sim->setup = *setup;
	sim->serve = setup->serve;
	sim->overwrite = setup->overwrite;
	sim->config.num_pages = cpu_to_le32(setup->target);
	sim->config_len = config_length(setup->features);
	spin_lock_init(&sim->lock);
	mutex_init(&sim->service);
	init_waitqueue_head(&sim->wake);
	init_waitqueue_head(&sim->mischief_wake);
	sim->config_irq = IRQ_WORK_INIT(bsim_config_irq);
	prandom_seed_state(&sim->serve_rnd, setup->seed);
	number_queues(sim);

	err = bsim_books_init(sim);
	for (i = 0; !err && i < BSIM_ROLES; i++)
		err = bsim_queue_init(sim, &sim->queues[i]);
	if (err) {
		bsim_vdev_release(&sim->vdev.dev);
		return ERR_PTR(err);
	}
	sim->chaos_max = sim->books.pages / 4;
	return sim;
}

static void stop_threads(struct bsim *sim)
{
	bsim_mischief_stop(sim);
	bsim_serve_stop(sim);
}

struct bsim *bsim_device_create(const struct bsim_setup *setup)
{
	struct bsim *sim = bsim_alloc(setup);
	int err;

	if (IS_ERR(sim))
		return sim;

	sim->parent = parent_create(setup->id);
	if (IS_ERR(sim->parent)) {
		err = PTR_ERR(sim->parent);
		bsim_vdev_release(&sim->vdev.dev);
		return ERR_PTR(err);
	}
	dev_set_drvdata(sim->parent, &sim->vdev);

	sim->vdev.id.device = VIRTIO_ID_BALLOON;
	sim->vdev.id.vendor = VIRTIO_DEV_ANY_ID;
	sim->vdev.config = &bsim_config_ops;
	sim->vdev.dev.parent = sim->parent;
	sim->vdev.dev.release = bsim_vdev_release;

	/* the driver's probe already needs a device that answers */
	err = bsim_serve_start(sim);
	if (!err)
		err = bsim_mischief_start(sim);
	if (err) {
		stop_threads(sim);
		device_unregister(sim->parent);
		bsim_vdev_release(&sim->vdev.dev);
		return ERR_PTR(err);
	}

	err = register_virtio_device(&sim->vdev);
	if (err) {
		stop_threads(sim);
		device_unregister(sim->parent);
		put_device(&sim->vdev.dev);
		return ERR_PTR(err);
	}
	/* until bsim_device_destroy() */
	get_device(&sim->vdev.dev);
	bsim_debugfs_add(sim);
	return sim;
}

/* The device stays able to answer until the driver has let go of it. */
void bsim_device_destroy(struct bsim *sim)
{
	unregister_virtio_device(&sim->vdev);
	bsim_debugfs_del(sim);
	stop_threads(sim);
	irq_work_sync(&sim->config_irq);
	device_unregister(sim->parent);
	put_device(&sim->vdev.dev);
}
