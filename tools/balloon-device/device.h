/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloon-device: a virtio balloon device as a vhost-user backend.
 *
 * Rooms, and who may call whom:
 *
 *   main -> control, protocol, hostile, keep -> device -> queues, pressure -> audit
 *   all of them -> books, release, ring -> memory
 *
 * One thread and one event loop: nothing here is locked. What a guest writes is
 * read once and checked (ring.c); what the VMM sends is checked in protocol.c,
 * what a client sends in control.c.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <json-c/json.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_balloon_pressure.h>
#include <systemd/sd-event.h>

#include "books.h"
#include "memory.h"
#include "profile.h"
#include "release.h"
#include "ring.h"

#define STATS_MAX	64
#define CONFIG_SIZE	16		/* num_pages, actual, free_page_hint_cmd_id, poison_val */
#define HISTOGRAM	32		/* powers of two of microseconds */
#define F_BIT(bit)	(1ull << (bit))

struct hostile;
struct clients;

/* What a queue is for, in the order in which VMMs number those that they offer. */
enum role {
	Q_INFLATE,
	Q_DEFLATE,
	Q_STATS,
	Q_REPORT,
	Q_PRESSURE,
	ROLES
};

struct histogram {
	uint64_t count, sum, longest;		/* microseconds */
	uint64_t buckets[HISTOGRAM];
};

struct queue {
	struct device *device;
	enum role role;
	unsigned int index;
	struct ring ring;
	struct ring_place place;
	uint16_t base;
	uint16_t replay;		/* so many requests were in the books already */
	int kick, call;
	bool enabled;
	sd_event_source *source;
	bool holding;			/* stats and pressure: `held` waits for its answer */
	struct request held;
	uint64_t kicks, requests, pages, calls, bytes;
	struct histogram latency;
};

struct stat_entry {
	uint16_t tag;
	uint64_t value;
};

struct options {
	const char *socket, *connect, *control, *books;
	const struct profile *profile;
	char *changes;			/* to the profile's features, as text */
	uint64_t features;
	uint32_t target;
	unsigned int stats_interval;	/* seconds, 0: when asked */
	bool has_target, release, verify, trace, list;
};

struct device {
	struct options options;
	sd_event *event;
	struct memory memory;
	struct books books;
	struct hostile *hostile;	/* NULL: an honest device */
	struct clients *control;

	/* the VMM */
	int front;			/* its connection, -1 without */
	int back;			/* for what we have to say */
	uint64_t features;		/* that the driver took */
	uint64_t protocol_features;
	bool in_session;		/* some ring was started since the last fresh start */

	unsigned int count;		/* of queues */
	struct queue queues[ROLES];

	/* statistics, as the driver sent them last */
	unsigned int stats;
	struct stat_entry stat[STATS_MAX];
	uint64_t stats_usec;

	/* pressure */
	bool hint_pending;
	struct virtio_balloon_pressure_hint hint;
	struct virtio_balloon_pressure_reply reply;
	uint64_t hint_usec, hints, replies;
	struct histogram reply_latency;

	/* the target, and how long the driver took to get there */
	uint64_t target_usec, settled_usec;
	struct histogram settle;
	int release_error;
};

/* device.c: life of the queues, and the configuration */
void device_init(struct device *dev);
struct queue *device_queue(struct device *dev, enum role role);
bool device_has(const struct device *dev, unsigned int feature);
bool queue_start(struct queue *queue);
uint16_t queue_stop(struct queue *queue);
void device_stop(struct device *dev);
/* The queues have their descriptors and places again: go on where the books end. */
void device_resume(struct device *dev);
void device_reset(struct device *dev);
int device_set_memory(struct device *dev, const struct memory_range *ranges, const int *fds,
		      unsigned int count);
void device_get_config(struct device *dev, uint8_t config[CONFIG_SIZE]);
void device_set_config(struct device *dev, unsigned int offset, const uint8_t *data, size_t size);
void device_set_target(struct device *dev, uint32_t pages);
uint64_t now_usec(void);
void histogram_add(struct histogram *histogram, uint64_t usec);
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* queues.c: what the driver asks for */
void device_serve(struct device *dev);
void queue_complete(struct queue *queue, uint16_t head, uint32_t written);
void queue_signal(struct queue *queue);
/* Give the held buffer back, so that the driver comes with new statistics. */
bool stats_refresh(struct device *dev);

/* pressure.c */
void pressure_serve(struct queue *queue, struct request *request);
struct json_object *pressure_reply(const struct device *dev);
void pressure_hint(struct device *dev, unsigned int level, uint64_t need, uint32_t ttl_ms);
void pressure_send(struct device *dev, const struct virtio_balloon_pressure_hint *hint);

/* audit.c: is a page that is in the balloon in use? */
uint64_t audit_range(struct device *dev, const struct range *range, const char *when);
uint64_t audit_all(struct device *dev, uint64_t *resident);

/* protocol.c: the VMM */
int protocol_listen(struct device *dev);
int protocol_attach(struct device *dev, int fd);
void protocol_config_changed(struct device *dev);
unsigned int protocol_unread(const struct device *dev);
void protocol_close(struct device *dev);
/* No VMM is expected any more. */
void protocol_end(void);
/* A listening Unix socket, or -errno. */
int socket_listen(const char *path);

/* keep.c: what outlives a restart of this program */
void keep_fd(const char *name, int number, int fd);
void keep_session(struct device *dev);
bool keep_resume(struct device *dev, char * const *names, const int *fds, int count);
bool keep_start(struct device *dev);

/* control.c: clients */
int control_open(struct device *dev);
void control_close(struct device *dev);
void control_event(struct device *dev, const char *event, struct json_object *details);
void control_stats(struct device *dev);

/* hostile.c: see there. All but the last are only called with dev->hostile. */
int hostile_parse(struct device *dev, const char *text);
void hostile_seed(struct device *dev, uint64_t seed);
int hostile_start(struct device *dev);
void hostile_complete(struct queue *queue, uint16_t head, uint32_t written);
void hostile_stop(struct queue *queue);
uint64_t hostile_features(struct device *dev, uint64_t features);
void hostile_config(struct device *dev, uint8_t config[CONFIG_SIZE]);
bool hostile_hint(struct device *dev);
void hostile_hush(struct device *dev);
void hostile_free(struct device *dev);
bool hostile_hushed(const struct device *dev);

#endif
