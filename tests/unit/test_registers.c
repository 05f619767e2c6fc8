// SPDX-License-Identifier: GPL-2.0
/* Names of registers, levels of pins, and mappings: what the golden scripts do not reach. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/registers.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* --- names ---------------------------------------------------------------------------------------- */

static const struct register_name *find(const struct register_names *r, const char *name,
					const char *compatible, uint32_t offset)
{
	struct register_keys keys = { .names = { NULL, name }, .compatible = compatible };

	return register_names_find(r, &keys, offset);
}

static void test_builtin(void **state _unused_)
{
	struct register_names r = { 0 };

	assert_int_equal(register_names_add(&r, register_names_builtin, "x", NULL), 0);
	assert_string_equal(find(&r, NULL, "ti,am3352-gpio;ti,omap4-gpio", 0x194)->name,
			    "SETDATAOUT");
	assert_int_equal(find(&r, "gpio1", NULL, 0x194)->role, ROLE_SET);
	assert_null(find(&r, "gpio1", NULL, 0x195));
	assert_int_equal(find(&r, NULL, "arm,primecell;arm,pl061", 0x3fc)->role, ROLE_MASKED);
	assert_string_equal(find(&r, "pl061", NULL, 0x400)->name, "GPIODIR");
	/* a list is one only where it is said to be one; names are whole */
	assert_null(find(&r, "arm,primecell;arm,pl061", NULL, 0));
	assert_null(find(&r, NULL, "arm,pl06", 0));
	assert_null(find(&r, NULL, NULL, 0));
	register_names_free(&r);
}

/* What is added later is preferred, register by register. */
static void test_added(void **state _unused_)
{
	struct register_keys keys = { .has_address = true, .address = 0x4804c000 };
	struct register_names r = { 0 };

	assert_int_equal(register_names_add(&r, "block a b\n0x0 OLD\n0x4 KEPT", "x", NULL), 0);
	assert_int_equal(register_names_add(&r,
					    "  block b 0x04804C000 # of mine\r\n\t0x0 NEW out\r\n",
					    "y", NULL),
			 0);
	assert_string_equal(find(&r, "b", NULL, 0)->name, "NEW");
	assert_string_equal(find(&r, "b", NULL, 4)->name, "KEPT");
	assert_string_equal(find(&r, "a", NULL, 0)->name, "OLD");
	assert_string_equal(register_names_find(&r, &keys, 0)->name, "NEW");
	keys.address++;
	assert_null(register_names_find(&r, &keys, 0));
	register_names_free(&r);
}

static void test_wrong_names(void **state _unused_)
{
	static const char *const texts[] = { "0x0 A",
					     "block",
					     "block a\n0x0",
					     "block a\n0 A",
					     "block a\n0x1-0x0 A",
					     "block a\n0x100000000 A",
					     "block a\n0x0 A up",
					     "block a\n0x0 A in out",
					     "block a\x01",
					     "block 0x12q",
					     "block 0x",
					     "block a\n0x0 A\x7f" };
	struct register_names r = { 0 };
	struct failure f;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		memset(&f, 0, sizeof(f));
		if (register_names_add(&r, texts[i], "FILE", &f) != -EINVAL ||
		    f.kind != FAILURE_USAGE || strncmp(f.text, "FILE, line ", 11))
			fail_msg("«%s»: «%s»", texts[i], f.text);
	}
	register_names_free(&r);
}

/* --- pins ------------------------------------------------------------------------------------------- */

static void assert_states(const struct pins *p, size_t pin, const char *expected)
{
	size_t n = strlen(expected), i;
	char got[80] = "";

	for (i = 0; i < n; i++)
		got[i] = "?_#x"[pins_state(p, &p->items[pin], i, n)];
	assert_string_equal(got, expected);
}

/* A square wave, over so long a time that slots are doubled many times. */
static void test_square(void **state _unused_)
{
	const uint64_t second = NSEC_PER_SEC;
	struct pins p;
	uint64_t i;

	pins_init(&p);
	for (i = 0; i <= 8; i++)
		pins_level(&p, second + i * second, 1, 3, i % 2 == 0, false);
	assert_states(&p, 0, "#_#_#_#x"); /* the last level ends it */
	assert_int_equal(p.items[0].changes, 8);
	/* what happened within a cell is both */
	assert_states(&p, 0, "xxxx");
	pins_free(&p);
}

/* The last change of all is drawn, too. */
static void test_last_change(void **state _unused_)
{
	struct pins p;

	pins_init(&p);
	pins_level(&p, 1000000, 1, 0, true, false);
	pins_level(&p, 9000000, 1, 0, false, false);
	assert_states(&p, 0, "###x");
	pins_free(&p);
}

