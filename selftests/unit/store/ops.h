/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations on the page store, each with what the model expects of it.
 */
#ifndef STORE_OPS_H
#define STORE_OPS_H

#include "model.h"

/**
 * struct op - an operation
 * @name: for the report
 * @run: does it once with random arguments; false if there was nothing to do
 * @weight: how often
 * @growth: 1 if it makes the store larger, -1 if smaller
 * @other: another processor may do it while an operation is under way
 * @offline: and even one that needs migration and deflation to be stopped
 */
struct op {
	const char *name;
	bool (*run)(void);
	unsigned int weight;
	int growth;
	bool other;
	bool offline;
};

#define NR_OPS	15

extern const struct op ops[NR_OPS];
extern unsigned long ops_done[NR_OPS], ops_disturbed, ops_splits;
/* The operation that runs forgets or empties. */
extern bool ops_offline;
/* For the report of a failure. */
extern const char *ops_current, *ops_nested;

void ops_init(u64 *seed, unsigned int busy);
void ops_run(const struct op *op);
void ops_finish(void);

/* compaction.c */
void compaction_init(void);
bool isolate(void);
bool putback(void);
bool migrate(void);
vb_migratepage_fn migratepage;

#endif /* STORE_OPS_H */
