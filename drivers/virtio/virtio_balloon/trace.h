/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: every decision with its inputs, every exchange with the host.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM virtio_balloon

#if !defined(VB_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VB_TRACE_H

#include <linux/tracepoint.h>

#include "balloon.h"

/* A round of the worker: what it saw, and where it decided to go; guest pages. */
TRACE_EVENT(vb_decision,
	TP_PROTO(struct vb_dev *vb, const struct vb_snapshot *s, s64 offset,
		 s64 goal),
	TP_ARGS(vb, s, offset, goal),
	TP_STRUCT__entry(
		__field(int, index)
		__field(s64, target)
		__field(s64, actual)
		__field(s64, available)
		__field(s64, offset)
		__field(s64, goal)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->target = s->target;
		__entry->actual = s->actual;
		__entry->available = s->available;
		__entry->offset = offset;
		__entry->goal = goal;
	),
	TP_printk("virtio%d target=%lld actual=%lld available=%lld offset=%lld goal=%lld",
		  __entry->index, __entry->target, __entry->actual,
		  __entry->available, __entry->offset, __entry->goal)
);

DECLARE_EVENT_CLASS(vb_moved,
	TP_PROTO(struct vb_dev *vb, long wanted, long moved, int err),
	TP_ARGS(vb, wanted, moved, err),
	TP_STRUCT__entry(
		__field(int, index)
		__field(long, wanted)
		__field(long, moved)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->wanted = wanted;
		__entry->moved = moved;
		__entry->err = err;
	),
	TP_printk("virtio%d wanted=%ld moved=%ld err=%d", __entry->index,
		  __entry->wanted, __entry->moved, __entry->err)
);

/* Pages posted for inflation by one round. */
DEFINE_EVENT(vb_moved, vb_inflate,
	TP_PROTO(struct vb_dev *vb, long wanted, long moved, int err),
	TP_ARGS(vb, wanted, moved, err));

/* Pages posted for deflation by one round of the worker. */
DEFINE_EVENT(vb_moved, vb_deflate,
	TP_PROTO(struct vb_dev *vb, long wanted, long moved, int err),
	TP_ARGS(vb, wanted, moved, err));

/* Pages taken back by the OOM notifier. */
DEFINE_EVENT(vb_moved, vb_oom,
	TP_PROTO(struct vb_dev *vb, long wanted, long moved, int err),
	TP_ARGS(vb, wanted, moved, err));

/* Reclaim asks how much there is, and is offered so much; guest pages. */
TRACE_EVENT(vb_shrink_count,
	TP_PROTO(struct vb_dev *vb, int node, const struct vb_snapshot *s,
		 s64 need, s64 offer),
	TP_ARGS(vb, node, s, need, offer),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, node)
		__field(s64, available)
		__field(s64, free)
		__field(s64, coming)
		__field(s64, need)
		__field(s64, offer)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->node = node;
		__entry->available = s->available;
		__entry->free = s->free;
		__entry->coming = s->coming;
		__entry->need = need;
		__entry->offer = offer;
	),
	TP_printk("virtio%d node=%d available=%lld free=%lld coming=%lld need=%lld offer=%lld",
		  __entry->index, __entry->node, __entry->available,
		  __entry->free, __entry->coming, __entry->need,
		  __entry->offer)
);

/* Reclaim asks for so many pages, is granted some, and has some back at once. */
TRACE_EVENT(vb_shrink_scan,
	TP_PROTO(struct vb_dev *vb, int node, long wanted, long granted,
		 long freed),
	TP_ARGS(vb, node, wanted, granted, freed),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, node)
		__field(long, wanted)
		__field(long, granted)
		__field(long, freed)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->node = node;
		__entry->wanted = wanted;
		__entry->granted = granted;
		__entry->freed = freed;
	),
	TP_printk("virtio%d node=%d wanted=%ld granted=%ld freed=%ld",
		  __entry->index, __entry->node, __entry->wanted,
		  __entry->granted, __entry->freed)
);

/*
 * A look of the sampler: the signs of thrash and swapping, what it made of them, and what
 * it has taken back.
 */
TRACE_EVENT(vb_sample,
	TP_PROTO(struct vb_dev *vb, const struct vb_snapshot *s,
		 const struct vb_sample *sample, u32 run, bool swaps,
		 s64 granted),
	TP_ARGS(vb, s, sample, run, swaps, granted),
	TP_STRUCT__entry(
		__field(int, index)
		__field(s64, available)
		__field(s64, free)
		__field(u64, refaults)
		__field(u64, reclaimed)
		__field(u64, kswapd)
		__field(u64, stalls)
		__field(u64, swapped)
		__field(s64, anon)
		__field(s64, cache)
		__field(u32, run)
		__field(bool, swaps)
		__field(s64, granted)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->available = s->available;
		__entry->free = s->free;
		__entry->refaults = sample->refaults;
		__entry->reclaimed = sample->reclaimed;
		__entry->kswapd = sample->kswapd;
		__entry->stalls = sample->stalls;
		__entry->swapped = sample->swapped;
		__entry->anon = sample->anon;
		__entry->cache = sample->cache;
		__entry->run = run;
		__entry->swaps = swaps;
		__entry->granted = granted;
	),
	TP_printk("virtio%d available=%lld free=%lld refaults=%llu reclaimed=%llu kswapd=%llu stalls=%llu swapped=%llu anon=%lld cache=%lld run=%u swaps=%d granted=%lld",
		  __entry->index, __entry->available, __entry->free,
		  __entry->refaults, __entry->reclaimed, __entry->kswapd,
		  __entry->stalls, __entry->swapped, __entry->anon,
		  __entry->cache, __entry->run, __entry->swaps,
		  __entry->granted)
);

