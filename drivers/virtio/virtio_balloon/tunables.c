// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an administrator may set: module parameters, which are the defaults of
 * new devices, and the same numbers for each device.
 *
 * Parse, validate, then commit: a bad value changes nothing, gets -EINVAL and
 * a line in the kernel log that names the range.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kstrtox.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "balloon.h"

/* 0 for the reserve: worked out from the size of memory. */
static struct vb_tunable tunables[VB_TUNE_NR] = {
	[VB_TUNE_RESERVE_KIB] = { "reserve_kib", 0, 1U << 30, 0 },
	[VB_TUNE_HOLDOFF_MS] = { "holdoff_ms", 0, 300000, 5000 },
	[VB_TUNE_HOLDOFF_MAX_MS] = { "holdoff_max_ms", 0, 3600000, 300000 },
	[VB_TUNE_RETURN_MS] = { "return_ms", 100, 300000, 5000 },
	[VB_TUNE_RETURN_STEP] = { "return_step", 1, 256, 8 },
};

static struct vb_tunable host_timeout = {
	"host_timeout_ms", 100, 600000, 10000
};

static int parse(const struct vb_tunable *t, const char *text,
		 unsigned int *value)
{
	int err = kstrtouint(text, 0, value);

	if (!err && *value >= t->min && *value <= t->max)
		return 0;
	pr_err("%s: \"%.*s\" is not a number from %u to %u\n", t->name,
	       (int)min(strcspn(text, "\n"), (size_t)32), text, t->min, t->max);
	return -EINVAL;
}

static int param_set(const char *text, const struct kernel_param *kp)
{
	struct vb_tunable *t = kp->arg;
	unsigned int value;
	int err;

	err = parse(t, text, &value);
	if (!err)
		WRITE_ONCE(t->value, value);
	return err;
}

static int param_get(char *buffer, const struct kernel_param *kp)
{
	const struct vb_tunable *t = kp->arg;

	return sysfs_emit(buffer, "%u\n", READ_ONCE(t->value));
}

static const struct kernel_param_ops param_ops = {
	.set = param_set,
	.get = param_get,
};

module_param_cb(reserve_kib, &param_ops, &tunables[VB_TUNE_RESERVE_KIB], 0644);
MODULE_PARM_DESC(reserve_kib,
		 "Available memory below which a new balloon never grows; KiB, 0 for 1/64 of memory within 16 to 256 MiB (default 0)");
module_param_cb(holdoff_ms, &param_ops, &tunables[VB_TUNE_HOLDOFF_MS], 0644);
MODULE_PARM_DESC(holdoff_ms,
		 "No growth for so long after the guest took memory back; ms (default 5000)");
module_param_cb(holdoff_max_ms, &param_ops, &tunables[VB_TUNE_HOLDOFF_MAX_MS],
		0644);
MODULE_PARM_DESC(holdoff_max_ms,
		 "What repeated takings may double the hold-off to; ms (default 300000)");
module_param_cb(return_ms, &param_ops, &tunables[VB_TUNE_RETURN_MS], 0644);
MODULE_PARM_DESC(return_ms,
		 "Interval of the steps in which a deficit returns to the balloon; ms (default 5000)");
module_param_cb(return_step, &param_ops, &tunables[VB_TUNE_RETURN_STEP], 0644);
MODULE_PARM_DESC(return_step,
		 "Number of steps in which a deficit returns to the balloon (default 8)");
module_param_cb(host_timeout_ms, &param_ops, &host_timeout, 0644);
MODULE_PARM_DESC(host_timeout_ms,
		 "A host without an answer for so long is taken for stalled; ms (default 10000)");

bool vb_stats_basic;
module_param_named(stats_basic, vb_stats_basic, bool, 0444);
MODULE_PARM_DESC(stats_basic,
		 "Report statistics 0 to 9 only, for devices that overrun on more (default N)");

/**
 * vb_host_timeout_ms - how long the host may take for an answer
 *
 * Return: ms.
 */
unsigned int vb_host_timeout_ms(void)
{
	return READ_ONCE(host_timeout.value);
}

/* The guest's memory as it would be without a balloon; pages. */
static s64 memory(struct vb_dev *vb)
{
	s64 pages = totalram_pages();

	return vb->store.adjust_managed ? pages + vb_store_pages(&vb->store) :
					  pages;
}

/* Caller holds vb->policy_lock, or is the only user. */
static void apply(struct vb_dev *vb, enum vb_tunable_id id, unsigned int value)
{
	struct vb_tunables *tune = &vb->policy.tune;

	switch (id) {
	case VB_TUNE_RESERVE_KIB:
		tune->reserve = value ? value >> (PAGE_SHIFT - 10) :
				vb_policy_default_reserve(memory(vb),
							  PAGE_SHIFT);
		break;
	case VB_TUNE_HOLDOFF_MS:
		tune->holdoff_ms = value;
		break;
	case VB_TUNE_HOLDOFF_MAX_MS:
		tune->holdoff_max_ms = value;
		break;
	case VB_TUNE_RETURN_MS:
		tune->return_ms = value;
		break;
	case VB_TUNE_RETURN_STEP:
		tune->return_step = value;
		break;
	case VB_TUNE_NR:
		break;
	}
}

/**
 * vb_tunables_init - give a new device the defaults
 * @vb: the device, its store initialised
 */
void vb_tunables_init(struct vb_dev *vb)
{
	enum vb_tunable_id id;

	for (id = 0; id < VB_TUNE_NR; id++)
		apply(vb, id, READ_ONCE(tunables[id].value));
}

/**
 * vb_tunable_get - a device's tunable
 * @vb: the device
 * @id: which
 *
 * Return: its value in its unit.
 */
unsigned int vb_tunable_get(struct vb_dev *vb, enum vb_tunable_id id)
{
	const struct vb_tunables *tune = &vb->policy.tune;

	switch (id) {
	case VB_TUNE_RESERVE_KIB:
		return READ_ONCE(tune->reserve) << (PAGE_SHIFT - 10);
	case VB_TUNE_HOLDOFF_MS:
		return READ_ONCE(tune->holdoff_ms);
	case VB_TUNE_HOLDOFF_MAX_MS:
		return READ_ONCE(tune->holdoff_max_ms);
	case VB_TUNE_RETURN_MS:
		return READ_ONCE(tune->return_ms);
	case VB_TUNE_RETURN_STEP:
		return READ_ONCE(tune->return_step);
	case VB_TUNE_NR:
		break;
	}
	return 0;
}

/**
 * vb_tunable_set - change a device's tunable
 * @vb: the device
 * @id: which
 * @text: what somebody wrote
 *
 * Context: process.
 * Return: 0, or -EINVAL with nothing changed.
 */
int vb_tunable_set(struct vb_dev *vb, enum vb_tunable_id id, const char *text)
{
	unsigned int value;
	int err;

	err = parse(&tunables[id], text, &value);
	if (err)
		return err;
	spin_lock(&vb->policy_lock);
	apply(vb, id, value);
	spin_unlock(&vb->policy_lock);
	return 0;
}
