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