/* A hold-off begins, of so many ms, or was seen to be over. */
TRACE_EVENT(vb_hold_off,
	TP_PROTO(struct vb_dev *vb, bool begins, u32 ms),
	TP_ARGS(vb, begins, ms),
	TP_STRUCT__entry(
		__field(int, index)
		__field(bool, begins)
		__field(u32, ms)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->begins = begins;
		__entry->ms = ms;
	),
	TP_printk("virtio%d %s ms=%u", __entry->index,
		  __entry->begins ? "begins" : "over", __entry->ms)
);

/* A hint about the host's pressure, of the queue (0) or of sysfs (1). */
TRACE_EVENT(vb_pressure_hint,
	TP_PROTO(struct vb_dev *vb, int from, u32 seq,
		 const struct vb_host_hint *hint),
	TP_ARGS(vb, from, seq, hint),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, from)
		__field(u32, seq)
		__field(int, level)
		__field(s64, need)
		__field(u32, ttl_ms)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->from = from;
		__entry->seq = seq;
		__entry->level = hint->level;
		__entry->need = hint->need;
		__entry->ttl_ms = hint->ttl_ms;
	),
	TP_printk("virtio%d from=%d seq=%u level=%d need=%lld ttl_ms=%u",
		  __entry->index, __entry->from, __entry->seq, __entry->level,
		  __entry->need, __entry->ttl_ms)
);

/* Hints are acted on: what was seen, and the pages that are yielded. */
TRACE_EVENT(vb_yield,
	TP_PROTO(struct vb_dev *vb, const struct vb_snapshot *s,
		 const struct vb_host_hint *hint, s64 pages),
	TP_ARGS(vb, s, hint, pages),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, level)
		__field(s64, need)
		__field(s64, target)
		__field(s64, actual)
		__field(s64, available)
		__field(s64, pages)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->level = hint->level;
		__entry->need = hint->need;
		__entry->target = s->target;
		__entry->actual = s->actual;
		__entry->available = s->available;
		__entry->pages = pages;
	),
	TP_printk("virtio%d level=%d need=%lld target=%lld actual=%lld available=%lld pages=%lld",
		  __entry->index, __entry->level, __entry->need,
		  __entry->target, __entry->actual, __entry->available,
		  __entry->pages)
);

/* The reply to a hint of the queue (0) or of sysfs (1); bytes. */
TRACE_EVENT(vb_pressure_reply,
	TP_PROTO(struct vb_dev *vb, int from, const struct vb_reply *reply),
	TP_ARGS(vb, from, reply),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, from)
		__field(u32, seq)
		__field(bool, invalid)
		__field(u64, yielded)
		__field(u64, slack)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->from = from;
		__entry->seq = reply->seq;
		__entry->invalid = reply->invalid;
		__entry->yielded = reply->yielded;
		__entry->slack = reply->slack;
	),
	TP_printk("virtio%d from=%d seq=%u invalid=%d yielded=%llu slack=%llu",
		  __entry->index, __entry->from, __entry->seq,
		  __entry->invalid, __entry->yielded, __entry->slack)
);

/* The surplus decays, or self-ballooning moves it; guest pages. */
TRACE_EVENT(vb_surplus,
	TP_PROTO(struct vb_dev *vb, const struct vb_snapshot *s, bool self,
		 s64 pages, s64 offset),
	TP_ARGS(vb, s, self, pages, offset),
	TP_STRUCT__entry(
		__field(int, index)
		__field(bool, self)
		__field(s64, available)
		__field(s64, promised)
		__field(s64, used)
		__field(s64, pages)
		__field(s64, offset)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->self = self;
		__entry->available = s->available;
		__entry->promised = s->promised;
		__entry->used = s->used;
		__entry->pages = pages;
		__entry->offset = offset;
	),
	TP_printk("virtio%d %s available=%lld promised=%lld used=%lld pages=%lld offset=%lld",
		  __entry->index, __entry->self ? "self" : "decay",
		  __entry->available, __entry->promised, __entry->used,
		  __entry->pages, __entry->offset)
);

/* A wait for acknowledgements of one queue (enum vb_vq). */
TRACE_EVENT(vb_host_wait,
	TP_PROTO(struct vb_dev *vb, int queue, int err, s64 us),
	TP_ARGS(vb, queue, err, us),
	TP_STRUCT__entry(
		__field(int, index)
		__field(int, queue)
		__field(int, err)
		__field(s64, us)
	),
	TP_fast_assign(
		__entry->index = vb->vdev->index;
		__entry->queue = queue;
		__entry->err = err;
		__entry->us = us;
	),
	TP_printk("virtio%d queue=%d err=%d us=%lld", __entry->index,
		  __entry->queue, __entry->err, __entry->us)
);

#endif /* VB_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
