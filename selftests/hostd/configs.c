// SPDX-License-Identifier: GPL-2.0-only
/* The config file: what is taken, and what is refused with file and line. */
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "test.h"

static char path[64] = "/tmp/hostd-config-XXXXXX";
static char error[1024];

static struct config *read_text(const char *text)
{
	FILE *file = fopen(path, "w");
	struct config *config;

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	config = config_read(path, error, sizeof(error));
	assert_int_equal(!config, !!*error);
	return config;
}

static const char all_keys[] =
"# a comment\n"
"[daemon]\n"
"policy = proportional ; another one\n"
"interval = 2s\ntimeout = 500ms\n"
"status = /tmp/s\nmetrics = 9133\ntextfile = /tmp/t\ntrace = /tmp/r\n"
"[host]\nreserve = 2G\ncgroup = /c\nsource = vmpressure\n"
"[guests]\nfloor = 30%\nlibvirt = test:///default\n"
"[hint]\nttl = 1min\n"
"[proportional]\ntarget = 70\n"
"[fixed]\nlow = 2M\nmedium = 3m\ncritical = 1048576\n"
"[guest a]\nqmp = /a\nhint = /h\nfloor = 1G\nsize = 3G\nshares = 5\n"
"[guest b]\ndevice = /b\nmemory = 4G\n"
"[guest c]\nshares = 0\n";

static void takes_all_keys(void **state)
{
	struct config *config = read_text(all_keys);
	const struct guest_config *guest;

	(void)state;
	must(config, "%s", error);
	assert_ptr_equal(config->policy, &policy_proportional);
	assert_int_equal(config->interval_ms, 2000);
	assert_int_equal(config->timeout_ms, 500);
	assert_string_equal(config->metrics, "9133");
	assert_int_equal(amount_of(&config->reserve, 64 * GIB), 2 * GIB);
	assert_int_equal(config->source, SOURCE_VMPRESSURE);
	assert_int_equal(amount_of(&config->floor, 10 * GIB), 3 * GIB);
	assert_string_equal(config->libvirt, "test:///default");
	assert_int_equal(config->hint_ttl_ms, 60000);
	assert_int_equal(config->options.target_percent, 70);
	assert_int_equal(config->options.fixed[LEVEL_MEDIUM], 3 * MIB);
	guest = config_guest(config, "a");
	assert_string_equal(guest->qmp, "/a");
	assert_int_equal(guest->shares, 5);
	assert_int_equal(config_guest(config, "b")->memory, 4 * GIB);
	assert_int_equal(config_guest(config, "c")->shares, 0);
	assert_null(config_guest(config, "d")->name);
	assert_int_equal(config_guest(config, "d")->shares, 1000);
	config_free(config);
}

static void has_defaults(void **state)
{
	struct config *config = read_text("");

	(void)state;
	assert_ptr_equal(config->policy, &policy_hint);
	assert_string_equal(config->libvirt, LIBVIRT_URI);
	assert_string_equal(config->status, STATUS_PATH);
	assert_null(config->metrics);
	config_free(config);
	/* Whoever names sockets wants no libvirt, unless he says so. */
	config = read_text("[guest a]\nqmp = /a\n");
	assert_null(config->libvirt);
	config_free(config);
	config = read_text("[guests]\nlibvirt = qemu:///session\n[guest a]\nqmp = /a\n");
	assert_string_equal(config->libvirt, "qemu:///session");
	config_free(config);
}

static const struct {
	const char *text;
	unsigned int line;
	const char *says;
} bad[] = {
	{ "[daemon]\npolicy = best\n", 2, "policy = best: hint, " },
	{ "[daemon]\npolicy = hint\n\nspeed = 9\n", 4, "unknown key speed in section [daemon]" },
	{ "[demon]\npolicy = hint\n", 2, "unknown section [demon]" },
	{ "policy = hint\n", 1, "unknown section []" },
	{ "[daemon]\nnonsense\n", 2, "neither a [section] nor" },
	{ "[daemon]\npolicy = mom\npolicy = hint\n", 3, "given already, at line 2" },
	{ "[daemon]\ninterval = 10\n", 2, "interval = 10: a time" },
	{ "[daemon]\ninterval = 100ms\n", 2, "a time" },
	{ "[daemon]\ntimeout = -1s\n", 2, "a time" },
	{ "[daemon]\ninterval = 99999999999999999999s\n", 2, "a time" },
	{ "[host]\nreserve = 101%\n", 2, "a part from 0% to 100%" },
	{ "[host]\nreserve = 100%\n", 1, "all of the host" },
	{ "[host]\nreserve = 10X\n", 2, "memory such as" },
	{ "[host]\nreserve = 99999999999T\n", 2, "memory such as" },
	{ "[host]\nsource = vmpressure\n", 1, "needs cgroup" },
	{ "[host]\nsource = crystal ball\n", 2, "auto, psi" },
	{ "[proportional]\ntarget = 0\n", 2, "a whole number" },
	{ "[guest ]\nqmp = /a\n", 2, "a guest's name" },
	{ "[guest a]\nqmp = /a\ndevice = /b\nmemory = 1G\n", 2, "either qmp or device" },
	{ "[guest a]\ndevice = /b\n", 2, "memory is needed" },
	{ "[guest a]\nqmp = /a\nmemory = 1G\n", 2, "memory is needed" },
	{ "[guest a]\ndevice = /b\nmemory = 1G\nfloor = 2G\n", 2, "more than its memory" },
	{ "[guest a]\nqmp = /a\nfloor = 2G\nsize = 1G\n", 2, "its floor is above its size" },
	{ "[guest a]\nqmp = /a\nfloor = 60%\nsize = 50%\n", 2, "its floor is above its size" },
	{ "[guest a]\nqmp = /a\n[guest b]\nqmp = /b\n[guest a]\nqmp = /c\n", 6,
	  "there is one already, at line 2" },
	{ "[guest a]\nqmp = /a\n[guest b]\nqmp = /b\nhint = /a\n", 2, "/a is used twice" },
	{ "[guests]\nlibvirt =\n[guest a]\nshares = 1\n", 4, "neither qmp nor device" },
};

static void refuses_with_file_and_line(void **state)
{
	char where[96];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct config *config = read_text(bad[i].text);

		must(!config, "taken: %s", bad[i].text);
		snprintf(where, sizeof(where), "%s:%u: ", path, bad[i].line);
		must(!strncmp(error, where, strlen(where)) && strstr(error, bad[i].says),
		     "%s: for %s", error, bad[i].text);
	}
}

static void refuses_long_lines_and_no_file(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text), "[daemon]\nstatus = /%0300d\n", 0);
	assert_null(read_text(text));
	must(strstr(error, ":2: ") && strstr(error, "longer than"), "%s", error);
	assert_null(config_read("/nowhere/hostd.conf", error, sizeof(error)));
	must(strstr(error, "No such file"), "%s", error);
}

static int make(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 || close(fd);
}

static int destroy(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_all_keys),
		cmocka_unit_test(has_defaults),
		cmocka_unit_test(refuses_with_file_and_line),
		cmocka_unit_test(refuses_long_lines_and_no_file),
	};

	setvbuf(stdout, NULL, _IOLBF, 0);
	return cmocka_run_group_tests(tests, make, destroy) != 0;
}
