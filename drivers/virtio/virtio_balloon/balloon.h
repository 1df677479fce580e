/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one internal header of the driver: the device, what protects each
 * field, and what each room offers to the others.
 *
 * Dependencies run one way: main -> the features -> pages, queue -> policy.
 * The page store never talks to the host, the policy calls nobody.
 *
 * Locks, outermost first:
 *
 *   vb->actual_mutex     serialises reading the size and writing `actual`
 *   vb->online_sem       written when the queues come and go. Who posts from a
 *                        context that cannot be stopped beforehand (migration
 *                        under the page lock, the OOM notifier) reads it, and
 *                        only ever with a trylock
 *   vb->policy_lock      the decisions: policy, last_target
 *   vb->kick_lock        irq-safe: no work is queued once `stopping` is set
 *   vb->awake_lock       irq-safe: the reasons to keep the system awake
 *   store->lock          the store's own lists
 *   hint->lock           the list of hinted blocks
 *   queue->lock          irq-safe, one per queue: add, get and kick_prepare.
 *                        Notifying and freeing pages happen outside of it
 *
 * The spinlocks do not nest, but for awake_lock inside kick_lock. None is held
 * around an allocation, a wait, a notification or a config access. The
 * kernel's own balloon lock is taken inside balloon_page_*() and nests in none
 * of ours.
 *
 * Completions are hard interrupts: they only wake waiters and queue work.
 */
#ifndef VB_BALLOON_H
#define VB_BALLOON_H

#include <linux/atomic.h>
#include <linux/balloon.h>
#include <linux/bits.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/page_reporting.h>
#include <linux/rwsem.h>
#include <linux/shrinker.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/virtio_balloon.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "policy.h"

/* The device counts in 4 KiB pages, whatever the guest's page size is. */
#define VB_PFNS_PER_PAGE	(PAGE_SIZE >> VIRTIO_BALLOON_PFN_SHIFT)
/*
 * 1024 bytes: larger messages hang a guest on Firecracker and are
 * acknowledged but ignored by cloud-hypervisor.
 */
#define VB_BUF_PFNS		256
#define VB_BUF_PAGES		(VB_BUF_PFNS / VB_PFNS_PER_PAGE)
/*
 * Messages of a queue that may be in flight: 64 MiB with 4 KiB pages, for
 * 64 KiB of page numbers. A round posts half of them, so that the guest
 * allocates one half while the host works on the other.
 */
#define VB_QUEUE_BUFS		64
#define VB_ROUND_BUFS		(VB_QUEUE_BUFS / 2)

enum vb_vq {
	VB_VQ_INFLATE,
	VB_VQ_DEFLATE,
	VB_VQ_STATS,
	VB_VQ_HINT,
	VB_VQ_REPORT,
	VB_VQ_NR
};

struct vb_dev;

/* ---- counters: one table, from which sysfs and the documents are made ---- */

#define VB_COUNTERS(X)							\
	X(inflated_pages, "pages given to the host")			\
	X(deflated_pages, "pages taken back from the host")		\
	X(migrated_pages, "ballooned pages exchanged by compaction")	\
	X(oom_calls, "calls of the out-of-memory notifier")		\
	X(oom_deflated_pages, "pages taken back when out of memory")	\
	X(reported_pages, "free pages reported to the host")		\
	X(hinted_blocks, "free blocks hinted to the host")		\
	X(hint_shrunk_blocks, "hinted blocks that reclaim took back")	\
	X(stats_requests, "statistics that the host asked for")		\
	X(alloc_failures, "rounds of inflation that found no memory")	\
	X(stalls, "times that the host did not answer in time")		\
	X(late_acks, "stalls that an answer ended")

enum vb_counter {
#define X(name, help) VB_CNT_##name,
	VB_COUNTERS(X)
#undef X
	VB_CNT_NR
};

/* ---- queue.c: the only room that talks to, or waits for, the host ---- */

/**
 * struct vb_buf - one message of page numbers
 * @node: on the queue's free or done list; off both while in flight
 * @pages: the pages that this message quarantines until it is acknowledged
 * @held: a page quarantined likewise whose list linkage somebody else uses
 * @in_flight: posted and not acknowledged. Protected by the queue's lock
 * @nr_pfns: entries in use
 * @pfns: the message; own allocation, since the device reads it
 */
struct vb_buf {
	struct list_head node;
	struct list_head pages;
	struct page *held;
	bool in_flight;
	unsigned int nr_pfns;
	__virtio32 *pfns;
};

