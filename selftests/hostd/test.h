/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of balloon-hostd share. */
#ifndef TEST_H
#define TEST_H

/* cmocka.h wants these first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* What must hold, with the numbers that tell why it does not. */
#define must(condition, fmt, ...)					\
	do {								\
		if (!(condition))					\
			fail_msg("%s: " fmt, #condition, __VA_ARGS__);	\
	} while (0)

/* Results must be out before a sanitizer ends the program. */
#define run_all(tests)							\
	(setvbuf(stdout, NULL, _IOLBF, 0),				\
	 cmocka_run_group_tests((tests), NULL, NULL) != 0)

#endif
