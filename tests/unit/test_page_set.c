// SPDX-License-Identifier: GPL-2.0
/* Sets of blocks of pages: parts, overlaps; and random calls against a plain list of frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "source/page_set.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define BOTH (PAGE_SET_SELECTED | PAGE_SET_OWN)

/* What the frames were that are freed. */
static unsigned int take(struct page_set *s, uint64_t pfn, unsigned int order)
{
	unsigned int was = UINT32_MAX;

	assert_int_equal(page_set_take(s, pfn, order, &was), 0);
	return was;
}

static size_t parts(const struct page_set *s)
{
	size_t i, n = 0;

	for (i = 0; i < PAGE_SET_ORDERS; i++) {
		n += s->count[i];
		assert_int_equal(!!s->count[i], !!(s->orders & 1u << i));
	}
	return n;
}

static void test_parts(void **state _unused_)
{
	struct page_set s = { 0 };

	assert_int_equal(page_set_at(&s, 512), PAGE_SET_NONE);
	assert_int_equal(take(&s, 512, 3), PAGE_SET_NONE);
	assert_int_equal(page_set_add(&s, 512, 9, PAGE_SET_SELECTED), 0);
	assert_int_equal(page_set_at(&s, 511), PAGE_SET_NONE);
	assert_int_equal(page_set_at(&s, 512), PAGE_SET_SELECTED);
	assert_int_equal(page_set_at(&s, 1023), PAGE_SET_SELECTED);
	assert_int_equal(page_set_at(&s, 1024), PAGE_SET_NONE);
	/* one page out of 512: the rest is a block of each order below */
	assert_int_equal(take(&s, 700, 0), PAGE_SET_SELECTED);
	assert_int_equal(page_set_at(&s, 700), PAGE_SET_NONE);
	assert_int_equal(page_set_at(&s, 699), PAGE_SET_SELECTED);
	assert_int_equal(page_set_at(&s, 701), PAGE_SET_SELECTED);
	assert_int_equal(parts(&s), 9);
	assert_int_equal(s.orders, 0x1ff);
	/* it is not there twice */
	assert_int_equal(take(&s, 700, 0), PAGE_SET_NONE);
	assert_int_equal(parts(&s), 9);
	/* a free of more than what is left takes all of that: 4, 1 and 2 pages */
	assert_int_equal(take(&s, 696, 3), PAGE_SET_SELECTED);
	assert_int_equal(parts(&s), 6);
	assert_int_equal(page_set_at(&s, 701), PAGE_SET_NONE);
	assert_int_equal(page_set_at(&s, 696), PAGE_SET_NONE);
	assert_int_equal(page_set_at(&s, 695), PAGE_SET_SELECTED);
	assert_int_equal(page_set_at(&s, 704), PAGE_SET_SELECTED);
	/* … also where its first frame is free */
	assert_int_equal(take(&s, 700, 1), PAGE_SET_NONE);
	assert_int_equal(page_set_add(&s, 701, 0, PAGE_SET_OWN), 0);
	assert_int_equal(take(&s, 700, 1), PAGE_SET_OWN);
	page_set_free(&s);
	assert_int_equal(page_set_at(&s, 695), PAGE_SET_NONE);
}

