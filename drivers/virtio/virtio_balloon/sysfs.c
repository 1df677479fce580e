// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: group balloon/ with the state and the tunables, and group
 * balloon_counters/ with one file a counter, both on the virtio device.
 * One value a file; see Documentation/ABI/testing.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "balloon.h"

static struct vb_dev *to_vb(struct device *dev)
{
	return dev_to_virtio(dev)->priv;
}

/* 4 KiB pages, the unit of the host's side. */
static ssize_t emit_pages4k(char *buf, s64 pages)
{
	return sysfs_emit(buf, "%lld\n", pages * (s64)VB_PFNS_PER_PAGE);
}

static ssize_t target_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, READ_ONCE(to_vb(dev)->last_target));
}
static DEVICE_ATTR_RO(target_pages);

static ssize_t actual_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, vb_store_pages(&to_vb(dev)->store));
}
static DEVICE_ATTR_RO(actual_pages);

static ssize_t offset_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, READ_ONCE(to_vb(dev)->policy.offset));
}
static DEVICE_ATTR_RO(offset_pages);

static ssize_t goal_pages_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct vb_dev *vb = to_vb(dev);
	struct vb_snapshot s;
	s64 goal;

	vb_snapshot(vb, &s);
	spin_lock(&vb->policy_lock);
	goal = vb_policy_goal(&vb->policy, &s);
	spin_unlock(&vb->policy_lock);
	return emit_pages4k(buf, goal);
}
static DEVICE_ATTR_RO(goal_pages);

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%s\n", vb_state(to_vb(dev)));
}
static DEVICE_ATTR_RO(state);

struct number_attribute {
	struct device_attribute attr;
	unsigned int id;
};

static unsigned int attr_id(struct device_attribute *attr)
{
	return container_of(attr, struct number_attribute, attr)->id;
}

static ssize_t tunable_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return vb_tunable_show(to_vb(dev), attr_id(attr), buf);
}

static ssize_t tunable_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	struct vb_dev *vb = to_vb(dev);
	int err = vb_tunable_set(vb, attr_id(attr), buf);

	if (err)
		return err;
	vb_kick_resize(vb);
	return count;
}

#define TUNABLE_ATTR(_name, _id)					\
	static struct number_attribute dev_attr_##_name = {		\
		__ATTR(_name, 0644, tunable_show, tunable_store), _id	\
	}

TUNABLE_ATTR(auto_deflate, VB_TUNE_AUTO_DEFLATE);
TUNABLE_ATTR(reserve_kib, VB_TUNE_RESERVE_KIB);
TUNABLE_ATTR(low_percent, VB_TUNE_LOW_PERCENT);
TUNABLE_ATTR(deflate_batch, VB_TUNE_DEFLATE_BATCH);
TUNABLE_ATTR(deflate_limit_per_s, VB_TUNE_DEFLATE_LIMIT_PER_S);
TUNABLE_ATTR(holdoff_ms, VB_TUNE_HOLDOFF_MS);
TUNABLE_ATTR(holdoff_max_ms, VB_TUNE_HOLDOFF_MAX_MS);
TUNABLE_ATTR(return_ms, VB_TUNE_RETURN_MS);
TUNABLE_ATTR(return_step, VB_TUNE_RETURN_STEP);

static struct attribute *balloon_attrs[] = {
	&dev_attr_target_pages.attr,
	&dev_attr_actual_pages.attr,
	&dev_attr_offset_pages.attr,
	&dev_attr_goal_pages.attr,
	&dev_attr_state.attr,
	&dev_attr_auto_deflate.attr.attr,
	&dev_attr_reserve_kib.attr.attr,
	&dev_attr_low_percent.attr.attr,
	&dev_attr_deflate_batch.attr.attr,
	&dev_attr_deflate_limit_per_s.attr.attr,
	&dev_attr_holdoff_ms.attr.attr,
	&dev_attr_holdoff_max_ms.attr.attr,
	&dev_attr_return_ms.attr.attr,
	&dev_attr_return_step.attr.attr,
	NULL
};

static const struct attribute_group balloon_group = {
	.name = "balloon",
	.attrs = balloon_attrs,
};

static ssize_t counter_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct vb_dev *vb = to_vb(dev);

	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&vb->counters[attr_id(attr)]));
}

#define X(_name, _help)							\
	static struct number_attribute counter_attr_##_name = {		\
		__ATTR(_name, 0444, counter_show, NULL), VB_CNT_##_name	\
	};
VB_COUNTERS(X)
#undef X

static struct attribute *counter_attrs[] = {
#define X(_name, _help) &counter_attr_##_name.attr.attr,
	VB_COUNTERS(X)
#undef X
	NULL
};

static const struct attribute_group counters_group = {
	.name = "balloon_counters",
	.attrs = counter_attrs,
};

const struct attribute_group *vb_groups[] = {
	&balloon_group,
	&counters_group,
	NULL
};
