// SPDX-License-Identifier: GPL-2.0-only
/* The split virtqueue, under a driver that breaks every rule of it. */
#include <string.h>

#include "fake.h"

#define NEXT	VRING_DESC_F_NEXT
#define WRITE	VRING_DESC_F_WRITE
#define NESTED	VRING_DESC_F_INDIRECT
#define DATA	(256 * KIB)
#define TABLE	(512 * KIB)

struct setup {
	struct fake fake;
	struct memory memory;
	struct fake_ring driver;
	struct ring ring;
	struct request request;
	const char *why;
};

static int make(void **state)
{
	static struct setup setup;
	int fds[2];

	memset(&setup, 0, sizeof(setup));
	fake_make(&setup.fake);
	fake_ring(&setup.fake, &setup.driver);
	fake_fds(&setup.fake, fds);
	assert_int_equal(memory_set(&setup.memory, setup.fake.ranges, fds, 2), 0);
	assert_true(ring_start(&setup.ring, &setup.memory, &setup.driver.place, 0));
	*state = &setup;
	return 0;
}

static int destroy(void **state)
{
	struct setup *s = *state;

	memory_clear(&s->memory);
	fake_free(&s->fake);
	return 0;
}

static int pop(struct setup *s)
{
	return ring_pop(&s->ring, &s->memory, &s->request, &s->why);
}

/* Offer descriptor 0 and say what becomes of it. */
static int offer(struct setup *s)
{
	fake_add(&s->driver, 0);
	return pop(s);
}

static void takes_a_chain(void **state)
{
	struct setup *s = *state;
	uint32_t head, written;
	char text[8] = "";

	memcpy(fake_at(&s->fake, DATA), "abc", 3);
	memcpy(fake_at(&s->fake, FAKE_HIGH_AT), "def", 3);
	fake_desc(&s->driver.desc[5], DATA, 3, NEXT, 2);
	fake_desc(&s->driver.desc[2], FAKE_HIGH_AT, 3, NEXT, 7);
	fake_desc(&s->driver.desc[7], DATA + 100, 4, WRITE, 0);
	assert_int_equal(pop(s), RING_EMPTY);
	fake_add(&s->driver, 5);
	assert_int_equal(pop(s), RING_REQUEST);
	assert_int_equal(s->request.head, 5);
	assert_int_equal(request_readable(&s->request), 6);
	assert_int_equal(request_writable(&s->request), 4);
	assert_int_equal(request_read(&s->request, 1, text, sizeof(text)), 5);
	assert_string_equal(text, "bcdef");
	assert_int_equal(request_write(&s->request, "12345", 5), 4);
	assert_memory_equal(fake_at(&s->fake, DATA + 100), "1234\0", 5);
	ring_push(&s->ring, 5, 4);
	assert_true(fake_get(&s->driver, &head, &written));
	assert_int_equal(head, 5);
	assert_int_equal(written, 4);
	assert_int_equal(pop(s), RING_EMPTY);
}

static void refuses_places(void **state)
{
	struct setup *s = *state;
	const struct ring_place good = s->driver.place;
	static const unsigned int sizes[] = { 0, 3, 2048, 0x80000000 };
	struct ring_place place;

	for (size_t i = 0; i < 4; i++) {
		place = good;
		place.size = sizes[i];
		assert_false(ring_start(&s->ring, &s->memory, &place, 0));
	}
	place = good;
	place.desc += 8;
	assert_false(ring_start(&s->ring, &s->memory, &place, 0));
	place = good;
	place.avail = FAKE_USER + FAKE_LOW - 8;
	assert_false(ring_start(&s->ring, &s->memory, &place, 0));
	place = good;
	place.used = UINT64_MAX - 3;
	assert_false(ring_start(&s->ring, &s->memory, &place, 0));
	assert_int_equal(pop(s), RING_EMPTY);
	ring_push(&s->ring, 0, 0);
	assert_true(ring_start(&s->ring, &s->memory, &good, 0));
}

static void breaks_on_an_absurd_index(void **state)
{
	struct setup *s = *state;

	s->driver.avail->idx = FAKE_SIZE + 1;
	assert_int_equal(pop(s), RING_BROKEN);
	s->driver.avail->idx = 0;
	assert_int_equal(pop(s), RING_BROKEN);
	assert_false(ring_must_signal(&s->ring));
	assert_true(ring_start(&s->ring, &s->memory, &s->driver.place, 0));
	assert_int_equal(pop(s), RING_EMPTY);
	fake_add(&s->driver, FAKE_SIZE);
	assert_int_equal(pop(s), RING_BROKEN);
}

static void survives_bad_chains(void **state)
{
	struct setup *s = *state;
	struct vring_desc *d = s->driver.desc;

	fake_desc(&d[0], DATA, 4, NEXT, FAKE_SIZE);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], DATA, 4, NEXT, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], DATA, 0, 0, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], FAKE_LOW - 4, 8, 0, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], 2 * MIB, 8, 0, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], UINT64_MAX - 3, 8, 0, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], FAKE_HIGH_AT, UINT32_MAX, WRITE, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], DATA, 4, WRITE | NEXT, 1);
	fake_desc(&d[1], DATA, 4, 0, 0);
	assert_int_equal(offer(s), RING_BAD);
	assert_int_equal(s->request.readable + s->request.writable, 0);
	/* The ring itself is whole: the next one is taken. */
	fake_desc(&d[0], DATA, 4, 0, 0);
	assert_int_equal(offer(s), RING_REQUEST);
}

