// SPDX-License-Identifier: GPL-2.0-only
/* The balloon devices, as sysfs and debugfs show them. */
#include <stdio.h>
#include <string.h>

#include "features.h"
#include "model.h"
#include "root.h"

#define DEVICES "/sys/bus/virtio/devices"
#define BALLOON_ID "0x0005"
/* The host's unit, whatever the guest's pages are. */
#define PAGE_4K 4096

/* One character a feature, the lowest first. */
static uint64_t read_accepted(const char *name)
{
	char bits[160];
	uint64_t features = 0;
	int bit;

	root_text(bits, sizeof(bits), DEVICES "/%s/features", name);
	for (bit = 0; bit < 64 && bits[bit]; bit++)
		if (bits[bit] == '1')
			features |= 1ULL << bit;
	return features;
}

/* One number a line; only kernels with CONFIG_VIRTIO_DEBUG say it. */
static void read_offered(struct device *d)
{
	FILE *file = root_open("/sys/kernel/debug/virtio/%s/device_features",
			       d->name);
	unsigned int bit;

	if (!file)
		return;
	d->offered_known = true;
	while (fscanf(file, "%u", &bit) == 1)
		if (bit < 64)
			d->offered |= 1ULL << bit;
	fclose(file);
}

static void read_size(int64_t *bytes, const char *device, const char *name)
{
	int64_t pages = 0;

	root_number(&pages, DEVICES "/%s/balloon/%s", device, name);
	*bytes = pages * PAGE_4K;
}

static void read_counters(struct device *d)
{
	char **names;
	int i, nr = root_list(&names, DEVICES "/%s/balloon_counters", d->name);

	for (i = 0; i < nr && d->nr_counters < MAX_COUNTERS; i++) {
		struct counter *c = &d->counters[d->nr_counters];

		snprintf(c->name, sizeof(c->name), "%s", names[i]);
		if (!root_number(&c->value, DEVICES "/%s/balloon_counters/%s",
				 d->name, names[i]))
			d->nr_counters++;
	}
	free_list(names, nr);
}

static void read_ours(struct device *d, int64_t page_size)
{
	int id;

	read_size(&d->target, d->name, "target_pages");
	read_size(&d->actual, d->name, "actual_pages");
	read_size(&d->goal, d->name, "goal_pages");
	read_size(&d->offset, d->name, "offset_pages");
	root_text(d->state, sizeof(d->state), DEVICES "/%s/balloon/state",
		  d->name);
	for (id = 0; id < TUNE_NR; id++)
		tunable_read(id, d->name, d->tunables[id],
			     sizeof(d->tunables[id]));
	read_counters(d);
	decisions_read(d, page_size);
}

static void device_read(struct device *d, const char *name, int64_t page_size)
{
	snprintf(d->name, sizeof(d->name), "%s", name);
	root_link(d->driver, sizeof(d->driver), DEVICES "/%s/driver", name);
	d->ours = root_exists(DEVICES "/%s/balloon/state", name);
	d->accepted = read_accepted(name);
	read_offered(d);
	if (d->ours)
		read_ours(d, page_size);
}

void devices_read(struct snapshot *s)
{
	char **names, id[16];
	int i, nr = root_list(&names, DEVICES);

	for (i = 0; i < nr && s->nr_devices < MAX_DEVICES; i++) {
		root_text(id, sizeof(id), DEVICES "/%s/device", names[i]);
		if (!strcmp(id, BALLOON_ID))
			device_read(&s->devices[s->nr_devices++], names[i],
				    s->system.page_size);
	}
	free_list(names, nr);
}
