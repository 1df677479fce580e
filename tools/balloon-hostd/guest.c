// SPDX-License-Identifier: GPL-2.0-only
/* One guest: what was heard of it and asked of it; see guest.h. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostd.h"
#include "log.h"
#include "request.h"

const char * const trouble_names[TROUBLES] = { "garbage", "silence", "lies", "refused" };

struct guest *guest_new(struct hostd *hostd, const struct guest_config *config,
			const char *name, const struct backend *backend)
{
	struct guest *guest = calloc(1, sizeof(*guest));

	if (!guest)
		return NULL;
	guest->hostd = hostd;
	guest->config = config;
	guest->backend = backend;
	guest->statm = -1;
	guest->phase = (unsigned int)hostd->count % STALE_ROUNDS;
	guest->max = config->memory;
	guest->name = strdup(name);
	if (guest->name)
		guest->connection = backend->open(guest);
	if (!guest->connection) {
		guest_free(guest);
		return NULL;
	}
	guest_set_hint(guest, config->hint);
	return guest;
}

void guest_free(struct guest *guest)
{
	hint_free(guest->hint);
	if (guest->connection)
		guest->backend->close(guest->connection);
	if (guest->statm >= 0)
		close(guest->statm);
	free(guest->name);
	free(guest);
}

void guest_set_hint(struct guest *guest, const char *path)
{
	if (guest->hint && path && !strcmp(hint_path(guest->hint), path))
		return;
	hint_free(guest->hint);
	guest->hint = path ? hint_new(guest, path) : NULL;
}

void guest_configure(struct guest *guest, const struct guest_config *config)
{
	guest->config = config;
	if (config->memory)
		guest->max = config->memory;
	if (config->hint || guest->backend != &backend_libvirt)
		guest_set_hint(guest, config->hint);
}

void guest_up(struct guest *guest, int pid)
{
	char path[64];

	guest->connected = true;
	if (guest->statm >= 0)
		close(guest->statm);
	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	guest->statm = pid > 0 ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	say(LOG_INFO, guest->name, "connected by %s", guest->backend->name);
}

void guest_down(struct guest *guest, const char *why)
{
	if (!guest->connected)
		return;
	guest->connected = false;
	guest->takes_hints = false;
	guest->migrating = false;
	/* It may come back as another one: nothing is known, and nothing was asked. */
	guest->target = 0;
	guest->hint_round = 0;
	guest->size_round = 0;
	guest->stats_round = 0;
	guest->slack_round = 0;
	say(LOG_NOTICE, guest->name, "connection lost%s%s", why ? ": " : "", why ? why : "");
}

void guest_trouble(struct guest *guest, enum guest_trouble trouble, const char *what)
{
	/* The first of a kind is news; the others are counted. */
	if (!guest->trouble[trouble]++)
		say(LOG_WARNING, guest->name, "%s: %s", trouble_names[trouble], what);
}

void guest_max(struct guest *guest, uint64_t bytes)
{
	uint64_t floor = amount_of(&guest->config->floor, bytes);

	if (guest->max != bytes && floor > bytes)
		say(LOG_WARNING, guest->name, "its floor is above its memory: nothing is taken");
	guest->max = bytes;
}

void guest_size(struct guest *guest, uint64_t bytes)
{
	if (guest->max && bytes > guest->max) {
		guest_trouble(guest, TROUBLE_LIES, "more memory than it has");
		return;
	}
	if (bytes != guest->size) {
		guest->moved_round = guest->hostd->round;
		guest->promised = less_u64(guest->promised, less_u64(guest->size, bytes));
	}
	guest->size = bytes;
	guest->size_round = guest->hostd->round;
}

/* A guest can say anything. */
static const char *lie(const struct guest *guest, const struct guest_stats *stats)
{
	if (!stats->total)
		return "no memory at all";
	if (stats->available > stats->total || stats->unused > stats->total)
		return "more memory available than there is";
	if (guest->max && stats->total > guest->max)
		return "more memory than it was given";
	if (stats->time && stats->time < guest->stats.time)
		return "its time goes backwards";
	return NULL;
}

void guest_stats(struct guest *guest, const struct guest_stats *stats)
{
	const char *why = lie(guest, stats);

	if (why) {
		guest_trouble(guest, TROUBLE_LIES, why);
		/* Else it would be lying for ever after one mistake. */
		guest->stats.time = stats->time;
		return;
	}
	/* Told before: the hypervisor repeats what the guest said once. */
	if (stats->time && stats->time == guest->stats.time)
		return;
	guest->stats = *stats;
	guest->unused[guest->samples++ % UNUSED_SAMPLES] = stats->unused;
	guest->stats_round = guest->hostd->round;
}

void guest_slack_is(struct guest *guest, uint64_t bytes)
{
	if (guest->max && bytes > guest->max) {
		guest_trouble(guest, TROUBLE_LIES, "more slack than memory");
		return;
	}
	guest->slack = bytes;
	guest->slack_round = guest->hostd->round;
}

void guest_yielded(struct guest *guest, uint64_t bytes)
{
	guest->promised = 0;
	if (guest->max && bytes > guest->max)
		guest_trouble(guest, TROUBLE_LIES, "it gave more than it has");
	else
		guest->yielded += bytes;
}

