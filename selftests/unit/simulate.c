// SPDX-License-Identifier: GPL-2.0-only
/*
 * simulate - what would the driver do? The real policy, in a model guest that a
 * trace leads through its day.
 *
 *	simulate [--svg FILE] [--every SECONDS] [TRACE]		the trace, or stdin
 *
 * A trace has a line for each thing that happens: seconds since the start, what,
 * and a number, which is MiB where nothing else is said. '#' begins a comment.
 *
 *	memory N	the guest's memory; comes first (default 4096)
 *	swap N		a swap device
 *	below N		1: the device has DEFLATE_ON_OOM (default), 0: not
 *	tell N		1: the device has MUST_TELL_HOST (default 0)
 *	lru N		1: reclaim never asks the shrinker (default 0)
 *	spare N		1: reclaim swaps before it takes page cache (default 0)
 *	pace N		MiB that the load takes in a second (default 1024)
 *	target N	the host wants the balloon to be so large
 *	low N		the host is pressed, and lacks so much (0: does not say)
 *	medium N, critical N	the same
 *	none 0		the host is no longer pressed
 *	anon N		the processes' memory is from now on so large
 *	alloc N		it grows by so much
 *	free N		it shrinks by so much
 *	read N		a file of this size is read once
 *	hot N		a file set of this size is read at random, all the time
 *	limited N	a cgroup at its limit reads so much in a second, again
 *	stream N	so much in a second is read once
 *	drop 0		the page cache is dropped
 *	NAME N		a tunable of the driver, in its own unit; auto_deflate as
 *			0 off, 1 need, 2 thrash; reserve in MiB
 *	end 0		nothing more; the clock goes on until here
 *
 * The last line says how it ended, and for what reasons how much was taken back.
 * A comment "# expect: NAME LEAST..MOST, ..." tells the tests what it should say.
 * A real guest's day is recorded with record.sh, beside this file. The model
 * checks the policy as it goes, and stops with an error if it breaks a rule.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "guest.h"
#include "plot.h"

#define MIB_OF(pages)	((double)(pages) / MIB)

static struct guest guest = {
	.now = 1,
	.look_at = 1,
	.sample_at = NEVER,
	.arrive_at = NEVER,
	.memory = 4096 * MIB,
	.pace = 1024 * MIB / 1000,
	.policy.below_target = true,
};

static u64 every = 1000;	/* ms between two lines of the table */
static u64 next_line;

static void print_line(void)
{
	struct guest *g = &guest;

	if (!next_line)
		printf("%8s %8s %8s %8s %8s %8s %8s %8s %8s %s\n", "s",
		       "target", "balloon", "offset", "anon", "cache", "free",
		       "avail", "swapped", "state");
	printf("%8.1f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %8.0f %s\n",
	       g->now / 1000.0, MIB_OF(g->target), MIB_OF(g->balloon),
	       MIB_OF(g->policy.offset), MIB_OF(g->anon), MIB_OF(g->cache),
	       MIB_OF(guest_free_pages(g)), MIB_OF(guest_available(g)),
	       MIB_OF(g->swapped), g->kills ? "killed" :
	       vb_policy_thrashes(&g->policy) ? "thrashing" :
	       vb_policy_holding_off(&g->policy, g->now) ? "holding-off" : "");
	plot_point(g->now / 1000.0, MIB_OF(g->balloon), MIB_OF(g->target),
		   MIB_OF(g->anon), MIB_OF(g->cache), MIB_OF(guest_available(g)));
}

/* Let time pass, with a line of the table whenever one is due. */
static void run_until(u64 then)
{
	while (next_line <= then) {
		if (next_line > guest.now)
			guest_run_until(&guest, next_line);
		print_line();
		next_line = guest.now + every - guest.now % every;
	}
	if (then > guest.now)
		guest_run_until(&guest, then);
}

/* In portions, so that the table shows how a burst goes by. */
static void alloc(s64 pages)
{
	while (pages > 0) {
		s64 portion = pages < 16 * MIB ? pages : 16 * MIB;

		guest_alloc(&guest, portion);
		pages -= portion;
		run_until(guest.now);
	}
}

static bool set_tunable(const char *what, s64 n)
{
	struct vb_tunables t = guest.policy.tune;
	const struct {
		const char *name;
		u32 *field;
	} fields[] = {
		{ "auto_deflate", (u32 *)&t.auto_deflate },
		{ "low_percent", &t.low_percent },
		{ "deflate_batch", &t.deflate_batch },
		{ "deflate_limit_per_s", &t.deflate_limit_per_s },
		{ "holdoff_ms", &t.holdoff_ms },
		{ "holdoff_max_ms", &t.holdoff_max_ms },
		{ "return_ms", &t.return_ms },
		{ "return_step", &t.return_step },
		{ "low_yield", &t.yield_percent[VB_LEVEL_LOW] },
		{ "medium_yield", &t.yield_percent[VB_LEVEL_MEDIUM] },
		{ "critical_yield", &t.yield_percent[VB_LEVEL_CRITICAL] },
		{ "yield_limit_per_s", &t.yield_limit_per_s },
		{ "pressure_interval_ms", &t.pressure_interval_ms },
		{ "pressure_ttl_ms", &t.pressure_ttl_ms },
		{ "self", &t.self },
		{ "self_interval_ms", &t.self_interval_ms },
		{ "self_hysteresis", &t.self_hysteresis },
		{ "self_headroom", &t.self_headroom },
	};
	size_t i;

	if (!strcmp(what, "reserve")) {
		t.reserve = n * MIB;
		guest_set_tunables(&guest, &t);
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(what, fields[i].name))
			continue;
		*fields[i].field = n;
		guest_set_tunables(&guest, &t);
		return true;
	}
	return false;
}

