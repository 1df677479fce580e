/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands, and what the user said to them. */
#ifndef BALLOONCTL_CTL_H
#define BALLOONCTL_CTL_H

#include "canvas.h"
#include "model.h"

/* Exit status of all commands. */
enum {
	EXIT_GOOD = 0,
	EXIT_BAD = 1,		/* it could not be done; doctor: it found something */
	EXIT_USAGE = 2,
};

struct options {
	const char *device;
	bool json;
	bool prometheus;
	bool ascii;
	bool text;
	double interval;	/* seconds */
	int count;		/* 0: not said */
	double speed;
	const char *replay;
	const char *output;
	char **args;
	int nr_args;
};

int cmd_status(const struct options *o);
int cmd_watch(const struct options *o);
int cmd_set(const struct options *o);
int cmd_why(const struct options *o);
int cmd_record(const struct options *o);
int cmd_plot(const struct options *o);
int cmd_export(const struct options *o);
int cmd_doctor(const struct options *o);

/* common.c: what several commands do */
int fail(const char *format, ...) PRINTF(1, 2);
bool get_snapshot(struct snapshot *s, const struct options *o);
const struct device *need_ours(const struct snapshot *s);
FILE *open_output(const struct options *o);
int close_output(FILE *out, const struct options *o);

#endif /* BALLOONCTL_CTL_H */
