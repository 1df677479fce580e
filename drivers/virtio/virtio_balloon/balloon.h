/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The internal header of the driver, with its parts pressure.h, queue.h and store.h: the
 * device, what protects each field, and what each room offers to the others.
 *
 * Dependencies run one way: main -> the features -> pages, queue -> policy.
 * The page store never talks to the host, the policy calls nobody.
 *
 * Locks, outermost first:
 *
 *   vb->actual_mutex     serialises reading the size and writing `actual`
 *   vb->online_sem       written when the queues come and go. Who posts from a
 *                        context that cannot be stopped beforehand (migration
 *                        under the page lock, the shrinker, the OOM notifier)
 *                        reads it, and only ever with a trylock
 *   vb->policy_lock      the decisions: policy, last_target, log; and what the
 *                        host is owed for its hints
 *   vb->kick_lock        irq-safe: no work is queued once `stopping` is set
 *   vb->awake_lock       irq-safe: the reasons to keep the system awake
 *   store->lock          the store's own lists
 *   zones_lock           the kernel's count of a zone's pages, for all balloons
 *   hint->lock           the list of hinted blocks
 *   vb->reported_lock    the chunks that were reported ahead
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
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
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

#include "log.h"
#include "policy.h"
#include "pressure.h"
#include "queue.h"
#include "store.h"

/* Chunks in one report: what the kernel's own reports hold at the most. */
#define VB_REPORT_CHUNKS	((unsigned int)PAGE_REPORTING_CAPACITY)

struct vb_dev;

/* ---- counters: one table, from which sysfs and the documents are made ---- */

#define VB_COUNTERS(X)							\
	X(inflated_pages, "pages given to the host")			\
	X(deflated_pages, "pages taken back from the host")		\
	X(migrated_pages, "ballooned pages exchanged by compaction")	\
	X(oom_calls, "calls of the out-of-memory notifier")		\
	X(oom_deflated_pages, "pages taken back when out of memory")	\
	X(need_deflated_pages, "pages taken back when in need")		\
	X(thrash_deflated_pages, "pages taken back when thrashing")	\
	X(reported_pages, "free pages reported to the host")		\
	X(hinted_blocks, "free blocks hinted to the host")		\
	X(hint_shrunk_blocks, "hinted blocks that reclaim took back")	\
	X(stats_requests, "statistics that the host asked for")		\
	X(pressure_hints, "hints about the host's memory pressure")	\
	X(pressure_hints_acted, "times that hints were acted on")	\
	X(pressure_hints_expired, "times that hints came to nothing")	\
	X(pressure_hints_invalid, "hints that broke the rules")		\
	X(yielded_pages, "pages yielded because of hints")		\
	X(alloc_failures, "rounds of inflation that found no memory")	\
	X(stalls, "times that the host did not answer in time")		\
	X(late_acks, "stalls that an answer ended")

enum vb_counter {
#define X(name, help) VB_CNT_##name,
	VB_COUNTERS(X)
#undef X
	VB_CNT_NR
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

/* ---- tell.c ---- */

/**
 * struct vb_crowd - do others work in the guest while it is resized?
 * @looked_us: when that was last looked at
 * @idle_us: how long all processors had been idle by then
 * @looks: how often in a row they did
 */
struct vb_crowd {
	u64 looked_us;
	u64 idle_us;
	unsigned int looks;
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
 * @tell_work: see tell.c
 * @sample_work: see sampler.c
 * @stats_work: see stats.c
 * @hint: see hinting.c
 * @pressure: see pressure.c
 * @reporting: see reporting.c
 * @reporting_on: page reporting is registered
 * @in_report: chunks in our report in flight. Worker only
 * @reported_lock: protects @reported
 * @reported: chunks that the host has dropped, to be inflated
 * @shrinker: see shrinker.c
 * @oom_nb: see oom.c
 * @oom_again: its latest call had the killer look again. Protected by the
 *	kernel's oom_lock
 * @memory_nb: see hotplug.c
 * @pm_nb: see power.c
 * @actual_mutex: see the top
 * @online_sem: see the top
 * @online: the queues exist and may be used. Protected by @online_sem
 * @policy_lock: see the top
 * @policy: the decisions
 * @log: the latest of them. Protected by @policy_lock
 * @held_off: growth was barred when this was last looked at. Protected by
 *	@policy_lock
 * @last_target: latest target read from the device; pages
 * @moving: the worker comes from another round. Worker only
 * @crowd: do others work in the guest? Worker only
 * @kick_us: what the longest kick took since the worker last asked; us
 * @releasing: pages granted to reclaim or the OOM notifier, and not yet free
 * @deflate_wanted: pages that the deflate work was asked for
 * @handed_why: the best reason why it was asked. Protected by policy_lock
 * @inflating: pages in inflate messages in flight
 * @kick_lock: see the top
 * @stopping: no new work. Protected by @kick_lock
 * @hurry: the workers are being stopped: every wait for the host ends. Read
 *	without a lock by waiters, who are woken after it is set
 * @awake_lock: irq-safe; protects @awake. Taken inside @kick_lock
 * @awake: reasons to keep the system awake, VB_AWAKE_ bits
 * @flags: VB_KICKED: something changed since the worker last looked;
 *	VB_HINT_CMD: since the hint work last read its command;
 *	VB_REPORT_BUSY: somebody has the report queue; VB_SAMPLING: the sampler
 *	looks often. Atomic bit operations
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
	struct delayed_work tell_work;
	struct delayed_work sample_work;
	struct work_struct stats_work;
	struct vb_hint hint;
	struct vb_pressure pressure;
	struct page_reporting_dev_info reporting;
	bool reporting_on;
	struct list_head in_report;
	spinlock_t reported_lock;	/* reported */
	struct list_head reported;
	struct shrinker *shrinker;
	struct notifier_block oom_nb;
	bool oom_again;
	struct notifier_block memory_nb;
	struct notifier_block pm_nb;

