// SPDX-License-Identifier: GPL-2.0-only
/* The connection to libvirt, its listener and its worker; see virt.h. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include <libvirt/virterror.h>

#include "virt.h"

#define KIB		1024ull
#define WAKE_MS		500		/* the listener looks whether it is to end */
#define RETRY_POLLS	5		/* after a failed connect: so many polls later */
#define END_S		2
#define PATIENCE_S	3		/* with a worker that waits for a domain */
#define WORKERS_MAX	16		/* all but one of them wait */

struct worker {
	struct virt *virt;
	virConnectPtr connection;	/* its own: one that waits must not hold up others */
	time_t since;			/* when it began to ask; 0: it has nothing to do */
};

struct virt {
	pthread_mutex_t mutex;		/* for all below but uri and wake */
	pthread_cond_t changed;
	char *uri;
	int wake;
	unsigned int users;		/* threads, and the daemon */
	bool ending, polled;
	struct worker *worker;		/* the one that is not given up */
	unsigned int workers;		/* with those that are */
	struct virt_message *first, **last;
};

/* The event loop is the process's and runs for as long as that does. */
static pthread_once_t event_loop = PTHREAD_ONCE_INIT;

static void *listen_for_ever(void *context)
{
	(void)context;
	for (;;)
		virEventRunDefaultImpl();
	return NULL;
}

static void on_wake(int timer, void *context)
{
	(void)timer;
	(void)context;
}

