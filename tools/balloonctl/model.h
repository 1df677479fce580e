/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The model: what there is to know about the balloon at one moment. It is read
 * once, by snapshot_read(), or from a recording; every view works from it.
 *
 * Sizes are bytes, times are milliseconds since the start of the system.
 */
#ifndef BALLOONCTL_MODEL_H
#define BALLOONCTL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "tunables.h"

#define DRIVER "virtio_balloon"
#define MAX_DEVICES 8
#define MAX_DECISIONS 64
#define MAX_COUNTERS 32
#define MAX_SUSPECTS 4

/* Why a number is not there. */
#define UNKNOWN INT64_MIN

struct memory {
	int64_t total;		/* with what is in the balloon */
	int64_t used;
	int64_t cache;		/* that can be had back */
	int64_t balloon;
	int64_t free;
	int64_t available;
	int64_t stall_us;	/* of tasks that waited for memory; or UNKNOWN */
};

enum event {
	EVENT_NEED,
	EVENT_THRASH,
	EVENT_OOM,
	EVENT_TARGET,
	EVENT_HOLDOFF_OVER,
	EVENT_RETURN,
	EVENT_HINT,
	EVENT_DECAY,
	EVENT_SELF,
	EVENT_OTHER,		/* of a newer driver; there is only its text */
	EVENT_NR
};

/* A line of the driver's file `decisions`; what it does not say is 0. */
struct decision {
	enum event event;
	int64_t at_ms;
	int64_t pages;
	int64_t bytes;		/* the same */
	int64_t calls;		/* or steps; or targets, of which this is the last */
	int64_t lasted_ms;	/* from the first to the last of them */
	int64_t available;
	bool swaps;		/* and left alone: anonymous memory was swapped out */
	int64_t mark;		/* what this was compared with */
	int64_t holdoff_ms;
	int64_t need;		/* what the host lacks */
	char level[12];		/* of its pressure */
	char text[160];		/* in the driver's words */
};

struct counter {
	char name[40];
	int64_t value;
};

struct device {
	char name[24];
	char driver[32];	/* "" if none is bound */
	bool ours;		/* bound to the driver that these tools belong to */
	uint64_t accepted;	/* features, a bit each */
	uint64_t offered;
	bool offered_known;
	/* All below: ours only. */
	int64_t target, actual, goal, offset;
	char state[16];
	char tunables[TUNE_NR][24];
	struct counter counters[MAX_COUNTERS];
	int nr_counters;
	struct decision decisions[MAX_DECISIONS];
	int nr_decisions;
	int decisions_err;	/* why there are none, -errno */
};

/* The driver as a module: what runs, and what would be loaded. */
struct module {
	bool builtin;
	bool loaded;
	char version[24];	/* of what is loaded; "" for the kernel's own */
	char installed[128];	/* ours, below the folder of the kernel's modules */
	char preferred[128];	/* what modprobe would take, "" if nothing */
	char elsewhere[64];	/* a kernel that has ours installed, if this has not */
	bool headers;		/* of the kernel that runs */
	bool unsigned_file;	/* the installed file has no signature */
	bool must_be_signed;
};

struct system {
	char release[64];
	int64_t page_size;
	bool lockdown;
	bool debugfs;
	bool sysfs_read_only;
	bool confidential;	/* memory is encrypted against the host */
	char suspects[MAX_SUSPECTS][16];	/* PCI devices that may be the host's */
	int nr_suspects;
};

struct snapshot {
	int64_t at_ms;
	struct system system;
	struct module module;
	struct memory memory;
	struct device devices[MAX_DEVICES];
	int nr_devices;
	int selected;		/* index of the device that the user means */
};

/* snapshot.c */
int snapshot_read(struct snapshot *s, const char *device);

static inline const struct device *selected(const struct snapshot *s)
{
	return s->nr_devices ? &s->devices[s->selected] : NULL;
}

/* The parts of it, each by its own file. */
void system_read(struct system *system);
void module_read(struct module *module, const char *release);
void memory_read(struct memory *memory, const struct snapshot *s);
void devices_read(struct snapshot *s);
void decisions_read(struct device *device, int64_t page_size);
bool decision_parse(struct decision *decision, const char *line,
		    int64_t page_size);

extern const char *const event_names[EVENT_NR];

#endif /* BALLOONCTL_MODEL_H */
