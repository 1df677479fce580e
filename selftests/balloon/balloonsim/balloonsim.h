/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * balloonsim: a virtio balloon device made inside the guest, for tests.
 *
 * The guest's driver sees an ordinary virtio device. Behind it, a thread plays
 * the host: it reads the rings, keeps books about every page, and misbehaves
 * on request. Nothing here knows which driver is under test.
 *
 * Rooms, and who may call whom:
 *
 *   main -> control -> device -> transport -> ring
 *                        |          |
 *                        v          v
 *   debugfs -> mischief, serve -> requests -> books -> host
 *                                    |
 *                                    v
 *                           traffic, pressure
 *
 * Locks, outermost first:
 *
 *   bsim_control_lock   devices come and go
 *   sim->service        a mutex: somebody acts for the host (serve thread,
 *                       scrub, reset). Held while guest memory is written.
 *   sim->lock           a spinlock, irqsave: rings, books and their counters.
 *                       Taken from the driver's notification, in any context.
 *
 * The driver's callbacks run with none of them held, from irq_work: in hard
 * interrupt context, and seen by lockdep as the handler of a real device is.
 */
#ifndef BALLOONSIM_H
#define BALLOONSIM_H

#include <linux/device.h>
#include <linux/irq_work.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>

struct dentry;
struct task_struct;

#define BSIM_PFNS_MAX		256	/* longest PFN list that every VMM accepts */
#define BSIM_RING_DEFAULT	128
#define BSIM_RING_MAX		1024
#define BSIM_STATS_MAX		32	/* more tags than anybody has defined */
#define BSIM_SCRUB_BATCH	64	/* painted pages that one look checks at most */
#define BSIM_SCRUB_ALL		U64_MAX
#define BSIM_BLOCK		512U	/* balloon pages of 2 MiB, a huge page of most hosts */

/* What a queue is for. The order is the order in which VMMs number them. */
enum bsim_role {
	BSIM_INFLATE,
	BSIM_DEFLATE,
	BSIM_STATS,
	BSIM_HINT,
	BSIM_REPORT,
	BSIM_PRESSURE,
	BSIM_ROLES
};

/* Which of the waiting buffers is answered next. */
enum bsim_order { BSIM_FIFO, BSIM_LIFO, BSIM_SHUFFLE, BSIM_ORDERS };

/* What the device writes into the length of a used buffer. */
enum bsim_len_mode { BSIM_LEN_ZERO, BSIM_LEN_TRUE, BSIM_LEN_HUGE, BSIM_LEN_RANDOM, BSIM_LEN_MODES };

/* One buffer that the driver made available and the device has not used. */
struct bsim_buf {
	struct list_head node;
	u64 addr;			/* of the first descriptor */
	u32 len;			/* of the whole chain */
	u16 head;
	u16 nr_pfns;
	bool taken;			/* the host has had its way with the pages */
	u32 *pfns;			/* the device's own copy; see BSIM_PFN_IGNORED */
};

/* A PFN that was wrong when it came: it has no effect when it is acknowledged. */
#define BSIM_PFN_IGNORED	U32_MAX

/* What went over a queue; see traffic.c. */
struct bsim_traffic {
	u32 most;			/* buffers that waited at a time */
	u32 last_pfn;
	u32 run;
	u32 longest_run;
	u64 blocks;
	u64 descents;			/* page numbers below the one before, in a message */
	u64 first_us;			/* from the last change of the target to a message */
	u64 away;			/* messages since then that lead away from it */
	u64 away_us;			/* and when the last of them came */
};

struct bsim_queue {
	struct bsim *sim;
	enum bsim_role role;
	unsigned int index;
	struct virtqueue *vq;		/* NULL: the driver has not set it up */
	struct vring ring;
	char name[24];
	u16 last_avail;
	u16 used_idx;
	bool bad;			/* nonsense in the ring: not served any more */
	struct bsim_buf *bufs;
	u32 *pfns;			/* pool behind bufs[].pfns */
	struct list_head idle;
	struct list_head waiting;	/* oldest first */
	struct irq_work irq;
	u64 kicks;
	u64 buffers;
	u64 interrupts;
	struct bsim_traffic traffic;
};

/* What may be set when a device is made. */
struct bsim_setup {
	unsigned int id;
	u64 features;
	u64 require;			/* refuse a driver that does not take these */
	u32 ring_size;
	u32 queues;			/* U32_MAX: as many as the features promise */
	u32 target;
	u64 seed;
	bool serve;
	bool overwrite;
};

