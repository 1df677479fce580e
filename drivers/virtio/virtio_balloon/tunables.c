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
#include <linux/sysfs.h>

#include "balloon.h"

/**
 * struct vb_tunable - one number, or word, that an administrator may set
 * @name: as module parameter for its default, and as sysfs attribute; there the
 *	folder stands for "pressure_"
 * @min: smallest value that is accepted
 * @max: largest value that is accepted
 * @value: default for devices that are yet to come; the index of a word
 * @words: those that are accepted; NULL for a number
 * @nr_words: how many
 * @list: the same as text
 */
struct vb_tunable {
	const char *name;
	unsigned int min;
	unsigned int max;
	unsigned int value;
	const char * const *words;
	unsigned int nr_words;
	const char *list;
};

/* In the order of enum vb_auto. */
static const char * const auto_words[] = { "off", "need", "thrash" };
static const char * const self_words[] = { "off", "on" };

/* 0 for the reserve: worked out from the size of memory. */
static struct vb_tunable tunables[VB_TUNE_NR] = {
	[VB_TUNE_AUTO_DEFLATE] = {
		.name = "auto_deflate",
		.value = VB_AUTO_NEED,
		.words = auto_words,
		.nr_words = ARRAY_SIZE(auto_words),
		.list = "off, need, thrash",
	},
	[VB_TUNE_RESERVE_KIB] = { "reserve_kib", 0, 1U << 30, 0 },
	[VB_TUNE_LOW_PERCENT] = { "low_percent", 0, 90, 50 },
	[VB_TUNE_DEFLATE_BATCH] = { "deflate_batch", 129, 65536, 1024 },
	[VB_TUNE_DEFLATE_LIMIT_PER_S] = { "deflate_limit_per_s", 0, 1U << 30, 0 },
	[VB_TUNE_HOLDOFF_MS] = { "holdoff_ms", 0, 300000, 5000 },
	[VB_TUNE_HOLDOFF_MAX_MS] = { "holdoff_max_ms", 0, 3600000, 300000 },
	[VB_TUNE_RETURN_MS] = { "return_ms", 100, 300000, 5000 },
	[VB_TUNE_RETURN_STEP] = { "return_step", 1, 256, 8 },
	[VB_TUNE_PRESSURE_INTERVAL_MS] = {
		"pressure_interval_ms", 100, 60000, 1000
	},
	[VB_TUNE_PRESSURE_TTL_MS] = { "pressure_ttl_ms", 100, 3600000, 10000 },
	[VB_TUNE_PRESSURE_LOW_PERCENT] = { "pressure_low_percent", 0, 100, 12 },
	[VB_TUNE_PRESSURE_MEDIUM_PERCENT] = {
		"pressure_medium_percent", 0, 100, 25
	},
	[VB_TUNE_PRESSURE_CRITICAL_PERCENT] = {
		"pressure_critical_percent", 0, 100, 50
	},
	[VB_TUNE_PRESSURE_LIMIT_PER_S] = {
		"pressure_limit_per_s", 0, 1U << 30, 0
	},
	[VB_TUNE_PRESSURE_SELF] = {
		.name = "pressure_self",
		.words = self_words,
		.nr_words = ARRAY_SIZE(self_words),
		.list = "off, on",
	},
	[VB_TUNE_PRESSURE_SELF_INTERVAL_MS] = {
		"pressure_self_interval_ms", 100, 300000, 5000
	},
	[VB_TUNE_PRESSURE_SELF_HYSTERESIS] = {
		"pressure_self_hysteresis", 1, 256, 8
	},
	[VB_TUNE_PRESSURE_SELF_HEADROOM] = {
		"pressure_self_headroom", 0, 1000, 100
	},
};

static struct vb_tunable host_timeout = {
	"host_timeout_ms", 100, 600000, 10000
};

/* What is shown of a text that was refused: its first line, and not all of that. */
static int shown(const char *text)
{
	return min_t(size_t, strcspn(text, "\n"), 32);
}

static int parse_word(const struct vb_tunable *t, const char *text,
		      unsigned int *value)
{
	int found = __sysfs_match_string(t->words, t->nr_words, text);

	if (found < 0) {
		pr_err("%s: \"%.*s\" is not one of %s\n", t->name,
		       shown(text), text, t->list);
		return -EINVAL;
	}
	*value = found;
	return 0;
}