static void be_silent(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

static void start_event_loop(void)
{
	pthread_t listener;

	virSetErrorFunc(NULL, be_silent);
	virEventRegisterDefaultImpl();
	virEventAddTimeout(WAKE_MS, on_wake, NULL, NULL);
	if (!pthread_create(&listener, NULL, listen_for_ever, NULL))
		pthread_detach(listener);
}

void virt_ref(struct virt *virt)
{
	pthread_mutex_lock(&virt->mutex);
	virt->users++;
	pthread_mutex_unlock(&virt->mutex);
}

void virt_unref(struct virt *virt)
{
	struct virt_message *message;
	bool last;

	pthread_mutex_lock(&virt->mutex);
	last = !--virt->users;
	pthread_cond_broadcast(&virt->changed);
	pthread_mutex_unlock(&virt->mutex);
	if (!last)
		return;
	while ((message = virt_receive(virt)))
		virt_message_free(message);
	pthread_mutex_destroy(&virt->mutex);
	pthread_cond_destroy(&virt->changed);
	free(virt->uri);
	free(virt);
}

struct virt_message *virt_message(enum virt_kind kind, const char *name, const char *text)
{
	struct virt_message *message = calloc(1, sizeof(*message));

	if (!message)
		return NULL;
	message->kind = kind;
	message->name = name ? strdup(name) : NULL;
	message->text = text ? strdup(text) : NULL;
	return message;
}

void virt_message_free(struct virt_message *message)
{
	for (size_t i = 0; i < message->count; i++)
		free(message->domains[i].name);
	free(message->domains);
	free(message->name);
	free(message->text);
	free(message);
}

/* Takes the message; NULL is one for which there was no memory. */
void virt_post(struct virt *virt, struct virt_message *message)
{
	if (!message)
		return;
	pthread_mutex_lock(&virt->mutex);
	if (virt->ending) {
		pthread_mutex_unlock(&virt->mutex);
		virt_message_free(message);
		return;
	}
	*virt->last = message;
	virt->last = &message->next;
	/* Within the lock: the eventfd is there until `ending`. */
	eventfd_write(virt->wake, 1);
	pthread_mutex_unlock(&virt->mutex);
}

struct virt_message *virt_receive(struct virt *virt)
{
	struct virt_message *message;

	pthread_mutex_lock(&virt->mutex);
	message = virt->first;
	if (message)
		virt->first = message->next;
	if (!virt->first)
		virt->last = &virt->first;
	pthread_mutex_unlock(&virt->mutex);
	return message;
}

virConnectPtr virt_connection(struct virt *virt)
{
	virConnectPtr connection;

	pthread_mutex_lock(&virt->mutex);
	connection = virt->worker ? virt->worker->connection : NULL;
	if (connection)
		virConnectRef(connection);
	pthread_mutex_unlock(&virt->mutex);
	return connection;
}

/* Domain events, by the listener's thread. */
static int on_lifecycle(virConnectPtr connection, virDomainPtr domain, int event, int detail,
			void *context)
{
	(void)connection;
	(void)detail;
	if (event == VIR_DOMAIN_EVENT_STOPPED || event == VIR_DOMAIN_EVENT_CRASHED)
		virt_post(context, virt_message(VIRT_GONE, virDomainGetName(domain), NULL));
	else if (event == VIR_DOMAIN_EVENT_STARTED)
		virt_poll(context);
	return 0;
}

static void on_balloon(virConnectPtr connection, virDomainPtr domain, unsigned long long kib,
		       void *context)
{
	struct virt_message *message = virt_message(VIRT_SIZE, virDomainGetName(domain), NULL);

	(void)connection;
	if (message)
		message->bytes = kib * KIB;
	virt_post(context, message);
}

static void on_migration(virConnectPtr connection, virDomainPtr domain, int iteration,
			 void *context)
{
	(void)connection;
	(void)iteration;
	virt_post(context, virt_message(VIRT_MIGRATES, virDomainGetName(domain), NULL));
}

static void forget(void *context)
{
	virt_unref(context);
}

static void listen_to(struct virt *virt, virConnectPtr connection, int event,
		      virConnectDomainEventGenericCallback callback)
{
	virt_ref(virt);
	if (virConnectDomainEventRegisterAny(connection, NULL, event, callback, virt, forget) < 0)
		virt_unref(virt);
}

static const char *last_error(void)
{
	const char *text = virGetLastErrorMessage();

	return text ? text : "unknown error";
}

static void set_connection(struct worker *worker, virConnectPtr connection)
{
	pthread_mutex_lock(&worker->virt->mutex);
	worker->connection = connection;
	pthread_mutex_unlock(&worker->virt->mutex);
}

static bool try_connect(struct worker *worker)
{
	struct virt *virt = worker->virt;
	virConnectPtr connection = virConnectOpen(virt->uri);

	if (!connection) {
		virt_post(virt, virt_message(VIRT_DOWN, NULL, last_error()));
		return false;
	}
	/* A libvirtd that hangs is given up after 15 s. Not all drivers have this. */
	virConnectSetKeepAlive(connection, 5, 3);
	listen_to(virt, connection, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		  VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle));
	listen_to(virt, connection, VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
		  VIR_DOMAIN_EVENT_CALLBACK(on_balloon));
	listen_to(virt, connection, VIR_DOMAIN_EVENT_ID_MIGRATION_ITERATION,
		  VIR_DOMAIN_EVENT_CALLBACK(on_migration));
	set_connection(worker, connection);
	virt_post(virt, virt_message(VIRT_UP, NULL, NULL));
	return true;
}

static void disconnect(struct worker *worker)
{
	virConnectPtr connection = worker->connection;

	set_connection(worker, NULL);
	if (connection)
		virConnectClose(connection);
}

static uint64_t value(virDomainStatsRecordPtr record, const char *name, uint64_t factor)
{
	unsigned long long number = 0;

	virTypedParamsGetULLong(record->params, record->nparams, name, &number);
	return number > UINT64_MAX / factor ? 0 : number * factor;
}

static void fill(struct virt_domain *domain, virDomainStatsRecordPtr record)
{
	domain->name = strdup(virDomainGetName(record->dom));
	domain->max = value(record, "balloon.maximum", KIB);
	domain->resident = value(record, "balloon.rss", KIB);
	/* libvirt remembers this: it is no news from a domain that told nothing else. */
	if (domain->resident)
		domain->size = value(record, "balloon.current", KIB);
	/* What libvirt calls available is the total, and usable is what is available. */
	domain->total = value(record, "balloon.available", KIB);
	domain->available = value(record, "balloon.usable", KIB);
	domain->unused = value(record, "balloon.unused", KIB);
	domain->time = value(record, "balloon.last-update", 1);
}

