// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's file `decisions`. Its words may change: a line that is not
 * understood is kept as it is.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "root.h"

const char *const event_names[EVENT_NR] = {
	[EVENT_NEED] = "need",
	[EVENT_THRASH] = "thrash",
	[EVENT_OOM] = "oom",
	[EVENT_TARGET] = "target",
	[EVENT_HOLDOFF_OVER] = "holdoff-over",
	[EVENT_RETURN] = "return",
	[EVENT_HINT] = "hint",
	[EVENT_DECAY] = "decay",
	[EVENT_SELF] = "self",
	[EVENT_OTHER] = "other",
};

/* "31.5" in tenths of MiB; the driver cuts off what is less. */
static int64_t mib(int64_t whole, int64_t tenth)
{
	return ((whole * 10 + tenth) << 20) / 10;
}

/*
 * "released 512 pages in 3 calls: available 6.0 MiB, swapping beside it, low mark 8.0 MiB;
 * hold-off 5.000 s"; what depends may be missing
 */
static bool parse_release(struct decision *d, const char *text)
{
	int64_t whole, tenth, low, low_tenth, s, ms;
	const char *rest, *holdoff = strstr(text, "; hold-off ");

	if (sscanf(text, "released %" SCNd64 " pages", &d->pages) != 1 || !holdoff)
		return false;
	if (sscanf(text, "released %*d pages in %" SCNd64 " calls",
		   &d->calls) != 1)
		d->calls = 1;
	rest = strstr(text, ": available ");
	if (!rest || sscanf(rest, ": available %" SCNd64 ".%" SCNd64 " MiB",
			    &whole, &tenth) != 2)
		return false;
	d->available = mib(whole, tenth);
	d->swaps = strstr(rest, ", swapping beside it,");
	if (sscanf(holdoff, "; hold-off %" SCNd64 ".%" SCNd64, &s, &ms) != 2)
		return false;
	d->holdoff_ms = s * 1000 + ms;
	rest = strstr(text, ", low mark ");
	if (rest && sscanf(rest, ", low mark %" SCNd64 ".%" SCNd64, &low,
			   &low_tenth) == 2) {
		d->mark = mib(low, low_tenth);
		d->event = EVENT_NEED;
	} else if (strstr(text, ", thrashing;")) {
		d->event = EVENT_THRASH;
	} else if (strstr(text, ", out of memory;")) {
		d->event = EVENT_OOM;
	} else {
		return false;
	}
	return true;
}

/* "returned 64 pages: available 97.5 MiB, more than 32.0 MiB" */
static bool parse_return(struct decision *d, const char *text)
{
	int64_t whole, tenth, mark, mark_tenth;

	if (sscanf(text, "returned %" SCNd64 " pages: available %" SCNd64
		   ".%" SCNd64 " MiB, more than %" SCNd64 ".%" SCNd64 " MiB",
		   &d->pages, &whole, &tenth, &mark, &mark_tenth) != 5)
		return false;
	d->available = mib(whole, tenth);
	d->mark = mib(mark, mark_tenth);
	d->event = EVENT_RETURN;
	return true;
}

/* "new target 512 pages", "3 new targets in 20 ms, the last of 512 pages" */
static bool parse_target(struct decision *d, const char *text)
{
	if (sscanf(text, "new target %" SCNd64 " pages", &d->pages) == 1)
		d->calls = 1;
	else if (sscanf(text, "%" SCNd64 " new targets in %" SCNd64
			" ms, the last of %" SCNd64 " pages", &d->calls,
			&d->lasted_ms, &d->pages) != 3)
		return false;
	d->event = EVENT_TARGET;
	return true;
}

/*
 * "pressure of the host is critical, it lacks 512.0 MiB: yielded 64 pages to 2
 * hints, available at first 97.5 MiB, reserve 16.0 MiB"
 */
