// SPDX-License-Identifier: GPL-2.0
/* Traces for Perfetto: members of each phase, order, nesting, and where things are drawn. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "analyze/tracks.h"
#include "fixture.h"
#include "render/export.h"
#include "render/lanes.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define PIDS_MAX (1 << 22)

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct analyzer *a = arg;

	a->ops->consume(a, records, n);
}

static struct report *play(const char *script)
{
	struct analyzer *a = tracks_analyzer.create(&(struct analyzer_options){ 0 });
	struct report *r = report_new("tracks");

	fixture_play(script, &(struct event_sink){ .consume = consume, .arg = a });
	assert_int_equal(a->ops->report(a, r), 0);
	analyzer_free(&a);
	return r;
}

/* The export of @r, with another report before it. */
static char *export_text(const struct report *r)
{
	_cleanup_(report_free) struct report *other = report_new("slab");
	const struct report *reports[] = { other, r };
	struct failure f;
	char *s = NULL;
	size_t n;
	FILE *out = open_memstream(&s, &n);

	assert_int_equal(
		exporter_find("perfetto")->write(reports, 2, &(struct export_options){ 0 }, out, &f),
		0);
	fclose(out);
	assert_int_equal(strlen(s), n);
	return s;
}

/* --- the schema ----------------------------------------------------------------------------------------- */

enum { NUMBER = 1 << JSON_INTEGER | 1 << JSON_REAL };

/* Members that events of a phase have besides those that all have, and no others. */
static const struct {
	const char *phase;
	struct {
		const char *name;
		unsigned int types;
	} members[8];
} phases[] = {
	{ "M", { { "args", 1 << JSON_OBJECT } } },
	{ "C", { { "ts", NUMBER }, { "args", 1 << JSON_OBJECT } } },
	{ "X",
	  { { "ts", NUMBER },
	    { "dur", NUMBER },
	    { "cat", 1 << JSON_STRING },
	    { "args", 1 << JSON_OBJECT } } },
	{ "i",
	  { { "ts", NUMBER },
	    { "s", 1 << JSON_STRING },
	    { "cat", 1 << JSON_STRING },
	    { "args", 1 << JSON_OBJECT } } },
};

static const char *string_of(const json_t *e, const char *name)
{
	const json_t *value = json_object_get(e, name);

	assert_true(json_is_string(value));
	return json_string_value(value);
}

static double number_of(const json_t *e, const char *name)
{
	const json_t *value = json_object_get(e, name);

	assert_true(json_is_number(value));
	return json_number_value(value);
}

static size_t phase_of(const json_t *e)
{
	const char *phase = string_of(e, "ph");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(phases); i++)
		if (!strcmp(phases[i].phase, phase))
			return i;
	fail_msg("phase %s", phase);
	return 0;
}

static void check_members(const json_t *e)
{
	size_t phase = phase_of(e), i, n = 4; /* ph, pid, tid, name */

	string_of(e, "name");
	assert_true(json_is_integer(json_object_get(e, "pid")));
	assert_true(json_is_integer(json_object_get(e, "tid")));
	for (i = 0; i < ARRAY_SIZE(phases[phase].members) && phases[phase].members[i].name; i++) {
		const json_t *value = json_object_get(e, phases[phase].members[i].name);

		if (!value || !(1u << json_typeof(value) & phases[phase].members[i].types))
			fail_msg("%s of phase %s", phases[phase].members[i].name,
				 phases[phase].phase);
		n++;
	}
	assert_int_equal(json_object_size(e), n);
	if (json_object_get(e, "s"))
		assert_true(!strcmp(string_of(e, "s"), "p") || !strcmp(string_of(e, "s"), "t"));
}

static void check_counter(const json_t *e)
{
	json_t *args = json_object_get(e, "args"), *value;
	const char *key;

	assert_true(json_object_size(args));
	json_object_foreach(args, key, value) assert_true(json_is_number(value));
}

static bool same_thread(const json_t *a, const json_t *b)
{
	return number_of(a, "pid") == number_of(b, "pid") &&
	       number_of(a, "tid") == number_of(b, "tid");
}

/* Slices of a thread follow each other; begins and ends are balanced as there are none but theirs. */
static void check_slice(const json_t *events, size_t at)
{
	const json_t *e = json_array_get(events, at);
	size_t i;

	assert_true(number_of(e, "dur") >= 0);
	for (i = 0; i < at; i++) {
		const json_t *before = json_array_get(events, i);

		if (phase_of(before) == phase_of(e) && same_thread(before, e))
			assert_true(number_of(before, "ts") + number_of(before, "dur") <=
				    number_of(e, "ts") + 1e-9);
	}
}

