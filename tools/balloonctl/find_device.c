// SPDX-License-Identifier: GPL-2.0-only
/* The doctor on the device: is there one, what can it do, what does the host do? */
#include <stdio.h>
#include <string.h>

#include "features.h"
#include "findings.h"

static void count_devices(struct findings *f, const struct snapshot *s)
{
	struct finding *one;
	char names[128] = "";
	size_t length = 0;
	int i;

	if (!s->nr_devices) {
		one = found(f, LEVEL_BAD, "no-device",
			    "The guest has no balloon device.");
		advise(one, "Give it one in the hypervisor, for instance QEMU's -device virtio-balloon-pci,deflate-on-oom=on,free-page-reporting=on.");
		return;
	}
	if (s->nr_devices == 1)
		return;
	for (i = 0; i < s->nr_devices && length < sizeof(names); i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length,
					   "%s%s", i ? ", " : "",
					   s->devices[i].name);
	one = found(f, LEVEL_WARN, "two-devices",
		    "The guest has %d balloon devices: %s. Only one of them can report free pages.",
		    s->nr_devices, names);
	advise(one, "Leave one in the hypervisor; until then, choose with --device (this is about %s).",
	       selected(s)->name);
}

static void list_features(struct findings *f, const struct device *d)
{
	char text[FEATURES_SIZE];

	if (*d->driver) {
		features_print(text, sizeof(text), d->accepted);
		found(f, LEVEL_INFO, "accepted", "Features in use: %s.", text);
	}
	if (!d->offered_known) {
		found(f, LEVEL_INFO, "offered-unknown",
		      "What the device offers beyond that, only a kernel with CONFIG_VIRTIO_DEBUG tells (and debugfs).");
		return;
	}
	features_print(text, sizeof(text), d->offered & ~d->accepted);
	found(f, LEVEL_INFO, "offered", "Offered and not in use: %s.", text);
}

/* What the lack of a feature means. */
static void judge_features(struct findings *f, const struct device *d)
{
	if (!has_feature(d->accepted, F_DEFLATE_ON_OOM))
		advise(found(f, LEVEL_WARN, "no-deflate-on-oom",
			     "The host does not let the guest take memory back below the target (DEFLATE_ON_OOM)."),
		       "QEMU: deflate-on-oom=on; libvirt: autodeflate='on'; cloud-hypervisor and Firecracker: deflate_on_oom.");
	if (!has_feature(d->accepted, F_STATS_VQ))
		found(f, LEVEL_INFO, "no-stats-queue",
		      "The device has no queue for statistics: of the guest's memory the host knows only the balloon's size.");
	if (d->offered_known && has_feature(d->offered, F_REPORTING) &&
	    !has_feature(d->accepted, F_REPORTING))
		advise(found(f, LEVEL_WARN, "reporting-refused",
			     "The device offers free page reporting, and it is turned down: this guest fills free pages (init_on_free, page_poison), and the device cannot be told with what."),
		       "Boot without init_on_free=1 and page_poison=1, or with a device that has PAGE_POISON.");
	if (d->offered_known && has_feature(d->offered, F_ACCESS_PLATFORM))
		advise(found(f, LEVEL_WARN, "access-platform",
			     "The device wants to be reached through an IOMMU (ACCESS_PLATFORM), but a balloon names physical pages."),
		       "Remove iommu_platform=on from the balloon.");
}

static int64_t counter(const struct device *d, const char *name)
{
	int i;

	for (i = 0; i < d->nr_counters; i++)
		if (!strcmp(d->counters[i].name, name))
			return d->counters[i].value;
	return 0;
}

static void judge_host(struct findings *f, const struct device *d)
{
	if (!strcmp(d->state, "stalled"))
		advise(found(f, LEVEL_BAD, "stalled",
			     "The host does not answer: the balloon is stalled until it does."),
		       "Look whether the hypervisor hangs, or is too busy; host_timeout_ms is %s ms.",
		       d->tunables[TUNE_HOST_TIMEOUT_MS]);
	else if (counter(d, "stalls"))
		advise(found(f, LEVEL_WARN, "was-stalled",
			     "The host has left the balloon without an answer for %s ms, %d times since the driver was bound.",
			     d->tunables[TUNE_HOST_TIMEOUT_MS],
			     (int)counter(d, "stalls")),
		       "Look into the hypervisor's log; the guest may only have been paused.");
	if (!strcmp(d->state, "broken"))
		advise(found(f, LEVEL_BAD, "broken",
			     "A queue of the device is broken: the balloon stays as it is."),
		       "Unbind and bind the driver, and look into the hypervisor's log.");
	if (has_feature(d->accepted, F_STATS_VQ) && !counter(d, "stats_requests"))
		advise(found(f, LEVEL_WARN, "no-stats",
			     "The host has never asked for the guest's statistics: it works on a guess."),
		       "Set an interval there. QEMU: qom-set guest-stats-polling-interval; libvirt: <stats period='10'/>; Firecracker: stats_polling_interval_s.");
}

/* The guest cannot see that the host keeps the memory; it can see reasons to. */
static void judge_inhibition(struct findings *f, const struct system *system)
{
	char names[MAX_SUSPECTS * 18] = "";
	size_t length = 0;
	int i;

	for (i = 0; i < system->nr_suspects; i++)
		length += (size_t)snprintf(names + length, sizeof(names) - length,
					   "%s%s", i ? ", " : "",
					   system->suspects[i]);
	if (system->nr_suspects)
		advise(found(f, LEVEL_WARN, "inhibited",
			     "This looks like hardware of the host, passed through by VFIO: %s. The host then pins the guest's memory, and what is in the balloon frees nothing there.",
			     names),
		       "Compare the host's memory before and after; use virtio devices, or no balloon, in such a guest.");
	if (system->confidential)
		advise(found(f, LEVEL_WARN, "confidential",
			     "The guest's memory is encrypted (SEV or TDX): many hosts keep it whatever the balloon says."),
		       "Compare the host's memory before and after.");
}

void find_device(struct findings *f, const struct snapshot *s)
{
	const struct device *d = selected(s);

	count_devices(f, s);
	if (!d)
		return;
	list_features(f, d);
	if (*d->driver)
		judge_features(f, d);
	if (d->ours)
		judge_host(f, d);
	judge_inhibition(f, &s->system);
}
