// SPDX-License-Identifier: GPL-2.0-only
/* The rounds, and what a new config changes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "hostd.h"
#include "log.h"
#include "request.h"

#define SECOND_USEC	1000000ull
#define TEXTFILE_USEC	(15 * SECOND_USEC)	/* Prometheus rarely looks more often */
#define ONCE_USEC	(SECOND_USEC / 10)	/* with --once: how often to look for answers */

uint64_t hostd_now(const struct hostd *hostd)
{
	struct timespec now;

	(void)hostd;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_USEC + (uint64_t)now.tv_nsec / 1000;
}

static void wake_in(struct hostd *hostd, uint64_t usec)
{
	sd_event_source_set_time_relative(hostd->timer, usec);
	sd_event_source_set_enabled(hostd->timer, SD_EVENT_ONESHOT);
}

static void look_at_host(struct hostd *hostd)
{
	struct host_memory last = hostd->memory;
	enum level before = hostd->host.level, level;

	if (host_read(&hostd->memory, hostd->config->cgroup))
		return;
	/* Swapping before our first look is none of our business. */
	if (!last.total)
		last = hostd->memory;
	hostd->host.reserve = amount_of(&hostd->config->reserve, hostd->memory.total);
	/* A new config can make it another host. */
	if (last.total == hostd->memory.total)
		host_foresee(&hostd->memory, &last, hostd->host.reserve);
	level = pressure_level(&hostd->pressure, &hostd->memory, hostd->host.reserve);
	host_estimate(&hostd->host, &hostd->memory, &last, level);
	if (level != before)
		say(LOG_NOTICE, NULL, "pressure %s, %" PRIu64 " MiB available, %" PRIu64 " lacking",
		    pressure_levels[level], hostd->host.available / MIB, hostd->host.need / MIB);
}

static void do_round(struct hostd *hostd)
{
	uint64_t begin = hostd_now(hostd), spent;

	hostd->round++;
	hostd->round_usec = begin;
	look_at_host(hostd);
	if (fleet_round(hostd))
		say(LOG_ERR, NULL, "no memory for a round");
	fleet_poll(hostd);
	if (hostd->config->textfile && begin - hostd->textfile_usec >= TEXTFILE_USEC) {
		hostd->textfile_usec = begin;
		metrics_write(hostd, hostd->config->textfile);
	}
	spent = hostd_now(hostd) - begin;
	hostd->rounds_usec += spent;
	hostd->longest_usec = max_u64(hostd->longest_usec, spent);
}

/* Ask until all have answered or the time is over, decide once, and end. */
static void do_once(struct hostd *hostd)
{
	bool late = hostd_now(hostd) - hostd->start_usec > hostd->config->timeout_ms * 1000;

	if (!late && !fleet_complete(hostd)) {
		fleet_poll(hostd);
		wake_in(hostd, ONCE_USEC);
		return;
	}
	look_at_host(hostd);
	fleet_round(hostd);
	sd_event_exit(hostd->event, 0);
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
	struct hostd *hostd = context;

	(void)source;
	(void)usec;
	if (hostd->once) {
		do_once(hostd);
		return 0;
	}
	do_round(hostd);
	/* From its beginning: rounds do not drift; but one a second at most. */
	wake_in(hostd, less_u64(hostd->config->interval_ms * 1000,
				hostd_now(hostd) - hostd->round_usec));
	return 0;
}

/* The pressure has risen: with a long interval the next round would be too late. */
static void on_risen(void *context)
{
	struct hostd *hostd = context;

	if (hostd->round)
		wake_in(hostd, less_u64(hostd->round_usec + SECOND_USEC, hostd_now(hostd)));
}

static int start_pressure(struct hostd *hostd)
{
	hostd->pressure.risen = on_risen;
	hostd->pressure.context = hostd;
	return pressure_start(&hostd->pressure, hostd->event, hostd->config);
}

