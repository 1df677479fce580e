// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status socket: {"command": "status"} is answered with the host and how many
 * guests there are; {"command": "guests", "from": N} with some guests, and with
 * "next" if there are more. So an answer never grows with the number of guests.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "clients.h"
#include "hostd.h"
#include "log.h"
#include "request.h"
#include "trace.h"

#define GUESTS_A_LINE	256
#define CLIENTS_MAX	32

struct status {
	struct clients *clients;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static struct json_object *tell_status(const struct hostd *hostd)
{
	struct json_object *answer = answer_good(), *host = trace_host(&hostd->host);

	json_object_object_add(answer, "policy",
			       json_object_new_string(hostd->config->policy->name));
	json_object_object_add(answer, "dry_run", json_object_new_boolean(hostd->dry_run));
	json_object_object_add(answer, "source",
			       json_object_new_string(source_names[hostd->pressure.source]));
	answer_add(answer, "round", hostd->round);
	answer_add(answer, "guests", hostd->count);
	answer_add(answer, "reloads", hostd->reloads);
	answer_add(answer, "refused_reloads", hostd->refused_reloads);
	answer_add(host, "swap_used", hostd->memory.swap_used);
	answer_add(host, "swapped_out", hostd->memory.swapped_out);
	answer_add(host, "ksm_saved", hostd->memory.ksm_saved);
	json_object_object_add(answer, "host", host);
	return answer;
}

static struct json_object *tell_guest(struct guest *guest)
{
	struct json_object *object, *trouble = json_object_new_object();
	struct guest_view view;

	guest_see(guest, &view);
	object = trace_guest(guest->name, &view);
	json_object_object_add(object, "backend", json_object_new_string(guest->backend->name));
	json_object_object_add(object, "connected", json_object_new_boolean(guest->connected));
	answer_add(object, "yielded", guest->yielded);
	answer_add(object, "hints", guest->hints);
	answer_add(object, "targets", guest->targets);
	for (int i = 0; i < TROUBLES; i++)
		answer_add(trouble, trouble_names[i], guest->trouble[i]);
	json_object_object_add(object, "trouble", trouble);
	return object;
}

static struct json_object *tell_guests(const struct hostd *hostd, uint64_t from)
{
	struct json_object *answer = answer_good(), *list = json_object_new_array();
	struct guest *guest = hostd->guests;
	uint64_t i;

	for (i = 0; guest && i < from; i++)
		guest = guest->next;
	for (; guest && i < from + GUESTS_A_LINE; i++, guest = guest->next)
		json_object_array_add(list, tell_guest(guest));
	json_object_object_add(answer, "guests", list);
	if (guest)
		answer_add(answer, "next", i);
	return answer;
}

static struct json_object *answer(const struct hostd *hostd, struct json_object *request)
{
	const char *name = request_text(request, "command");
	uint64_t from = 0;

	if (!strcmp(name, "status"))
		return tell_status(hostd);
	if (!strcmp(name, "guests") && request_number(request, "from", 0, UINT32_MAX, &from))
		return tell_guests(hostd, from);
	return answer_bad("there are: status, and guests with from");
}

static void on_line(struct client *client, struct json_object *value, const char *error,
		    void *context)
{
	jsonline_put(client->stream, value ? answer(context, value) : answer_bad(error));
}

static const struct clients_user user = {
	.size = sizeof(struct client),
	.most = CLIENTS_MAX,
	.line = on_line,
};

/* Whoever holds the lock is the daemon; a socket without it was left behind. */
static int take_lock(struct hostd *hostd, const char *path)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof(name), "%s", path);
	mkdir(dirname(name), 0755);
	snprintf(name, sizeof(name), "%s.lock", path);
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		say(LOG_ERR, NULL, "another balloon-hostd runs already: it holds %s", name);
		return -EBUSY;
	}
	hostd->lock = fd;
	return 0;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error;
	mode_t mask;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	unlink(path);
	mask = umask(0177);
	error = bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, CLIENTS_MAX) ?
		-errno : 0;
	umask(mask);
	if (!error)
		return fd;
	close(fd);
	return error;
}

int status_start(struct hostd *hostd)
{
	const char *path = hostd->config->status;
	struct status *status;
	int fd, error;

	if (!path)
		return 0;
	error = take_lock(hostd, path);
	if (error)
		return error;
	fd = listen_at(path);
	if (fd < 0)
		return fd;
	status = calloc(1, sizeof(*status));
	if (!status) {
		close(fd);
		return -ENOMEM;
	}
	hostd->status = status;
	snprintf(status->path, sizeof(status->path), "%s", path);
	return clients_new(&status->clients, hostd->event, fd, &user, hostd);
}

void status_stop(struct hostd *hostd)
{
	struct status *status = hostd->status;

	if (status) {
		clients_free(status->clients);
		unlink(status->path);
		free(status);
		hostd->status = NULL;
	}
	if (hostd->lock >= 0)
		close(hostd->lock);
	hostd->lock = -1;
}
