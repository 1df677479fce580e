// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs: the latest decisions in words, in the file `decisions` of a folder
 * for each device.
 */
#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/math64.h>
#include <linux/seq_file.h>

#include "balloon.h"

/* Calls that follow each other so closely make one record; ms. */
#define MERGE_MS	1000

/*
 * Is this one more of what the latest record is about? A host may write targets
 * without end, and hint: they must not push all else out.
 */
static bool goes_on(const struct vb_record *r, enum vb_event event, u64 now)
{
	switch (event) {
	case VB_EVENT_NEED:
	case VB_EVENT_THRASH:
	case VB_EVENT_OOM:
		return r->event == event && now - r->until <= MERGE_MS;
	case VB_EVENT_TARGET:
	case VB_EVENT_HINT:
	case VB_EVENT_DECAY:
	case VB_EVENT_SELF:
		return r->event == event;
	default:
		return false;
	}
}

/* What the event compares available memory with. */
static s64 mark(struct vb_dev *vb, enum vb_event event)
{
	switch (event) {
	case VB_EVENT_NEED:
		return vb_policy_low_mark(&vb->policy);
	case VB_EVENT_RETURN:
		return 2 * vb->policy.tune.reserve;
	default:
		return vb->policy.tune.reserve;
	}
}

/**
 * vb_log - remember a decision
 * @vb: the device
 * @event: what was decided
 * @s: what it was decided from
 * @pages: what it is about
 *
 * Context: any but interrupt, under vb->policy_lock.
 */
void vb_log(struct vb_dev *vb, enum vb_event event, const struct vb_snapshot *s,
	    s64 pages)
{
	struct vb_log *log = &vb->log;
	struct vb_record *r = &log->records[(log->nr - 1) % VB_RECORDS];

	lockdep_assert_held(&vb->policy_lock);

	if (!log->nr || !goes_on(r, event, s->now)) {
		r = &log->records[log->nr++ % VB_RECORDS];
		*r = (struct vb_record) {
			.event = event,
			.at = s->now,
			.available = s->available,
			.mark = mark(vb, event),
		};
	}
	r->until = s->now;
	r->calls++;
	r->swaps |= vb_policy_swaps(&vb->policy, s->now);
	r->pages = event == VB_EVENT_TARGET ? pages : r->pages + pages;
	r->holdoff_ms = vb->policy.holdoff_len;
	r->hint = vb->policy.yield.hint;
}

static void put_mib(struct seq_file *m, const char *what, s64 pages)
{
	s64 tenths = (pages * 10) >> (20 - PAGE_SHIFT);
	s64 whole = div_s64(tenths, 10);

	seq_printf(m, "%s %lld.%lld MiB", what, whole, tenths - 10 * whole);
}

static void show_target(struct seq_file *m, const struct vb_record *r)
{
	if (r->calls > 1)
		seq_printf(m, "%u new targets in %llu ms, the last of ",
			   r->calls, r->until - r->at);
	else
		seq_puts(m, "new target ");
	seq_printf(m, "%lld pages", r->pages);
}

static void show_release(struct seq_file *m, const struct vb_record *r)
{
	seq_printf(m, "released %lld pages", r->pages);
	if (r->calls > 1)
		seq_printf(m, " in %u calls", r->calls);
	put_mib(m, ": available", r->available);
	if (r->event == VB_EVENT_NEED && r->swaps)
		seq_puts(m, ", swapping beside it");
	if (r->event == VB_EVENT_NEED)
		put_mib(m, ", low mark", r->mark);
	else if (r->event == VB_EVENT_THRASH)
		seq_puts(m, ", thrashing");
	else
		seq_puts(m, ", out of memory");
	seq_printf(m, "; hold-off %u.%03u s", r->holdoff_ms / 1000,
		   r->holdoff_ms % 1000);
}

static void show_hint(struct seq_file *m, const struct vb_record *r)
{
	static const char * const levels[VB_LEVEL_NR] = {
		"none", "low", "medium", "critical"
	};

	seq_printf(m, "pressure of the host is %s", levels[r->hint.level]);
	if (r->hint.need != VB_NEED_ANY)
		put_mib(m, ", it lacks", r->hint.need);
	seq_printf(m, ": yielded %lld pages", r->pages);
	if (r->calls > 1)
		seq_printf(m, " to %u hints", r->calls);
	put_mib(m, ", available at first", r->available);
	put_mib(m, ", reserve", r->mark);
}

static void show_record(struct seq_file *m, const struct vb_record *r)
{
	u32 ms;
	u64 seconds = div_u64_rem(r->at, 1000, &ms);

	seq_printf(m, "%llu.%03u s: ", seconds, ms);
	switch (r->event) {
	case VB_EVENT_TARGET:
		show_target(m, r);
		break;
	case VB_EVENT_HOLDOFF_OVER:
		seq_printf(m, "hold-off is over, the balloon has %lld pages",
			   r->pages);
		break;
	case VB_EVENT_RETURN:
		seq_printf(m, "returned %lld pages", r->pages);
		put_mib(m, ": available", r->available);
		put_mib(m, ", more than", r->mark);
		break;
	case VB_EVENT_HINT:
		show_hint(m, r);
		break;
	case VB_EVENT_DECAY:
		seq_printf(m, "pressure is over: %lld pages of the surplus came back in %u steps",
			   -r->pages, r->calls);
		break;
	case VB_EVENT_SELF:
		seq_printf(m, "self-ballooning: %+lld pages in %u steps",
			   r->pages, r->calls);
		put_mib(m, ", available at first", r->available);
		break;
	default:
		show_release(m, r);
	}
	seq_putc(m, '\n');
}

static struct vb_record get_record(struct vb_dev *vb, unsigned long nr)
{
	struct vb_record r;

	spin_lock(&vb->policy_lock);
	r = vb->log.records[nr % VB_RECORDS];
	spin_unlock(&vb->policy_lock);
	return r;
}

static int decisions_show(struct seq_file *m, void *unused)
{
	struct vb_dev *vb = m->private;
	unsigned long last = READ_ONCE(vb->log.nr);
	unsigned long nr = last > VB_RECORDS ? last - VB_RECORDS : 0;
	struct vb_record r;

	for (; nr < last; nr++) {
		r = get_record(vb, nr);
		show_record(m, &r);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(decisions);

/**
 * vb_debugfs_register - show the decisions
 * @vb: the device
 *
 * Context: process. As always with debugfs, failures are of no interest.
 */
void vb_debugfs_register(struct vb_dev *vb)
{
	char name[64];

	snprintf(name, sizeof(name), KBUILD_MODNAME "-%s",
		 dev_name(&vb->vdev->dev));
	vb->log.dir = debugfs_create_dir(name, NULL);
	debugfs_create_file("decisions", 0400, vb->log.dir, vb, &decisions_fops);
}

/**
 * vb_debugfs_unregister - the opposite of vb_debugfs_register()
 * @vb: the device
 *
 * Context: process; waits for readers.
 */
void vb_debugfs_unregister(struct vb_dev *vb)
{
	debugfs_remove(vb->log.dir);
}