static bool parse_hint(struct decision *d, const char *text)
{
	const char *yielded = strstr(text, ": yielded "), *rest;
	int64_t whole, tenth, mark, mark_tenth;

	if (sscanf(text, "pressure of the host is %11[a-z]", d->level) != 1 ||
	    !yielded ||
	    sscanf(yielded, ": yielded %" SCNd64 " pages", &d->pages) != 1)
		return false;
	if (sscanf(yielded, ": yielded %*d pages to %" SCNd64 " hints",
		   &d->calls) != 1)
		d->calls = 1;
	rest = strstr(text, ", it lacks ");
	if (rest && sscanf(rest, ", it lacks %" SCNd64 ".%" SCNd64, &whole,
			   &tenth) == 2)
		d->need = mib(whole, tenth);
	rest = strstr(yielded, ", available at first ");
	if (!rest || sscanf(rest, ", available at first %" SCNd64 ".%" SCNd64
			    " MiB, reserve %" SCNd64 ".%" SCNd64, &whole,
			    &tenth, &mark, &mark_tenth) != 4)
		return false;
	d->available = mib(whole, tenth);
	d->mark = mib(mark, mark_tenth);
	d->event = EVENT_HINT;
	return true;
}

/*
 * "pressure is over: 64 pages of the surplus came back in 8 steps",
 * "self-ballooning: +64 pages in 2 steps, available at first 97.5 MiB"
 */
static bool parse_surplus(struct decision *d, const char *text)
{
	int64_t whole, tenth;

	if (sscanf(text, "pressure is over: %" SCNd64
		   " pages of the surplus came back in %" SCNd64 " steps",
		   &d->pages, &d->calls) == 2) {
		d->event = EVENT_DECAY;
		return true;
	}
	if (sscanf(text, "self-ballooning: %" SCNd64 " pages in %" SCNd64
		   " steps, available at first %" SCNd64 ".%" SCNd64, &d->pages,
		   &d->calls, &whole, &tenth) != 4)
		return false;
	d->available = mib(whole, tenth);
	d->event = EVENT_SELF;
	return true;
}

static bool parse_text(struct decision *d, const char *text)
{
	if (sscanf(text, "hold-off is over, the balloon has %" SCNd64 " pages",
		   &d->pages) == 1) {
		d->event = EVENT_HOLDOFF_OVER;
		return true;
	}
	return parse_target(d, text) || parse_return(d, text) ||
	       parse_release(d, text) || parse_hint(d, text) ||
	       parse_surplus(d, text);
}

/* A line is a time, and words about it: false if there is no time. */
bool decision_parse(struct decision *d, const char *line, int64_t page_size)
{
	int64_t s, ms;
	int words = 0;

	*d = (struct decision){ .event = EVENT_OTHER };
	if (sscanf(line, "%" SCNd64 ".%3" SCNd64 " s: %n", &s, &ms, &words) != 2 ||
	    !words)
		return false;
	d->at_ms = s * 1000 + ms;
	snprintf(d->text, sizeof(d->text), "%.*s",
		 (int)strcspn(line + words, "\n"), line + words);
	if (!parse_text(d, d->text)) {
		int64_t at_ms = d->at_ms;
		char text[sizeof(d->text)];

		memcpy(text, d->text, sizeof(text));
		*d = (struct decision){ .event = EVENT_OTHER, .at_ms = at_ms };
		memcpy(d->text, text, sizeof(text));
	}
	d->bytes = d->pages * page_size;
	return true;
}

void decisions_read(struct device *device, int64_t page_size)
{
	FILE *file = root_open("/sys/kernel/debug/" DRIVER "-%s/decisions",
			       device->name);
	char line[256];

	if (!file) {
		device->decisions_err = -errno;
		return;
	}
	while (device->nr_decisions < MAX_DECISIONS &&
	       fgets(line, sizeof(line), file))
		if (decision_parse(&device->decisions[device->nr_decisions],
				   line, page_size))
			device->nr_decisions++;
	fclose(file);
}
