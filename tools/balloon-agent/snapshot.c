// SPDX-License-Identifier: GPL-2.0-only
/* How the guest is: memory, pressure, and what it does per second. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent.h"

#define BALLOON_PAGE	4096

/* A name that ends in _ stands for all that begin so. */
static const struct {
	const char *name;
	enum rate rate;
} counters[] = {
	{ "workingset_refault_", RATE_REFAULTS },
	{ "pswpin", RATE_SWAP_INS },
	{ "pswpout", RATE_SWAP_OUTS },
	{ "pgfault", RATE_MINOR_FAULTS },	/* all of them: see read_sample() */
	{ "pgmajfault", RATE_MAJOR_FAULTS },
	{ "allocstall_", RATE_DIRECT_STALLS },
};

static const char * const rates[RATES] = {
	[RATE_REFAULTS] = "refaults", [RATE_SWAP_INS] = "swap_ins",
	[RATE_SWAP_OUTS] = "swap_outs", [RATE_MINOR_FAULTS] = "minor_faults",
	[RATE_MAJOR_FAULTS] = "major_faults", [RATE_DIRECT_STALLS] = "direct_stalls",
};

uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static FILE *open_proc(struct agent *agent, const char *name)
{
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s/%s", agent->proc, name);
	return fopen(path, "re");
}

static bool is_counter(const char *name, const char *wanted)
{
	size_t size = strlen(wanted);

	return wanted[size - 1] == '_' ? !strncmp(name, wanted, size) : !strcmp(name, wanted);
}

static void read_sample(struct agent *agent, struct sample *sample)
{
	FILE *file = open_proc(agent, "vmstat");
	unsigned long long value;
	char name[64];

	memset(sample, 0, sizeof(*sample));
	sample->usec = now_usec();
	while (file && fscanf(file, "%63s %llu", name, &value) == 2) {
		for (size_t i = 0; i < sizeof(counters) / sizeof(*counters); i++) {
			if (!is_counter(name, counters[i].name))
				continue;
			sample->count[counters[i].rate] += value;
			sample->has[counters[i].rate] = true;
		}
	}
	if (file)
		fclose(file);
	sample->count[RATE_MINOR_FAULTS] -= sample->count[RATE_MAJOR_FAULTS];
}

/* With so many digits behind the point, no more: json-c writes out seventeen. */
static void add_decimal(struct json_object *object, const char *name, double value, int digits)
{
	char text[64];

	snprintf(text, sizeof(text), "%.*f", digits, value);
	json_object_object_add(object, name, json_object_new_double_s(value, text));
}

static void add_rates(struct agent *agent, struct json_object *snapshot)
{
	struct json_object *object = NULL;
	struct sample now;
	uint64_t usec;

	read_sample(agent, &now);
	usec = now.usec - agent->last.usec;
	if (agent->last.usec && usec) {
		object = json_object_new_object();
		answer_add(object, "interval_ms", usec / 1000);
		for (int i = 0; i < RATES; i++) {
			int64_t more = (int64_t)(now.count[i] - agent->last.count[i]);

			/* A processor that goes offline can take some of a count along. */
			if (now.has[i] && agent->last.has[i])
				add_decimal(object, rates[i],
					    more > 0 ? (double)more * 1e6 / (double)usec : 0, 1);
		}
	}
	json_object_object_add(snapshot, "rates", object);
	agent->last = now;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0": that as an object */
static void add_pressure(struct json_object *psi, char *line)
{
	struct json_object *object = json_object_new_object();
	char *rest, *word, *kind = strtok_r(line, "\n ", &rest);

	while (kind && (word = strtok_r(NULL, "\n ", &rest))) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (strchr(value, '.'))
			add_decimal(object, word, strtod(value, NULL), 2);
		else
			answer_add(object, word, strtoull(value, NULL, 10));
	}
	if (kind)
		json_object_object_add(psi, kind, object);
	else
		json_object_put(object);
}

/* NULL where the kernel has none, or where it was switched off. */
static struct json_object *read_psi(struct agent *agent)
{
	FILE *file = open_proc(agent, "pressure/memory");
	struct json_object *psi;
	char line[128];

	if (!file)
		return NULL;
	psi = json_object_new_object();
	while (fgets(line, sizeof(line), file))
		add_pressure(psi, line);
	fclose(file);
	if (json_object_object_length(psi))
		return psi;
	json_object_put(psi);
	return NULL;
}

bool snapshot_has_psi(struct agent *agent)
{
	struct json_object *psi = read_psi(agent);

	json_object_put(psi);
	return psi;
}

static void add_available(struct agent *agent, struct json_object *snapshot)
{
	FILE *file = open_proc(agent, "meminfo");
	unsigned long long kib;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			answer_add(snapshot, "available", kib * 1024);
	if (file)
		fclose(file);
}

struct json_object *snapshot_take(struct agent *agent)
{
	struct json_object *snapshot = json_object_new_object();
	int64_t value;
	char state[32];

	add_available(agent, snapshot);
	if (driver_number(agent, "pressure/slack", &value))
		json_object_object_add(snapshot, "slack", json_object_new_int64(value));
	if (driver_number(agent, "balloon/offset_pages", &value))
		json_object_object_add(snapshot, "offset",
				       json_object_new_int64(value * BALLOON_PAGE));
	if (!driver_read(agent, "balloon/state", state, sizeof(state)))
		json_object_object_add(snapshot, "state", json_object_new_string(state));
	json_object_object_add(snapshot, "psi", read_psi(agent));
	add_rates(agent, snapshot);
	return snapshot;
}
