// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl export: for programs, as JSON or for Prometheus. */
#include <inttypes.h>
#include <string.h>

#include "ctl.h"
#include "json.h"

#define PREFIX "virtio_balloon_"

static void head(const char *name, const char *type, const char *help)
{
	printf("# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
	       name, type);
}

static void print_memory(const struct memory *m)
{
	head("memory_bytes", "gauge", "The guest's memory, by what it is used for.");
	printf(PREFIX "memory_bytes{kind=\"used\"} %" PRId64 "\n", m->used);
	printf(PREFIX "memory_bytes{kind=\"cache\"} %" PRId64 "\n", m->cache);
	printf(PREFIX "memory_bytes{kind=\"balloon\"} %" PRId64 "\n",
	       m->balloon);
	printf(PREFIX "memory_bytes{kind=\"free\"} %" PRId64 "\n", m->free);
	head("available_bytes", "gauge", "Memory that could be had without swapping.");
	printf(PREFIX "available_bytes %" PRId64 "\n", m->available);
	if (m->stall_us == UNKNOWN)
		return;
	head("stall_seconds_total", "counter", "Time that tasks waited for memory.");
	printf(PREFIX "stall_seconds_total %" PRId64 ".%06d\n",
	       m->stall_us / 1000000, (int)(m->stall_us % 1000000));
}

static void print_drivers(const struct snapshot *s)
{
	int i;

	head("device_info", "gauge", "A balloon device, its driver, and the driver's version.");
	for (i = 0; i < s->nr_devices; i++)
		printf(PREFIX "device_info{device=\"%s\",driver=\"%s\",version=\"%s\"} 1\n",
		       s->devices[i].name, s->devices[i].driver,
		       s->module.version);
}

static void print_size(const struct snapshot *s, const char *name,
		       const char *help, size_t offset)
{
	int i;

	head(name, "gauge", help);
	for (i = 0; i < s->nr_devices; i++) {
		const struct device *d = &s->devices[i];
		int64_t value;

		memcpy(&value, (const char *)d + offset, sizeof(value));
		if (d->ours)
			printf(PREFIX "%s{device=\"%s\"} %" PRId64 "\n", name,
			       d->name, value);
	}
}

/* One line a state, 1 for the one that it is: this way it can be counted. */
static void print_states(const struct snapshot *s)
{
	static const char *const states[] = {
		"frozen", "broken", "stalled", "deflating", "holding-off",
		"inflating", "idle",
	};
	size_t state;
	int i;

	head("state", "gauge", "What the balloon is doing.");
	for (i = 0; i < s->nr_devices; i++)
		for (state = 0; s->devices[i].ours &&
		     state < ARRAY_SIZE(states); state++)
			printf(PREFIX "state{device=\"%s\",state=\"%s\"} %d\n",
			       s->devices[i].name, states[state],
			       !strcmp(s->devices[i].state, states[state]));
}

/* All devices have the counters of the first. */
static void print_counters(const struct snapshot *s, const struct device *first)
{
	char name[64];
	int i, n;

	for (n = 0; n < first->nr_counters; n++) {
		snprintf(name, sizeof(name), "%s_total", first->counters[n].name);
		head(name, "counter", "See balloon_counters in Documentation/ABI.");
		for (i = 0; i < s->nr_devices; i++)
			if (n < s->devices[i].nr_counters)
				printf(PREFIX "%s{device=\"%s\"} %" PRId64 "\n",
				       name, s->devices[i].name,
				       s->devices[i].counters[n].value);
	}
}

static void print_prometheus(const struct snapshot *s)
{
	print_memory(&s->memory);
	if (!s->nr_devices)
		return;
	print_drivers(s);
	if (!selected(s)->ours)
		return;
	print_size(s, "target_bytes", "What the host asks for.",
		   offsetof(struct device, target));
	print_size(s, "actual_bytes", "What the balloon holds.",
		   offsetof(struct device, actual));
	print_size(s, "goal_bytes", "Where the balloon goes now.",
		   offsetof(struct device, goal));
	print_size(s, "offset_bytes", "What the guest adds to the target.",
		   offsetof(struct device, offset));
	print_states(s);
	print_counters(s, selected(s));
}

int cmd_export(const struct options *o)
{
	static struct snapshot s;

	if (o->json == o->prometheus)
		return fail("export --json, or export --prometheus") + 1;
	if (!get_snapshot(&s, o))
		return EXIT_BAD;
	if (o->json)
		json_print(json_snapshot(&s), stdout, true);
	else
		print_prometheus(&s);
	return EXIT_GOOD;
}
