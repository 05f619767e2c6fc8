// SPDX-License-Identifier: GPL-2.0
/* When it is known what get_user_pages() took. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "analyze/faults_gup.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define COUNTS "0 cpu0 start hooked=196608\n" /* and mappings */
#define LOOK   "4 cpu0 snapshot file=vmstat <<X\npgfault 100\npgmajfault 3\nX\n"
#define END    "1s cpu0 end\n"
/* Process 2 takes one fault that is told, and 100 by get_user_pages(). */
#define BORN                                                    \
	COUNTS LOOK "5 cpu0 process what=fork pid=2 parent=1\n" \
		    "6 cpu0 task pid=2 tid=2 comm=two\n"        \
		    "6 cpu0 fault address=0x1000 ip=0x10 pid=2\n"
#define DIED \
	"9 cpu0 fault_counts what=exit pid=2 minor=101 major=0\n9 cpu0 process what=exit pid=2\n"

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	faults_consume(arg, records, n);
}

/* What is known after @script, in the last report if @final, with so many events lost and missed. */
struct looked {
	bool known, row, noted;
};

static struct looked look(const char *script, bool final, uint64_t lost, uint64_t misses)
{
	struct report *r = report_new("faults");
	struct faults_gup gup;
	struct looked ret;
	char text[1024];
	struct faults f;

	assert_non_null(r);
	snprintf(text, sizeof(text), "%s%s", script, END);
	r->final = final;
	r->quality.lost = lost;
	r->quality.recursion_misses = misses;
	faults_init(&f, LEDGER_BY_PID);
	fixture_play(text, &(struct event_sink){ .consume = consume, .arg = &f });
	assert_int_equal(faults_gup_look(&gup, &f, r), 0);
	assert_int_equal(f.rows.n, 1);
	faults_gup_note(&gup, &f, r);
	ret = (struct looked){ gup.known, faults_gup_of_row(&gup, 0), r->n_notes > 0 };
	faults_gup_free(&gup);
	report_free(&r);
	faults_free(&f);
	return ret;
}

static void assert_looked(struct looked is, bool known, bool row, bool noted)
{
	assert_int_equal(is.known, known);
	assert_int_equal(is.row, row);
	assert_int_equal(is.noted, noted);
}

/* Until its count is read it is not known of a process: 0 would be a guess. */
static void test_open(void **state _unused_)
{
	assert_looked(look(BORN, false, 0, 0), false, false, false);
	assert_looked(look(BORN DIED, false, 0, 0), true, true, false);
	assert_looked(look(BORN DIED, true, 0, 0), true, true, false);
	/* whoever's last reading failed */
	assert_looked(look(BORN, true, 0, 0), true, false, false);
}

/* What was counted and not told: lost events are among it. */
static void test_lost(void **state _unused_)
{
	assert_looked(look(BORN DIED, true, 10, 0), true, true, true);
	assert_looked(look(BORN DIED, true, 11, 0), false, false, true);
	assert_looked(look(BORN DIED, true, 5, 6), false, false, true);
	assert_looked(look(BORN DIED, true, 0, QUALITY_UNKNOWN), true, true, false);
}

/* Calls that are events are not a difference, and known at any time. */
static void test_told(void **state _unused_)
{
	const char *told = "0 cpu0 start hooked=98304\n6 cpu0 task pid=2 tid=2 comm=two\n"
			   "6 cpu0 fault address=0x1000 ip=0 pid=2 what=gup began=5\n";

	assert_looked(look(told, false, 1000, 1000), true, true, false);
}

static void test_unknown(void **state _unused_)
{
	const char *sampled = "0 cpu0 start hooked=196608 sample=4\n"
			      "6 cpu0 fault address=0x1000 ip=0x10 pid=2\n";

	assert_looked(look(sampled, true, 0, 0), false, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