static uint64_t mean_unused(const struct guest *guest)
{
	unsigned int count = guest->samples < UNUSED_SAMPLES ? guest->samples : UNUSED_SAMPLES;
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += guest->unused[i];
	return count ? sum / count : 0;
}

static uint32_t age(const struct guest *guest, uint64_t round)
{
	uint64_t rounds = guest->hostd->round - round;

	return !round || rounds > UINT32_MAX ? NEVER_HEARD : (uint32_t)rounds;
}

static uint64_t read_resident(const struct guest *guest)
{
	uint64_t pages = 0;
	ssize_t size;
	char text[128];

	size = pread(guest->statm, text, sizeof(text) - 1, 0);
	text[size > 0 ? size : 0] = '\0';
	return sscanf(text, "%*u %" SCNu64, &pages) == 1 ?
		pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static bool takes_hints(const struct guest *guest)
{
	return guest->takes_hints || (guest->hint && hint_there(guest->hint));
}

/* The level of a hint that will hold for some time. */
static enum level holds_to(const struct guest *guest)
{
	uint64_t ttl = guest->hostd->config->hint_ttl_ms / guest->hostd->config->interval_ms;

	return age(guest, guest->hint_round) < max_u64(ttl / 2, 1) ? guest->level : LEVEL_NONE;
}

static uint64_t coming(const struct guest *guest)
{
	bool moving = age(guest, guest->asked_round) <= STALE_ROUNDS ||
		age(guest, guest->moved_round) <= STALE_ROUNDS;
	bool hinted = age(guest, guest->hint_round) <= STALE_ROUNDS;

	return (moving && guest->target ? less_u64(guest->size, guest->target) : 0) +
		(hinted ? guest->promised : 0);
}

void guest_see(struct guest *guest, struct guest_view *view)
{
	const struct amount *floor = &guest->config->floor;

	if (!floor->bytes && !floor->percent)
		floor = &guest->hostd->config->floor;
	*view = (struct guest_view){
		.max = guest->max,
		.floor = amount_of(floor, guest->max),
		.size = guest->size,
		.target = guest->target ? guest->target : guest->size,
		.fixed = amount_of(&guest->config->size, guest->max),
		.shares = guest->config->shares,
		.asked = guest->target,
		.available = guest->stats.available,
		.unused = mean_unused(guest),
		.slack = guest->slack,
		.resident = guest->resident,
		.coming = coming(guest),
		.size_age = age(guest, guest->size_round),
		.stats_age = age(guest, guest->stats_round),
		.hinted = holds_to(guest),
		.has_slack = age(guest, guest->slack_round) <= STALE_ROUNDS,
		.has_hints = takes_hints(guest),
		.migrating = guest->migrating,
	};
}

static void set_target(struct guest *guest, uint64_t target)
{
	guest->hostd->asked.targets++;
	if (guest->hostd->verbose)
		say(LOG_INFO, guest->name, "target %" PRIu64 " MiB, has %" PRIu64 " of %" PRIu64,
		    target / MIB, guest->size / MIB, guest->max / MIB);
	if (guest->hostd->dry_run)
		return;
	guest->target = target;
	guest->asked_round = guest->hostd->round;
	guest->targets++;
	guest->backend->set_target(guest->connection, target);
}

static void send_hint(struct guest *guest, const struct decision *decision)
{
	uint32_t ttl = (uint32_t)guest->hostd->config->hint_ttl_ms;

	guest->hostd->asked.hints++;
	guest->hostd->asked.wanted += decision->level ? decision->need : 0;
	if (guest->hostd->verbose)
		say(LOG_INFO, guest->name, "hint %s, need %" PRIu64 " KiB",
		    pressure_levels[decision->level], decision->need / 1024);
	if (guest->hostd->dry_run)
		return;
	if (!guest->hint || !hint_there(guest->hint))
		guest->backend->hint(guest->connection, decision->level, decision->need, ttl);
	else if (!hint_send(guest->hint, decision->level, decision->need, ttl))
		return;
	guest->level = decision->level;
	guest->hint_round = guest->hostd->round;
	guest->promised = decision->gain;
	guest->hints++;
}

void guest_apply(struct guest *guest, const struct guest_view *view,
		 const struct decision *decision)
{
	if (decision->target != view->target)
		set_target(guest, decision->target);
	if (decision->hint && takes_hints(guest))
		send_hint(guest, decision);
}

void guest_poll(struct guest *guest)
{
	const struct hostd *hostd = guest->hostd;
	bool turn = hostd->once || (hostd->round + guest->phase) % STALE_ROUNDS == 0;

	guest->backend->poll(guest->connection);
	/* These change slowly, or count under pressure only: it is enough if they are not old. */
	if (turn && guest->statm >= 0)
		guest->resident = read_resident(guest);
	/* Under pressure slack changes faster; but the reply to a hint tells it, too. */
	if (guest->hint && (turn || !hint_there(guest->hint) ||
			    (hostd->host.level && hostd->round - guest->slack_round > 1)))
		hint_poll(guest->hint);
}