static void walks_indirect_tables(void **state)
{
	struct setup *s = *state;
	struct vring_desc *d = s->driver.desc, *table = fake_at(&s->fake, TABLE);
	unsigned int i;

	for (i = 0; i < REQUEST_PIECES + 1; i++)
		fake_desc(&table[i], DATA + i * 16, 16, NEXT, (uint16_t)(i + 1));
	table[REQUEST_PIECES - 1].flags = 0;
	fake_desc(&d[0], TABLE, REQUEST_PIECES * 16, NESTED, 0);
	assert_int_equal(offer(s), RING_BAD);		/* not negotiated */
	s->ring.indirect = true;
	assert_int_equal(offer(s), RING_REQUEST);
	assert_int_equal(request_readable(&s->request), REQUEST_PIECES * 16);
	table[REQUEST_PIECES - 1].flags = NEXT;
	d[0].len += 16;
	assert_int_equal(offer(s), RING_BAD);		/* too many */
	d[0].len -= 1;
	assert_int_equal(offer(s), RING_BAD);
	d[0].len = 1 << 20;
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], TABLE, 16, NESTED | NEXT, 1);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], 2 * MIB, 16, NESTED, 0);
	assert_int_equal(offer(s), RING_BAD);
	fake_desc(&d[0], TABLE, 16, NESTED, 0);
	fake_desc(&table[0], TABLE, 16, NESTED, 0);
	assert_int_equal(offer(s), RING_BAD);		/* nested twice */
}

static void index_wraps(void **state)
{
	struct setup *s = *state;
	uint32_t head, written;

	fake_desc(&s->driver.desc[3], DATA, 4, WRITE, 0);
	for (unsigned int i = 0; i < 70000; i++) {
		fake_add(&s->driver, 3);
		assert_int_equal(pop(s), RING_REQUEST);
		ring_push(&s->ring, 3, i);
		assert_true(fake_get(&s->driver, &head, &written));
		assert_int_equal(written, i);
	}
}

static void signals_as_asked(void **state)
{
	struct setup *s = *state;
	uint16_t *used_event = (uint16_t *)&s->driver.avail->ring[FAKE_SIZE];
	uint16_t *avail_event = (uint16_t *)&s->driver.used->ring[FAKE_SIZE];

	assert_false(ring_must_signal(&s->ring));
	ring_push(&s->ring, 0, 0);
	assert_true(ring_must_signal(&s->ring));
	assert_false(ring_must_signal(&s->ring));
	s->driver.avail->flags = VRING_AVAIL_F_NO_INTERRUPT;
	ring_push(&s->ring, 0, 0);
	assert_false(ring_must_signal(&s->ring));
	s->ring.event_idx = true;
	*used_event = 3;
	ring_push(&s->ring, 0, 0);
	assert_false(ring_must_signal(&s->ring));
	ring_push(&s->ring, 0, 0);
	assert_true(ring_must_signal(&s->ring));
	fake_desc(&s->driver.desc[0], DATA, 4, 0, 0);
	assert_int_equal(offer(s), RING_REQUEST);
	assert_int_equal(ring_rearm(&s->ring), 0);
	assert_int_equal(*avail_event, 1);
}

/* Whatever comes out of garbage may be written to: the sanitizer watches. */
static void random_tables(void **state)
{
	struct setup *s = *state;
	unsigned int taken = 0;

	s->ring.indirect = true;
	for (unsigned int round = 0; round < 100000; round++) {
		for (unsigned int i = 0; i < FAKE_SIZE; i++) {
			uint64_t x = fake_random();

			fake_desc(&s->driver.desc[i], x % (9 * MIB), (uint32_t)(x >> 32) >> x % 32,
				  (uint16_t)(x >> 40 & 7), (uint16_t)(x >> 50 & 15));
		}
		if (offer(s) == RING_REQUEST) {
			taken++;
			for (unsigned int i = 0; i < s->request.writable; i++) {
				struct piece *piece = &s->request.pieces[s->request.readable + i];
				volatile uint8_t *host = piece->host;

				host[0] = host[0];
				host[piece->size - 1] = host[piece->size - 1];
			}
		}
		assert_true(ring_running(&s->ring));
	}
	assert_true(taken > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(takes_a_chain, make, destroy),
		cmocka_unit_test_setup_teardown(refuses_places, make, destroy),
		cmocka_unit_test_setup_teardown(breaks_on_an_absurd_index, make, destroy),
		cmocka_unit_test_setup_teardown(survives_bad_chains, make, destroy),
		cmocka_unit_test_setup_teardown(walks_indirect_tables, make, destroy),
		cmocka_unit_test_setup_teardown(index_wraps, make, destroy),
		cmocka_unit_test_setup_teardown(signals_as_asked, make, destroy),
		cmocka_unit_test_setup_teardown(random_tables, make, destroy),
	};

	return cmocka_run_group_tests_name("ring", tests, NULL, NULL);
}
