// SPDX-License-Identifier: GPL-2.0-only
/* A client says anything to the device's control socket: the next command is answered. */
#include <string.h>
#include <sys/socket.h>

#include "host.h"

static char answer[1 << 20];

static void start_device(void)
{
	make(NULL);
	open_control();
	start();
	put_reply(0, 0, 0);
}

static void say_line(const char *line)
{
	talk(line, strlen(line), answer, sizeof(answer));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool ready;

	if (!ready)
		start_device();
	ready = true;
	if (size)
		talk((const char *)data, size, answer, sizeof(answer));
	/* A line without its end is ended; events are no longer wanted. */
	say_line("\n{\"command\":\"events\",\"on\":false}\n");
	while (recv(client, answer, sizeof(answer), MSG_DONTWAIT) > 0)
		run();
	say_line("{\"command\":\"status\"}\n");
	assert_non_null(strstr(answer, "\"connected\":true"));
	return 0;
}
