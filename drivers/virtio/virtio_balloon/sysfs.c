// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: group balloon/ with the state and the tunables, and group
 * balloon_counters/ with one file a counter, both on the virtio device; group
 * pressure/ is in sysfs_pressure.c. One value a file; see
 * Documentation/ABI/testing.
 */
#include <linux/device.h>
#include <linux/sysfs.h>

#include "balloon.h"
#include "sysfs.h"

/* 4 KiB pages, the unit of the host's side. */
static ssize_t emit_pages4k(char *buf, s64 pages)
{
	return sysfs_emit(buf, "%lld\n", pages * (s64)VB_PFNS_PER_PAGE);
}

static ssize_t target_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, READ_ONCE(vb_of(dev)->last_target));
}
static DEVICE_ATTR_RO(target_pages);

static ssize_t actual_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, vb_store_pages(&vb_of(dev)->store));
}
static DEVICE_ATTR_RO(actual_pages);

static ssize_t offset_pages_show(struct device *dev,
				 struct device_attribute *attr, char *buf)
{
	return emit_pages4k(buf, READ_ONCE(vb_of(dev)->policy.offset));
}
static DEVICE_ATTR_RO(offset_pages);

static ssize_t goal_pages_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct vb_dev *vb = vb_of(dev);
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
	return sysfs_emit(buf, "%s\n", vb_state(vb_of(dev)));
}
static DEVICE_ATTR_RO(state);

/**
 * vb_tunable_attr_show - show a tunable
 * @dev: the virtio device
 * @attr: in a struct vb_number_attribute
 * @buf: of sysfs
 *
 * Return: length.
 */
ssize_t vb_tunable_attr_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	return vb_tunable_show(vb_of(dev), vb_attr_id(attr), buf);
}

/**
 * vb_tunable_attr_store - change a tunable, and have everybody look at it
 * @dev: the virtio device
 * @attr: in a struct vb_number_attribute
 * @buf: what somebody wrote
 * @count: bytes
 *
 * Return: @count, or -EINVAL with nothing changed.
 */
ssize_t vb_tunable_attr_store(struct device *dev, struct device_attribute *attr,
			      const char *buf, size_t count)
{
	struct vb_dev *vb = vb_of(dev);
	int err = vb_tunable_set(vb, vb_attr_id(attr), buf);

	if (err)
		return err;
	vb_kick_resize(vb);
	vb_kick_pressure(vb, 0);
	return count;
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

const struct attribute_group vb_balloon_group = {
	.name = "balloon",
	.attrs = balloon_attrs,
};

static ssize_t counter_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct vb_dev *vb = vb_of(dev);

	return sysfs_emit(buf, "%lld\n",
			  atomic64_read(&vb->counters[vb_attr_id(attr)]));
}

#define X(_name, _help)							\
	static struct vb_number_attribute counter_attr_##_name = {		\
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

const struct attribute_group vb_counters_group = {
	.name = "balloon_counters",
	.attrs = counter_attrs,
};