/**
 * struct vb_queue - a virtqueue with its messages
 * @vb: the device
 * @name: for messages
 * @vq: NULL while the device is offline. Written under @lock
 * @lock: protects what follows, and the ring
 * @free: messages at rest
 * @done: acknowledged messages with pages that somebody must take care of
 * @bufs: all messages
 * @nr_bufs: how many; 0 for queues that carry no page numbers
 * @in_flight: posted and not yet acknowledged
 * @unowned: those of them that quarantine nothing: on the inflate queue the
 *	migrations, whose pages the balloon's list already holds
 * @held: those of them that hold a page which nobody waits for
 * @flags: VB_Q_STALLED: the host did not answer in time; set by whoever waited,
 *	cleared by whoever sees the answer. Atomic bit operations
 * @acked: messages ever acknowledged: waiters tell progress by it
 * @wait: woken by each interrupt of the queue, and by stopping
 */
struct vb_queue {
	struct vb_dev *vb;
	const char *name;
	struct virtqueue *vq;
	spinlock_t lock;	/* the ring, and all below */
	struct list_head free;
	struct list_head done;
	struct vb_buf *bufs;
	unsigned int nr_bufs;
	unsigned int in_flight;
	unsigned int unowned;
	unsigned int held;
	unsigned long flags;
	unsigned long acked;
	wait_queue_head_t wait;
};

/* ---- pages.c: the page store ---- */

/**
 * struct vb_store - the pages that the host has
 * @bdi: the kernel's balloon: single pages, migratable
 * @lock: protects @pending and @untold
 * @pending: taken out of @bdi, but the host could not be told yet
 * @untold: in the balloon, but a device reset made the host forget it
 * @pages: guest pages on all of these, isolated ones included
 * @nr_untold: guest pages on @untold
 * @adjust_managed: MemTotal follows the balloon (no DEFLATE_ON_OOM)
 */
struct vb_store {
	struct balloon_dev_info bdi;
	spinlock_t lock;	/* pending and untold */
	struct list_head pending;
	struct list_head untold;
	atomic_long_t pages;
	atomic_long_t nr_untold;
	bool adjust_managed;
};

/* ---- hinting.c: free page hints for migration ---- */

/**
 * struct vb_hint - a hinting session
 * @work: runs on vb->wq; sole user of @cmd_active and of the queue
 * @lock: protects @blocks and @nr_blocks
 * @blocks: free blocks that the host need not migrate; ours until it is done
 * @nr_blocks: how many
 * @cmd_active: the session in progress or finished last; a wire value because
 *	the host reads it from here
 * @cmd_stop: the end mark, read by the host from here
 * @shrinker: gives @blocks back when the guest needs memory
 */
struct vb_hint {
	struct work_struct work;
	spinlock_t lock;	/* blocks and nr_blocks */
	struct list_head blocks;
	unsigned long nr_blocks;
	__virtio32 cmd_active;
	__virtio32 cmd_stop;
	struct shrinker *shrinker;
};

/* ---- the device ---- */

/**
 * struct vb_dev - a balloon device
 * @vdev: the virtio device
 * @queues: its queues; those that were not negotiated have a NULL vq
 * @store: the page store
 * @wq: resizing, statistics, hints; freezable
 * @deflate_wq: deflation handed over by those who must not wait
 * @resize_work: the single worker
 * @deflate_work: see deflate.c
 * @stats_work: see stats.c
 * @hint: see hinting.c
 * @reporting: see reporting.c
 * @reporting_on: page reporting is registered
 * @oom_nb: see oom.c
 * @pm_nb: see power.c
 * @actual_mutex: see the top
 * @online_sem: see the top
 * @online: the queues exist and may be used. Protected by @online_sem
 * @policy_lock: see the top
 * @policy: the decisions
 * @last_target: latest target read from the device; pages
 * @deflate_wanted: pages that the deflate work was asked for
 * @inflating: pages in inflate messages in flight
 * @kick_lock: see the top
 * @stopping: no new work. Protected by @kick_lock
 * @hurry: the workers are being stopped: every wait for the host ends. Read
 *	without a lock by waiters, who are woken after it is set
 * @awake_lock: irq-safe; protects @awake. Taken inside @kick_lock
 * @awake: reasons to keep the system awake, VB_AWAKE_ bits
 * @flags: VB_KICKED: something changed since the worker last looked;
 *	VB_HINT_CMD: since the hint work last read its command. Atomic bit
 *	operations
 * @last_actual: what was last written to the device; 4 KiB pages.
 *	Protected by @actual_mutex
 * @stats: the statistics message; used by @stats_work only
 * @counters: see VB_COUNTERS
 */
