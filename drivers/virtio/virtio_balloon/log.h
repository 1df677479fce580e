/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The latest decisions, for people to read: see debugfs.c.
 */
#ifndef VB_LOG_H
#define VB_LOG_H

#include <linux/types.h>

#include "policy.h"

struct dentry;

enum vb_event {
	VB_EVENT_NEED,		/* = VB_WHY_NEED */
	VB_EVENT_THRASH,	/* = VB_WHY_THRASH */
	VB_EVENT_OOM,		/* = VB_WHY_OOM */
	VB_EVENT_TARGET,
	VB_EVENT_HOLDOFF_OVER,
	VB_EVENT_RETURN,
	VB_EVENT_HINT,
	VB_EVENT_DECAY,
	VB_EVENT_SELF,
};

/**
 * struct vb_record - a decision, with what it was made from
 * @event: what was decided
 * @at: when; ms since boot
 * @until: when the like of it was decided last: releases that follow each
 *	other closely make one record, and new targets with nothing in between
 * @calls: how many these were
 * @pages: what it was about: all of the releases, or the last of the targets
 * @available: what was available when it began; pages
 * @swaps: page cache was not counted, at the end of it at least
 * @mark: what this was compared with; pages
 * @holdoff_ms: length of the hold-off in force
 * @hint: what the host said last
 */
struct vb_record {
	enum vb_event event;
	u64 at;
	u64 until;
	unsigned int calls;
	s64 pages;
	s64 available;
	bool swaps;
	s64 mark;
	u32 holdoff_ms;
	struct vb_host_hint hint;
};

#define VB_RECORDS		64

/**
 * struct vb_log - the latest decisions
 * @records: a ring
 * @nr: how many were ever made
 * @dir: the device's folder in debugfs
 */
struct vb_log {
	struct vb_record records[VB_RECORDS];
	unsigned long nr;
	struct dentry *dir;
};

#endif /* VB_LOG_H */
