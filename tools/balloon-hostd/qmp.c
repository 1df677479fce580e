// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest by the QMP socket of its QEMU. The socket must be ours alone: QEMU talks
 * to one client at a time.
 *
 * After the greeting: look for the balloon, ask for statistics every second. Then,
 * with each poll, three questions; their numbers say what an answer belongs to.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd.h"
#include "log.h"

enum question {
	Q_NONE,
	Q_CAPABILITIES,
	Q_MEMORY,
	Q_NAMED_DEVICES,
	Q_OTHER_DEVICES,
	Q_INTERVAL,
	Q_TARGET,
	/* with each poll */
	Q_BALLOON,
	Q_STATS,
	Q_MIGRATION,
	QUESTIONS
};

struct qmp {
	struct guest *guest;
	struct link *link;
	char *device;			/* the balloon's path, NULL: not found yet */
	uint64_t since;			/* when the oldest question was asked; 0: none waits */
	bool waits[QUESTIONS];
};

static struct json_object *member(struct json_object *object, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, name, &value);
	return value;
}

/* Takes the arguments, which may be NULL. */
static struct json_object *make(struct qmp *qmp, enum question question, const char *command,
				struct json_object *arguments)
{
	struct json_object *request = json_object_new_object();

	json_object_object_add(request, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(request, "arguments", arguments);
	json_object_object_add(request, "id", json_object_new_int(question));
	qmp->waits[question] = true;
	qmp->since = qmp->since ? qmp->since : hostd_now(qmp->guest->hostd);
	return request;
}

static void ask(struct qmp *qmp, enum question question, const char *command,
		struct json_object *arguments)
{
	link_put(qmp->link, make(qmp, question, command, arguments));
}

static struct json_object *path_arguments(const char *path, const char *property)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "path", json_object_new_string(path));
	if (property)
		json_object_object_add(arguments, "property", json_object_new_string(property));
	return arguments;
}

static bool positive(struct json_object *object, const char *name, uint64_t *value)
{
	struct json_object *number = member(object, name);

	if (!json_object_is_type(number, json_type_int) || json_object_get_int64(number) < 0)
		return false;
	*value = json_object_get_uint64(number);
	return true;
}

static bool on_memory(struct qmp *qmp, struct json_object *value)
{
	uint64_t base, plugged = 0;

	if (!positive(value, "base-memory", &base) || base > UINT64_MAX / 4)
		return false;
	positive(value, "plugged-memory", &plugged);
	guest_max(qmp->guest, base + min_u64(plugged, UINT64_MAX / 4));
	return true;
}

/* The list of a folder of devices: is one of them a balloon? */
static bool on_devices(struct qmp *qmp, struct json_object *list, const char *folder)
{
	struct json_object *arguments;

	if (!json_object_is_type(list, json_type_array))
		return false;
	for (size_t i = 0; i < json_object_array_length(list) && !qmp->device; i++) {
		struct json_object *entry = json_object_array_get_idx(list, i);
		const char *type = json_object_get_string(member(entry, "type"));
		const char *name = json_object_get_string(member(entry, "name"));

		if (!type || !name || strncmp(type, "child<virtio-balloon", 20))
			continue;
		if (asprintf(&qmp->device, "%s/%s", folder, name) < 0)
			qmp->device = NULL;
	}
	if (!qmp->device || qmp->waits[Q_INTERVAL] || qmp->guest->hostd->dry_run)
		return true;
	arguments = path_arguments(qmp->device, "guest-stats-polling-interval");
	json_object_object_add(arguments, "value", json_object_new_int(1));
	ask(qmp, Q_INTERVAL, "qom-set", arguments);
	return true;
}

static bool on_stats(struct qmp *qmp, struct json_object *value)
{
	struct json_object *list = member(value, "stats");
	struct guest_stats stats = { 0 };

	if (!list || !positive(value, "last-update", &stats.time))
		return false;
	/* The guest has said nothing yet; or what it says is no number, which is written -1. */
	if (stats.time && positive(list, "stat-total-memory", &stats.total) &&
	    positive(list, "stat-available-memory", &stats.available) &&
	    positive(list, "stat-free-memory", &stats.unused))
		guest_stats(qmp->guest, &stats);
	return true;
}

/* Before, during and after: only when it is over can the balloon move. */
static bool on_migration(struct qmp *qmp, struct json_object *value)
{
	static const char * const over[] = { "none", "completed", "failed", "cancelled" };
	const char *status = json_object_get_string(member(value, "status"));
	bool migrating = status;

	for (size_t i = 0; status && i < sizeof(over) / sizeof(*over); i++)
		migrating &= !!strcmp(status, over[i]);
	if (migrating != qmp->guest->migrating)
		say(LOG_INFO, qmp->guest->name, migrating ? "migrates: left alone" :
		    "migrates no more");
	qmp->guest->migrating = migrating;
	return true;
}

static bool on_balloon(struct qmp *qmp, struct json_object *value)
{
	uint64_t actual;

	if (!positive(value, "actual", &actual))
		return false;
	/* Memory may have been plugged in. */
	if (actual > qmp->guest->max)
		ask(qmp, Q_MEMORY, "query-memory-size-summary", NULL);
	else
		guest_size(qmp->guest, actual);
	return true;
}

