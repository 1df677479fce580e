// SPDX-License-Identifier: GPL-2.0-only
/* libvirt's domains as guests: the daemon's side of virt.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hostd.h"
#include "log.h"
#include "virt.h"

struct libvirt {
	struct hostd *hostd;
	struct virt *virt;
	sd_event_source *source;	/* owns the eventfd */
	char *uri;
	bool complained;
	bool known;
};

/* A guest of libvirt's: its connection is what was begun and not yet ended. */
struct domain {
	struct guest *guest;
	bool busy;
	bool inspected;
	uint64_t wanted;		/* a target that came while it was busy; 0: none */
};

static void begin(struct domain *domain, enum virt_task task, uint64_t bytes)
{
	const struct libvirt *libvirt = domain->guest->hostd->libvirt;

	domain->busy = libvirt && virt_call(libvirt->virt, task, domain->guest->name, bytes);
}

static void *domain_open(struct guest *guest)
{
	struct domain *domain = calloc(1, sizeof(*domain));

	if (domain)
		domain->guest = guest;
	return domain;
}

/* A call that is on its way knows it by name only. */
static void domain_close(void *connection)
{
	free(connection);
}

/* All are asked at once by libvirt_poll(); but one that migrates says not when it ends. */
static void domain_poll(void *connection)
{
	struct domain *domain = connection;
	struct guest *guest = domain->guest;

	if (domain->busy || !guest->connected)
		return;
	if (!domain->inspected) {
		begin(domain, VIRT_INSPECT, !guest->hostd->dry_run);
	} else if (guest->migrating) {
		/* Says so again if it still does. */
		guest->migrating = false;
		begin(domain, VIRT_LOOK, 0);
	}
}

static void domain_set_target(void *connection, uint64_t bytes)
{
	struct domain *domain = connection;

	if (domain->busy)
		domain->wanted = bytes;
	else
		begin(domain, VIRT_SET, bytes);
}

const struct backend backend_libvirt = {
	.name = "libvirt",
	.open = domain_open,
	.close = domain_close,
	.poll = domain_poll,
	.set_target = domain_set_target,
};

static bool is_ours(const struct guest *guest)
{
	return guest && guest->backend == &backend_libvirt;
}

static void on_domain(struct hostd *hostd, const struct virt_domain *now)
{
	const struct guest_config *config = config_guest(hostd->config, now->name);
	struct guest *guest = fleet_find(hostd, now->name);
	struct guest_stats stats = {
		.total = now->total, .available = now->available, .unused = now->unused,
		.time = now->time,
	};

	/* The config reaches it in another way. */
	if (config->qmp || config->device)
		return;
	if (!guest)
		guest = fleet_add(hostd, now->name, &backend_libvirt);
	if (!is_ours(guest))
		return;
	guest->kept = true;
	if (!guest->connected)
		guest_up(guest, 0);
	if (now->max)
		guest_max(guest, now->max);
	if (now->size)
		guest_size(guest, now->size);
	if (now->total)
		guest_stats(guest, &stats);
	guest->resident = now->resident;
}

static void on_domains(struct hostd *hostd, const struct virt_message *message)
{
	struct guest *guest, *next;

	for (guest = hostd->guests; guest; guest = guest->next)
		guest->kept = false;
	for (size_t i = 0; i < message->count; i++)
		if (message->domains[i].name)
			on_domain(hostd, &message->domains[i]);
	for (guest = hostd->guests; guest; guest = next) {
		next = guest->next;
		if (is_ours(guest) && !guest->kept)
			fleet_remove(hostd, guest);
	}
}

static void on_down(struct libvirt *libvirt, const char *why)
{
	/* Again and again while there is no libvirtd. */
	if (!libvirt->complained)
		say(LOG_WARNING, NULL, "libvirt: %s", why ? why : "the connection is lost");
	libvirt->complained = true;
	for (struct guest *guest = libvirt->hostd->guests; guest; guest = guest->next)
		if (is_ours(guest))
			guest_down(guest, "libvirt is gone");
}

