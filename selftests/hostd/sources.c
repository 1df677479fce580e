// SPDX-License-Identifier: GPL-2.0-only
/* Sources of pressure: which is taken, and what an event of each means. */
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"
#include "pressure.h"
#include "test.h"

static char folder[64] = "/tmp/hostd-cgroup-XXXXXX";
static sd_event *event;
static struct pressure pressure;
static struct config *config;
static unsigned int rises;

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void on_risen(void *context)
{
	(void)context;
	rises++;
}

static enum level level(void)
{
	const struct host_memory plenty = { .total = 8 * GIB, .soon = 8 * GIB };

	while (sd_event_run(event, 0) > 0)
		;
	return pressure_level(&pressure, &plenty, GIB);
}

static void start(enum source source, const char *cgroup)
{
	config->source = source;
	config->cgroup = cgroup ? strdup(cgroup) : NULL;
	pressure.risen = on_risen;
	assert_int_equal(pressure_start(&pressure, event, config), 0);
}

static int make(void **state)
{
	(void)state;
	rises = 0;
	config = config_default();
	return sd_event_new(&event) < 0 || !config;
}

static int destroy(void **state)
{
	(void)state;
	pressure_stop(&pressure);
	config_free(config);
	sd_event_unref(event);
	return 0;
}

static void signal_level(enum level which)
{
	eventfd_write(sd_event_source_get_io_fd(pressure.triggers[which].source), 1);
}

/* The kernel's side of a cgroup of version 1, by a file that keeps the last registration. */
static void an_event_at_critical_wakes_all(void **state)
{
	(void)state;
	put("memory.pressure_level", "");
	put("cgroup.event_control", "");
	start(SOURCE_AUTO, folder);
	assert_int_equal(pressure.source, SOURCE_VMPRESSURE);
	assert_int_equal(level(), LEVEL_NONE);
	signal_level(LEVEL_LOW);
	assert_int_equal(level(), LEVEL_LOW);
	assert_int_equal(rises, 1);
	/* As the kernel does: the eventfds of all lower levels, too. */
	for (enum level i = LEVEL_LOW; i < LEVELS; i++)
		signal_level(i);
	assert_int_equal(level(), LEVEL_CRITICAL);
	assert_int_equal(rises, 2);
	/* One event, not three: medium and low did not happen. */
	assert_int_equal(pressure.triggers[LEVEL_MEDIUM].event_usec, 0);
	/* Less is no news while critical holds. */
	signal_level(LEVEL_MEDIUM);
	assert_int_equal(level(), LEVEL_CRITICAL);
	assert_int_equal(rises, 2);
}

static void it_is_over_after_a_while(void **state)
{
	(void)state;
	put("memory.pressure_level", "");
	put("cgroup.event_control", "");
	start(SOURCE_VMPRESSURE, folder);
	signal_level(LEVEL_LOW);
	for (enum level i = LEVEL_LOW; i <= LEVEL_MEDIUM; i++)
		signal_level(i);
	assert_int_equal(level(), LEVEL_MEDIUM);
	pressure.triggers[LEVEL_MEDIUM].event_usec -= PRESSURE_HOLD_USEC;
	assert_int_equal(level(), LEVEL_NONE);
}