/* The device's view of every 4 KiB page of the guest. */
struct bsim_books {
	u8 *state;			/* one byte per balloon page, see books.c */
	u64 pages;
	u64 held;			/* inflate acknowledged, deflate not asked for */
	u64 inflating;			/* inflate asked for, not acknowledged */
	u64 deflating;			/* deflate asked for, not acknowledged */
	u64 inflated;			/* acknowledged since the device was made */
	u64 deflated;
	u64 inflated_reported;		/* free by an answered report when they were inflated */
	u64 held_at_reset;		/* pages the driver did not give back before a reset */
	u64 painted;			/* overwritten, and not to change */
	u64 scrubbed;
	u64 scrub_cursor;
};

struct bsim_stat_seen {
	u16 tag;
	u64 val;
};

/*
 * The pressure queue, written down from Documentation/driver-api/pressure-queue.rst
 * and not taken from the driver's header, so that a slip in one of them is seen.
 */
#define BSIM_F_HOST_PRESSURE		56
#define BSIM_PRESSURE_CRITICAL		3
#define BSIM_PRESSURE_INVALID		1

struct bsim_wire_reply {
	__le32 seq;
	__le32 flags;
	__le64 yielded;
	__le64 slack;
};

struct bsim_wire_hint {
	__le32 seq;
	u8 level;
	u8 reserved[3];
	__le64 need;
	__le32 ttl_ms;
	__le32 reserved2;
};

/* What went over the pressure queue; see pressure.c. */
struct bsim_pressure {
	u32 seq;			/* of the last hint that was sent */
	u64 hints;
	u64 busy;			/* hints that found no buffer */
	u64 replies;			/* not counting the first, which answers nothing */
	u64 invalid;			/* of them, with the flag set */
	u32 reply_seq;
	u64 reply_yielded;
	u64 reply_slack;
	u64 yielded;			/* by all replies */
};

struct bsim {
	struct virtio_device vdev;
	struct device *parent;
	struct bsim_setup setup;
	struct list_head node;
	struct dentry *dir;

	spinlock_t lock;	/* rings, books and their counters */
	struct mutex service;	/* one round of service at a time */

	struct virtio_balloon_config config;
	unsigned int config_len;
	u32 config_generation;
	u8 status;
	bool gone;			/* pulled out: answers nothing, reads as ones */
	u64 negotiated;
	struct irq_work config_irq;

	struct bsim_queue queues[BSIM_ROLES];
	unsigned int nr_queues;		/* that the device has */

	struct bsim_books books;

	/* behaviour, set through debugfs */
	bool serve;
	bool overwrite;
	u32 delay_us;
	u32 mute;			/* queues that are not answered, a bit each */
	u32 order;
	u32 len_mode;

	/* what was seen, besides the books */
	struct bsim_stat_seen stats[BSIM_STATS_MAX];
	unsigned int nr_stats;
	u64 stats_buffers;
	u64 actual_writes;
	ktime_t target_at;		/* when the host last changed its mind */
	u64 config_reads;
	u32 hint_last_id;
	bool hint_open;			/* between the driver's start and its stop */
	u64 hint_starts;
	u64 hint_stops;
	u64 hint_blocks;
	u64 hint_pages;
	u64 reported_pages;
	struct bsim_pressure pressure;

	/* the serve thread */
	struct task_struct *server;
	wait_queue_head_t wake;
	bool work;

	/* the mischief thread */
	struct task_struct *mischief;
	wait_queue_head_t mischief_wake;
	bool chaos;
	u32 storm_hz;
	u32 storm_max;
	u64 storm_changes;
	u64 chaos_steps;
	u32 chaos_max;
	struct rnd_state chaos_rnd;	/* mischief thread only */
	struct rnd_state serve_rnd;	/* under sim->service */
};

static inline struct bsim *to_bsim(struct virtio_device *vdev)
{
	return container_of(vdev, struct bsim, vdev);
}

static inline bool bsim_has(const struct bsim *sim, unsigned int feature)
{
	return sim->negotiated & BIT_ULL(feature);
}

/* control.c: devices by number */
extern struct mutex bsim_control_lock;
int bsim_new_device(const char *text);
int bsim_del_device(unsigned int id);
void bsim_del_all(void);
int bsim_list_devices(char *buf, size_t size);

/* device.c: one device, from its making to its end */
struct bsim *bsim_device_create(const struct bsim_setup *setup);
void bsim_device_destroy(struct bsim *sim);
int bsim_sleep(struct bsim *sim, unsigned int ms);

/* transport.c: what the virtio core calls */
extern const struct virtio_config_ops bsim_config_ops;
void bsim_config_changed(struct bsim *sim);
void bsim_config_irq(struct irq_work *work);
void bsim_set_target(struct bsim *sim, u32 pages);

