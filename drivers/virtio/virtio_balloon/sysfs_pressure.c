// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs: group pressure/, by which root, or an agent of the host's, hints at the
 * host's memory pressure, and reads what became of it.
 */
#include <linux/kstrtox.h>
#include <linux/overflow.h>
#include <linux/string.h>
#include <linux/virtio_balloon_pressure.h>

#include "balloon.h"
#include "sysfs.h"

#define HINT_MAX	80	/* longer than any hint that makes sense */

struct unit {
	const char *name;
	u64 factor;
};

static const struct unit sizes[] = {
	{ "", 1 }, { "K", 1ULL << 10 }, { "M", 1ULL << 20 },
	{ "G", 1ULL << 30 }, { "T", 1ULL << 40 },
};

static const struct unit times[] = {
	{ "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 },
};

/* Digits and one of the units, from 1 to @most. @text is changed. */
static int parse_amount(char *text, const struct unit *units, size_t nr,
			u64 most, u64 *value)
{
	char *name = text + strspn(text, "0123456789");
	char first = *name;
	size_t i;
	int err;

	for (i = 0; i < nr && strcmp(name, units[i].name); i++)
		;
	if (i == nr || name == text)
		return -EINVAL;
	*name = '\0';
	err = kstrtou64(text, 10, value);
	*name = first;
	if (err || check_mul_overflow(*value, units[i].factor, value))
		return -EINVAL;
	return *value && *value <= most ? 0 : -EINVAL;
}

/* Each word once. */
static int parse_word(char *word, u64 *need, u64 *ttl_ms)
{
	if (!*need && strstarts(word, "need="))
		return parse_amount(word + strlen("need="), sizes,
				    ARRAY_SIZE(sizes),
				    VIRTIO_BALLOON_PRESSURE_NEED_MAX, need);
	if (!*ttl_ms && strstarts(word, "ttl="))
		return parse_amount(word + strlen("ttl="), times,
				    ARRAY_SIZE(times),
				    VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS, ttl_ms);
	return -EINVAL;
}

/* "LEVEL [need=SIZE[KMGT]] [ttl=TIME(ms|s|m)]", one blank between words. */
static int parse_hint(char *text, struct vb_host_hint *hint)
{
	static const char * const levels[VB_LEVEL_NR] = {
		"none", "low", "medium", "critical"
	};
	u64 need = 0, ttl_ms = 0;
	char *word = strsep(&text, " ");
	int level, err;

	level = match_string(levels, VB_LEVEL_NR, word);
	if (level < 0)
		return -EINVAL;
	while (text) {
		err = parse_word(strsep(&text, " "), &need, &ttl_ms);
		if (err)
			return err;
	}
	hint->level = level;
	hint->need = need ? need >> PAGE_SHIFT : VB_NEED_ANY;
	hint->ttl_ms = ttl_ms;
	return 0;
}

/* One whole line, with or without its end. */
static int read_hint(const char *buf, size_t count, struct vb_host_hint *hint)
{
	char text[HINT_MAX];

	if (count && buf[count - 1] == '\n')
		count--;
	if (count >= sizeof(text) || strnlen(buf, count) != count)
		return -EINVAL;
	memcpy(text, buf, count);
	text[count] = '\0';
	return parse_hint(text, hint);
}

static ssize_t hint_store(struct device *dev, struct device_attribute *attr,
			  const char *buf, size_t count)
{
	struct vb_host_hint hint;
	int err = read_hint(buf, count, &hint);

	if (err) {
		vb_pressure_refused(vb_of(dev));
		return err;
	}
	vb_pressure_hint(vb_of(dev), &hint);
	return count;
}
static DEVICE_ATTR_WO(hint);

static ssize_t hint_seq_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct vb_reply reply;
	u32 hints;

	vb_pressure_last(vb_of(dev), &hints, &reply);
	return sysfs_emit(buf, "%u\n", hints);
}
static DEVICE_ATTR_RO(hint_seq);

static ssize_t reply_seq_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct vb_reply reply;
	u32 hints;

	vb_pressure_last(vb_of(dev), &hints, &reply);
	return sysfs_emit(buf, "%u\n", reply.seq);
}
static DEVICE_ATTR_RO(reply_seq);

static ssize_t reply_yielded_show(struct device *dev,
				  struct device_attribute *attr, char *buf)
{
	struct vb_reply reply;
	u32 hints;

	vb_pressure_last(vb_of(dev), &hints, &reply);
	return sysfs_emit(buf, "%llu\n", reply.yielded);
}
static DEVICE_ATTR_RO(reply_yielded);

static ssize_t reply_slack_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct vb_reply reply;
	u32 hints;

	vb_pressure_last(vb_of(dev), &hints, &reply);
	return sysfs_emit(buf, "%llu\n", reply.slack);
}
static DEVICE_ATTR_RO(reply_slack);

static ssize_t slack_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	return sysfs_emit(buf, "%llu\n", vb_pressure_slack(vb_of(dev)));
}
static DEVICE_ATTR_RO(slack);

TUNABLE_ATTR(interval_ms, VB_TUNE_PRESSURE_INTERVAL_MS);
TUNABLE_ATTR(ttl_ms, VB_TUNE_PRESSURE_TTL_MS);
TUNABLE_ATTR(low_percent, VB_TUNE_PRESSURE_LOW_PERCENT);
TUNABLE_ATTR(medium_percent, VB_TUNE_PRESSURE_MEDIUM_PERCENT);
TUNABLE_ATTR(critical_percent, VB_TUNE_PRESSURE_CRITICAL_PERCENT);
TUNABLE_ATTR(limit_per_s, VB_TUNE_PRESSURE_LIMIT_PER_S);
TUNABLE_ATTR(self, VB_TUNE_PRESSURE_SELF);
TUNABLE_ATTR(self_interval_ms, VB_TUNE_PRESSURE_SELF_INTERVAL_MS);
TUNABLE_ATTR(self_hysteresis, VB_TUNE_PRESSURE_SELF_HYSTERESIS);
TUNABLE_ATTR(self_headroom, VB_TUNE_PRESSURE_SELF_HEADROOM);

static struct attribute *pressure_attrs[] = {
	&dev_attr_hint.attr,
	&dev_attr_hint_seq.attr,
	&dev_attr_reply_seq.attr,
	&dev_attr_reply_yielded.attr,
	&dev_attr_reply_slack.attr,
	&dev_attr_slack.attr,
	&dev_attr_interval_ms.attr.attr,
	&dev_attr_ttl_ms.attr.attr,
	&dev_attr_low_percent.attr.attr,
	&dev_attr_medium_percent.attr.attr,
	&dev_attr_critical_percent.attr.attr,
	&dev_attr_limit_per_s.attr.attr,
	&dev_attr_self.attr.attr,
	&dev_attr_self_interval_ms.attr.attr,
	&dev_attr_self_hysteresis.attr.attr,
	&dev_attr_self_headroom.attr.attr,
	NULL
};

const struct attribute_group vb_pressure_group = {
	.name = "pressure",
	.attrs = pressure_attrs,
};
