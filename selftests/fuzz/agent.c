// SPDX-License-Identifier: GPL-2.0-only
/* The host says anything to the agent: all of its answers are JSON, the next host is heard. */
#include <string.h>

#include "guest.h"

static void tear_down(void)
{
	destroy(NULL);
}

static void set_up(void)
{
	make(NULL);
	/* Every hint has its reply. */
	reply(1, 4096, 8192);
	atexit(tear_down);
}

static const char hello[] = "\n{\"command\":\"hello\"}\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;
	struct json_object *answer;
	bool heard;

	if (!ready)
		set_up();
	ready = true;
	tell((const char *)data, size);
	tell(hello, strlen(hello));
	/* Hints that wait are answered last. */
	do {
		answer = hear(5000);
		assert_non_null(answer);
		is_good(answer);
		heard = *request_text(answer, "agent");
		json_object_put(answer);
	} while (!heard);
	hint_forget(&agent);
	return 0;
}
