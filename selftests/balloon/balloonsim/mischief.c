// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mischief: chaos (a random sequence of things that a host may do, from a
 * seed) and storms (a target that changes thousands of times a second).
 * Chaos never does anything that a correct driver could not survive without
 * loss: it stops for a while, but it always goes on.
 */
#include <linux/delay.h>
#include <linux/kthread.h>

#include "balloonsim.h"

#define CHAOS_STEP_US	20000
#define CHAOS_STALL_MS	300

static u32 chance(struct bsim *sim, u32 below)
{
	return below ? prandom_u32_state(&sim->chaos_rnd) % below : 0;
}

static void nap(u32 us)
{
	usleep_range_state(us, us + us / 8 + 1, TASK_IDLE);
}

static void chaos_target(struct bsim *sim)
{
	bsim_set_target(sim, chance(sim, sim->chaos_max + 1));
	if (chance(sim, 8))
		bsim_config_changed(sim);
}

static void chaos_stall(struct bsim *sim)
{
	WRITE_ONCE(sim->serve, false);
	nap(1000 * (1 + chance(sim, CHAOS_STALL_MS)));
	WRITE_ONCE(sim->serve, true);
	bsim_serve_wake(sim);
}

static void chaos_delay(struct bsim *sim)
{
	static const u32 delays[] = { 0, 0, 0, 50, 500, 5000 };

	WRITE_ONCE(sim->delay_us, delays[chance(sim, ARRAY_SIZE(delays))]);
}

static void chaos_hint(struct bsim *sim)
{
	u32 id = chance(sim, 3);

	if (id > VIRTIO_BALLOON_CMD_ID_DONE)
		id = 0x80000000 | chance(sim, 1000);
	spin_lock_irq(&sim->lock);
	sim->config.free_page_hint_cmd_id = cpu_to_le32(id);
	spin_unlock_irq(&sim->lock);
	bsim_config_changed(sim);
}

static void chaos_pressure(struct bsim *sim)
{
	struct bsim_hint hint = {
		.level = chance(sim, BSIM_PRESSURE_CRITICAL + 2),
		.need = chance(sim, 2) ? 0 : chance(sim, 1 << 30),
		.ttl_ms = chance(sim, 2) ? 0 : chance(sim, 3000),
		.seq = bsim_pressure_next(sim) - !chance(sim, 8),
		.reserved = !chance(sim, 8),
		.len = sizeof(struct bsim_wire_hint) - !chance(sim, 8),
	};

	bsim_pressure_send(sim, &hint);
}

static void chaos_scrub(struct bsim *sim)
{
	mutex_lock(&sim->service);
	bsim_books_scrub(sim, 16 * BSIM_SCRUB_BATCH, "chaos");
	mutex_unlock(&sim->service);
}

static void chaos_step(struct bsim *sim)
{
	unsigned int i;

	switch (chance(sim, 12)) {
	case 0 ... 2:
		chaos_target(sim);
		break;
	case 3:
		chaos_stall(sim);
		break;
	case 4:
		chaos_delay(sim);
		break;
	case 5:
		WRITE_ONCE(sim->order, chance(sim, BSIM_ORDERS));
		break;
	case 6:
		WRITE_ONCE(sim->len_mode, chance(sim, BSIM_LEN_MODES));
		break;
	case 7:
		bsim_stats_ask(sim);
		break;
	case 8:
		chaos_hint(sim);
		break;
	case 9:
		for (i = chance(sim, 20); i; i--)
			bsim_config_changed(sim);
		chaos_scrub(sim);
		break;
	case 10 ... 11:
		chaos_pressure(sim);
		break;
	}
	sim->chaos_steps++;
	nap(1 + chance(sim, CHAOS_STEP_US));
}

static void storm_step(struct bsim *sim)
{
	u32 hz = READ_ONCE(sim->storm_hz);

	bsim_set_target(sim, chance(sim, sim->storm_max) + chance(sim, 2));
	bsim_config_changed(sim);
	sim->storm_changes++;
	nap(1 + USEC_PER_SEC / (hz + 1));
}

static int mischief(void *data)
{
	struct bsim *sim = data;

	while (!kthread_should_stop()) {
		if (READ_ONCE(sim->storm_hz))
			storm_step(sim);
		else if (READ_ONCE(sim->chaos))
			chaos_step(sim);
		else
			wait_event_interruptible(sim->mischief_wake,
						 READ_ONCE(sim->chaos) ||
						 READ_ONCE(sim->storm_hz) ||
						 kthread_should_stop());
	}
	return 0;
}

int bsim_mischief_start(struct bsim *sim)
{
	prandom_seed_state(&sim->chaos_rnd, sim->setup.seed);
	sim->mischief = kthread_run(mischief, sim, "balloonsim-m/%u", sim->setup.id);
	return PTR_ERR_OR_ZERO(sim->mischief);
}

void bsim_mischief_stop(struct bsim *sim)
{
	if (!IS_ERR_OR_NULL(sim->mischief))
		kthread_stop(sim->mischief);
	sim->mischief = NULL;
}

/* A well-behaved device again. */
void bsim_calm(struct bsim *sim)
{
	WRITE_ONCE(sim->chaos, false);
	WRITE_ONCE(sim->storm_hz, 0);
	/* the step that is under way ends before its thread is parked */
	if (sim->mischief) {
		bsim_mischief_stop(sim);
		bsim_mischief_start(sim);
	}
	WRITE_ONCE(sim->delay_us, 0);
	WRITE_ONCE(sim->mute, 0);
	WRITE_ONCE(sim->order, BSIM_FIFO);
	WRITE_ONCE(sim->len_mode, BSIM_LEN_ZERO);
	WRITE_ONCE(sim->serve, true);
	bsim_serve_wake(sim);
}