static bool is_named(const json_t *events, const json_t *e, const char *what, bool thread)
{
	const json_t *m;
	size_t i;

	json_array_foreach(events, i, m) if (!strcmp(string_of(m, "name"), what) && !phase_of(m) &&
					     number_of(m, "pid") == number_of(e, "pid") &&
					     (!thread || number_of(m, "tid") ==
								 number_of(e, "tid"))) return true;
	return false;
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!root)
		fail_msg("line %d: %s", error.line, error.text);
	return root;
}

/* The events of a trace that is as it has to be; *@ret_root is to be given back. */
static json_t *checked(const struct report *r, json_t **ret_root)
{
	_cleanup_free_ char *text = export_text(r);
	json_t *root = parse(text), *events = json_object_get(root, "traceEvents"), *e;
	double last = 0;
	size_t i;

	assert_string_equal(string_of(root, "displayTimeUnit"), "ms");
	assert_true(json_is_object(json_object_get(root, "otherData")));
	assert_true(json_is_array(events));
	json_array_foreach(events, i, e)
	{
		check_members(e);
		if (!strcmp(string_of(e, "ph"), "M"))
			continue;
		assert_true(number_of(e, "ts") >= last);
		last = number_of(e, "ts");
		assert_true(is_named(events, e, "process_name", false));
		if (!strcmp(string_of(e, "ph"), "C")) {
			check_counter(e);
			continue;
		}
		if (!json_object_get(e, "s") || strcmp(string_of(e, "s"), "p") != 0)
			assert_true(is_named(events, e, "thread_name", true));
		if (json_object_get(e, "dur"))
			check_slice(events, i);
	}
	*ret_root = root;
	return events;
}

/* How many events have this phase and name; any name: NULL. */
static size_t count(const json_t *events, const char *phase, const char *name)
{
	size_t i, n = 0;
	const json_t *e;

	json_array_foreach(events, i, e) n += !strcmp(string_of(e, "ph"), phase) &&
					      (!name || !strcmp(string_of(e, "name"), name));
	return n;
}

static const json_t *first(const json_t *events, const char *phase, const char *name)
{
	size_t i;
	const json_t *e;

	json_array_foreach(events, i, e) if (!strcmp(string_of(e, "ph"), phase) &&
					     !strcmp(string_of(e, "name"), name)) return e;
	fail_msg("no %s %s", phase, name);
	return NULL;
}

/* --- tests ---------------------------------------------------------------------------------------------- */

#define EVERYTHING                                                                          \
	"1us cpu0 start n_cpus=2 hooked=8\n"                                                \
	"2us cpu0 process what=there pid=700 comm=server\n"                                 \
	"1ms cpu0 kmalloc ptr=0x10000 site=0x100 req=90 alloc=96 pid=700\n"                 \
	"2ms cpu0 kmalloc ptr=0 site=0x100 req=4000000 alloc=4194304 pid=700\n"             \
	"3ms cpu1 compaction what=begin pfn=4096\n"                                         \
	"4ms cpu1 reclaim what=begin order=3\n"                                             \
	"5ms cpu1 compaction what=end pfn=4096 status=4\n"                                  \
	"6ms cpu1 reclaim what=end pages=31\n"                                              \
	"7ms cpu1 page_fallback pfn=8 order=1 migratetype=0 from_order=3 "                  \
	"from_migratetype=1\n"                                                              \
	"8ms cpu0 fault address=0x1000 ip=0x2000 what=major pid=700 began=6ms\n"            \
	"9ms cpu1 fault address=0x3000 ip=0x2000 what=major pid=700 began=7ms\n"            \
	"10ms cpu0 vmalloc address=0x10000 bytes=100 began=9ms pid=701\n"                   \
	"11ms cpu0 register source=regmap access=write value=1 name=\"a\\x1b\\xff\\\"b\"\n" \
	"12ms cpu0 ioremap phys=0x1000 bytes=16 address=0x20000 pid=700\n"                  \
	"13ms cpu0 process what=exit pid=700\n"                                             \
	"14ms cpu1 counters lost=3,2\n"                                                     \
	"14ms cpu0 misses misses=7\n"                                                       \
	"14500us cpu0 end\n"