static void set_memory(s64 pages)
{
	struct vb_tunables t = default_tune;

	guest.memory = pages;
	t.reserve = vb_policy_default_reserve(pages, 12);
	guest_set_tunables(&guest, &t);
}

static bool give_hint(const char *what, s64 n)
{
	static const char * const levels[VB_LEVEL_NR] = {
		"none", "low", "medium", "critical"
	};
	struct vb_host_hint hint = { .need = n ? n * MIB : VB_NEED_ANY };

	for (hint.level = 0; hint.level < VB_LEVEL_NR; hint.level++) {
		if (strcmp(what, levels[hint.level]))
			continue;
		guest_hint(&guest, &hint);
		return true;
	}
	return false;
}

/* Return: false if there is no such thing. */
static bool happen(const char *what, s64 n)
{
	struct guest *g = &guest;

	if (!strcmp(what, "memory"))
		set_memory(n * MIB);
	else if (!strcmp(what, "swap"))
		g->swap = n * MIB;
	else if (!strcmp(what, "below"))
		g->policy.below_target = n;
	else if (!strcmp(what, "tell"))
		g->must_tell = n;
	else if (!strcmp(what, "lru"))
		g->passed_over = n;
	else if (!strcmp(what, "spare"))
		g->spares = n;
	else if (!strcmp(what, "pace"))
		g->pace = n * MIB / 1000 ? n * MIB / 1000 : 1;
	else if (!strcmp(what, "target"))
		guest_set_target(g, n * MIB);
	else if (!strcmp(what, "anon") && n * MIB < g->anon)
		guest_free(g, g->anon - n * MIB);
	else if (!strcmp(what, "anon"))
		alloc(n * MIB - g->anon);
	else if (!strcmp(what, "alloc"))
		alloc(n * MIB);
	else if (!strcmp(what, "free"))
		guest_free(g, n * MIB);
	else if (!strcmp(what, "read"))
		guest_read_file(g, n * MIB);
	else if (!strcmp(what, "hot"))
		g->hot = n * MIB;
	else if (!strcmp(what, "limited"))
		g->limited = n * MIB / 1000;
	else if (!strcmp(what, "stream"))
		g->stream = n * MIB / 1000;
	else if (!strcmp(what, "drop"))
		g->cache = 0;
	else if (strcmp(what, "end"))
		return give_hint(what, n) || set_tunable(what, n);
	return true;
}

static void read_trace(FILE *file, const char *name)
{
	char line[256], what[32];
	unsigned int nr = 0;
	double seconds;
	long long n;

	while (fgets(line, sizeof(line), file)) {
		nr++;
		line[strcspn(line, "#\n")] = 0;
		if (line[strspn(line, " \t")] == 0)
			continue;
		if (sscanf(line, "%lf %31s %lld", &seconds, what, &n) != 3 ||
		    seconds < 0 || seconds > 1e9 || n < 0 || n > 1LL << 32) {
			fprintf(stderr, "%s:%u: not SECONDS WHAT NUMBER\n",
				name, nr);
			exit(2);
		}
		run_until(seconds * 1000);
		if (happen(what, n))
			continue;
		fprintf(stderr, "%s:%u: unknown: %s\n", name, nr, what);
		exit(2);
	}
}

static void print_sum(void)
{
	const struct guest *g = &guest;

	printf("end: balloon %.0f yielded %.0f ", MIB_OF(g->balloon),
	       MIB_OF(g->yielded));
	printf("need %.0f thrash %.0f oom %.0f swapped %.0f MiB; killed %lu\n",
	       MIB_OF(g->taken[VB_WHY_NEED]), MIB_OF(g->taken[VB_WHY_THRASH]),
	       MIB_OF(g->taken[VB_WHY_OOM]), MIB_OF(g->swapped), g->kills);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "svg", required_argument, NULL, 's' },
		{ "every", required_argument, NULL, 'e' },
		{ NULL, 0, NULL, 0 }
	};
	const char *svg = NULL, *name = "stdin";
	FILE *file = stdin;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 's')
			svg = optarg;
		else if (option == 'e' && atof(optarg) >= 0.001)
			every = atof(optarg) * 1000;
		else
			goto usage;
	}
	if (optind + 1 < argc)
		goto usage;
	if (optind < argc) {
		name = argv[optind];
		file = fopen(name, "r");
	}
	if (!file) {
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
		return 2;
	}
	set_memory(guest.memory);
	read_trace(file, name);
	print_sum();
	return svg ? plot_save(svg) : 0;

usage:
	fprintf(stderr, "usage: simulate [--svg FILE] [--every SECONDS] [TRACE]\n");
	return 2;
}
