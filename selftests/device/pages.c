// SPDX-License-Identifier: GPL-2.0-only
/* The books and the release of memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "books.h"
#include "fake.h"
#include "release.h"

#define PAGES	1000

static struct books books;
static char path[] = "/tmp/balloon-books-XXXXXX";

static int make_books(void **state)
{
	(void)state;
	assert_int_equal(books_open(&books, NULL), 0);
	assert_int_equal(books_size(&books, PAGES), 0);
	books_empty(&books);
	return 0;
}

static int close_books(void **state)
{
	(void)state;
	books_close(&books);
	return 0;
}

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

static uint64_t seen(enum violation kind)
{
	return books.header->violations[kind];
}

static void each_page_once(void **state)
{
	(void)state;
	assert_true(books_inflate(&books, 5, false));
	assert_true(books_held(&books, 5));
	assert_int_equal(books_violations(&books), 0);
	assert_false(books_inflate(&books, 5, false));
	assert_int_equal(seen(V_INFLATED_TWICE), 1);
	assert_true(books_deflate(&books, 5, false));
	assert_false(books_deflate(&books, 5, false));
	assert_int_equal(seen(V_NEVER_INFLATED), 1);
	assert_int_equal(books.header->held, 0);
	assert_int_equal(books.header->inflated, 1);
	assert_int_equal(books.header->deflated, 1);
}

static void pages_that_are_none(void **state)
{
	(void)state;
	assert_true(books_inflate(&books, PAGES - 1, false));
	assert_false(books_inflate(&books, PAGES, false));
	assert_false(books_inflate(&books, UINT32_MAX, false));
	assert_false(books_deflate(&books, UINT64_MAX, false));
	assert_int_equal(seen(V_NO_PAGE), 3);
	assert_false(books_held(&books, UINT64_MAX));
	assert_int_equal(books_size(&books, 1ull << 40), -EFBIG);
}

static void a_replay_is_no_breach(void **state)
{
	(void)state;
	books_inflate(&books, 7, false);
	assert_false(books_inflate(&books, 7, true));
	books_deflate(&books, 7, false);
	assert_false(books_deflate(&books, 7, true));
	assert_int_equal(books_violations(&books), 0);
}

static void runs_are_found(void **state)
{
	bool held[PAGES] = { false };
	uint64_t pfn, end, i;

	(void)state;
	for (unsigned int round = 0; round < 200; round++) {
		i = fake_random() % PAGES;
		held[i] = !held[i];
		if (held[i])
			books_inflate(&books, i, false);
		else
			books_deflate(&books, i, false);
		i = 0;
		for (pfn = 0; books_run(&books, &pfn, &end); pfn = end) {
			for (; i < pfn; i++)
				assert_false(held[i]);
			for (; i < end; i++)
				assert_true(held[i]);
		}
		for (; i < PAGES; i++)
			assert_false(held[i]);
	}
}

static void messages_go_round(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3 * BOOKS_MESSAGES; i++)
		books_inflate(&books, PAGES + i, false);
	assert_int_equal(books.messages, 3 * BOOKS_MESSAGES);
	assert_int_equal(books_violations(&books), 3 * BOOKS_MESSAGES);
}

static void a_file_is_remembered(void **state)
{
	struct books other;

	(void)state;
	assert_int_equal(books_open(&books, path), 0);
	assert_true(books.unsure);
	assert_int_equal(books_size(&books, PAGES), 0);
	books_inflate(&books, 1, false);
	books_inflate(&books, 999, false);
	books.header->target = 77;
	/* Killed between the bit and the count. */
	books.header->held = 12345;
	assert_int_equal(books_open(&other, path), -EWOULDBLOCK);
	books_close(&books);
	assert_int_equal(books_open(&books, path), 0);
	assert_false(books.unsure);
	assert_int_equal(books.header->held, 2);
	assert_int_equal(books.header->target, 77);
	assert_true(books_held(&books, 999));
	books_close(&books);
}

static void a_wrong_file_is_refused(void **state)
{
	uint64_t word;
	unsigned int i;

	(void)state;
	assert_int_equal(books_open(&books, "/nonexistent/books"), -ENOENT);
	assert_int_equal(books_open(&books, "/dev/null"), -EINVAL);
	for (i = 0; i < 300; i++) {
		FILE *file = fopen(path, "w");

		while (file && ftell(file) < 5000) {
			word = fake_random();
			fwrite(&word, 1, sizeof(word), file);
		}
		fclose(file);
		assert_int_equal(books_open(&books, path), -EINVAL);
	}
	/* Books that say that they are longer than they are. */
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(books_open(&books, path), 0);
	books.header->pages = 1 << 20;
	books_close(&books);
	assert_int_equal(books_open(&books, path), -EINVAL);
}

static void before_the_books_pages_are_unknown(void **state)
{
	(void)state;
	assert_int_equal(books_open(&books, NULL), 0);
	assert_int_equal(books_size(&books, PAGES), 0);
	assert_false(books_deflate(&books, 3, false));
	assert_int_equal(books.header->unknown, 1);
	assert_int_equal(books_violations(&books), 0);
	books_close(&books);
}