static void test_schema(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = play(EVERYTHING);
	json_t *root, *events = checked(r, &root);
	const json_t *e = first(events, "X", "compaction");

	assert_int_equal(count(events, "X", "major fault"), 2);
	assert_int_equal(count(events, "X", "direct reclaim"), 1);
	assert_int_equal(count(events, "i", "fallback"), 1);
	assert_int_equal(count(events, "i", "kmalloc failed"), 1);
	assert_int_equal(count(events, "X", "vmalloc"), 1);
	assert_int_equal(count(events, "i", "register write"), 1);
	assert_int_equal(count(events, "i", "ioremap"), 1);
	assert_int_equal(count(events, "X", "lost events"), 1);
	assert_int_equal(count(events, "X", "missed events"), 1);
	/* what overlaps is in another lane; that of a CPU is with others of CPUs */
	assert_true(number_of(e, "pid") > PIDS_MAX);
	assert_true(number_of(e, "tid") != number_of(first(events, "X", "direct reclaim"), "tid"));
	e = first(events, "X", "major fault");
	assert_true(number_of(e, "pid") == 700 && number_of(e, "tid") > PIDS_MAX);
	assert_true(number_of(e, "ts") == 6000 && number_of(e, "dur") == 2000);
	e = first(events, "i", "exit");
	assert_string_equal(string_of(e, "s"), "p");
	assert_true(number_of(e, "pid") == 700 && number_of(e, "tid") == 700);
	/* no process is known: with its CPU */
	assert_true(number_of(first(events, "i", "register write"), "pid") ==
		    number_of(first(events, "X", "compaction"), "pid"));
	json_decref(root);
}

static void test_names(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = play(EVERYTHING);
	json_t *root, *events = checked(r, &root);
	const json_t *e;
	bool server = false, unknown = false, second = false;
	size_t i;

	json_array_foreach(events, i, e)
	{
		const json_t *args = json_object_get(e, "args");
		const char *name = json_string_value(json_object_get(args, "name"));

		if (strcmp(string_of(e, "ph"), "M") != 0 || !name)
			continue;
		server |= number_of(e, "pid") == 700 && !strcmp(name, "server");
		unknown |= number_of(e, "pid") == 701 && !strcmp(name, "unknown process");
		second |= number_of(e, "pid") == 700 && !strcmp(name, "major faults (2)");
	}
	assert_true(server && unknown && second);
	json_decref(root);
}

/* 104 days and more of nanoseconds are no double's: the digits are the integer's. */
static void test_exact(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		play("12345678901234567001 cpu0 start hooked=8\n"
		     "12345678901234567890 cpu0 vmalloc address=0x10000 bytes=100 pid=3 "
		     "began=12345678901234567111\n"
		     "12345678901234568000 cpu0 end\n");
	_cleanup_free_ char *text = export_text(r);

	assert_non_null(strstr(text, "\"ts\":12345678901234567.111,\"dur\":0.779"));
	assert_non_null(strstr(text, "\"ts\":12345678901234567.001,\"args\":{\"bytes\":0}"));
	assert_non_null(strstr(text, "\"start_ns\":\"12345678901234567001\""));
	json_decref(parse(text));
}

static const json_t *value_at(const json_t *events, const char *name, double ts, const char *key)
{
	size_t i;
	const json_t *e;

	json_array_foreach(
		events, i,
		e) if (!strcmp(string_of(e, "ph"), "C") && !strcmp(string_of(e, "name"), name) &&
		       number_of(e, "ts") == ts) return json_object_get(json_object_get(e, "args"),
									key);
	return NULL;
}

/* A counter is told when it changes, counts as so many a second; a level also at the end. */
static void test_counters(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = play(
		"1ms cpu0 start\n"
		"repeat 3 step_ptr=96 3500us cpu0 kmalloc ptr=0x10000 site=0x100 req=90 alloc=96\n"
		"6300us cpu0 kfree ptr=0x10000\n"
		"6400us cpu0 fault address=0x1000 ip=0x2000 what=minor\n"
		"6500us cpu0 end\n");
	json_t *root, *events = checked(r, &root);

	assert_int_equal(count(events, "C", "slab live"), 3);
	assert_int_equal(json_integer_value(value_at(events, "slab live", 1000, "bytes")), 0);
	assert_int_equal(json_integer_value(value_at(events, "slab live", 4000, "bytes")), 288);
	assert_int_equal(json_integer_value(value_at(events, "slab live", 6500, "bytes")), 192);
	assert_int_equal(count(events, "C", "slab allocations"), 3);
	assert_int_equal(
		json_integer_value(value_at(events, "slab allocations", 3000, "per second")), 3000);
	assert_int_equal(
		json_integer_value(value_at(events, "slab allocations", 4000, "per second")), 0);
	/* two series, one counter */
	assert_int_equal(
		json_integer_value(value_at(events, "page faults", 6000, "minor per second")),
		1000);
	assert_int_equal(
		json_integer_value(value_at(events, "page faults", 6000, "major per second")), 0);
	json_decref(root);
}

