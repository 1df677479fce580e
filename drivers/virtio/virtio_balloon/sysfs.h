/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of sysfs share: tunables, whatever group they are in.
 */
#ifndef VB_SYSFS_H
#define VB_SYSFS_H

#include <linux/device.h>
#include <linux/sysfs.h>

#include "balloon.h"

/* An attribute that is one of many alike: @id says which. */
struct vb_number_attribute {
	struct device_attribute attr;
	unsigned int id;
};

static inline unsigned int vb_attr_id(struct device_attribute *attr)
{
	return container_of(attr, struct vb_number_attribute, attr)->id;
}

ssize_t vb_tunable_attr_show(struct device *dev, struct device_attribute *attr,
			     char *buf);
ssize_t vb_tunable_attr_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count);

#define TUNABLE_ATTR(_name, _id)					\
	static struct vb_number_attribute dev_attr_##_name = {		\
		__ATTR(_name, 0644, vb_tunable_attr_show,		\
		       vb_tunable_attr_store), _id			\
	}

static inline struct vb_dev *vb_of(struct device *dev)
{
	return dev_to_virtio(dev)->priv;
}

#endif /* VB_SYSFS_H */
