// SPDX-License-Identifier: GPL-2.0-only
/*
 * A million random operations on the page store, pages.c with untold.c,
 * account.c and alloc.c, compared with a trivial model after each.
 *
 * SEED=n in the environment lives one of the lives again.
 */
#include <errno.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine.h"
#include "ops.h"

#define LIVES		96
#define OPS		16384
#define SWEEP_EVERY	1024
#define HANGS_S		60
/* Operations that had anything to do, over all lives. */
#define ENOUGH		1000000UL
#define ENOUGH_EACH	100UL

static u64 life_seed;
static unsigned int op_nr;

static void where(void)
{
	fprintf(stderr, "SEED=%llu: operation %u, %s%s%s\n",
		(unsigned long long)life_seed, op_nr, ops_current,
		*ops_nested ? ", last disturbed by " : "", ops_nested);
}

void broken(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fail_msg("%s", text);
	abort();
}

/* It hangs, or a sanitizer has said what is wrong. */
static void ended(int signal)
{
	(void)signal;
	where();
	_exit(1);
}

const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1";
}

static int teardown(void **state)
{
	(void)state;
	if (life_seed)
		where();
	return 0;
}

/* The store grows for a while, then it shrinks. */
static const struct op *next_op(u64 *seed, int trend)
{
	unsigned int i, sum = 0;
	s64 pick;

	for (i = 0; i < NR_OPS; i++)
		sum += ops[i].weight;
	do {
		pick = rnd_range(seed, 0, sum - 1);
		for (i = 0; pick >= ops[i].weight; i++)
			pick -= ops[i].weight;
	} while (ops[i].growth == -trend && rnd_range(seed, 0, 1));
	return &ops[i];
}

static void live(u64 seed)
{
	/* The more often, the slower it is. */
	static const unsigned int busy[] = {
		0, 0, BLOCK_PAGES, BLOCK_PAGES / 8
	};
	int trend = 1;
	u64 i;

	life_seed = seed;
	memory_init(&seed);
	model_init();
	marks_stick = rnd(&seed) & 1;
	ops_init(&seed, busy[rnd(&seed) % ARRAY_SIZE(busy)]);
	must(!vb_store_init(&store, rnd(&seed) & 1, migratepage), "%d", 0);
	alarm(HANGS_S);
	for (op_nr = 1; op_nr <= OPS; op_nr++) {
		ops_run(next_op(&seed, trend));
		if (op_nr % SWEEP_EVERY == 0)
			model_sweep();
		if (!rnd_range(&seed, 0, 200))
			trend = -trend;
	}
	ops_finish();
	model_sweep();
	vb_store_destroy(&store);
	alarm(0);
	for (i = 0; i < NR_PAGES; i++)
		must(mem_map[i].free, "frame %llu is lost",
		     (unsigned long long)i);
	life_seed = 0;
}

static void a_million_random_operations(void **state)
{
	const char *again = getenv("SEED");
	unsigned long sum = 0;
	unsigned int i;
	u64 seed;

	(void)state;
	if (again && *again) {
		live(strtoull(again, NULL, 0));
		return;
	}
	for (seed = 1; seed <= LIVES; seed++)
		live(seed);
	for (i = 0; i < NR_OPS; i++) {
		must(ops_done[i] >= ENOUGH_EACH, "only %lu of %s", ops_done[i],
		     ops[i].name);
		sum += ops_done[i];
	}
	must(sum >= ENOUGH, "only %lu", sum);
	print_message("# %lu operations in %d lives, %lu of them disturbed; %lu chunks split\n",
		      sum, LIVES, ops_disturbed, ops_splits);
}

static void no_memory_for_the_store(void **state)
{
	u64 seed = 0;
	int err;

	(void)state;
	memory_init(&seed);
	kcalloc_fails = true;
	err = vb_store_init(&store, false, NULL);
	kcalloc_fails = false;
	want(err, -ENOMEM, "vb_store_init()");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_million_random_operations,
					  teardown),
		cmocka_unit_test(no_memory_for_the_store),
	};

	signal(SIGALRM, ended);
	signal(SIGABRT, ended);
	return run_all(tests);
}