static int parse(const struct vb_tunable *t, const char *text,
		 unsigned int *value)
{
	if (t->words)
		return parse_word(t, text, value);
	if (!kstrtouint(text, 0, value) && *value >= t->min && *value <= t->max)
		return 0;
	pr_err("%s: \"%.*s\" is not a number from %u to %u\n", t->name,
	       shown(text), text, t->min, t->max);
	return -EINVAL;
}

static int emit(const struct vb_tunable *t, unsigned int value, char *buffer)
{
	if (t->words)
		return sysfs_emit(buffer, "%s\n", t->words[value]);
	return sysfs_emit(buffer, "%u\n", value);
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

	return emit(t, READ_ONCE(t->value), buffer);
}

static const struct kernel_param_ops param_ops = {
	.set = param_set,
	.get = param_get,
};

module_param_cb(reserve_kib, &param_ops, &tunables[VB_TUNE_RESERVE_KIB], 0644);
MODULE_PARM_DESC(reserve_kib,
		 "Available memory below which a new balloon never grows; KiB, 0 for 1/64 of memory within 16 to 256 MiB (default 0)");
module_param_cb(auto_deflate, &param_ops, &tunables[VB_TUNE_AUTO_DEFLATE],
		0644);
MODULE_PARM_DESC(auto_deflate,
		 "What the guest takes back on its own; off, need, or thrash as well (default need)");
module_param_cb(low_percent, &param_ops, &tunables[VB_TUNE_LOW_PERCENT], 0644);
MODULE_PARM_DESC(low_percent,
		 "Available memory below which the guest is in need; percent of the reserve (default 50)");
module_param_cb(deflate_batch, &param_ops, &tunables[VB_TUNE_DEFLATE_BATCH],
		0644);
MODULE_PARM_DESC(deflate_batch,
		 "Pages that reclaim takes from the balloon at a time (default 1024)");
module_param_cb(deflate_limit_per_s, &param_ops,
		&tunables[VB_TUNE_DEFLATE_LIMIT_PER_S], 0644);
MODULE_PARM_DESC(deflate_limit_per_s,
		 "Pages that the guest may take back on its own in a second, 0 for any number (default 0)");
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
module_param_cb(pressure_interval_ms, &param_ops,
		&tunables[VB_TUNE_PRESSURE_INTERVAL_MS], 0644);
MODULE_PARM_DESC(pressure_interval_ms,
		 "At most one hint about the host's memory pressure is acted on in such a time; ms (default 1000)");
module_param_cb(pressure_ttl_ms, &param_ops, &tunables[VB_TUNE_PRESSURE_TTL_MS],
		0644);
MODULE_PARM_DESC(pressure_ttl_ms,
		 "How long a hint holds that does not say; ms (default 10000)");
module_param_cb(pressure_low_percent, &param_ops,
		&tunables[VB_TUNE_PRESSURE_LOW_PERCENT], 0644);
MODULE_PARM_DESC(pressure_low_percent,
		 "What the guest yields to a host under low pressure; percent of its slack (default 12)");
module_param_cb(pressure_medium_percent, &param_ops,
		&tunables[VB_TUNE_PRESSURE_MEDIUM_PERCENT], 0644);
MODULE_PARM_DESC(pressure_medium_percent,
		 "What the guest yields to a host under medium pressure; percent of its slack (default 25)");
module_param_cb(pressure_critical_percent, &param_ops,
		&tunables[VB_TUNE_PRESSURE_CRITICAL_PERCENT], 0644);
MODULE_PARM_DESC(pressure_critical_percent,
		 "What the guest yields to a host under critical pressure; percent of its slack (default 50)");
module_param_cb(pressure_limit_per_s, &param_ops,
		&tunables[VB_TUNE_PRESSURE_LIMIT_PER_S], 0644);
MODULE_PARM_DESC(pressure_limit_per_s,
		 "Pages that the guest may yield in a second, 0 for any number (default 0)");
module_param_cb(pressure_self, &param_ops, &tunables[VB_TUNE_PRESSURE_SELF],
		0644);
MODULE_PARM_DESC(pressure_self,
		 "Shed memory that is not used without being asked; off or on (default off)");
module_param_cb(pressure_self_interval_ms, &param_ops,
		&tunables[VB_TUNE_PRESSURE_SELF_INTERVAL_MS], 0644);
MODULE_PARM_DESC(pressure_self_interval_ms,
		 "Interval of the steps of self-ballooning; ms (default 5000)");
module_param_cb(pressure_self_hysteresis, &param_ops,
		&tunables[VB_TUNE_PRESSURE_SELF_HYSTERESIS], 0644);
