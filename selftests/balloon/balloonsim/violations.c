// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the driver under test did wrong, as text. The list is one for all
 * devices and outlives them, so that a test can read it after an unplug.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/seq_file.h>
#include <linux/spinlock.h>

#include "balloonsim.h"

#define LINES		128
#define LINE_LEN	120

static DEFINE_SPINLOCK(violations_lock);
static char lines[LINES][LINE_LEN];
static u64 count;

/**
 * bsim_violation() - note one breach of the rules by the driver
 * @sim: the device that saw it
 * @fmt: "kind: what happened", where the kind is one stable word
 */
void bsim_violation(struct bsim *sim, const char *fmt, ...)
{
	char line[LINE_LEN];
	unsigned long flags;
	va_list args;
	int n;

	n = scnprintf(line, sizeof(line), "%u ", sim->setup.id);
	va_start(args, fmt);
	vscnprintf(line + n, sizeof(line) - n, fmt, args);
	va_end(args);

	spin_lock_irqsave(&violations_lock, flags);
	if (count < LINES)
		memcpy(lines[count], line, sizeof(line));
	count++;
	spin_unlock_irqrestore(&violations_lock, flags);

	pr_err_ratelimited("violation: %s\n", line);
}

u64 bsim_violation_count(void)
{
	unsigned long flags;
	u64 n;

	spin_lock_irqsave(&violations_lock, flags);
	n = count;
	spin_unlock_irqrestore(&violations_lock, flags);
	return n;
}

void bsim_violations_clear(void)
{
	unsigned long flags;

	spin_lock_irqsave(&violations_lock, flags);
	count = 0;
	spin_unlock_irqrestore(&violations_lock, flags);
}

void bsim_violations_show(struct seq_file *m)
{
	u64 i, n = min_t(u64, bsim_violation_count(), LINES);

	/* lines are written once, and only before the count covers them */
	for (i = 0; i < n; i++)
		seq_printf(m, "%s\n", lines[i]);
	if (bsim_violation_count() > LINES)
		seq_puts(m, "(more were seen)\n");
}
