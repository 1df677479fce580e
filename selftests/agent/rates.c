// SPDX-License-Identifier: GPL-2.0-only
/* The rates: what was counted since the last snapshot, by the time that has passed. */
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define SNAPSHOT "{\"command\":\"snapshot\"}"

static const char before[] =
	"nr_free_pages 500\n"
	"workingset_refault_anon 1000\nworkingset_refault_file 2000\n"
	"workingset_activate_anon 99\n"
	"pswpin 10\npswpout 20\npgfault 100000\npgmajfault 4000\n"
	"allocstall_dma32 1\nallocstall_normal 2\nallocstall_movable 3\n";

static const char after[] =
	"nr_free_pages 100\n"
	"workingset_refault_anon 1300\nworkingset_refault_file 2700\n"	/* 1000 */
	"workingset_activate_anon 9999\n"
	"pswpin 510\npswpout 270\n"					/* 500, 250 */
	"pgfault 112000\npgmajfault 6000\n"				/* 10000 minor, 2000 */
	"allocstall_dma32 11\nallocstall_normal 22\nallocstall_movable 53\n";	/* 80 */

static const struct {
	const char *name;
	double count;
} expected[] = {
	{ "refaults", 1000 }, { "swap_ins", 500 }, { "swap_outs", 250 },
	{ "minor_faults", 10000 }, { "major_faults", 2000 }, { "direct_stalls", 80 },
};

static struct json_object *rates(struct json_object **answer)
{
	struct json_object *snapshot, *object;

	*answer = ask(SNAPSHOT);
	assert_true(json_object_object_get_ex(*answer, "snapshot", &snapshot));
	assert_true(json_object_object_get_ex(snapshot, "rates", &object));
	return object;
}

static double rate(struct json_object *object, const char *name)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, name, &value))
		fail_msg("no %s in %s", name, json_object_to_json_string(object));
	return json_object_get_double(value);
}

static void per_second(void **state)
{
	struct json_object *answer, *object;
	uint64_t start, usec;
	double seconds;

	(void)state;
	put_file(proc, "vmstat", before);
	start = now_usec();
	assert_null(rates(&answer));
	json_object_put(answer);
	usleep(400000);
	put_file(proc, "vmstat", after);
	object = rates(&answer);
	usec = now_usec() - start;
	seconds = (double)member(object, "/interval_ms") / 1000;
	assert_true(seconds >= 0.4 && seconds * 1e6 <= (double)usec);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
		double is = rate(object, expected[i].name), want = expected[i].count / seconds;

		/* The interval is given in whole ms, the rate with one digit. */
		if (fabs(is - want) > want / 400 + 0.06)
			fail_msg("%s: %f, not %f", expected[i].name, is, want);
	}
	json_object_put(answer);
	/* From here on nothing happens. */
	usleep(2000);
	object = rates(&answer);
	for (size_t i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_true(rate(object, expected[i].name) == 0);
	json_object_put(answer);
}

/* A hint's answer has a snapshot, too: the next rates begin there. */
static void a_hint_counts_as_a_snapshot(void **state)
{
	struct json_object *answer, *object;

	(void)state;
	put_file(proc, "vmstat", before);
	assert_null(rates(&answer));
	json_object_put(answer);
	put_file(proc, "vmstat", after);
	put_file(device, "pressure/hint_seq", "1");
	reply(1, 0, 0);
	answer = ask("{\"command\":\"hint\",\"level\":\"low\"}");
	assert_int_equal(json_pointer_get(answer, "/snapshot/rates", &object), 0);
	assert_true(rate(object, "refaults") > 0);
	json_object_put(answer);
	usleep(2000);
	assert_true(rate(rates(&answer), "refaults") == 0);
	json_object_put(answer);
}

static void counters_that_are_not_there(void **state)
{
	struct json_object *answer, *object, *value;

	(void)state;
	put_file(proc, "vmstat", "pgfault 10\npgmajfault 4\n");
	assert_null(rates(&answer));
	json_object_put(answer);
	usleep(2000);
	/* A processor went offline, and took its part of the count along. */
	put_file(proc, "vmstat", "pgfault 8\npgmajfault 3\n");
	object = rates(&answer);
	assert_true(rate(object, "minor_faults") == 0);
	assert_false(json_object_object_get_ex(object, "swap_ins", &value));
	assert_false(json_object_object_get_ex(object, "refaults", &value));
	json_object_put(answer);
	put_file(proc, "vmstat", "garbage\n");
	rates(&answer);
	json_object_put(answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(per_second, make, destroy),
		cmocka_unit_test_setup_teardown(a_hint_counts_as_a_snapshot, make, destroy),
		cmocka_unit_test_setup_teardown(counters_that_are_not_there, make, destroy),
	};

	return cmocka_run_group_tests_name("rates", tests, NULL, NULL);
}
