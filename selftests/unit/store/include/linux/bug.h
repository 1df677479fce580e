/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the model has instead of the kernel's header of this name: a bug fails
 * the test, with the seed that leads to it.
 */
#ifndef STORE_LINUX_BUG_H
#define STORE_LINUX_BUG_H

void broken(const char *fmt, ...)
	__attribute__((noreturn, format(printf, 1, 2)));

/* What must not be. */
#define never(condition)						\
	do {								\
		if (condition)						\
			broken("%s(): %s", __func__, #condition);	\
	} while (0)

#endif /* STORE_LINUX_BUG_H */