/* ring.c: descriptor, available and used rings */
struct bsim_segment {
	u64 addr;
	u32 len;
	bool writable;
	bool indirect;
};

struct bsim_walk {
	struct bsim_queue *q;
	struct vring_desc *table;
	unsigned int num;
	unsigned int next;
	unsigned int left;
	bool indirect;
};

int bsim_queue_init(struct bsim *sim, struct bsim_queue *q);
void bsim_queue_exit(struct bsim_queue *q);
void bsim_queue_attach(struct bsim_queue *q, struct virtqueue *vq);
void bsim_queue_detach(struct bsim_queue *q);
void bsim_queue_fetch(struct bsim_queue *q);
void bsim_queue_use(struct bsim_queue *q, struct bsim_buf *b, u32 len);
bool bsim_notify(struct virtqueue *vq);
void bsim_walk_start(struct bsim_walk *w, struct bsim_queue *q, u16 head);
bool bsim_walk_next(struct bsim_walk *w, struct bsim_segment *seg);

/* requests.c: what the buffers of each queue mean */
void bsim_request_fetched(struct bsim_queue *q, struct bsim_buf *b);
void bsim_request_take(struct bsim_queue *q, struct bsim_buf *b);
void bsim_request_verify(struct bsim_queue *q, struct bsim_buf *b);
void bsim_request_done(struct bsim_queue *q, struct bsim_buf *b);

/* pressure.c: the pressure queue */
struct bsim_hint {
	u32 level;
	u64 need;
	u32 ttl_ms;
	u32 seq;
	u32 reserved;			/* 24 bits; and the top bit, in reserved2 */
	u32 len;			/* what the device says that it wrote */
};

void bsim_pressure_fetched(struct bsim_queue *q, struct bsim_buf *b);
int bsim_pressure_send(struct bsim *sim, const struct bsim_hint *hint);
void bsim_pressure_debugfs(struct bsim *sim);
u32 bsim_pressure_next(const struct bsim *sim);

/* serve.c: the thread that answers */
int bsim_serve_start(struct bsim *sim);
void bsim_serve_stop(struct bsim *sim);
void bsim_serve_wake(struct bsim *sim);
int bsim_stats_ask(struct bsim *sim);
void bsim_reset(struct bsim *sim);

/* traffic.c: what went over the queues */
struct seq_file;
void bsim_traffic_target(struct bsim *sim);
void bsim_traffic_pfns(struct bsim_queue *q, const struct bsim_buf *b);
void bsim_traffic_message(struct bsim_queue *q, u64 size);
int bsim_queues_show(struct seq_file *m, void *unused);

/* books.c: whose page is it */
int bsim_books_init(struct bsim *sim);
void bsim_books_exit(struct bsim *sim);
void bsim_books_reset(struct bsim *sim);
bool bsim_books_inflate(struct bsim *sim, u32 pfn);
void bsim_books_inflate_ack(struct bsim *sim, u32 pfn);
bool bsim_books_deflate(struct bsim *sim, u32 pfn);
void bsim_books_deflate_ack(struct bsim *sim, u32 pfn);
bool bsim_books_listed(struct bsim *sim, u64 pfn);
void bsim_books_reported(struct bsim *sim, u64 pfn);
u64 bsim_books_blocks(struct bsim *sim);
u64 bsim_books_offline(struct bsim *sim);
void bsim_books_paint(struct bsim *sim, const u32 *pfns, unsigned int nr);
void bsim_books_check(struct bsim *sim, const u32 *pfns, unsigned int nr, const char *when);
void bsim_books_scrub(struct bsim *sim, u64 pages, const char *when);

/* host.c: guest memory as the host sees it */
u64 bsim_host_pages(void);
bool bsim_host_is_ram(u64 pfn);
bool bsim_host_is_offline(u64 pfn);
void bsim_host_paint(u64 seed, u32 pfn);
bool bsim_host_painted(u64 seed, u32 pfn, unsigned int *word);
void bsim_host_fill(u64 pfn, u32 pattern);
void *bsim_host_map(u64 addr, u32 len);

/* mischief.c: chaos and storms of targets */
int bsim_mischief_start(struct bsim *sim);
void bsim_mischief_stop(struct bsim *sim);
void bsim_calm(struct bsim *sim);

/* violations.c: what the driver did wrong, across all devices */
__printf(2, 3) void bsim_violation(struct bsim *sim, const char *fmt, ...);
u64 bsim_violation_count(void);
void bsim_violations_clear(void);
void bsim_violations_show(struct seq_file *m);

/* debugfs.c */
int bsim_debugfs_init(void);
void bsim_debugfs_exit(void);
void bsim_debugfs_add(struct bsim *sim);
void bsim_debugfs_del(struct bsim *sim);

#endif