	struct mutex actual_mutex;	/* last_actual and the field `actual` */
	u32 last_actual;
	struct rw_semaphore online_sem;
	bool online;

	spinlock_t policy_lock;	/* policy, log, held_off and replies owed */
	struct vb_policy policy;
	struct vb_log log;
	bool held_off;
	s64 last_target;
	bool moving;
	struct vb_crowd crowd;
	u32 kick_us;
	atomic_long_t releasing;
	atomic_long_t deflate_wanted;
	enum vb_why handed_why;
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

/* Bits of vb_dev.flags, see there. */
#define VB_KICKED		0
#define VB_HINT_CMD		1
#define VB_REPORT_BUSY		2
#define VB_SAMPLING		3

/*
 * The clock of the decisions; ms, in ticks. The exact one may be a register of
 * a device, and to read that may have to wait for what the host does.
 */
static inline u64 vb_now(void)
{
	return div_u64(ktime_get_coarse_ns(), NSEC_PER_MSEC);
}

/* Something changed since the worker last looked. */
static inline bool vb_kicked(struct vb_dev *vb)
{
	return test_bit(VB_KICKED, &vb->flags);
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
bool vb_is_resize_worker(struct vb_dev *vb);
void vb_resize_rested(struct vb_dev *vb);
void vb_kick_work(struct vb_dev *vb, struct workqueue_struct *wq,
		  struct work_struct *work, unsigned int why);
void vb_kick_tell(struct vb_dev *vb, unsigned long delay);
void vb_kick_sampler(struct vb_dev *vb, unsigned int delay_ms);
void vb_kick_pressure(struct vb_dev *vb, unsigned int delay_ms);
void vb_stop_work(struct vb_dev *vb);
void vb_allow_work(struct vb_dev *vb);

/* online.c */
int vb_go_online(struct vb_dev *vb);
void vb_go_offline(struct vb_dev *vb, bool keep_pages);

/* config.c */
s64 vb_read_target(struct vb_dev *vb);
void vb_write_actual(struct vb_dev *vb);
u32 vb_read_hint_cmd(struct vb_dev *vb);
void vb_write_poison(struct vb_dev *vb);

/* decide.c */
s64 vb_decide(struct vb_dev *vb, struct vb_snapshot *s);
s64 vb_node_free(struct pglist_data *pgdat);
void vb_snapshot(struct vb_dev *vb, struct vb_snapshot *s);
void vb_note_hold_off(struct vb_dev *vb, const struct vb_snapshot *s);
const char *vb_state(struct vb_dev *vb);

/* grant.c */
long vb_offer(struct vb_dev *vb, int nid);
long vb_grant_need(struct vb_dev *vb, int nid, long most);
long vb_grant_oom(struct vb_dev *vb, long minimum);
long vb_grant_sampled(struct vb_dev *vb, const struct vb_sample *sample,
		      enum vb_why *why, unsigned int *next_ms);
long vb_still_takeable(struct vb_dev *vb, long pages);
void vb_released(struct vb_dev *vb, enum vb_why why, long granted, long freed);

/* resize.c */
void vb_resize_work(struct work_struct *work);

/* inflate.c */
long vb_inflate(struct vb_dev *vb, long pages);
long vb_inflate_reported(struct vb_dev *vb);
long vb_inflate_untold(struct vb_dev *vb);
void vb_inflate_collect(struct vb_dev *vb);

/* deflate.c */
long vb_deflate(struct vb_dev *vb, long pages);
long vb_deflate_nowait(struct vb_dev *vb, long pages, int nid);
void vb_deflate_look_after(struct vb_dev *vb);
void vb_deflate_hand_over(struct vb_dev *vb, enum vb_why why, long pages);
long vb_deflate_untold(struct vb_dev *vb, long pages, int nid);
long vb_deflate_collect(struct vb_dev *vb);
int vb_deflate_these(struct vb_dev *vb, struct list_head *chunks,
		     struct list_head *pages);
void vb_deflate_work(struct work_struct *work);

/* tell.c */
void vb_tell_soon(struct vb_dev *vb);
void vb_tell_work(struct work_struct *work);
bool vb_should_pause(struct vb_dev *vb, bool shrinks);

/* migrate.c */
int vb_migratepage(struct balloon_dev_info *bdi, struct page *newpage,
		   struct page *page, enum migrate_mode mode);

/* stats.c */
int vb_stats_start(struct vb_dev *vb);
void vb_stats_request(struct virtqueue *vq);
void vb_stats_work(struct work_struct *work);

/* pressure.c */
void vb_pressure_init(struct vb_dev *vb);
void vb_pressure_start(struct vb_dev *vb);
void vb_pressure_stop(struct vb_dev *vb);
void vb_pressure_answered(struct virtqueue *vq);
void vb_pressure_hint(struct vb_dev *vb, const struct vb_host_hint *hint);
void vb_pressure_refused(struct vb_dev *vb);
void vb_pressure_last(struct vb_dev *vb, u32 *hints, struct vb_reply *reply);
u64 vb_pressure_slack(struct vb_dev *vb);

/* release.c */
long vb_release(struct vb_dev *vb, enum vb_why why, long granted, int nid);

/* shrinker.c */
int vb_shrinker_register(struct vb_dev *vb);
void vb_shrinker_unregister(struct vb_dev *vb);

/* sampler.c */
void vb_sample_work(struct work_struct *work);

/* debugfs.c */
void vb_log(struct vb_dev *vb, enum vb_event event, const struct vb_snapshot *s,
	    s64 pages);
void vb_debugfs_register(struct vb_dev *vb);
void vb_debugfs_unregister(struct vb_dev *vb);

/* oom.c */
int vb_oom_register(struct vb_dev *vb);
void vb_oom_unregister(struct vb_dev *vb);

/* hotplug.c */
int vb_hotplug_register(struct vb_dev *vb);
void vb_hotplug_unregister(struct vb_dev *vb);

/* hinting.c */
void vb_hint_init(struct vb_dev *vb);
int vb_hint_register(struct vb_dev *vb);
void vb_hint_unregister(struct vb_dev *vb);
void vb_hint_return_all(struct vb_dev *vb);
unsigned long vb_hint_return(struct vb_dev *vb, unsigned long pages);

/* reporting.c */
int vb_reporting_register(struct vb_dev *vb);
void vb_reporting_unregister(struct vb_dev *vb);
unsigned int vb_report_capacity(struct vb_dev *vb);
void vb_report_chunks(struct vb_dev *vb, struct list_head *chunks,
		      unsigned int nr);
void vb_report_reap(struct vb_dev *vb);
int vb_report_wait(struct vb_dev *vb);
bool vb_reported(struct vb_dev *vb);
struct page *vb_reported_take(struct vb_dev *vb, int nid);
long vb_reported_drop(struct vb_dev *vb, long chunks, int nid);
void vb_report_abandon(struct vb_dev *vb);

/* power.c */
#ifdef CONFIG_PM_SLEEP
int vb_freeze(struct virtio_device *vdev);
int vb_restore(struct virtio_device *vdev);
int vb_power_register(struct vb_dev *vb);
void vb_power_unregister(struct vb_dev *vb);
#else
static inline int vb_power_register(struct vb_dev *vb)
{
	return 0;
}

static inline void vb_power_unregister(struct vb_dev *vb)
{
}
#endif

/* tunables.c */
extern bool vb_stats_basic;
extern bool vb_pressure_queue;
unsigned int vb_host_timeout_ms(void);

enum vb_tunable_id {
	VB_TUNE_AUTO_DEFLATE,
	VB_TUNE_RESERVE_KIB,
	VB_TUNE_LOW_PERCENT,
	VB_TUNE_DEFLATE_BATCH,
	VB_TUNE_DEFLATE_LIMIT_PER_S,
	VB_TUNE_HOLDOFF_MS,
	VB_TUNE_HOLDOFF_MAX_MS,
	VB_TUNE_RETURN_MS,
	VB_TUNE_RETURN_STEP,
	VB_TUNE_PRESSURE_INTERVAL_MS,
	VB_TUNE_PRESSURE_TTL_MS,
	VB_TUNE_PRESSURE_LOW_PERCENT,
	VB_TUNE_PRESSURE_MEDIUM_PERCENT,
	VB_TUNE_PRESSURE_CRITICAL_PERCENT,
	VB_TUNE_PRESSURE_LIMIT_PER_S,
	VB_TUNE_PRESSURE_SELF,
	VB_TUNE_PRESSURE_SELF_INTERVAL_MS,
	VB_TUNE_PRESSURE_SELF_HYSTERESIS,
	VB_TUNE_PRESSURE_SELF_HEADROOM,
	VB_TUNE_NR
};

void vb_tunables_init(struct vb_dev *vb);
int vb_tunable_show(struct vb_dev *vb, enum vb_tunable_id id, char *buffer);
int vb_tunable_set(struct vb_dev *vb, enum vb_tunable_id id, const char *text);

/* sysfs.c */
extern const struct attribute_group vb_balloon_group;
extern const struct attribute_group vb_counters_group;

/* sysfs_pressure.c */
extern const struct attribute_group vb_pressure_group;

#endif /* VB_BALLOON_H */
