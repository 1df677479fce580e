// SPDX-License-Identifier: GPL-2.0-only
/* What several commands do. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "ctl.h"

/* Says what is wrong, in one line. */
int fail(const char *format, ...)
{
	va_list args;

	fputs("balloonctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_BAD;
}

/* Reads the model; false, after a message, if the named device is not there. */
bool get_snapshot(struct snapshot *s, const struct options *o)
{
	if (!snapshot_read(s, o->device))
		return true;
	fail("%s is no balloon device of this guest", o->device);
	return false;
}

/* The device, or NULL after a message if it has no driver of ours. */
const struct device *need_ours(const struct snapshot *s)
{
	const struct device *d = selected(s);

	if (!d)
		fail("there is no balloon device; balloonctl doctor says more");
	else if (!d->ours)
		fail("%s is not bound to this driver, but to %s; balloonctl doctor says more",
		     d->name, *d->driver ? "the kernel's own" : "none");
	return d && d->ours ? d : NULL;
}

FILE *open_output(const struct options *o)
{
	FILE *out = stdout;

	if (o->output)
		out = fopen(o->output, "we");
	if (!out)
		fail("%s: %s", o->output, strerror(errno));
	return out;
}

/* A full disk is an error, too. */
int close_output(FILE *out, const struct options *o)
{
	bool bad = ferror(out) | (out == stdout ? fflush(out) : fclose(out));

	if (bad)
		return fail("%s: %s", o->output ? o->output : "output",
			    strerror(errno));
	return EXIT_GOOD;
}