static void ranges_are_merged(void **state)
{
	uint32_t sorted[] = { 9, 3, 4, 1, 5, 4 }, ordered[] = { 5, 4, 3, 9, 10, 1 };
	uint32_t pages[] = { 1, 2, 3 };
	struct range ranges[6];

	(void)state;
	assert_int_equal(release_merge(sorted, 6, MERGE_SORT, ranges), 3);
	assert_int_equal(ranges[1].start, 3 * PFN_SIZE);
	assert_int_equal(ranges[1].size, 3 * PFN_SIZE);
	assert_int_equal(release_merge(ordered, 6, MERGE_ORDER, ranges), 3);
	assert_int_equal(ranges[0].start, 3 * PFN_SIZE);
	assert_int_equal(ranges[0].size, 3 * PFN_SIZE);
	assert_int_equal(ranges[1].size, 2 * PFN_SIZE);
	assert_int_equal(release_merge(pages, 3, MERGE_NONE, ranges), 3);
	assert_int_equal(release_merge(NULL, 0, MERGE_SORT, NULL), 0);
	pages[0] = UINT32_MAX;
	assert_int_equal(release_merge(pages, 1, MERGE_SORT, ranges), 1);
	assert_int_equal(ranges[0].start, (uint64_t)UINT32_MAX << PFN_SHIFT);
}

static uint64_t give(const struct memory *memory, uint64_t start, uint64_t size)
{
	const struct range range = { start, size };
	int error = 0;
	uint64_t done = release_range(memory, &range, NULL, NULL, &error);

	assert_int_equal(error, 0);
	return done;
}

static bool odd_page(void *context, uint64_t pfn)
{
	return pfn / 4 == *(uint64_t *)context;
}

static void memory_is_released(void **state)
{
	struct memory memory = { 0 };
	const struct range all = { 0, 16 * PFN_SIZE };
	struct fake fake;
	uint64_t huge = 2;
	int fds[2], error = 0;

	(void)state;
	fake_make(&fake);
	fake_fds(&fake, fds);
	assert_int_equal(memory_set(&memory, fake.ranges, fds, 2), 0);
	memset(fake.low, 1, FAKE_TOTAL);
	assert_int_equal(fake_backed(&fake), FAKE_TOTAL);
	/* Only whole pages, only what is there, and across a gap. */
	assert_int_equal(give(&memory, 1, PFN_SIZE), 0);
	assert_int_equal(give(&memory, 2 * MIB, MIB), 0);
	assert_int_equal(give(&memory, UINT64_MAX - 4095, 8192), 0);
	assert_int_equal(give(&memory, PFN_SIZE - 1, 2 * PFN_SIZE + 2), 2 * PFN_SIZE);
	assert_int_equal(fake_backed(&fake), FAKE_TOTAL - 2 * PFN_SIZE);
	assert_int_equal(fake.low[PFN_SIZE - 1], 1);
	assert_int_equal(fake.low[3 * PFN_SIZE], 1);
	assert_int_equal(give(&memory, MIB - PFN_SIZE, 3 * MIB + 2 * PFN_SIZE), 2 * PFN_SIZE);
	assert_int_equal(fake_backed(&fake), FAKE_TOTAL - 4 * PFN_SIZE);
	/* "Huge" pages of 16 KiB: those that are in the balloon with all their parts. */
	memory.regions[0].page = 4 * PFN_SIZE;
	assert_int_equal(release_range(&memory, &all, odd_page, &huge, &error), 4 * PFN_SIZE);
	assert_int_equal(fake.low[8 * PFN_SIZE - 1], 1);
	assert_int_equal(fake.low[12 * PFN_SIZE], 1);
	assert_int_equal(fake_backed(&fake), FAKE_TOTAL - 8 * PFN_SIZE);
	assert_int_equal(give(&memory, 13 * PFN_SIZE, 8 * PFN_SIZE), 4 * PFN_SIZE);
	memory_clear(&memory);
	fake_free(&fake);
}

static int try_ranges(const struct fake *fake, const struct memory_range *ranges,
		      unsigned int count)
{
	struct memory memory = { 0 };
	int fds[2], error;

	fake_fds(fake, fds);
	error = memory_set(&memory, ranges, fds, count);
	memory_clear(&memory);
	return error;
}

static void wrong_memory_is_refused(void **state)
{
	struct memory_range r[2];
	struct fake fake;

	(void)state;
	fake_make(&fake);
	memcpy(r, fake.ranges, sizeof(r));
	assert_int_equal(try_ranges(&fake, r, 2), 0);
	r[1].guest = FAKE_LOW - PFN_SIZE;
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	r[1].guest = UINT64_MAX - PFN_SIZE + 1;
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	r[1].guest = FAKE_HIGH_AT + 1;
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	r[1] = fake.ranges[1];
	r[1].size += PFN_SIZE;		/* behind the end of the file */
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	r[1].size = 0;
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	r[1].size = UINT64_MAX - PFN_SIZE + 1;
	assert_int_equal(try_ranges(&fake, r, 2), -EINVAL);
	fake_free(&fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_page_once, make_books, close_books),
		cmocka_unit_test_setup_teardown(pages_that_are_none, make_books, close_books),
		cmocka_unit_test_setup_teardown(a_replay_is_no_breach, make_books, close_books),
		cmocka_unit_test_setup_teardown(runs_are_found, make_books, close_books),
		cmocka_unit_test_setup_teardown(messages_go_round, make_books, close_books),
		cmocka_unit_test_setup_teardown(a_file_is_remembered, make_file, remove_file),
		cmocka_unit_test_setup_teardown(a_wrong_file_is_refused, make_file, remove_file),
		cmocka_unit_test(before_the_books_pages_are_unknown),
		cmocka_unit_test(ranges_are_merged),
		cmocka_unit_test(memory_is_released),
		cmocka_unit_test(wrong_memory_is_refused),
	};

	return cmocka_run_group_tests_name("pages", tests, NULL, NULL);
}
