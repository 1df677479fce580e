// SPDX-License-Identifier: GPL-2.0-only
/* The doctor on the system: what keeps these tools from seeing, or from setting. */
#include <errno.h>

#include "findings.h"

static void judge_debugfs(struct findings *f, const struct snapshot *s)
{
	const struct device *d = selected(s);

	if (!s->system.debugfs)
		advise(found(f, LEVEL_WARN, "no-debugfs",
			     "debugfs is not mounted: balloonctl why and the events of watch have nothing to tell."),
		       "mount -t debugfs none /sys/kernel/debug");
	else if (d && d->ours && d->decisions_err && s->system.lockdown)
		found(f, LEVEL_INFO, "debugfs-locked",
		      "The kernel is locked down, and does not show the driver's decisions.");
	else if (d && d->ours && d->decisions_err == -EACCES)
		advise(found(f, LEVEL_WARN, "not-root",
			     "The driver's decisions are for root to read."),
		       "Run balloonctl as root.");
	else if (d && d->ours && d->decisions_err)
		found(f, LEVEL_INFO, "no-decisions",
		      "The driver shows no decisions in debugfs.");
}

void find_system(struct findings *f, const struct snapshot *s)
{
	judge_debugfs(f, s);
	if (s->system.sysfs_read_only)
		advise(found(f, LEVEL_WARN, "read-only",
			     "sysfs is mounted read-only, as in containers: nothing can be set."),
		       "mount -o remount,rw /sys, or set it outside of the container.");
	if (s->memory.stall_us == UNKNOWN)
		advise(found(f, LEVEL_INFO, "no-pressure",
			     "The kernel does not count the time that tasks wait for memory: watch has no second strip."),
		       "Boot with psi=1.");
}