static void registers_as_the_kernel_wants(void **state)
{
	char text[64] = "", path[128];
	int fd, fields, eventfd_number, pressure_fd;
	char name[16];

	(void)state;
	put("memory.pressure_level", "");
	put("cgroup.event_control", "");
	start(SOURCE_VMPRESSURE, folder);
	snprintf(path, sizeof(path), "%s/cgroup.event_control", folder);
	fd = open(path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	fields = sscanf(text, "%d %d %15s", &eventfd_number, &pressure_fd, name);
	assert_int_equal(fields, 3);
	assert_int_equal(eventfd_number,
			 sd_event_source_get_io_fd(pressure.triggers[LEVEL_CRITICAL].source));
	assert_string_equal(name, "critical");
}

static void falls_back_to_what_is_available(void **state)
{
	struct host_memory memory = { .total = 8 * GIB };

	(void)state;
	start(SOURCE_MEMINFO, NULL);
	assert_int_equal(level(), LEVEL_NONE);
	memory.soon = GIB - 1;
	assert_int_equal(pressure_level(&pressure, &memory, GIB), LEVEL_LOW);
	memory.soon = GIB / 2 - 1;
	assert_int_equal(pressure_level(&pressure, &memory, GIB), LEVEL_MEDIUM);
	memory.soon = GIB / 4 - 1;
	assert_int_equal(pressure_level(&pressure, &memory, GIB), LEVEL_CRITICAL);
}

static void does_not_take_another_than_wanted(void **state)
{
	(void)state;
	config->source = SOURCE_VMPRESSURE;
	config->cgroup = strdup("/nowhere");
	assert_true(pressure_start(&pressure, event, config) < 0);
	/* But when none is wanted, the next best. */
	config->source = SOURCE_AUTO;
	assert_int_equal(pressure_start(&pressure, event, config), 0);
	assert_int_not_equal(pressure.source, SOURCE_VMPRESSURE);
}

static void reads_a_cgroup(void **state)
{
	struct host_memory memory;

	(void)state;
	put("memory.max", "1073741824\n");
	put("memory.current", "900000000\n");
	put("memory.stat", "anon 1\ninactive_file 100000000\nactive_file 7\n");
	assert_int_equal(host_read(&memory, folder), 0);
	assert_int_equal(memory.total, GIB);
	assert_int_equal(memory.available, GIB - 800000000);
	/* No limit: that of the host. */
	put("memory.max", "max\n");
	assert_int_equal(host_read(&memory, folder), 0);
	assert_true(memory.total > GIB / 2 && memory.available <= memory.total);
}

static void need_is_what_lacks_and_what_was_swapped(void **state)
{
	struct host_view view = { .reserve = 2 * GIB };
	struct host_memory last = { .total = 8 * GIB, .swapped_out = GIB };
	struct host_memory now = { .total = 8 * GIB, .soon = GIB, .swapped_out = GIB + MIB };

	(void)state;
	host_estimate(&view, &now, &last, LEVEL_LOW);
	assert_int_equal(view.need, GIB + MIB);
	assert_int_equal(view.pressed, 1);
	host_estimate(&view, &now, &now, LEVEL_LOW);
	assert_int_equal(view.need, GIB);
	assert_int_equal(view.pressed, 2);
	host_estimate(&view, &now, &now, LEVEL_CRITICAL);
	assert_int_equal(view.pressed, 1);
	host_estimate(&view, &now, &now, LEVEL_NONE);
	assert_int_equal(view.need, 0);
	assert_int_equal(view.pressed, 0);
}

static void foresees_what_goes_and_not_what_comes(void **state)
{
	struct host_memory last = { .available = 3 * GIB }, now = { .available = 2 * GIB };
	struct host_view view = { .reserve = 2 * GIB };

	(void)state;
	host_foresee(&now, &last, 2 * GIB);
	assert_int_equal(now.soon, GIB);
	assert_int_equal(host_level(&now, 2 * GIB), LEVEL_LOW);
	host_estimate(&view, &now, &last, LEVEL_LOW);
	assert_int_equal(view.need, GIB);
	assert_int_equal(view.available, 2 * GIB);
	host_foresee(&last, &now, 2 * GIB);
	assert_int_equal(last.soon, 3 * GIB);
	/* All at once: that is not foreseen to go on. */
	last.available = 50 * GIB;
	host_foresee(&now, &last, 2 * GIB);
	assert_int_equal(now.soon, GIB);
	host_foresee(&now, &last, 8 * GIB);
	assert_int_equal(now.soon, 0);
}

static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder);
}

static int remove_folder(void **state)
{
	static const char * const names[] = {
		"memory.pressure_level", "cgroup.event_control", "memory.max", "memory.current",
		"memory.stat",
	};
	char path[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

#define TEST(function)	cmocka_unit_test_setup_teardown(function, make, destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_event_at_critical_wakes_all),
		TEST(it_is_over_after_a_while),
		TEST(registers_as_the_kernel_wants),
		TEST(falls_back_to_what_is_available),
		TEST(does_not_take_another_than_wanted),
		TEST(reads_a_cgroup),
		TEST(need_is_what_lacks_and_what_was_swapped),
		TEST(foresees_what_goes_and_not_what_comes),
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, make_folder, remove_folder) != 0;
}