static int start_trace(struct hostd *hostd)
{
	if (!hostd->config->trace || hostd->once)
		return 0;
	hostd->trace = fopen(hostd->config->trace, "ae");
	return hostd->trace ? 0 : -errno;
}

/* Returns what failed, or NULL; *error says why. */
static const char *start_all(struct hostd *hostd, int *error)
{
	*error = sd_event_add_time_relative(hostd->event, &hostd->timer, CLOCK_MONOTONIC, 0,
					    TIMER_USEC, on_time, hostd);
	if (*error < 0)
		return "timer";
	*error = start_pressure(hostd);
	if (*error < 0)
		return "source of host pressure";
	*error = start_trace(hostd);
	if (*error < 0)
		return hostd->config->trace;
	*error = hostd->once ? 0 : status_start(hostd);
	if (*error < 0)
		return hostd->config->status;
	*error = hostd->once ? 0 : http_start(hostd);
	if (*error < 0)
		return hostd->config->metrics;
	*error = fleet_start(hostd);
	if (*error < 0)
		return "guests";
	*error = libvirt_update(hostd);
	return *error < 0 ? hostd->config->libvirt : NULL;
}

int hostd_start(struct hostd *hostd)
{
	const char *what;
	int error;

	hostd->start_usec = hostd_now(hostd);
	/* Round 0 would mean never. */
	hostd->round = hostd->once;
	what = start_all(hostd, &error);
	if (what)
		say(LOG_ERR, NULL, "%s: %s", what, strerror(-error));
	else
		say(LOG_INFO, NULL, "policy %s%s", hostd->config->policy->name,
		    hostd->dry_run ? ", dry run: nothing is changed" : "");
	return error;
}

void hostd_stop(struct hostd *hostd)
{
	libvirt_stop(hostd->libvirt);
	hostd->libvirt = NULL;
	fleet_free(hostd);
	http_stop(hostd);
	status_stop(hostd);
	pressure_stop(&hostd->pressure);
	sd_event_source_disable_unref(hostd->timer);
	if (hostd->trace)
		fclose(hostd->trace);
}

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Whatever listens or writes elsewhere now. */
static void move_listeners(struct hostd *hostd, const struct config *old)
{
	if (!same(old->status, hostd->config->status)) {
		status_stop(hostd);
		if (status_start(hostd) < 0)
			say(LOG_ERR, NULL, "%s: no status there", hostd->config->status);
	}
	if (!same(old->metrics, hostd->config->metrics)) {
		http_stop(hostd);
		if (http_start(hostd) < 0)
			say(LOG_ERR, NULL, "%s: no metrics there", hostd->config->metrics);
	}
	if (!same(old->trace, hostd->config->trace)) {
		if (hostd->trace)
			fclose(hostd->trace);
		hostd->trace = NULL;
		if (start_trace(hostd) < 0)
			say(LOG_ERR, NULL, "%s: no trace there", hostd->config->trace);
	}
}

static void use_config(struct hostd *hostd, struct config *config)
{
	struct config *old = hostd->config;

	hostd->config = config;
	if (start_pressure(hostd) < 0)
		say(LOG_ERR, NULL, "the source of host pressure is not there");
	move_listeners(hostd, old);
	if (fleet_update(hostd) < 0 || libvirt_update(hostd) < 0)
		say(LOG_ERR, NULL, "no memory for the guests");
	config_free(old);
}

void hostd_reload(struct hostd *hostd)
{
	struct config *config;
	char error[1024];

	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, hostd_now(hostd));
	config = hostd->config_path ? config_read(hostd->config_path, error, sizeof(error)) : NULL;
	if (config) {
		use_config(hostd, config);
		hostd->reloads++;
		say(LOG_INFO, NULL, "config read again: policy %s", config->policy->name);
	} else if (hostd->config_path) {
		hostd->refused_reloads++;
		say(LOG_ERR, NULL, "%s; the old config stays", error);
	}
	sd_notify(0, "READY=1");
}