/* More slices at once than a group has lanes: the rest are instants. */
static void test_crowd(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		play("1us cpu0 start hooked=8\n"
		     "repeat 101 step_ns=1us step_ptr=0x1000 1ms cpu0 fault address=0x1000 "
		     "ip=0x2000 what=major pid=700 began=500us\n"
		     "repeat 101 step_ns=1us 5ms cpu0 vmalloc address=0x1000 bytes=100 "
		     "pid=700 began=4ms\n"
		     "9ms cpu0 end\n");
	json_t *root, *events = checked(r, &root);

	assert_int_equal(count(events, "X", "vmalloc"), LANES_MAX);
	assert_int_equal(count(events, "i", "vmalloc"), 101 - LANES_MAX);
	assert_int_equal(count(events, "X", "major fault") + count(events, "i", "major fault"),
			 101);
	json_decref(root);
}

/* Numbers of processes that there can't be, and names that are none. */
static void test_hostile(void **state _unused_)
{
	_cleanup_(report_free) struct report *r =
		play("1us cpu0 start\n"
		     "2us cpu0 process what=exec pid=4194305 comm=\"\\x1b[31m\\xff\"\n"
		     "3us cpu0 process what=exec pid=5 comm=\"\\x1b[31m\\xff\"\n"
		     "4us cpu255 fault address=0x1000 ip=0x2000 what=major pid=4294967295\n"
		     "5us cpu0 fault address=0x1000 ip=0x2000 what=major pid=4194306\n"
		     "9us cpu0 end\n");
	_cleanup_free_ char *text = export_text(r);
	json_t *root, *events = checked(r, &root);

	assert_null(strchr(text, '\x1b'));
	assert_non_null(strstr(text, "\"name\":\"\\\\x1b[31m\\\\xff\""));
	assert_int_equal(count(events, "i", "exec"), 2);
	assert_int_equal(count(events, "i", "major fault"), 2);
	assert_string_equal(string_of(first(events, "i", "exec"), "s"), "t");
	assert_int_equal(count(events, "M", "process_name"), 3);
	json_decref(root);
}

static void test_empty(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = play("1us cpu0 start\n2us cpu0 end\n");
	json_t *root, *events = checked(r, &root);

	assert_int_equal(json_array_size(events), count(events, "M", NULL));
	json_decref(root);
}

static void test_failures(void **state _unused_)
{
	_cleanup_(report_free) struct report *slab = report_new("slab");
	_cleanup_(report_free) struct report *r = play(EVERYTHING);
	const struct report *reports[] = { slab, r };
	struct export_options o = { 0 };
	struct failure f = { 0 };
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n), *full = fopen("/dev/full", "we");

	assert_int_equal(export_perfetto(reports, 1, &o, out, &f), -EINVAL);
	assert_int_equal(f.kind, FAILURE_USAGE);
	r->oom = true;
	assert_int_equal(export_perfetto(reports, 2, &o, out, &f), -ENOMEM);
	r->oom = false;
	fclose(out);
	assert_int_equal(n, 0);
	assert_int_equal(export_perfetto(reports, 2, &o, full, &f), -ENOSPC);
	assert_non_null(strstr(f.text, "No space"));
	fclose(full);
	free(text);
}

static void test_lanes(void **state _unused_)
{
	_cleanup_(lanes_free) struct lanes l = { 0 };
	uint32_t a, b, c, d, e;

	assert_int_equal(lanes_take(&l, 7, 100, 50, &a), 0);
	assert_int_equal(lanes_take(&l, 7, 120, 10, &b), 0);
	assert_int_equal(lanes_take(&l, 9, 120, 10, &c), 0);
	assert_int_equal(lanes_take(&l, 7, 130, UINT64_MAX, &d), 0);
	assert_int_equal(lanes_take(&l, 7, 150, 0, &e), 0);
	assert_int_equal(a, 0);
	assert_int_equal(l.all.items[b].number, 1);
	assert_int_equal(l.all.items[c].number, 0);
	assert_int_equal(d, b);
	assert_int_equal(e, a);
	assert_int_equal(lanes_first(&l, 7, &e), 0);
	assert_int_equal(e, a);
	assert_int_equal(l.groups.n, 2);
	assert_int_equal(l.all.items[d].end, UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema), cmocka_unit_test(test_names),
		cmocka_unit_test(test_exact),  cmocka_unit_test(test_counters),
		cmocka_unit_test(test_crowd),  cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_empty),  cmocka_unit_test(test_failures),
		cmocka_unit_test(test_lanes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
