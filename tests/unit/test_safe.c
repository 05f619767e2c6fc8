// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "render/safe.h"

static void expect_safe(const char *in, const char *out)
{
	_cleanup_free_ char *safe = safe_text(in);
	_cleanup_free_ char *again = NULL;

	assert_string_equal(safe, out);
	again = safe_text(safe);
	assert_string_equal(again, out);
}

static void expect_utf8(const char *in, const char *out)
{
	_cleanup_free_ char *safe = safe_utf8(in);

	assert_string_equal(safe, out);
}

static void expect_short(const char *in, size_t width, const char *out)
{
	_cleanup_free_ char *got = text_shorten(in, width);

	assert_string_equal(got, out);
	assert_true(text_width(got) <= width);
}

static void test_text_keeps_printable(void **state _unused_)
{
	expect_safe("", "");
	expect_safe("kmalloc-192 \\ \"x\" ~", "kmalloc-192 \\ \"x\" ~");
	expect_safe("Größe 漢字 😀", "Größe 漢字 😀");
}

static void test_text_escapes_controls(void **state _unused_)
{
	expect_safe("\033[2Jgone\007", "\\x1b[2Jgone\\x07");
	expect_safe("a\nb\tc\rd\177", "a\\x0ab\\x09c\\x0dd\\x7f");
	expect_safe("\001\037", "\\x01\\x1f");
	expect_safe("\xc2\x9b"
		    "31m\xc2\x80\xc2\x9f",
		    "\\xc2\\x9b31m\\xc2\\x80\\xc2\\x9f"); /* C1 CSI */
	expect_safe("\xc2\xa0", "\xc2\xa0"); /* the first one after C1 */
}

static void test_text_escapes_direction(void **state _unused_)
{
	expect_safe("a\u202eb", "a\\xe2\\x80\\xaeb");
	expect_safe("\u202a\u202b\u202c\u202d", "\\xe2\\x80\\xaa\\xe2\\x80\\xab"
						"\\xe2\\x80\\xac\\xe2\\x80\\xad");
	expect_safe("\u2066\u2069", "\\xe2\\x81\\xa6\\xe2\\x81\\xa9");
	expect_safe("\u200f\ufeff", "\\xe2\\x80\\x8f\\xef\\xbb\\xbf");
	expect_safe("\u2010\u2027\u202f", "\u2010\u2027\u202f"); /* their neighbours are fine */
}

static void test_text_escapes_malformed(void **state _unused_)
{
	expect_safe("\x80", "\\x80");
	expect_safe("a\xff\xfez", "a\\xff\\xfez");
	expect_safe("\xc0\xaf", "\\xc0\\xaf"); /* overlong '/' */
	expect_safe("\xe0\x80\xaf", "\\xe0\\x80\\xaf"); /* overlong, three bytes */
	expect_safe("\xf0\x80\x80\xaf", "\\xf0\\x80\\x80\\xaf"); /* overlong, four bytes */
	expect_safe("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* surrogate */
	expect_safe("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"); /* above U+10FFFF */
	expect_safe("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"); /* no such lead byte */
	expect_safe("cut\xe2\x82", "cut\\xe2\\x82"); /* truncated by the end */
	expect_safe("\xe2\x82\033[m", "\\xe2\\x82\\x1b[m"); /* cannot swallow an ESC */
	expect_safe("\xf4\x8f\xbf\xbd", "\xf4\x8f\xbf\xbd"); /* nearly the highest */
}

static void test_utf8(void **state _unused_)
{
	expect_utf8("", "");
	expect_utf8("Größe\033\n", "Größe\033\n");
	expect_utf8("a\xff\xfez", "a\xef\xbf\xbd\xef\xbf\xbdz");
	expect_utf8("cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd");
	expect_utf8("\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	expect_utf8("\u202e", "\u202e");
}

static void test_width(void **state _unused_)
{
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("Größe"), 5);
	assert_int_equal(text_width("漢字"), 4);
	assert_int_equal(text_width("e\u0301"), 1);
	assert_int_equal(text_width("😀"), 2);
}

static void test_shorten(void **state _unused_)
{
	expect_short("alloc_pipe_info", 15, "alloc_pipe_info");
	expect_short("alloc_pipe_info", 14, "alloc_p…e_info");
	expect_short("alloc_pipe_info", 9, "allo…info");
	expect_short("alloc_pipe_info", 2, "a…");
	expect_short("alloc_pipe_info", 1, "…");
	expect_short("漢字漢字漢字", 6, "漢…字");
	expect_short("漢字漢字漢字", 7, "漢…字");
	expect_short("", 5, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_keeps_printable),
		cmocka_unit_test(test_text_escapes_controls),
		cmocka_unit_test(test_text_escapes_direction),
		cmocka_unit_test(test_text_escapes_malformed),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_shorten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