static void ask_all(struct worker *worker)
{
	const unsigned int flags = VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
		VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
	struct virt_message *message;
	virDomainStatsRecordPtr *records;
	int count = virConnectGetAllDomainStats(worker->connection, VIR_DOMAIN_STATS_BALLOON,
						&records, flags);

	if (count < 0) {
		if (virConnectIsAlive(worker->connection) == 1)
			return;
		virt_post(worker->virt, virt_message(VIRT_DOWN, NULL, last_error()));
		disconnect(worker);
		return;
	}
	message = virt_message(VIRT_DOMAINS, NULL, NULL);
	if (message)
		message->domains = calloc((size_t)count + 1, sizeof(*message->domains));
	if (message && message->domains) {
		message->count = (size_t)count;
		for (int i = 0; i < count; i++)
			fill(&message->domains[i], records[i]);
	}
	virDomainStatsRecordListFree(records);
	virt_post(worker->virt, message);
}

static time_t now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* Wait until a poll is wanted; false: it is the end, or another worker has taken over. */
static bool wait_for_poll(struct worker *worker)
{
	struct virt *virt = worker->virt;
	bool goes_on;

	pthread_mutex_lock(&virt->mutex);
	worker->since = 0;
	while (!virt->polled && !virt->ending && virt->worker == worker)
		pthread_cond_wait(&virt->changed, &virt->mutex);
	goes_on = !virt->ending && virt->worker == worker;
	if (goes_on) {
		virt->polled = false;
		worker->since = now_s();
	}
	pthread_mutex_unlock(&virt->mutex);
	return goes_on;
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct virt *virt = worker->virt;
	unsigned int pause = 0;

	while (wait_for_poll(worker)) {
		if (!worker->connection && pause)
			pause--;
		else if (worker->connection || try_connect(worker))
			ask_all(worker);
		else
			pause = RETRY_POLLS;
	}
	disconnect(worker);
	pthread_mutex_lock(&virt->mutex);
	virt->workers--;
	if (virt->worker == worker)
		virt->worker = NULL;
	pthread_mutex_unlock(&virt->mutex);
	free(worker);
	virt_unref(virt);
	return NULL;
}

/* In the place of the one before, if there is one. */
static bool start_worker(struct virt *virt)
{
	struct worker *worker = calloc(1, sizeof(*worker));
	pthread_t thread;

	if (!worker)
		return false;
	worker->virt = virt;
	virt_ref(virt);
	pthread_mutex_lock(&virt->mutex);
	virt->worker = worker;
	virt->workers++;
	virt->polled = true;
	pthread_mutex_unlock(&virt->mutex);
	if (!pthread_create(&thread, NULL, work, worker)) {
		pthread_detach(thread);
		return true;
	}
	pthread_mutex_lock(&virt->mutex);
	virt->worker = NULL;
	virt->workers--;
	pthread_mutex_unlock(&virt->mutex);
	free(worker);
	virt_unref(virt);
	return false;
}

void virt_poll(struct virt *virt)
{
	bool stuck;

	pthread_mutex_lock(&virt->mutex);
	virt->polled = true;
	stuck = !virt->worker ||
		(virt->worker->since && now_s() - virt->worker->since > PATIENCE_S);
	stuck &= virt->workers < WORKERS_MAX;
	pthread_cond_broadcast(&virt->changed);
	pthread_mutex_unlock(&virt->mutex);
	if (stuck)
		start_worker(virt);
}

struct virt *virt_start(const char *uri, int wake)
{
	struct virt *virt = calloc(1, sizeof(*virt));

	if (!virt)
		return NULL;
	pthread_once(&event_loop, start_event_loop);
	pthread_mutex_init(&virt->mutex, NULL);
	pthread_cond_init(&virt->changed, NULL);
	virt->wake = wake;
	virt->last = &virt->first;
	virt->users = 1;
	virt->uri = strdup(uri);
	if (virt->uri && start_worker(virt))
		return virt;
	virt_unref(virt);
	return NULL;
}

void virt_stop(struct virt *virt)
{
	struct timespec end;

	pthread_mutex_lock(&virt->mutex);
	virt->ending = true;
	pthread_cond_broadcast(&virt->changed);
	/* What was begun may still get through. */
	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += END_S;
	while (virt->users > 1 && !pthread_cond_timedwait(&virt->changed, &virt->mutex, &end))
		;
	pthread_mutex_unlock(&virt->mutex);
	virt_unref(virt);
}
