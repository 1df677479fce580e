// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests of the policy in the kernel: a suite for each file of ../unit, which
 * runs when the module is loaded. For the newest kernel's KUnit.
 */
#include <linux/module.h>
#include <linux/string.h>

#include "kunit.h"

#define MAX_TESTS	32

static int enter(struct kunit_suite *suite);

#define SUITE(n)	{ .name = "virtio_balloon_" #n, .suite_init = enter },
#define MAIN(n)		vb_kunit_##n,
static struct kunit_suite suites[] = { VB_KUNIT_SUITES(SUITE) };
static int (* const mains[])(void) = { VB_KUNIT_SUITES(MAIN) };

#define NR_SUITES	ARRAY_SIZE(suites)

static struct kunit_suite *pointers[NR_SUITES];
static struct CMUnitTest tests_of[NR_SUITES][MAX_TESTS];
static struct kunit_case cases_of[NR_SUITES][MAX_TESTS + 1];

/* The one whose main() names its tests, or that runs: one at a time. */
static size_t current_suite;

static int enter(struct kunit_suite *suite)
{
	current_suite = suite - suites;
	return 0;
}

static void run_case(struct kunit *test)
{
	const struct CMUnitTest *one;
	void *state = NULL;

	for (one = tests_of[current_suite]; one->name; one++) {
		if (strcmp(one->name, test->name))
			continue;
		one->run(&state);
		return;
	}
	KUNIT_FAIL(test, "no such test\n");
}

/**
 * vb_kunit_add - what cmocka's main() would run
 * @tests: gone when main() is over
 * @nr: how many
 *
 * Return: 0, or -E2BIG.
 */
int vb_kunit_add(const struct CMUnitTest *tests, size_t nr)
{
	size_t i;

	if (nr >= MAX_TESTS)
		return -E2BIG;
	for (i = 0; i < nr; i++) {
		tests_of[current_suite][i] = tests[i];
		cases_of[current_suite][i].name = tests[i].name;
		cases_of[current_suite][i].run_case = run_case;
	}
	return 0;
}

static int __init kunit_start(void)
{
	int err;

	for (current_suite = 0; current_suite < NR_SUITES; current_suite++) {
		err = mains[current_suite]();
		if (err)
			return err;
		suites[current_suite].test_cases = cases_of[current_suite];
		pointers[current_suite] = &suites[current_suite];
	}
	return __kunit_test_suites_init(pointers, NR_SUITES, true);
}

static void __exit kunit_end(void)
{
	__kunit_test_suites_exit(pointers, NR_SUITES);
}

module_init(kunit_start);
module_exit(kunit_end);
MODULE_DESCRIPTION("Tests of the balloon's decisions");
MODULE_LICENSE("GPL");
