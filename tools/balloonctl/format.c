// SPDX-License-Identifier: GPL-2.0-only
/* Numbers for people. */
#include <inttypes.h>
#include <stdio.h>

#include "format.h"

static char *buffer(void)
{
	static char buffers[8][32];
	static unsigned int next;

	return buffers[next++ % 8];
}

/* "512.0 MiB": one unit for all sizes, so that their sums can be checked. */
const char *mib(int64_t bytes)
{
	char *text = buffer();

	snprintf(text, sizeof(char[32]), "%.1f MiB", (double)bytes / (1 << 20));
	return text;
}

/* "12.041 s" */
const char *seconds(int64_t ms)
{
	char *text = buffer();

	snprintf(text, sizeof(char[32]), "%" PRId64 ".%03d s", ms / 1000,
		 (int)(ms % 1000));
	return text;
}

/* "7 s", "12 min", "3 h": as precise as one wants to know. */
const char *duration(int64_t ms)
{
	char *text = buffer();
	int64_t s = ms > 0 ? ms / 1000 : 0;

	if (s < 120)
		snprintf(text, sizeof(char[32]), "%" PRId64 " s", s);
	else if (s < 7200)
		snprintf(text, sizeof(char[32]), "%" PRId64 " min", s / 60);
	else
		snprintf(text, sizeof(char[32]), "%" PRId64 " h", s / 3600);
	return text;
}

/* "1 page", "512 pages" */
const char *count_of(int64_t number, const char *what)
{
	char *text = buffer();

	snprintf(text, sizeof(char[32]), "%" PRId64 " %s%s", number, what,
		 number == 1 ? "" : "s");
	return text;
}