/* False if it is not what was asked for. */
static bool on_return(struct qmp *qmp, enum question question, struct json_object *value)
{
	switch (question) {
	case Q_CAPABILITIES:
		guest_up(qmp->guest, link_peer(qmp->link));
		ask(qmp, Q_MEMORY, "query-memory-size-summary", NULL);
		ask(qmp, Q_NAMED_DEVICES, "qom-list", path_arguments("/machine/peripheral", NULL));
		ask(qmp, Q_OTHER_DEVICES, "qom-list",
		    path_arguments("/machine/peripheral-anon", NULL));
		return true;
	case Q_MEMORY:
		return on_memory(qmp, value);
	case Q_NAMED_DEVICES:
		return on_devices(qmp, value, "/machine/peripheral");
	case Q_OTHER_DEVICES:
		return on_devices(qmp, value, "/machine/peripheral-anon");
	case Q_BALLOON:
		return on_balloon(qmp, value);
	case Q_STATS:
		return on_stats(qmp, value);
	case Q_MIGRATION:
		return on_migration(qmp, value);
	default:
		return true;
	}
}

static void garbage(struct qmp *qmp, const char *what)
{
	guest_trouble(qmp->guest, TROUBLE_GARBAGE, what);
	link_reset(qmp->link, what);
}

static bool waits(const struct qmp *qmp)
{
	for (enum question i = Q_NONE; i < QUESTIONS; i++)
		if (qmp->waits[i])
			return true;
	return false;
}

static void on_answer(struct qmp *qmp, struct json_object *line)
{
	struct json_object *id = member(line, "id"), *error = member(line, "error");
	int question = json_object_is_type(id, json_type_int) ? json_object_get_int(id) : Q_NONE;

	if (question <= Q_NONE || question >= QUESTIONS || !qmp->waits[question]) {
		garbage(qmp, "an answer to nothing that was asked");
		return;
	}
	qmp->waits[question] = false;
	if (!waits(qmp))
		qmp->since = 0;
	if (error)
		guest_trouble(qmp->guest, TROUBLE_REFUSED,
			      json_object_get_string(member(error, "desc")) ?: "an error");
	else if (!on_return(qmp, question, member(line, "return")))
		garbage(qmp, "an answer to something else");
}

static void on_line(struct link *link, struct json_object *line, void *context)
{
	struct qmp *qmp = context;

	(void)link;
	if (member(line, "QMP"))
		ask(qmp, Q_CAPABILITIES, "qmp_capabilities", NULL);
	else if (!member(line, "event"))
		on_answer(qmp, line);
	else if (!strcmp(json_object_get_string(member(line, "event")), "BALLOON_CHANGE"))
		on_balloon(qmp, member(line, "data"));
}

static void on_opened(struct link *link, void *context)
{
	struct qmp *qmp = context;

	(void)link;
	memset(qmp->waits, 0, sizeof(qmp->waits));
	/* The greeting is awaited, too. */
	qmp->since = hostd_now(qmp->guest->hostd);
}

static void on_closed(struct link *link, const char *why, void *context)
{
	struct qmp *qmp = context;

	(void)link;
	free(qmp->device);
	qmp->device = NULL;
	guest_down(qmp->guest, why);
}

static const struct link_user user = {
	.opened = on_opened, .line = on_line, .closed = on_closed,
};

static void *qmp_open(struct guest *guest)
{
	struct qmp *qmp = calloc(1, sizeof(*qmp));

	if (!qmp)
		return NULL;
	qmp->guest = guest;
	qmp->link = link_new(guest->hostd->guest_event, guest->config->qmp, &user, qmp);
	if (qmp->link)
		return qmp;
	free(qmp);
	return NULL;
}

static void qmp_close(void *connection)
{
	struct qmp *qmp = connection;

	link_free(qmp->link);
	free(qmp->device);
	free(qmp);
}

static void qmp_poll(void *connection)
{
	struct qmp *qmp = connection;
	const struct hostd *hostd = qmp->guest->hostd;

	if (!link_is_open(qmp->link))
		return;
	if (qmp->since && hostd_now(hostd) - qmp->since > hostd->config->timeout_ms * 1000) {
		guest_trouble(qmp->guest, TROUBLE_SILENCE, "no answer in time");
		link_reset(qmp->link, "no answer in time");
		return;
	}
	/* Whoever owes an answer is not asked for more. */
	if (!qmp->guest->connected || waits(qmp))
		return;
	/* All at once: with a thousand guests the number of writes is what counts. */
	link_add(qmp->link, make(qmp, Q_BALLOON, "query-balloon", NULL));
	if (qmp->device)
		link_add(qmp->link, make(qmp, Q_STATS, "qom-get",
					 path_arguments(qmp->device, "guest-stats")));
	ask(qmp, Q_MIGRATION, "query-migrate", NULL);
}

static void qmp_set_target(void *connection, uint64_t bytes)
{
	struct json_object *arguments = json_object_new_object();
	struct qmp *qmp = connection;

	json_object_object_add(arguments, "value", json_object_new_uint64(bytes));
	ask(qmp, Q_TARGET, "balloon", arguments);
}

const struct backend backend_qmp = {
	.name = "qmp",
	.open = qmp_open,
	.close = qmp_close,
	.poll = qmp_poll,
	.set_target = qmp_set_target,
};