struct vb_dev {
	struct virtio_device *vdev;
	struct vb_queue queues[VB_VQ_NR];
	struct vb_store store;

	struct workqueue_struct *wq;
	struct workqueue_struct *deflate_wq;
	struct delayed_work resize_work;
	struct work_struct deflate_work;
	struct work_struct stats_work;
	struct vb_hint hint;
	struct page_reporting_dev_info reporting;
	bool reporting_on;
	struct notifier_block oom_nb;
	struct notifier_block pm_nb;

	struct mutex actual_mutex;	/* last_actual and the field `actual` */
	u32 last_actual;
	struct rw_semaphore online_sem;
	bool online;

	spinlock_t policy_lock;	/* policy */
	struct vb_policy policy;
	s64 last_target;
	atomic_long_t deflate_wanted;
	atomic_long_t inflating;

	spinlock_t kick_lock;	/* stopping, and queueing work */
	bool stopping;
	bool hurry;
	spinlock_t awake_lock;	/* awake */
	unsigned int awake;
	unsigned long flags;

	struct virtio_balloon_stat stats[VIRTIO_BALLOON_S_NR];
	atomic64_t counters[VB_CNT_NR];
};

static inline void vb_count(struct vb_dev *vb, enum vb_counter id, s64 n)
{
	atomic64_add(n, &vb->counters[id]);
}

/* Bits of vb_dev.flags and vb_queue.flags, see there. */
#define VB_KICKED		0
#define VB_HINT_CMD		1
#define VB_Q_STALLED		0

static inline bool vb_queue_stalled(struct vb_queue *q)
{
	return test_bit(VB_Q_STALLED, &q->flags);
}

/* The host owes an answer on a queue that resizing needs. */
static inline bool vb_stalled(struct vb_dev *vb)
{
	return vb_queue_stalled(&vb->queues[VB_VQ_INFLATE]) ||
	       vb_queue_stalled(&vb->queues[VB_VQ_DEFLATE]);
}

static inline bool vb_must_tell_host(struct vb_dev *vb)
{
	return virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_MUST_TELL_HOST);
}

/* work.c */
#define VB_AWAKE_RESIZE		BIT(0)
#define VB_AWAKE_STATS		BIT(1)

void vb_stay_awake(struct vb_dev *vb, unsigned int why);
void vb_relax(struct vb_dev *vb, unsigned int why);
void vb_kick_resize(struct vb_dev *vb);
void vb_kick_all(struct vb_dev *vb);
void vb_resize_rested(struct vb_dev *vb);
void vb_kick_work(struct vb_dev *vb, struct workqueue_struct *wq,
		  struct work_struct *work, unsigned int why);
void vb_stop_work(struct vb_dev *vb);
void vb_allow_work(struct vb_dev *vb);

/* online.c */
int vb_go_online(struct vb_dev *vb);
void vb_go_offline(struct vb_dev *vb, bool keep_pages);

/* rings.c */
void vb_queues_init(struct vb_dev *vb);
int vb_queues_create(struct vb_dev *vb);
void vb_queues_reset(struct vb_dev *vb);

/* queue.c */
struct vb_buf *vb_buf_get(struct vb_queue *q);
void vb_buf_put(struct vb_queue *q, struct vb_buf *buf);
void vb_buf_add_page(struct vb_queue *q, struct vb_buf *buf, struct page *page);
int vb_queue_post(struct vb_queue *q, struct vb_buf *buf);
int vb_queue_post_out(struct vb_queue *q, void *data, unsigned int len);
int vb_queue_post_in(struct vb_queue *q, struct scatterlist *sg,
		     unsigned int nents);
void vb_queue_kick(struct vb_queue *q);
unsigned int vb_queue_reap(struct vb_queue *q);
struct vb_buf *vb_queue_next_done(struct vb_queue *q);
unsigned int vb_queue_in_flight(struct vb_queue *q);
unsigned int vb_queue_unowned(struct vb_queue *q);
bool vb_queue_names(struct vb_queue *q, struct page *page);
bool vb_queue_broken(struct vb_queue *q);
int vb_queue_wait(struct vb_queue *q, unsigned int max_in_flight);
int vb_queue_wait_unowned(struct vb_queue *q);
void vb_queue_wait_quarantined(struct vb_queue *q);
void vb_wait_handed_over(struct vb_dev *vb, unsigned int ms);
void vb_wake_waiters(struct vb_dev *vb);

