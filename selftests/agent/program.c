// SPDX-License-Identifier: GPL-2.0-only
/* The program itself, with a terminal for its port, and this test for its service manager. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "guest.h"

/* Words of /proc/PID/stat before the times. */
#define SKIP_11	" %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "

static pid_t child;
static int master = -1, slave, manager;
static char port[80], notify[80];

/* What stands for the host's end of the port. */
static void plug(void)
{
	struct termios raw;

	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(master >= 0 && !grantpt(master) && !unlockpt(master));
	slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	unlink(port);
	assert_int_equal(symlink(ptsname(master), port), 0);
}

static void unplug(void)
{
	close(master);
	/* It kept the terminal raw. */
	close(slave);
	master = -1;
}

static char * const usual[] = { "balloon-agent", "--port", port, "--device", device, NULL };

static void start_program(char * const *arguments)
{
	child = fork();
	assert_true(child >= 0);
	if (child)
		return;
	setenv("NOTIFY_SOCKET", notify, 1);
	setenv("WATCHDOG_USEC", "400000", 1);
	unsetenv("WATCHDOG_PID");
	execv(getenv("BALLOON_AGENT"), arguments);
	_exit(126);
}

static int begin(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	make(state);
	assert_non_null(getenv("BALLOON_AGENT"));
	snprintf(port, sizeof(port), "%s/port", agent.sys);
	snprintf(notify, sizeof(notify), "%s/notify", agent.sys);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", notify);
	manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
	return 0;
}

static int finish(void **state)
{
	if (child > 0) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	child = 0;
	if (master >= 0)
		unplug();
	close(manager);
	return destroy(state);
}

/* Is the service manager told this within `ms`? */
static bool notified(const char *text, int ms)
{
	uint64_t until = now_usec() + (uint64_t)ms * 1000;
	struct pollfd poll_fd = { .fd = manager, .events = POLLIN };
	char message[256];
	ssize_t got;

	while (now_usec() < until) {
		if (poll(&poll_fd, 1, 50) <= 0)
			continue;
		got = recv(manager, message, sizeof(message) - 1, MSG_DONTWAIT);
		message[got > 0 ? got : 0] = '\0';
		if (strstr(message, text))
			return true;
	}
	return false;
}

/* Ask over the port; true if there is a good answer within 20 s. */
static bool talks(void)
{
	static const char hello[] = "\n{\"command\":\"hello\"}\n";
	struct pollfd poll_fd = { .fd = master, .events = POLLIN };
	char answer[1024];
	size_t size = 0;

	assert_int_equal(write(master, hello, sizeof(hello) - 1), sizeof(hello) - 1);
	while (poll(&poll_fd, 1, 20000) > 0 && size < sizeof(answer) - 1) {
		ssize_t got = read(master, answer + size, sizeof(answer) - 1 - size);

		if (got <= 0)
			return false;
		size += (size_t)got;
		answer[size] = '\0';
		if (strchr(answer, '\n'))
			return strstr(answer, "\"ok\":true");
	}
	return false;
}

/* The time on a processor that the program has used; ms. */
static long used_ms(void)
{
	unsigned long user, system;
	char path[40];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %*s" SKIP_11 "%lu %lu", &user, &system), 2);
	fclose(file);
	return (long)(user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

static int end_of_program(void)
{
	int status;

	assert_int_equal(waitpid(child, &status, 0), child);
	child = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void lives_as_a_service(void **state)
{
	(void)state;
	plug();
	start_program(usual);
	assert_true(notified("READY=1", 20000));
	assert_true(talks());
	for (int i = 0; i < 3; i++)
		assert_true(notified("WATCHDOG=1", 10000));
	kill(child, SIGTERM);
	assert_int_equal(end_of_program(), 0);
}

/* The port may be missing at first, go, and come again; nothing spins meanwhile. */
static void the_port_goes_and_comes(void **state)
{
	long used;

	(void)state;
	start_program(usual);
	assert_true(notified("READY=1", 20000));
	for (int i = 0; i < 2; i++) {
		plug();
		assert_true(talks());
		assert_true(talks());
		unplug();
		used = used_ms();
		usleep(1500000);
		assert_in_range(used_ms() - used, 0, 60);
	}
	assert_true(notified("WATCHDOG=1", 10000));
}

static void garbage_does_not_end_it(void **state)
{
	char bytes[4000];

	(void)state;
	plug();
	start_program(usual);
	assert_true(talks());
	assert_int_equal(fcntl(master, F_SETFL, O_NONBLOCK), 0);
	for (int round = 0; round < 300; round++) {
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)random_number();
		if (write(master, bytes, sizeof(bytes)) < 0)
			usleep(1000);
		while (read(master, bytes, sizeof(bytes)) > 0)
			;
	}
	assert_true(notified("WATCHDOG=1", 10000));
	unplug();
	plug();
	assert_true(talks());
}

static void wrong_options_are_refused(void **state)
{
	char *lists[][6] = {
		{ "balloon-agent", "--port" },
		{ "balloon-agent", "--nothing" },
		{ "balloon-agent", "word" },
		{ "balloon-agent", "--vsock", "" },
		{ "balloon-agent", "--vsock", "-1" },
		{ "balloon-agent", "--vsock", "12x" },
		{ "balloon-agent", "--vsock", "4294967295" },
		{ "balloon-agent", "--vsock", "5000", "--port", "name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		start_program(lists[i]);
		assert_int_equal(end_of_program(), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lives_as_a_service, begin, finish),
		cmocka_unit_test_setup_teardown(the_port_goes_and_comes, begin, finish),
		cmocka_unit_test_setup_teardown(garbage_does_not_end_it, begin, finish),
		cmocka_unit_test_setup_teardown(wrong_options_are_refused, begin, finish),
	};

	return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
