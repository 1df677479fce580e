// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that plays the host: it takes what the driver offers, and answers
 * when and how the test wants it to. It allocates nothing, and waits so that
 * it never counts as a blocked task.
 */
#include <linux/delay.h>
#include <linux/kthread.h>

#include "balloonsim.h"

#define BSIM_TICK	(HZ / 10)

/* The host asks for statistics, and hints, when it has a reason to. */
static bool answers_alone(const struct bsim_queue *q)
{
	return q->vq && !q->bad && q->role != BSIM_STATS && q->role != BSIM_PRESSURE &&
	       !list_empty(&q->waiting) && !(READ_ONCE(q->sim->mute) & BIT(q->index));
}

/* The next buffer to answer, by the order that was asked for. */
static struct bsim_buf *pick(struct bsim *sim, struct bsim_queue **from)
{
	unsigned int i, start = 0, skip;
	struct bsim_queue *q;
	struct bsim_buf *b;

	if (sim->order == BSIM_SHUFFLE)
		start = prandom_u32_state(&sim->serve_rnd);

	for (i = 0; i < sim->nr_queues; i++) {
		q = &sim->queues[(start + i) % sim->nr_queues];
		if (!answers_alone(q))
			continue;

		*from = q;
		if (sim->order == BSIM_LIFO)
			return list_last_entry(&q->waiting, struct bsim_buf, node);

		skip = 0;
		if (sim->order == BSIM_SHUFFLE)
			skip = prandom_u32_state(&sim->serve_rnd) % 8;
		list_for_each_entry(b, &q->waiting, node)
			if (!skip-- || list_is_last(&b->node, &q->waiting))
				return b;
	}
	return NULL;
}

static u32 used_len(struct bsim *sim, const struct bsim_buf *b)
{
	switch (sim->len_mode) {
	case BSIM_LEN_TRUE:
		return b->len;
	case BSIM_LEN_HUGE:
		return U32_MAX;
	case BSIM_LEN_RANDOM:
		return prandom_u32_state(&sim->serve_rnd);
	default:
		return 0;
	}
}

/* The oldest buffer whose pages the host has not yet had its way with. */
static struct bsim_buf *not_taken(struct bsim *sim, struct bsim_queue **from)
{
	struct bsim_buf *b;
	unsigned int i;

	for (i = 0; i < sim->nr_queues; i++) {
		*from = &sim->queues[i];
		list_for_each_entry(b, &(*from)->waiting, node)
			if (!b->taken)
				return b;
	}
	return NULL;
}

static void take_all(struct bsim *sim)
{
	struct bsim_queue *q;
	struct bsim_buf *b;

	do {
		spin_lock_irq(&sim->lock);
		b = not_taken(sim, &q);
		spin_unlock_irq(&sim->lock);
		/* only the holder of sim->service takes buffers off the lists */
		if (b)
			bsim_request_take(q, b);
	} while (b);
}

static bool answer_one(struct bsim *sim)
{
	struct bsim_queue *q;
	struct bsim_buf *b;

	spin_lock_irq(&sim->lock);
	b = pick(sim, &q);
	spin_unlock_irq(&sim->lock);
	if (!b)
		return false;

	bsim_request_verify(q, b);

	spin_lock_irq(&sim->lock);
	bsim_request_done(q, b);
	bsim_queue_use(q, b, used_len(sim, b));
	spin_unlock_irq(&sim->lock);
	return true;
}

static bool anything_waits(struct bsim *sim)
{
	struct bsim_queue *q;
	bool yes;

	spin_lock_irq(&sim->lock);
	yes = pick(sim, &q);
	spin_unlock_irq(&sim->lock);
	return yes;
}

static void serve_round(struct bsim *sim)
{
	u32 delay;
	bool more;

	do {
		mutex_lock(&sim->service);
		take_all(sim);
		mutex_unlock(&sim->service);

		delay = READ_ONCE(sim->delay_us);
		if (delay && sim->serve && anything_waits(sim))
			usleep_range_state(delay, delay + delay / 8 + 1, TASK_IDLE);

		mutex_lock(&sim->service);
		more = READ_ONCE(sim->serve) && !sim->gone && answer_one(sim);
		mutex_unlock(&sim->service);
	} while (more && !kthread_should_stop());
}

static int server(void *data)
{
	struct bsim *sim = data;

	while (!kthread_should_stop()) {
		wait_event_interruptible_timeout(sim->wake,
						 READ_ONCE(sim->work) || kthread_should_stop(),
						 BSIM_TICK);
		WRITE_ONCE(sim->work, false);
		/* a request that comes now sets it again; see bsim_serve_wake() */
		smp_mb();
		serve_round(sim);

		mutex_lock(&sim->service);
		bsim_books_scrub(sim, BSIM_SCRUB_BATCH, "scrub");
		mutex_unlock(&sim->service);
	}
	return 0;
}

/* Any context. */
void bsim_serve_wake(struct bsim *sim)
{
	smp_mb();	/* what the caller changed is seen before the flag */
	WRITE_ONCE(sim->work, true);
	wake_up(&sim->wake);
}

int bsim_serve_start(struct bsim *sim)
{
	sim->server = kthread_run(server, sim, "balloonsim/%u", sim->setup.id);
	return PTR_ERR_OR_ZERO(sim->server);
}

void bsim_serve_stop(struct bsim *sim)
{
	if (!IS_ERR_OR_NULL(sim->server))
		kthread_stop(sim->server);
	sim->server = NULL;
}

/* Gives the statistics buffer back, which is how a device asks for the next. */
int bsim_stats_ask(struct bsim *sim)
{
	struct bsim_queue *q = NULL;
	struct bsim_buf *b = NULL;
	unsigned int i;

	mutex_lock(&sim->service);
	spin_lock_irq(&sim->lock);
	for (i = 0; i < sim->nr_queues; i++)
		if (sim->queues[i].role == BSIM_STATS)
			q = &sim->queues[i];
	if (q && q->vq && !q->bad && !sim->gone)
		b = list_first_entry_or_null(&q->waiting, struct bsim_buf, node);
	if (b)
		bsim_queue_use(q, b, used_len(sim, b));
	spin_unlock_irq(&sim->lock);
	mutex_unlock(&sim->service);

	return b ? 0 : -EAGAIN;
}

/* The driver resets the device: no more answers, no more overwriting. */
void bsim_reset(struct bsim *sim)
{
	unsigned int i;

	mutex_lock(&sim->service);
	bsim_books_scrub(sim, BSIM_SCRUB_ALL, "reset");

	spin_lock_irq(&sim->lock);
	sim->status = 0;
	sim->hint_open = false;
	for (i = 0; i < sim->nr_queues; i++)
		list_splice_tail_init(&sim->queues[i].waiting, &sim->queues[i].idle);
	bsim_books_reset(sim);
	spin_unlock_irq(&sim->lock);
	mutex_unlock(&sim->service);

	for (i = 0; i < sim->nr_queues; i++)
		irq_work_sync(&sim->queues[i].irq);
}
