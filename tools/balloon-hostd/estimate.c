// SPDX-License-Identifier: GPL-2.0-only
/* What the host's memory comes to: pressure by its own measure, and need. Pure. */
#include "host.h"

void host_foresee(struct host_memory *now, const struct host_memory *last, uint64_t reserve)
{
	uint64_t went = less_u64(last->available, now->available);

	now->soon = less_u64(now->available, min_u64(went, reserve / 2));
}

enum level host_level(const struct host_memory *memory, uint64_t reserve)
{
	if (memory->soon >= reserve)
		return LEVEL_NONE;
	if (memory->soon >= reserve / 2)
		return LEVEL_LOW;
	return memory->soon >= reserve / 4 ? LEVEL_MEDIUM : LEVEL_CRITICAL;
}

void host_estimate(struct host_view *view, const struct host_memory *now,
		   const struct host_memory *last, enum level level)
{
	view->total = now->total;
	view->available = now->available;
	/* What went to swap since the last round was lacking, too. */
	view->need = !level ? 0 : less_u64(view->reserve, now->soon) +
		less_u64(now->swapped_out, last->swapped_out);
	if (!level)
		view->pressed = 0;
	else if (level > view->level)
		view->pressed = 1;
	else if (view->pressed < UINT32_MAX)
		view->pressed++;
	view->level = level;
}
