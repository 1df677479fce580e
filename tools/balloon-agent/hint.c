// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hints: checked, given to the driver, and answered when the driver has replied.
 *
 * The driver numbers the hints, and replies when it has given what it will give
 * for now. Until then the loop goes on; several hints can be waiting.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/virtio_balloon_pressure.h>

#include "agent.h"

#define LOOK_US		20000		/* how often to look for the reply */
#define PATIENCE_MS	1000		/* beyond the time that the driver may take */
#define INTERVAL_MS	1000		/* the driver's, unless it says so */

static const char *reason(int error)
{
	switch (-error) {
	case ENODEV:
		return "hint: no balloon driver has a device";
	case ENOENT:
		return "hint: the balloon driver takes no hints";
	case EINVAL:
		return "hint: the driver says that it is invalid";
	case EACCES:
	case EPERM:
	case EROFS:
		return "hint: the agent may not write to the driver";
	default:
		return strerror(-error);
	}
}

/* What became of the hint, or NULL as long as the driver has not replied. */
static struct json_object *read_reply(struct agent *agent, const struct waiting *waiting)
{
	struct json_object *reply;
	int64_t seq, yielded, slack;

	if (!driver_number(agent, "pressure/reply_seq", &seq) ||
	    (int32_t)((uint32_t)seq - waiting->seq) < 0 ||
	    !driver_number(agent, "pressure/reply_yielded", &yielded) ||
	    !driver_number(agent, "pressure/reply_slack", &slack))
		return NULL;
	reply = json_object_new_object();
	/* Hints that the driver merged have the same reply, and its number tells. */
	answer_add(reply, "seq", (uint64_t)seq);
	answer_add(reply, "yielded", (uint64_t)yielded);
	answer_add(reply, "slack", (uint64_t)slack);
	return reply;
}

/* Takes the reply. */
static void answer(struct agent *agent, const struct waiting *waiting, struct json_object *reply)
{
	struct json_object *answer = answer_good();

	json_object_object_add(answer, "reply", reply);
	json_object_object_add(answer, "snapshot", snapshot_take(agent));
	link_answer(agent, waiting->id, answer);
}

static int look_later(struct agent *agent)
{
	sd_event_source_set_time_relative(agent->looking, LOOK_US);
	return sd_event_source_set_enabled(agent->looking, SD_EVENT_ONESHOT);
}

/* Answer those whose reply is here, and those that waited for too long. */
static int on_look(sd_event_source *source, uint64_t usec, void *context)
{
	struct agent *agent = context;
	unsigned int kept = 0;

	(void)source;
	(void)usec;
	for (unsigned int i = 0; i < agent->waits; i++) {
		struct waiting *waiting = &agent->waiting[i];
		struct json_object *reply = read_reply(agent, waiting);

		if (!reply && now_usec() < waiting->until) {
			agent->waiting[kept++] = *waiting;
			continue;
		}
		answer(agent, waiting, reply);
		json_object_put(waiting->id);
	}
	agent->waits = kept;
	return kept ? look_later(agent) : 0;
}

/* A hint may have to wait for one interval, and be given time for another. */
static int wait_for_reply(struct agent *agent, struct json_object *id)
{
	struct waiting *waiting = &agent->waiting[agent->waits];
	int64_t seq, interval = INTERVAL_MS;

	if (!driver_number(agent, "pressure/hint_seq", &seq))
		return -ENODEV;
	driver_number(agent, "pressure/interval_ms", &interval);
	waiting->seq = (uint32_t)seq;
	waiting->until = now_usec() + (uint64_t)(2 * interval + PATIENCE_MS) * 1000;
	waiting->id = json_object_get(id);
	agent->waits++;
	if (agent->looking)
		return look_later(agent);
	return sd_event_add_time_relative(agent->event, &agent->looking, CLOCK_MONOTONIC, LOOK_US,
					  0, on_look, agent);
}

const char *hint_give(struct agent *agent, struct json_object *request, struct json_object *id)
{
	int level = request_level(request), error;
	uint64_t need = 0, ttl = 0;
	char text[80];
	int used;

	if (level < 0)
		return "hint: \"level\" is one of none, low, medium, critical";
	if (!request_number(request, "need", 0, VIRTIO_BALLOON_PRESSURE_NEED_MAX, &need))
		return "hint: \"need\" is in bytes, up to 1 PiB";
	if (!request_number(request, "ttl_ms", 1, VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS, &ttl))
		return "hint: \"ttl_ms\" is from 1 to 3600000, an hour";
	if (agent->waits == WAITING_MAX)
		return "hint: too many wait for their reply";
	used = snprintf(text, sizeof(text), "%s", pressure_levels[level]);
	if (need)
		used += snprintf(text + used, sizeof(text) - used, " need=%llu",
				 (unsigned long long)need);
	if (ttl)
		snprintf(text + used, sizeof(text) - used, " ttl=%llums", (unsigned long long)ttl);
	error = driver_write(agent, HINT_FILE, text);
	if (error < 0)
		return reason(error);
	agent->hints++;
	error = wait_for_reply(agent, id);
	return error < 0 ? reason(error) : NULL;
}

/* Whoever gave them is gone. */
void hint_forget(struct agent *agent)
{
	while (agent->waits)
		json_object_put(agent->waiting[--agent->waits].id);
	agent->looking = sd_event_source_disable_unref(agent->looking);
}
