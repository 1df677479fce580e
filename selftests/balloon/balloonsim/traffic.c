// SPDX-License-Identifier: GPL-2.0-only
/*
 * What went over each queue: how much at a time, in what order, and how soon
 * after the host changed its mind.
 *
 * A run is a series of page numbers each of which is one more than the last,
 * over the ends of messages; a block is a 2 MiB-aligned part of a run that is
 * 2 MiB long. A message leads away if the balloon had already passed the
 * target, in the direction in which the message moves it.
 */
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/seq_file.h>

#include "balloonsim.h"

static u64 us_since_target(struct bsim *sim)
{
	return ktime_us_delta(ktime_get(), sim->target_at) + 1;
}

/* The host changed its mind: what is noted about the time after it begins anew. */
void bsim_traffic_target(struct bsim *sim)
{
	unsigned int i;

	lockdep_assert_held(&sim->lock);

	sim->target_at = ktime_get();
	for (i = 0; i < sim->nr_queues; i++) {
		struct bsim_traffic *t = &sim->queues[i].traffic;

		t->first_us = 0;
		t->away = 0;
		t->away_us = 0;
	}
}

static void note_run(struct bsim_traffic *t, u32 pfn)
{
	t->run = pfn == t->last_pfn + 1 ? t->run + 1 : 1;
	t->last_pfn = pfn;
	t->longest_run = max(t->longest_run, t->run);
	if (t->run >= BSIM_BLOCK && (pfn + 1) % BSIM_BLOCK == 0)
		t->blocks++;
}

/* The page numbers of a message, in its own order. */
void bsim_traffic_pfns(struct bsim_queue *q, const struct bsim_buf *b)
{
	struct bsim_traffic *t = &q->traffic;
	unsigned int i;

	for (i = 0; i < b->nr_pfns; i++) {
		if (i && b->pfns[i] <= b->pfns[i - 1])
			t->descents++;
		note_run(t, b->pfns[i]);
	}
}

static bool leads_away(const struct bsim_queue *q, u64 size)
{
	u64 target = le32_to_cpu(q->sim->config.num_pages);

	if (q->role == BSIM_DEFLATE)
		return size < target;
	return (q->role == BSIM_INFLATE || q->role == BSIM_REPORT) && size > target;
}

/* @size: pages that were held, or asked for, before this message */
void bsim_traffic_message(struct bsim_queue *q, u64 size)
{
	struct bsim_traffic *t = &q->traffic;
	u64 us = us_since_target(q->sim);

	lockdep_assert_held(&q->sim->lock);

	t->most = max_t(u32, t->most, (u16)(q->last_avail - q->used_idx));
	if (!t->first_us)
		t->first_us = us;
	if (!leads_away(q, size))
		return;
	t->away++;
	t->away_us = us;
}

/* One queue a line: number, role, the driver's name for it, then name=value. */
int bsim_queues_show(struct seq_file *m, void *unused)
{
	static const char * const roles[BSIM_ROLES] = {
		"inflate", "deflate", "stats", "hint", "report", "pressure"
	};
	struct bsim *sim = m->private;
	unsigned int i;

	for (i = 0; i < sim->nr_queues; i++) {
		struct bsim_queue *q = &sim->queues[i];
		struct bsim_traffic *t = &q->traffic;

		spin_lock_irq(&sim->lock);
		seq_printf(m, "%u %s %s kicks=%llu buffers=%llu interrupts=%llu", i,
			   roles[q->role], q->vq ? q->name : "-", q->kicks, q->buffers,
			   q->interrupts);
		seq_printf(m, " most=%u blocks=%llu longest_run=%u descents=%llu", t->most,
			   t->blocks, t->longest_run, t->descents);
		seq_printf(m, " first_us=%llu away=%llu away_us=%llu\n", t->first_us, t->away,
			   t->away_us);
		spin_unlock_irq(&sim->lock);
	}
	return 0;
}
