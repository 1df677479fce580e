// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the buffers of each queue mean. Every request goes through four steps:
 *
 *	fetched	the driver has made it available	sim->lock
 *	take	the host does with the memory as it may	sim->service
 *	verify	just before the answer: nobody used it	sim->service
 *	done	the answer is about to be visible	sim->lock
 */
#include <linux/lockdep.h>
#include <linux/mm.h>

#include "balloonsim.h"

#define BSIM_GARBAGE	0xb5c4d3e2	/* what a page may hold after it was reported */

static bool shape_is_wrong(struct bsim_queue *q, const char *what, u32 value)
{
	bsim_violation(q->sim, "buffer-shape: queue %u (%s), %s %u", q->index,
		       q->name, what, value);
	return false;
}

/* One direct, readable descriptor of at most 256 PFNs: what every VMM accepts. */
static bool pfn_list_ok(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim_segment seg = {}, more = {};
	struct bsim_walk w;

	bsim_walk_start(&w, q, b->head);
	if (!bsim_walk_next(&w, &seg))
		return shape_is_wrong(q, "no descriptor at head", b->head);
	b->addr = seg.addr;
	b->len = seg.len;

	if (bsim_walk_next(&w, &more))
		shape_is_wrong(q, "more than one descriptor at head", b->head);
	if (seg.indirect)
		shape_is_wrong(q, "indirect descriptor at head", b->head);
	if (seg.writable)
		return shape_is_wrong(q, "device-writable list of bytes", seg.len);
	if (!seg.len || seg.len % sizeof(__virtio32))
		return shape_is_wrong(q, "list of bytes", seg.len);
	if (seg.len > BSIM_PFNS_MAX * sizeof(__virtio32))
		return shape_is_wrong(q, "too long a list of bytes", seg.len);
	return true;
}

static void pfns_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim *sim = q->sim;
	const __virtio32 *list;
	unsigned int i;
	bool ok;
	u32 pfn;

	if (!pfn_list_ok(q, b))
		return;

	list = bsim_host_map(b->addr, b->len);
	if (!list) {
		shape_is_wrong(q, "list outside RAM, bytes", b->len);
		return;
	}

	b->nr_pfns = b->len / sizeof(*list);
	for (i = 0; i < b->nr_pfns; i++) {
		pfn = virtio32_to_cpu(&sim->vdev, list[i]);
		if (q->role == BSIM_INFLATE)
			ok = bsim_books_inflate(sim, pfn);
		else
			ok = bsim_books_deflate(sim, pfn);
		b->pfns[i] = ok ? pfn : BSIM_PFN_IGNORED;
	}
	bsim_traffic_pfns(q, b);
}

/* The driver must leave the list alone until it is used. */
static void pfns_unchanged(struct bsim_queue *q, struct bsim_buf *b)
{
	const __virtio32 *list = phys_to_virt(b->addr);
	unsigned int i;

	for (i = 0; i < b->nr_pfns; i++) {
		if (b->pfns[i] == BSIM_PFN_IGNORED ||
		    b->pfns[i] == virtio32_to_cpu(&q->sim->vdev, list[i]))
			continue;
		bsim_violation(q->sim, "buffer-changed: queue %u, entry %u was pfn %#x",
			       q->index, i, b->pfns[i]);
		return;
	}
}

static void stats_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim *sim = q->sim;
	const struct virtio_balloon_stat *list;
	struct bsim_segment seg = {};
	struct bsim_walk w;
	unsigned int i, n;

	bsim_walk_start(&w, q, b->head);
	if (!bsim_walk_next(&w, &seg) || seg.writable) {
		shape_is_wrong(q, "not a readable buffer, bytes", seg.len);
		return;
	}
	list = bsim_host_map(seg.addr, seg.len);
	n = seg.len / sizeof(*list);
	if (!list || seg.len % sizeof(*list) || n > BSIM_STATS_MAX) {
		shape_is_wrong(q, "statistics of bytes", seg.len);
		return;
	}
	if (!list_is_singular(&q->waiting))
		shape_is_wrong(q, "a second buffer at head", b->head);

	for (i = 0; i < n; i++) {
		sim->stats[i].tag = virtio16_to_cpu(&sim->vdev, list[i].tag);
		sim->stats[i].val = virtio64_to_cpu(&sim->vdev, list[i].val);
	}
	sim->nr_stats = n;
	sim->stats_buffers++;
}

/* A run of free pages that the driver shows the device. Returns its length. */
static u64 free_pages_shown(struct bsim_queue *q, const struct bsim_segment *seg, const char *verb)
{
	u64 first = seg->addr >> VIRTIO_BALLOON_PFN_SHIFT, pfn;
	u64 nr = seg->len >> VIRTIO_BALLOON_PFN_SHIFT;

	if (!seg->writable)
		shape_is_wrong(q, "device-readable pages, bytes", seg->len);
	if (!nr || !PAGE_ALIGNED(seg->addr) || !PAGE_ALIGNED(seg->len))
		shape_is_wrong(q, "not whole pages, bytes", seg->len);

	for (pfn = first; pfn < first + nr; pfn++) {
		if (!bsim_host_is_ram(pfn))
			bsim_violation(q->sim, "pfn-not-ram: %s of %#llx", verb, pfn);
		else if (bsim_books_listed(q->sim, pfn))
			bsim_violation(q->sim, "%s-while-ballooned: pfn %#llx", verb, pfn);
		else
			continue;
		break;
	}
	return nr;
}

