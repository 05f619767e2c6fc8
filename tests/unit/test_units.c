// SPDX-License-Identifier: GPL-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "render/units.h"

static void test_counts(void **state _unused_)
{
	assert_string_equal(units_exact(0).s, "0");
	assert_string_equal(units_exact(999).s, "999");
	assert_string_equal(units_exact(1000).s, "1,000");
	assert_string_equal(units_exact(1234567).s, "1,234,567");
	assert_string_equal(units_exact(UINT64_MAX).s, "18,446,744,073,709,551,615");
	assert_string_equal(units_count(100).s, "100");
	assert_string_equal(units_count(9999999999ull).s, "9,999,999,999");
	assert_string_equal(units_count(10000000000ull).s, "10.0G");
	assert_string_equal(units_count(12345678901ull).s, "12.3G");
	assert_string_equal(units_count(999949999999ull).s, "999.9G");
	assert_string_equal(units_count(999950000000ull).s, "1.0T");
	assert_string_equal(units_count(UINT64_MAX).s, "18.4E");
}

static void test_bytes(void **state _unused_)
{
	assert_string_equal(units_bytes(0).s, "0 B");
	assert_string_equal(units_bytes(1023).s, "1023 B");
	assert_string_equal(units_bytes(1024).s, "1.0 KiB");
	assert_string_equal(units_bytes(1536).s, "1.5 KiB");
	assert_string_equal(units_bytes((1 << 20) - 1).s, "1.0 MiB"); /* not 1024.0 KiB */
	assert_string_equal(units_bytes(12478054).s, "11.9 MiB");
	assert_string_equal(units_bytes(UINT64_MAX).s, "16.0 EiB");
}

static void test_signed(void **state _unused_)
{
	assert_string_equal(units_delta(0).s, "0 B");
	assert_string_equal(units_delta(176).s, "+176 B");
	assert_string_equal(units_delta(-1536).s, "-1.5 KiB");
	assert_string_equal(units_delta(INT64_MIN).s, "-8.0 EiB");
	assert_string_equal(units_change(0).s, "0");
	assert_string_equal(units_change(12).s, "+12");
	assert_string_equal(units_change(-1234567).s, "-1,234,567");
	assert_string_equal(units_change(INT64_MAX).s, "+9,223,372,036,854,775,807");
	assert_string_equal(units_change(INT64_MIN).s, "-9,223,372,036,854,775,808");
	assert_string_equal(units_rate(0).s, "0 B/s");
	assert_string_equal(units_rate(0.4).s, "0.4 B/s");
	assert_string_equal(units_rate(-0.4).s, "-0.4 B/s");
	assert_string_equal(units_rate(-0.001).s, "0 B/s");
	assert_string_equal(units_rate(176.4).s, "176 B/s");
	assert_string_equal(units_rate(-1536).s, "-1.5 KiB/s");
	assert_string_equal(units_rate(1e300).s, "16.0 EiB/s");
	assert_string_equal(units_rate(NAN).s, "-");
	assert_string_equal(units_rate(-INFINITY).s, "-");
}

static void test_percent(void **state _unused_)
{
	assert_string_equal(units_percent(0).s, "0.0%");
	assert_string_equal(units_percent(0.001).s, "<0.1%");
	assert_string_equal(units_percent(12.34).s, "12.3%");
	assert_string_equal(units_percent(100).s, "100.0%");
	assert_string_equal(units_percent(-3.21).s, "-3.2%");
	assert_string_equal(units_percent(NAN).s, "-");
	assert_string_equal(units_percent(INFINITY).s, "-");
}

static void test_ns(void **state _unused_)
{
	assert_string_equal(units_ns(0).s, "0 ns");
	assert_string_equal(units_ns(999).s, "999 ns");
	assert_string_equal(units_ns(1000).s, "1.0 us");
	assert_string_equal(units_ns(999960).s, "1.0 ms"); /* not 1000.0 us */
	assert_string_equal(units_ns(1234567).s, "1.2 ms");
	assert_string_equal(units_ns(3400000000).s, "3.4 s");
	assert_string_equal(units_ns(59940000000).s, "59.9 s");
	assert_string_equal(units_ns(59960000000).s, "1 m 00 s");
	assert_string_equal(units_ns(125 * NSEC_PER_SEC).s, "2 m 05 s");
	assert_string_equal(units_ns(3599600000000).s, "1 h 00 m");
	assert_string_equal(units_ns(3 * 3600 * NSEC_PER_SEC + 250 * NSEC_PER_SEC).s, "3 h 04 m");
	assert_string_equal(units_ns(51 * 3600 * NSEC_PER_SEC).s, "2 d 03 h");
	assert_string_equal(units_ns(UINT64_MAX).s, "213504 d 00 h");
}

static void test_real(void **state _unused_)
{
	assert_string_equal(units_real(0).s, "0");
	assert_string_equal(units_real(-0.001).s, "0");
	assert_string_equal(units_real(12).s, "12");
	assert_string_equal(units_real(12.5).s, "12.5");
	assert_string_equal(units_real(-12.05).s, "-12.05");
	assert_string_equal(units_real(-0.1).s, "-0.1");
	assert_string_equal(units_real(9.999).s, "10");
	assert_string_equal(units_real(100).s, "100");
	assert_string_equal(units_real(2.0 / 3).s, "0.67");
	assert_string_equal(units_real(1e15).s, "1000000000000000");
	assert_string_equal(units_real(-1e300).s, "-1e+300");
	assert_string_equal(units_real(NAN).s, "");
	assert_string_equal(units_real(INFINITY).s, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_signed), cmocka_unit_test(test_percent),
		cmocka_unit_test(test_ns),     cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
