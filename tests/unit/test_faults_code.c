// SPDX-License-Identifier: GPL-2.0
/* What user code there is, for whoever looks up names while they can be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "fixture.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define START "0 cpu0 start hooked=196608\n"
#define END   "100 cpu0 end\n"
#define BEGIN                                                                                \
	START                                                                                \
	"1 cpu0 process what=there pid=10 comm=sh\n"                                         \
	"2 cpu0 map pid=10 start=0x1000 bytes=0x1000 path=/bin/a inode=5 protection=rx\n"    \
	"3 cpu0 map pid=10 start=0x3000 bytes=0x1000 path=/bin/b inode=6 generation=9 "      \
	"protection=rx\n"                                                                    \
	"4 cpu0 map pid=10 start=0x5000 bytes=0x1000 path=/bin/idle inode=7 protection=rx\n" \
	"10 cpu0 fault address=1 ip=0x1010 pid=10\n"                                         \
	"11 cpu0 fault address=1 ip=0x3010 pid=10\n"                                         \
	"12 cpu0 fault address=1 ip=0x1020 pid=10\n" END

struct asked {
	const char *wanted; /* in whose path that is; NULL: none */
	char text[512];
};

static bool ask(void *arg, const struct report_object *o)
{
	struct asked *a = arg;
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof(a->text) - n, "%s%s.%u %llu-%llu", n ? ", " : "", o->path,
		 o->generation, (unsigned long long)o->first_wall_ns,
		 (unsigned long long)o->last_wall_ns);
	return a->wanted && strstr(o->path, a->wanted);
}

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

/* One after the other: each script has a beginning and an end. */
static void play(struct analyzer *a, const char *script)
{
	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = a });
}

/* Who is asked for, and how many places of code come of it. */
static void assert_asks(struct analyzer *a, const char *wanted, const char *asked, size_t places)
{
	_cleanup_(report_free) struct report *r = report_new("faults");
	struct asked s = { .wanted = wanted };

	assert_int_equal(a->ops->code(a, ask, &s, r), 0);
	assert_string_equal(s.text, asked);
	assert_int_equal(r->n_tables ? r->tables[0].n_rows : 0, places);
}

static void test_code(void **state _unused_)
{
	static const struct analyzer_options options = { .by = LEDGER_BY_PID };
	struct analyzer *a = faults_analyzer.create(&options);

	assert_non_null(a);
	play(a, BEGIN);
	/* asked for until it is taken */
	assert_asks(a, NULL, "/bin/a.0 10-12, /bin/b.9 11-11", 0);
	assert_asks(a, "/b", "/bin/a.0 10-12, /bin/b.9 11-11", 3);
	assert_asks(a, NULL, "", 0);
	play(a, START "20 cpu0 fault address=1 ip=0x1010 pid=10\n" END);
	assert_asks(a, NULL, "", 0);
	/* … and again when there is more of it */
	play(a, START "30 cpu0 fault address=1 ip=0x1030 pid=10\n" END);
	assert_asks(a, "/bin/b", "/bin/a.0 10-30", 0);
	assert_asks(a, "/bin/a", "/bin/a.0 10-30", 3);
	assert_asks(a, "/bin/a", "", 0);
	analyzer_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