MODULE_PARM_DESC(pressure_self_hysteresis,
		 "Of what it could shed, a step of self-ballooning sheds one part of so many (default 8)");
module_param_cb(pressure_self_headroom, &param_ops,
		&tunables[VB_TUNE_PRESSURE_SELF_HEADROOM], 0644);
MODULE_PARM_DESC(pressure_self_headroom,
		 "What self-ballooning leaves of memory that is promised and not used; percent (default 100)");
module_param_cb(host_timeout_ms, &param_ops, &host_timeout, 0644);
MODULE_PARM_DESC(host_timeout_ms,
		 "A host without an answer for so long is taken for stalled; ms (default 10000)");

bool vb_stats_basic;
module_param_named(stats_basic, vb_stats_basic, bool, 0444);
MODULE_PARM_DESC(stats_basic,
		 "Report statistics 0 to 9 only, for devices that overrun on more (default N)");

bool vb_pressure_queue;
module_param_named(pressure_queue, vb_pressure_queue, bool, 0444);
MODULE_PARM_DESC(pressure_queue,
		 "Take hints from devices with a pressure queue, an extension that the standard does not know (default N)");

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

/* Where a tunable is kept; all but those that are not kept as they are read. */
static u32 *field(struct vb_tunables *tune, enum vb_tunable_id id)
{
	switch (id) {
	case VB_TUNE_LOW_PERCENT:
		return &tune->low_percent;
	case VB_TUNE_DEFLATE_BATCH:
		return &tune->deflate_batch;
	case VB_TUNE_DEFLATE_LIMIT_PER_S:
		return &tune->deflate_limit_per_s;
	case VB_TUNE_HOLDOFF_MS:
		return &tune->holdoff_ms;
	case VB_TUNE_HOLDOFF_MAX_MS:
		return &tune->holdoff_max_ms;
	case VB_TUNE_RETURN_MS:
		return &tune->return_ms;
	case VB_TUNE_RETURN_STEP:
		return &tune->return_step;
	case VB_TUNE_PRESSURE_INTERVAL_MS:
		return &tune->pressure_interval_ms;
	case VB_TUNE_PRESSURE_TTL_MS:
		return &tune->pressure_ttl_ms;
	case VB_TUNE_PRESSURE_LOW_PERCENT:
		return &tune->yield_percent[VB_LEVEL_LOW];
	case VB_TUNE_PRESSURE_MEDIUM_PERCENT:
		return &tune->yield_percent[VB_LEVEL_MEDIUM];
	case VB_TUNE_PRESSURE_CRITICAL_PERCENT:
		return &tune->yield_percent[VB_LEVEL_CRITICAL];
	case VB_TUNE_PRESSURE_LIMIT_PER_S:
		return &tune->yield_limit_per_s;
	case VB_TUNE_PRESSURE_SELF:
		return &tune->self;
	case VB_TUNE_PRESSURE_SELF_INTERVAL_MS:
		return &tune->self_interval_ms;
	case VB_TUNE_PRESSURE_SELF_HYSTERESIS:
		return &tune->self_hysteresis;
	case VB_TUNE_PRESSURE_SELF_HEADROOM:
		return &tune->self_headroom;
	default:
		return NULL;
	}
}

/* Caller holds vb->policy_lock, or is the only user. */
static void apply(struct vb_dev *vb, enum vb_tunable_id id, unsigned int value)
{
	struct vb_tunables *tune = &vb->policy.tune;

	if (id == VB_TUNE_AUTO_DEFLATE)
		tune->auto_deflate = value;
	else if (id != VB_TUNE_RESERVE_KIB)
		WRITE_ONCE(*field(tune, id), value);
	else if (value)
		tune->reserve = value >> (PAGE_SHIFT - 10);
	else
		tune->reserve = vb_policy_default_reserve(memory(vb),
							  PAGE_SHIFT);
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
 * vb_tunable_show - show a device's tunable
 * @vb: the device
 * @id: which
 * @buffer: of sysfs
 *
 * Return: length.
 */
int vb_tunable_show(struct vb_dev *vb, enum vb_tunable_id id, char *buffer)
{
	struct vb_tunables *tune = &vb->policy.tune;
	unsigned int value;

	if (id == VB_TUNE_AUTO_DEFLATE)
		value = READ_ONCE(tune->auto_deflate);
	else if (id == VB_TUNE_RESERVE_KIB)
		value = READ_ONCE(tune->reserve) << (PAGE_SHIFT - 10);
	else
		value = READ_ONCE(*field(tune, id));
	return emit(&tunables[id], value, buffer);
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