static void hint_command(struct bsim_queue *q, const struct bsim_segment *seg)
{
	struct bsim *sim = q->sim;
	const __virtio32 *id = bsim_host_map(seg->addr, seg->len);

	if (!id || seg->len != sizeof(*id)) {
		shape_is_wrong(q, "command id of bytes", seg->len);
		return;
	}

	sim->hint_open = virtio32_to_cpu(&sim->vdev, *id) != VIRTIO_BALLOON_CMD_ID_STOP;
	if (sim->hint_open) {
		sim->hint_last_id = virtio32_to_cpu(&sim->vdev, *id);
		sim->hint_starts++;
	} else {
		sim->hint_stops++;
	}
}

static void hint_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim_segment seg = {};
	struct bsim_walk w;

	bsim_walk_start(&w, q, b->head);
	while (bsim_walk_next(&w, &seg)) {
		if (!seg.writable) {
			hint_command(q, &seg);
			continue;
		}
		if (!q->sim->hint_open)
			bsim_violation(q->sim, "hint-order: pages outside start and stop");
		q->sim->hint_pages += free_pages_shown(q, &seg, "hint");
		q->sim->hint_blocks++;
	}
}

static void report_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim_segment seg = {};
	struct bsim_walk w;

	bsim_walk_start(&w, q, b->head);
	while (bsim_walk_next(&w, &seg))
		q->sim->reported_pages += free_pages_shown(q, &seg, "report");
}

void bsim_request_fetched(struct bsim_queue *q, struct bsim_buf *b)
{
	lockdep_assert_held(&q->sim->lock);

	switch (q->role) {
	case BSIM_INFLATE:
	case BSIM_DEFLATE:
		pfns_fetched(q, b);
		break;
	case BSIM_STATS:
		stats_fetched(q, b);
		break;
	case BSIM_HINT:
		hint_fetched(q, b);
		break;
	case BSIM_REPORT:
		report_fetched(q, b);
		break;
	case BSIM_PRESSURE:
		bsim_pressure_fetched(q, b);
		break;
	default:
		break;
	}
}

/* A reported page comes back with the poison value, or with anything. */
static void report_take(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim *sim = q->sim;
	struct bsim_segment seg = {};
	struct bsim_walk w;
	u32 pattern = BSIM_GARBAGE;
	u64 pfn, end;

	if (bsim_has(sim, VIRTIO_BALLOON_F_PAGE_POISON))
		pattern = le32_to_cpu(sim->config.poison_val);

	bsim_walk_start(&w, q, b->head);
	while (bsim_walk_next(&w, &seg)) {
		pfn = seg.addr >> VIRTIO_BALLOON_PFN_SHIFT;
		end = pfn + (seg.len >> VIRTIO_BALLOON_PFN_SHIFT);
		for (; pfn < end && seg.writable; pfn++)
			if (bsim_host_is_ram(pfn))
				bsim_host_fill(pfn, pattern);
	}
}

/*
 * Hinted pages are left alone: the driver may write to them at any moment, and
 * then their content counts.
 */
void bsim_request_take(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim *sim = q->sim;

	lockdep_assert_held(&sim->service);

	if (b->taken)
		return;
	b->taken = true;

	if (q->role == BSIM_INFLATE && sim->overwrite)
		bsim_books_paint(sim, b->pfns, b->nr_pfns);
	else if (q->role == BSIM_DEFLATE)
		bsim_books_check(sim, b->pfns, b->nr_pfns, "deflate");
	else if (q->role == BSIM_REPORT && sim->overwrite)
		report_take(q, b);
}

void bsim_request_verify(struct bsim_queue *q, struct bsim_buf *b)
{
	/* nobody sees what becomes of a free page but who uses it too early */
	if (q->role == BSIM_REPORT && q->sim->overwrite)
		report_take(q, b);
	if (q->role != BSIM_INFLATE && q->role != BSIM_DEFLATE)
		return;

	pfns_unchanged(q, b);
	bsim_books_check(q->sim, b->pfns, b->nr_pfns,
			 q->role == BSIM_INFLATE ? "end of inflate" : "end of deflate");
}

/* From here on, until somebody uses them, the host need not back these pages. */
static void report_done(struct bsim_queue *q, struct bsim_buf *b)
{
	struct bsim_segment seg = {};
	struct bsim_walk w;
	u64 pfn, end;

	bsim_walk_start(&w, q, b->head);
	while (bsim_walk_next(&w, &seg)) {
		pfn = seg.addr >> VIRTIO_BALLOON_PFN_SHIFT;
		end = pfn + (seg.len >> VIRTIO_BALLOON_PFN_SHIFT);
		for (; pfn < end; pfn++)
			bsim_books_reported(q->sim, pfn);
	}
}

void bsim_request_done(struct bsim_queue *q, struct bsim_buf *b)
{
	unsigned int i;

	lockdep_assert_held(&q->sim->lock);

	if (q->role == BSIM_REPORT)
		report_done(q, b);

	for (i = 0; i < b->nr_pfns; i++) {
		if (b->pfns[i] == BSIM_PFN_IGNORED)
			continue;
		if (q->role == BSIM_INFLATE)
			bsim_books_inflate_ack(q->sim, b->pfns[i]);
		else
			bsim_books_deflate_ack(q->sim, b->pfns[i]);
	}
}
