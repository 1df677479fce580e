// SPDX-License-Identifier: GPL-2.0-only
/* Decisions in sentences: what was seen, what it was compared with, what came of it. */
#include <inttypes.h>
#include <stdio.h>

#include "format.h"
#include "sentence.h"

/* "512 pages (2.0 MiB)" */
static const char *taken(const struct decision *d)
{
	static char text[96];
	int length = snprintf(text, sizeof(text), "%s (%s", mib(d->bytes),
			      count_of(d->pages, "page"));

	if (d->calls > 1)
		snprintf(text + length, sizeof(text) - (size_t)length,
			 " in %" PRId64 " calls)", d->calls);
	else
		snprintf(text + length, sizeof(text) - (size_t)length, ")");
	return text;
}

static const char *then(const struct decision *d)
{
	static char text[96];

	if (!d->holdoff_ms)
		return "There is no hold-off";
	snprintf(text, sizeof(text), "For %s the balloon does not grow",
		 seconds(d->holdoff_ms));
	return text;
}

/* A node can be in need while the guest as a whole is not. */
static void need_sentence(char *text, size_t size, const struct decision *d)
{
	if (d->swaps && d->available >= d->mark)
		snprintf(text, size, "The guest was in need: it swapped, and left alone its page cache, with which %s were available. It took back %s. %s.",
			 mib(d->available), taken(d), then(d));
	else if (d->available < d->mark)
		snprintf(text, size, "The guest was in need: available %s = low mark %s - %s. It took back %s. %s.",
			 mib(d->available), mib(d->mark),
			 mib(d->mark - d->available), taken(d), then(d));
	else
		snprintf(text, size, "A node of the guest was in need, though %s were available in all, %s above the low mark %s. It took back %s. %s.",
			 mib(d->available), mib(d->available - d->mark),
			 mib(d->mark), taken(d), then(d));
}

/* The target before this one is known if it is still in the list. */
static void target_sentence(char *text, size_t size, const struct decision *all, int i)
{
	const struct decision *d = &all[i];
	int64_t more;

	if (d->calls > 1) {
		snprintf(text, size, "The host changed the target %" PRId64 " times within %s, the last time to %s.",
			 d->calls, seconds(d->lasted_ms), mib(d->bytes));
		return;
	}
	while (i-- && all[i].event != EVENT_TARGET)
		;
	if (i < 0) {
		snprintf(text, size, "The host set the target to %s (%s).",
			 mib(d->bytes), count_of(d->pages, "page"));
		return;
	}
	more = d->bytes - all[i].bytes;
	snprintf(text, size, "The host set the target to %s = %s %c %s: it wants %s.",
		 mib(d->bytes), mib(all[i].bytes), more < 0 ? '-' : '+',
		 mib(more < 0 ? -more : more),
		 more < 0 ? "the guest to have more" : "more of the guest");
}

static void hint_sentence(char *text, size_t size, const struct decision *d)
{
	char lacks[64] = "", hints[64] = "";

	if (d->need)
		snprintf(lacks, sizeof(lacks), ", and that it lacked %s", mib(d->need));
	if (d->calls > 1)
		snprintf(hints, sizeof(hints), " %" PRId64 " times, the last time", d->calls);
	snprintf(text, size, "The host hinted%s that its pressure was %s%s. Of available %s - reserve %s = %s the guest yielded %s (%s).",
		 hints, d->level, lacks, mib(d->available), mib(d->mark),
		 mib(d->available > d->mark ? d->available - d->mark : 0),
		 mib(d->bytes), count_of(d->pages, "page"));
}

static void self_sentence(char *text, size_t size, const struct decision *d)
{
	bool shed = d->pages >= 0;

	snprintf(text, size, "Self-ballooning %s %s (%s) in %s; %s were available at first.",
		 shed ? "gave" : "took back", mib(shed ? d->bytes : -d->bytes),
		 count_of(shed ? d->pages : -d->pages, "page"),
		 count_of(d->calls, "step"), mib(d->available));
}

/* Decision i of a list that is in the order of time. */
void sentence_of(char *text, size_t size, const struct decision *all, int i)
{
	const struct decision *d = &all[i];

	switch (d->event) {
	case EVENT_NEED:
		need_sentence(text, size, d);
		break;
	case EVENT_THRASH:
		snprintf(text, size, "The guest thrashed, with %s available: what it reclaimed it read back at once. It took back %s. %s.",
			 mib(d->available), taken(d), then(d));
		break;
	case EVENT_OOM:
		snprintf(text, size, "The guest was out of memory, with %s available. It took back %s. %s.",
			 mib(d->available), taken(d), then(d));
		break;
	case EVENT_TARGET:
		target_sentence(text, size, all, i);
		break;
	case EVENT_HOLDOFF_OVER:
		snprintf(text, size, "The hold-off was over. The balloon had %s and could grow again.",
			 mib(d->bytes));
		break;
	case EVENT_RETURN:
		snprintf(text, size, "%s (%s) of the deficit were due to the host again: available %s = twice the reserve %s + %s.",
			 mib(d->bytes), count_of(d->pages, "page"),
			 mib(d->available), mib(d->mark),
			 mib(d->available - d->mark));
		break;
	case EVENT_HINT:
		hint_sentence(text, size, d);
		break;
	case EVENT_DECAY:
		snprintf(text, size, "The host's pressure was over. %s (%s) of the surplus came back in %s.",
			 mib(d->bytes), count_of(d->pages, "page"),
			 count_of(d->calls, "step"));
		break;
	case EVENT_SELF:
		self_sentence(text, size, d);
		break;
	default:
		snprintf(text, size, "%s.", d->text);
	}
}
