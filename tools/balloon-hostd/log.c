// SPDX-License-Identifier: GPL-2.0-only
/* What happened; see log.h. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-journal.h>

#include "log.h"

void say(int priority, const char *guest, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	/* systemd says so when standard error is the journal. */
	if (!getenv("JOURNAL_STREAM"))
		fprintf(stderr, "balloon-hostd: %s%s%s\n", guest ? guest : "", guest ? ": " : "",
			text);
	else if (guest)
		sd_journal_send("PRIORITY=%i", priority, "MESSAGE=%s: %s", guest, text,
				"GUEST=%s", guest, NULL);
	else
		sd_journal_send("PRIORITY=%i", priority, "MESSAGE=%s", text, NULL);
}
