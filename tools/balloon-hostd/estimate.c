// SPDX-License-Identifier: GPL-2.0-only
/* What the host's memory comes to: pressure by its own measure, and need. Pure. */
#include "host.h"

enum level host_level(const struct host_memory *memory, uint64_t reserve)
{
	if (memory->available >= reserve)
		return LEVEL_NONE;
	if (memory->available >= reserve / 2)
		return LEVEL_LOW;
	return memory->available >= reserve / 4 ? LEVEL_MEDIUM : LEVEL_CRITICAL;
}

void host_estimate(struct host_view *view, const struct host_memory *now,
		   const struct host_memory *last, enum level level)
{
	view->total = now->total;
	view->available = now->available;
	/* What went to swap since the last round was lacking, too. */
	view->need = !level ? 0 : less_u64(view->reserve, now->available) +
		less_u64(now->swapped_out, last->swapped_out);
	if (!level)
		view->pressed = 0;
	else if (level > view->level)
		view->pressed = 1;
	else if (view->pressed < UINT32_MAX)
		view->pressed++;
	view->level = level;
}