static void on_done(struct guest *guest, const char *why)
{
	struct domain *domain = guest->connection;
	uint64_t wanted = domain->wanted;

	domain->busy = false;
	domain->wanted = 0;
	if (why)
		guest_trouble(guest, TROUBLE_REFUSED, why);
	if (wanted)
		begin(domain, VIRT_SET, wanted);
}

static void on_guest(struct guest *guest, const struct virt_message *message)
{
	struct domain *domain = guest->connection;

	switch (message->kind) {
	case VIRT_SIZE:
		guest_size(guest, message->bytes);
		break;
	case VIRT_GONE:
		say(LOG_INFO, guest->name, "has stopped");
		fleet_remove(guest->hostd, guest);
		break;
	case VIRT_MIGRATES:
		guest->migrating = true;
		break;
	case VIRT_INSPECTED:
		domain->inspected = true;
		if (!guest->config->hint)
			guest_set_hint(guest, message->text);
		break;
	case VIRT_DONE:
		on_done(guest, message->text);
		break;
	default:
		break;
	}
}

static void on_message(struct libvirt *libvirt, const struct virt_message *message)
{
	struct hostd *hostd = libvirt->hostd;
	struct guest *guest = message->name ? fleet_find(hostd, message->name) : NULL;

	if (message->kind == VIRT_UP) {
		say(LOG_INFO, NULL, "libvirt: connected to %s", libvirt->uri);
		libvirt->complained = false;
	} else if (message->kind == VIRT_DOWN) {
		on_down(libvirt, message->text);
		libvirt->known = true;
	} else if (message->kind == VIRT_DOMAINS) {
		on_domains(hostd, message);
		libvirt->known = true;
	} else if (is_ours(guest)) {
		on_guest(guest, message);
	}
}

static int on_wake(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct libvirt *libvirt = context;
	struct virt_message *message;
	eventfd_t count;

	(void)source;
	(void)events;
	eventfd_read(fd, &count);
	while ((message = virt_receive(libvirt->virt))) {
		on_message(libvirt, message);
		virt_message_free(message);
	}
	return 0;
}

static int start(struct hostd *hostd, const char *uri)
{
	struct libvirt *libvirt = calloc(1, sizeof(*libvirt));
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), error = -ENOMEM;

	if (libvirt && fd >= 0) {
		libvirt->hostd = hostd;
		libvirt->uri = strdup(uri);
		error = sd_event_add_io(hostd->event, &libvirt->source, fd, EPOLLIN, on_wake,
					libvirt);
	}
	if (error < 0) {
		if (fd >= 0)
			close(fd);
		free(libvirt);
		return error;
	}
	sd_event_source_set_io_fd_own(libvirt->source, true);
	libvirt->virt = virt_start(uri, fd);
	hostd->libvirt = libvirt;
	return libvirt->virt ? 0 : -ENOMEM;
}

int libvirt_update(struct hostd *hostd)
{
	const char *uri = hostd->config->libvirt;

	if (hostd->libvirt && uri && !strcmp(uri, hostd->libvirt->uri))
		return 0;
	libvirt_stop(hostd->libvirt);
	hostd->libvirt = NULL;
	return uri ? start(hostd, uri) : 0;
}

void libvirt_stop(struct libvirt *libvirt)
{
	struct guest *guest, *next;

	if (!libvirt)
		return;
	if (libvirt->virt)
		virt_stop(libvirt->virt);
	for (guest = libvirt->hostd->guests; guest; guest = next) {
		next = guest->next;
		if (is_ours(guest))
			fleet_remove(libvirt->hostd, guest);
	}
	sd_event_source_disable_unref(libvirt->source);
	free(libvirt->uri);
	free(libvirt);
}

bool libvirt_known(const struct libvirt *libvirt)
{
	return libvirt->known;
}

void libvirt_poll(struct libvirt *libvirt)
{
	virt_poll(libvirt->virt);
}
