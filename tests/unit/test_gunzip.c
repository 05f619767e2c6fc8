// SPDX-License-Identifier: GPL-2.0
/* What gzip has made: whole, damaged in every byte, cut at every length, with more behind it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/gunzip.h"

#include <cmocka.h>

/* printf 'kmscope kmscope kmscope\n' | gzip -9n */
static const uint8_t words[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb,
	0xce, 0x2d, 0x4e, 0xce, 0x2f, 0x48, 0x55, 0xc8, 0x46, 0xa5, 0xb9,
	0x00, 0x3d, 0x07, 0xa6, 0xb3, 0x18, 0x00, 0x00, 0x00,
};
static const char text[] = "kmscope kmscope kmscope\n";

/* gzip -9n < /dev/null */
static const uint8_t nothing[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03,
	0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};

static int inflate_copy(const uint8_t *data, size_t n)
{
	/* of its exact size: the sanitizer sees what is read behind it */
	_cleanup_free_ uint8_t *copy = malloc(n ? n : 1);
	_cleanup_free_ void *out = NULL;
	size_t out_n = 0;
	int err;

	assert_non_null(copy);
	memcpy(copy, data, n);
	err = gunzip(copy, n, &out, &out_n);
	if (!err) {
		assert_int_equal(out_n, sizeof(text) - 1);
		assert_memory_equal(out, text, out_n);
	} else {
		assert_null(out);
		assert_int_equal(out_n, 0);
	}
	return err;
}

static void test_whole(void **state)
{
	_cleanup_free_ void *out = NULL;
	size_t n = 1;

	(void)state;
	assert_int_equal(inflate_copy(words, sizeof(words)), 0);
	assert_int_equal(gunzip(nothing, sizeof(nothing), &out, &n), 0);
	assert_non_null(out);
	assert_int_equal(n, 0);
}

static void test_cut(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(words); n++)
		assert_int_equal(inflate_copy(words, n), -EBADMSG);
}

/* A bit of the head that means nothing to zlib may change: of the time, of the system. */
static void test_damaged(void **state)
{
	uint8_t copy[sizeof(words)];
	size_t i;
	int err;

	(void)state;
	for (i = 0; i < 8 * sizeof(words); i++) {
		memcpy(copy, words, sizeof(words));
		copy[i / 8] ^= (uint8_t)(1 << i % 8);
		err = inflate_copy(copy, sizeof(copy));
		assert_true(err == -EBADMSG || (!err && i / 8 >= 3 && i / 8 < 10));
	}
}

static void test_more(void **state)
{
	uint8_t twice[2 * sizeof(words)];

	(void)state;
	memcpy(twice, words, sizeof(words));
	memcpy(twice + sizeof(words), words, sizeof(words));
	assert_int_equal(inflate_copy(twice, sizeof(twice)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