static void test_overlaps(void **state _unused_)
{
	struct page_set s = { 0 };

	assert_int_equal(page_set_add(&s, 1024, 10, PAGE_SET_OWN), 0);
	assert_int_equal(page_set_add(&s, 4096, 0, PAGE_SET_SELECTED), 0);
	assert_int_equal(page_set_add(&s, 4100, 2, PAGE_SET_OWN), 0);
	assert_int_equal(page_set_add(&s, 8191, 0, PAGE_SET_SELECTED), 0);
	/* inside of one; around several; beside all */
	assert_int_equal(page_set_overlap(&s, 1504, 5, false), PAGE_SET_OWN);
	assert_int_equal(page_set_overlap(&s, 4096, 2, false), PAGE_SET_SELECTED);
	assert_int_equal(page_set_overlap(&s, 4096, 3, false), BOTH);
	assert_int_equal(page_set_overlap(&s, 4096, 11, false), BOTH);
	assert_int_equal(page_set_overlap(&s, 6144, 11, false), PAGE_SET_SELECTED);
	assert_int_equal(page_set_overlap(&s, 4104, 3, false), PAGE_SET_NONE);
	assert_int_equal(page_set_overlap(&s, 0, 10, false), PAGE_SET_NONE);
	assert_int_equal(page_set_overlap(&s, 0, 15, false), BOTH);
	assert_int_equal(parts(&s), 4);
	assert_int_equal(page_set_overlap(&s, 1504, 5, true), PAGE_SET_OWN);
	assert_int_equal(page_set_at(&s, 1024), PAGE_SET_NONE);
	assert_int_equal(page_set_overlap(&s, 4096, 12, true), BOTH);
	assert_int_equal(parts(&s), 0);
	/* at the end of what can be told */
	assert_int_equal(page_set_add(&s, (1ull << 48) - 2, 0, PAGE_SET_SELECTED), 0);
	assert_int_equal(page_set_overlap(&s, (1ull << 48) - 64, 6, true), PAGE_SET_SELECTED);
	assert_int_equal(s.orders, 0);
	page_set_free(&s);
}

/* --- against a plain list ---------------------------------------------------------------------------- */

#define FRAMES 4096

struct model {
	struct page_set set;
	uint32_t owner[FRAMES]; /* number of its block; 0: none */
	uint32_t blocks;
	uint32_t random;
};

static uint32_t draw(struct model *m, uint32_t below)
{
	m->random = m->random * 1664525u + 1013904223u;
	return (m->random >> 8) % below;
}

/* Odd numbers are kmscope's own. */
static unsigned int what_of(uint32_t owner)
{
	if (!owner)
		return PAGE_SET_NONE;
	return owner & 1 ? PAGE_SET_OWN : PAGE_SET_SELECTED;
}

static unsigned int model_overlap(const struct model *m, uint32_t pfn, unsigned int order)
{
	unsigned int what = PAGE_SET_NONE;
	uint32_t i;

	for (i = pfn; i < pfn + (1u << order); i++)
		what |= what_of(m->owner[i]);
	return what;
}

/* Small ones are frequent. */
static unsigned int draw_order(struct model *m)
{
	return MIN(draw(m, 13), draw(m, 13));
}

/* Blocks are added where there is none, and freed in any parts that are of one block, or of more. */
static void step(struct model *m)
{
	unsigned int order = draw_order(m), was;
	uint32_t pfn = draw(m, FRAMES >> order) << order, i;
	uint32_t random = draw(m, FRAMES);

	was = model_overlap(m, pfn, order);
	assert_int_equal(page_set_overlap(&m->set, pfn, order, false), was);
	assert_int_equal(page_set_at(&m->set, random), what_of(m->owner[random]));
	if (draw(m, 2) && !was) {
		m->blocks++;
		for (i = pfn; i < pfn + (1u << order); i++)
			m->owner[i] = m->blocks;
		assert_int_equal(page_set_add(&m->set, pfn, order,
					      (enum page_set_what)what_of(m->blocks)),
				 0);
	} else {
		for (i = pfn; i < pfn + (1u << order); i++)
			m->owner[i] = 0;
		assert_int_equal(take(&m->set, pfn, order), was);
	}
}

static void test_random(void **state _unused_)
{
	struct model m = { .random = 7 };
	uint32_t i;

	for (i = 0; i < 200003; i++)
		step(&m);
	assert_true(m.blocks > 10007);
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(page_set_at(&m.set, i), what_of(m.owner[i]));
	assert_int_equal(page_set_overlap(&m.set, 0, 12, true), model_overlap(&m, 0, 12));
	/* nothing is left of it: whole parts went, and all of them were inside */
	assert_int_equal(parts(&m.set), 0);
	page_set_free(&m.set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
