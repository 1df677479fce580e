/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests in ../unit take from cmocka, for KUnit.
 */
#ifndef VB_KUNIT_H
#define VB_KUNIT_H

#include <kunit/test.h>
#include <kunit/test-bug.h>

/* Of <stdint.h>. */
#ifndef UINT32_MAX
#define UINT32_MAX		U32_MAX
#define UINT64_MAX		U64_MAX
#endif

struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
};

#define cmocka_unit_test(f)	{ #f, f }
#define fail_msg(fmt, ...)						\
	KUNIT_FAIL_AND_ABORT(kunit_get_current_test(), fmt "\n", ##__VA_ARGS__)

#define run_all(tests)		vb_kunit_add((tests), ARRAY_SIZE(tests))

/* The files of ../unit that need nothing but the policy; each has its main(). */
#define VB_KUNIT_SUITES(X)						\
	X(size) X(take) X(sample) X(offset) X(timing) X(hint) X(surplus)
#define VB_KUNIT_MAIN(name)	int vb_kunit_##name(void);
VB_KUNIT_SUITES(VB_KUNIT_MAIN)

int vb_kunit_add(const struct CMUnitTest *tests, size_t nr);

#endif /* VB_KUNIT_H */