/* A pin that is heard of later is unknown before, and only told of if it may be. */
static void test_later_pin(void **state _unused_)
{
	struct pins p;

	pins_init(&p);
	pins_level(&p, 1000000, 1, 0, true, false);
	pins_level(&p, 2000000, 1, 1, false, true);
	assert_int_equal(p.n, 1);
	pins_level(&p, 3000000, 1, 1, false, false);
	pins_level(&p, 5000000, 1, 1, false, true);
	assert_int_equal(p.n, 2);
	assert_states(&p, 1, "??__");
	assert_states(&p, 0, "####");
	pins_free(&p);
}

static void test_many_pins(void **state _unused_)
{
	struct pins p;
	uint32_t i;

	pins_init(&p);
	for (i = 0; i < PINS_MAX + 3; i++)
		pins_level(&p, 1000, 0, i, true, false);
	assert_int_equal(p.n, PINS_MAX);
	assert_int_equal(p.untold, 3);
	pins_free(&p);
}

/* --- mappings --------------------------------------------------------------------------------------- */

static void map(struct mappings *m, struct stream *s, uint64_t time, uint64_t phys,
		uint64_t address)
{
	struct event_ioremap e = { .h = { .time = time, .kind = EVENT_IOREMAP },
				   .phys = phys,
				   .bytes = 0x2000,
				   .address = address,
				   .site = 0x1000,
				   .stack = -1 };

	mappings_enter(m, s, &e, 0);
}

/* A static mapping is given out again and again, and not unmapped; an address that is late ends nothing. */
static void test_mapped(void **state _unused_)
{
	struct mappings m;
	struct stream s;
	uint64_t phys;

	stream_init(&s);
	s.start.page_size = 4096;
	mappings_init(&m);
	map(&m, &s, 10, 0x48000010, 0xf0000010);
	map(&m, &s, 20, 0x48000010, 0xf0000010);
	assert_int_equal(m.items.n, 1);
	assert_int_equal(m.items.items[0].maps, 2);
	assert_int_equal(m.items.items[0].live, 1);
	assert_non_null(mappings_at(&m, 4096, 0xf0000014, &phys));
	assert_int_equal(phys, 0x48000014);
	assert_non_null(mappings_at(&m, 4096, 0xf0001ffc, &phys)); /* on its second page */
	assert_int_equal(phys, 0x48001ffc);
	assert_null(mappings_at(&m, 4096, 0xf0002010, &phys));
	assert_false(mappings_unmap(&m, &s, 15, 0xf0000010, false));
	assert_true(mappings_unmap(&m, &s, 25, 0xf0000010, true)); /* told by its function, too */
	assert_int_equal(m.items.items[0].live, 1);
	assert_true(mappings_unmap(&m, &s, 25, 0xf0000010, false));
	assert_int_equal(m.items.items[0].live, 0);
	assert_null(mappings_at(&m, 4096, 0xf0000014, &phys));
	mappings_free(&m);
	stream_free(&s);
}

static void test_hidden(void **state _unused_)
{
	struct mappings m;
	struct stream s;
	uint64_t phys;

	stream_init(&s);
	s.start.page_size = 4096;
	mappings_init(&m);
	mappings_look(
		&m, &s,
		"0x00000000510af022-0x00000000d3fbecd8    8192 f+0x1/0x2 phys=0xa0000 ioremap\n"
		"0x00000000d3fbecd8-0x00000000ac8cf0cd    8192 f+0x1/0x2 phys=0xa0000 ioremap\n");
	assert_true(m.hidden);
	assert_int_equal(m.items.n, 1);
	assert_int_equal(m.items.items[0].existing, 2);
	assert_int_equal(m.items.items[0].live, 2);
	assert_int_equal(m.items.items[0].bytes, 4096);
	assert_null(mappings_at(&m, 4096, 0x510af022, &phys)); /* that was no address */
	/* one is gone; what is new is not of before */
	mappings_look(
		&m, &s,
		"0x00000000510af022-0x00000000d3fbecd8    8192 f+0x1/0x2 phys=0xa0000 ioremap\n"
		"0x0000000012345678-0x00000000ac8cf0cd    8192 g+0x1/0x2 phys=0xb0000 ioremap\n");
	assert_int_equal(m.items.items[0].live, 1);
	assert_int_equal(m.items.items[1].live, 0);
	mappings_free(&m);
	stream_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),	    cmocka_unit_test(test_added),
		cmocka_unit_test(test_wrong_names), cmocka_unit_test(test_square),
		cmocka_unit_test(test_later_pin),   cmocka_unit_test(test_last_change),
		cmocka_unit_test(test_many_pins),   cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