/* config.c */
s64 vb_read_target(struct vb_dev *vb);
void vb_write_actual(struct vb_dev *vb);
u32 vb_read_hint_cmd(struct vb_dev *vb);
void vb_write_poison(struct vb_dev *vb);

/* pages.c */
void vb_store_init(struct vb_store *store, bool adjust_managed);
void vb_store_insert(struct vb_store *store, struct list_head *pages);
unsigned int vb_store_remove(struct vb_store *store, struct list_head *pages,
			     unsigned int nr);
void vb_store_put_back(struct vb_store *store, struct list_head *pages,
		       unsigned int nr);
void vb_store_forget_told(struct vb_store *store);
unsigned int vb_store_take_untold(struct vb_store *store,
				  struct list_head *pages, unsigned int nr);
void vb_store_migrated(struct vb_store *store, struct page *from,
		       struct page *to);
int vb_store_pause(void);
void vb_store_empty(struct vb_store *store);
unsigned long vb_pages_free(struct list_head *pages);

static inline long vb_store_pages(struct vb_store *store)
{
	return atomic_long_read(&store->pages);
}

/* decide.c */
s64 vb_decide(struct vb_dev *vb, struct vb_snapshot *s);
void vb_snapshot(struct vb_dev *vb, struct vb_snapshot *s);
void vb_released(struct vb_dev *vb);
void vb_hold_off(struct vb_dev *vb);
const char *vb_state(struct vb_dev *vb);

/* resize.c */
void vb_resize_work(struct work_struct *work);

/* inflate.c */
long vb_inflate(struct vb_dev *vb, long pages);
long vb_inflate_untold(struct vb_dev *vb);
void vb_inflate_collect(struct vb_dev *vb);

/* deflate.c */
long vb_deflate(struct vb_dev *vb, long pages);
long vb_deflate_nowait(struct vb_dev *vb, long pages);
void vb_deflate_hand_over(struct vb_dev *vb, long pages);
long vb_deflate_untold(struct vb_dev *vb, long pages);
long vb_deflate_collect(struct vb_dev *vb);
void vb_deflate_work(struct work_struct *work);

/* migrate.c */
int vb_migratepage(struct balloon_dev_info *bdi, struct page *newpage,
		   struct page *page, enum migrate_mode mode);

/* stats.c */
int vb_stats_start(struct vb_dev *vb);
void vb_stats_request(struct virtqueue *vq);
void vb_stats_work(struct work_struct *work);

/* oom.c */
int vb_oom_register(struct vb_dev *vb);
void vb_oom_unregister(struct vb_dev *vb);

/* hinting.c */
void vb_hint_init(struct vb_dev *vb);
int vb_hint_register(struct vb_dev *vb);
void vb_hint_unregister(struct vb_dev *vb);
void vb_hint_return_all(struct vb_dev *vb);

/* reporting.c */
int vb_reporting_register(struct vb_dev *vb);
void vb_reporting_unregister(struct vb_dev *vb);

/* power.c */
int vb_freeze(struct virtio_device *vdev);
int vb_restore(struct virtio_device *vdev);
int vb_power_register(struct vb_dev *vb);
void vb_power_unregister(struct vb_dev *vb);

/* tunables.c */
extern bool vb_stats_basic;
unsigned int vb_host_timeout_ms(void);

/**
 * struct vb_tunable - one number that an administrator may set
 * @name: as sysfs attribute, and as module parameter for its default
 * @min: smallest value that is accepted
 * @max: largest value that is accepted
 * @value: default for devices that are yet to come
 */
struct vb_tunable {
	const char *name;
	unsigned int min;
	unsigned int max;
	unsigned int value;
};

enum vb_tunable_id {
	VB_TUNE_RESERVE_KIB,
	VB_TUNE_HOLDOFF_MS,
	VB_TUNE_HOLDOFF_MAX_MS,
	VB_TUNE_RETURN_MS,
	VB_TUNE_RETURN_STEP,
	VB_TUNE_NR
};

void vb_tunables_init(struct vb_dev *vb);
unsigned int vb_tunable_get(struct vb_dev *vb, enum vb_tunable_id id);
int vb_tunable_set(struct vb_dev *vb, enum vb_tunable_id id, const char *text);

/* sysfs.c */
extern const struct attribute_group *vb_groups[];

#endif /* VB_BALLOON_H */
