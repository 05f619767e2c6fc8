// SPDX-License-Identifier: GPL-2.0
/* kmscope buddy's reports beside the golden ones: at any time, as often as one likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "analyze/buddy.h"
#include "fixture.h"
#include "render/render.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define SCRIPTS "tests/golden/scripts/"

struct played {
	struct analyzer *analyzer;
	bool often; /* report after every batch, too */
	size_t reports;
};

/* A report of what is known now, as JSON and text. */
static char *report_now(struct played *p)
{
	static const struct render_options options = { .width = 80 };
	_cleanup_(report_free) struct report *r = report_new("buddy");
	char *s = NULL;
	size_t n;
	FILE *f = open_memstream(&s, &n);

	assert_int_equal(p->analyzer->ops->report(p->analyzer, r), 0);
	assert_int_equal(render_json(r, &options, f), 0);
	assert_int_equal(render_text(r, &options, f), 0);
	fclose(f);
	p->reports++;
	return s;
}

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct played *p = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		p->analyzer->ops->consume(p->analyzer, &records[i], 1);
		if (p->often)
			free(report_now(p));
	}
}

static char *play(const char *script, const struct analyzer_options *o, bool often, size_t *reports)
{
	struct played p = { .analyzer = buddy_analyzer.create(o), .often = often };
	char *last;

	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = &p });
	last = report_now(&p);
	analyzer_free(&p.analyzer);
	*reports = p.reports;
	return last;
}

/* Reports in between change nothing: the last one is what it would be without them. */
static void test_reports_at_any_time(void **state _unused_)
{
	static const char *const files[] = { SCRIPTS "pages", SCRIPTS "pages.selected",
					     SCRIPTS "pages.sampled", SCRIPTS "pages.hostile",
					     SCRIPTS "empty" };
	static const struct analyzer_options options = { .map = true, .all = true, .stacks = true };
	size_t i, n;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *script = fixture_read(files[i]);
		_cleanup_free_ char *once = play(script, &options, false, &n);
		_cleanup_free_ char *often = play(script, &options, true, &n);

		assert_true(n > 2);
		assert_string_equal(once, often);
	}
}

/* Call chains are shares of what they were taken for: more than CHAINS_MAX are cut. */
static void test_many_chains(void **state _unused_)
{
	static const struct analyzer_options options = { .all = true };
	char script[8192];
	size_t n = (size_t)sprintf(script, "1 cpu0 start\n"), i, reports;
	_cleanup_free_ char *report = NULL;
	const char *at;

	for (i = 0; i < 11; i++)
		n += (size_t)sprintf(script + n,
				     "2 cpu0 stack id=%zu frames=%zu\n"
				     "repeat %zu 3 cpu0 page_alloc pfn=8 order=0 stack=%zu\n",
				     i, i + 0x1000, i + 1, i);
	sprintf(script + n, "9 cpu0 end\n");
	report = play(script, &options, false, &reports);
	for (at = report, i = 0; (at = strstr(at, "{\"stack\":")); at++)
		i++;
	assert_int_equal(i, 8);
	/* the most frequent first, each for as many blocks as it was taken for */
	assert_non_null(strstr(report, "\"stacks\":[{\"stack\":0,\"objects\":11,\"bytes\":45056,"
				       "\"estimated\":false},{\"stack\":1,\"objects\":10,"));
}

/* Names of types and flags that no file told are numbers. */
static void test_names(void **state _unused_)
{
	struct pages p;
	char buf[32];

	assert_int_equal(pages_init(&p), 0);
	assert_string_equal(buddy_type_name(&p, 3, buf), "type 3");
	assert_string_equal(buddy_type_name(&p, UINT32_MAX, buf), "type 4294967295");
	pages_free(&p);
}

static void count_live(void *ctx, uint64_t pfn _unused_)
{
	++*(size_t *)ctx;
}

static void test_as_an_analyzer(void **state _unused_)
{
	static const struct analyzer_options options = { 0 };
	struct played p = { 0 };
	size_t n = 0;

	assert_ptr_equal(analyzer_find("buddy"), &buddy_analyzer);
	p.analyzer = buddy_analyzer.create(&options);
	fixture_play("1 cpu0 start\nrepeat 7 step_pfn=2 2 cpu0 page_alloc pfn=8 order=1\n"
		     "3 cpu0 kmalloc ptr=64 site=1 req=1 alloc=8\n9 cpu0 end\n",
		     &(struct event_sink){ .consume = consume, .arg = &p });
	p.analyzer->ops->each_live(p.analyzer, count_live, &n);
	assert_int_equal(n, 7);
	analyzer_free(&p.analyzer);
	analyzer_free(&p.analyzer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports_at_any_time),
		cmocka_unit_test(test_many_chains),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_as_an_analyzer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
