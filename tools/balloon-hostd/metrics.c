// SPDX-License-Identifier: GPL-2.0-only
/* What Prometheus reads, by HTTP or from a file of node_exporter's. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "log.h"

#define PREFIX	"balloon_hostd_"

enum kind { GAUGE, COUNTER };

static void head(FILE *out, const char *name, enum kind kind, const char *help)
{
	fprintf(out, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
		kind == GAUGE ? "gauge" : "counter");
}

static void one(FILE *out, const char *name, enum kind kind, uint64_t value, const char *help)
{
	head(out, name, kind, help);
	fprintf(out, PREFIX "%s %" PRIu64 "\n", name, value);
}

/* Time is in seconds everywhere there. */
static void seconds(FILE *out, const char *name, enum kind kind, uint64_t usec, const char *help)
{
	head(out, name, kind, help);
	fprintf(out, PREFIX "%s %" PRIu64 ".%06" PRIu64 "\n", name, usec / 1000000,
		usec % 1000000);
}

static void tell_host(FILE *out, const struct hostd *hostd)
{
	const struct host_view *host = &hostd->host;

	one(out, "host_memory_bytes", GAUGE, host->total,
	    "Memory of the host, or the limit of the guests' cgroup.");
	one(out, "host_available_bytes", GAUGE, host->available, "What of it is available.");
	one(out, "host_reserve_bytes", GAUGE, host->reserve, "What is to stay available.");
	one(out, "host_need_bytes", GAUGE, host->need, "What is lacking, estimated.");
	one(out, "host_pressure_level", GAUGE, host->level,
	    "0 none, 1 low, 2 medium, 3 critical.");
	one(out, "host_swap_used_bytes", GAUGE, hostd->memory.swap_used, "What is in swap.");
	one(out, "host_ksm_saved_bytes", GAUGE, hostd->memory.ksm_saved, "What KSM saves.");
	one(out, "guests", GAUGE, hostd->count, "Guests that are known.");
	one(out, "rounds_total", COUNTER, hostd->round, "Rounds.");
	seconds(out, "round_seconds_total", COUNTER, hostd->rounds_usec, "Time spent in rounds.");
	seconds(out, "round_longest_seconds", GAUGE, hostd->longest_usec, "The longest round.");
	one(out, "reloads_total", COUNTER, hostd->reloads, "Configs that were taken.");
	one(out, "reloads_refused_total", COUNTER, hostd->refused_reloads,
	    "Configs that were refused.");
}

struct guest_metric {
	const char *name;
	enum kind kind;
	const char *help;
	size_t offset;			/* of a number, in struct guest */
};

#define GUEST(name, kind, member, help)	{ name, kind, help, offsetof(struct guest, member) }

static const struct guest_metric guest_metrics[] = {
	GUEST("guest_max_bytes", GAUGE, max, "Its memory without a balloon."),
	GUEST("guest_size_bytes", GAUGE, size, "Its memory now."),
	GUEST("guest_target_bytes", GAUGE, target, "What was asked of it; 0: nothing yet."),
	GUEST("guest_available_bytes", GAUGE, stats.available, "What it has available."),
	GUEST("guest_slack_bytes", GAUGE, slack, "What it says it can spare."),
	GUEST("guest_resident_bytes", GAUGE, resident, "What the host spends on it; 0: unknown."),
	GUEST("guest_yielded_bytes_total", COUNTER, yielded, "What it gave because of hints."),
	GUEST("guest_hints_total", COUNTER, hints, "Hints sent to it."),
	GUEST("guest_targets_total", COUNTER, targets, "Targets sent to it."),
};

/* As the text format wants it. */
static void put_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '\\' || *name == '"')
			fputc('\\', out);
		fputc(*name == '\n' ? ' ' : *name, out);
	}
}

static void tell_guests(FILE *out, const struct hostd *hostd, const struct guest_metric *metric)
{
	head(out, metric->name, metric->kind, metric->help);
	for (const struct guest *guest = hostd->guests; guest; guest = guest->next) {
		const char *at = (const char *)guest + metric->offset;

		fprintf(out, PREFIX "%s{guest=\"", metric->name);
		put_name(out, guest->name);
		fprintf(out, "\"} %" PRIu64 "\n", *(const uint64_t *)at);
	}
}

static void tell_trouble(FILE *out, const struct hostd *hostd)
{
	head(out, "guest_trouble_total", COUNTER, "What was wrong with what it said.");
	for (const struct guest *guest = hostd->guests; guest; guest = guest->next) {
		for (int i = 0; i < TROUBLES; i++) {
			fprintf(out, PREFIX "guest_trouble_total{guest=\"");
			put_name(out, guest->name);
			fprintf(out, "\",kind=\"%s\"} %" PRIu64 "\n", trouble_names[i],
				guest->trouble[i]);
		}
	}
}

static void tell(FILE *out, const struct hostd *hostd)
{
	tell_host(out, hostd);
	for (size_t i = 0; i < sizeof(guest_metrics) / sizeof(*guest_metrics); i++)
		tell_guests(out, hostd, &guest_metrics[i]);
	tell_trouble(out, hostd);
}

char *metrics_text(const struct hostd *hostd, size_t *size)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, size);

	if (!out)
		return NULL;
	tell(out, hostd);
	return fclose(out) ? NULL : text;
}

/* Whoever reads it sees the old one or the new one. */
void metrics_write(const struct hostd *hostd, const char *path)
{
	char new[4096];
	FILE *out;

	snprintf(new, sizeof(new), "%s.new", path);
	out = fopen(new, "we");
	if (out) {
		tell(out, hostd);
		if (!fclose(out) && !rename(new, path))
			return;
	}
	say(LOG_WARNING, NULL, "%s: %s", path, strerror(errno));
}
