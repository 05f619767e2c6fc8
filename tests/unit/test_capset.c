// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fixture.h"
#include "probe/capset.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/capset/"

static const char *const recorded[] = {
	"amd64-6.18",
	"guest-5.10-amd64",
	"guest-6.1-amd64",
	"guest-6.1-arm64",
	"guest-6.1-armhf",
	"guest-6.12-amd64",
	"guest-6.12-arm64",
	"guest-6.12-armhf",
	"guest-newest-amd64",
	"guest-newest-arm64",
	"no-tracefs",
	"no-ringbuf",
	"nothing",
	"unprivileged",
};

static struct capset read_set(const char *name)
{
	struct failure f = { 0 };
	struct capset c;
	char path[128];
	char *text;

	snprintf(path, sizeof(path), DATA "%s.txt", name);
	text = fixture_read(path);
	if (capset_read(text, &c, &f))
		fail_msg("%s: %s", name, f.text);
	free(text);
	return c;
}

/* What is read is written again, byte for byte but for the comment. */
static void test_round_trip(void **state _unused_)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(recorded); i++) {
		struct capset c = read_set(recorded[i]);
		char path[128], *text, *written = NULL;
		size_t n = 0;
		FILE *out = open_memstream(&written, &n);

		capset_write(&c, out);
		fclose(out);
		snprintf(path, sizeof(path), DATA "%s.txt", recorded[i]);
		text = fixture_read(path);
		assert_true(text[0] == '#');
		assert_string_equal(written, strchr(text, '\n') + 1);
		free(text);
		free(written);
	}
}

static void test_facts(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	assert_string_equal(c.kernel, "6.18.44");
	assert_string_equal(c.arch, "x86_64");
	assert_true(c.privileged && c.btf && c.tracefs && c.ringbuf && c.cache_offsets);
	assert_int_equal(c.kptr_restrict, 0);
	assert_int_equal(c.cache_name_offset, 104);
	assert_int_equal(c.page_size, 4096);
	assert_int_equal(c.gfp_account, 0x400000);
	assert_true(c.software_events && c.task_counts);
	assert_int_equal(c.task_minor_offset, 1568);
	assert_int_equal(c.task_major_offset, 1576);
	c = read_set("guest-6.1-armhf");
	assert_false(c.btf || c.stack_traces || c.jit || c.cache_offsets);
}

static void test_events(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");
	const struct capset_event *e = &c.events[TRACE_KMALLOC];

	assert_true(e->prototype && e->classic && e->classic_fields);
	assert_false(e->classic_name);
	assert_int_equal(e->args.site, 0);
	assert_int_equal(e->args.given, 3);
	assert_int_equal(e->args.cache, CONFIG_NO_ARG);
	e = &c.events[TRACE_KMALLOC_NODE];
	assert_false(e->prototype || e->classic || e->classic_fields);
	e = &c.events[TRACE_CACHE_FREE];
	assert_true(e->classic_name);
	assert_int_equal(e->args.cache, 2);
	e = &c.events[TRACE_FAULT_USER];
	assert_true(e->classic && e->classic_fields);
	c = read_set("guest-5.10-amd64");
	assert_true(c.events[TRACE_KMALLOC_NODE].prototype);
	assert_int_equal(c.events[TRACE_CACHE_ALLOC].args.cache, CONFIG_NO_ARG);
	assert_int_equal(c.events[TRACE_CACHE_ALLOC].args.requested, 2);
}

static void test_nothing_is_known_of_what_is_not_said(void **state _unused_)
{
	struct capset c;

	assert_int_equal(capset_read("# nothing\n\n", &c, NULL), 0);
	assert_false(c.privileged || c.btf);
	assert_int_equal(c.kptr_restrict, -1);
	assert_int_equal(c.events[TRACE_KFREE].args.ptr, CONFIG_NO_ARG);
}

static void assert_bad(const char *text, const char *line)
{
	struct capset c = { .kptr_restrict = 42 };
	struct failure f = { 0 };

	assert_int_equal(capset_read(text, &c, &f), -EINVAL);
	assert_int_equal(c.kptr_restrict, 42); /* untouched */
	assert_non_null(strstr(f.text, line));
	assert_int_equal(f.kind, FAILURE_USAGE);
}

static void test_bad_lines(void **state _unused_)
{
	char long_name[200] = "arch ";

	assert_bad("btf 1\nnonsense 3\n", "«nonsense 3»");
	assert_bad("btf\n", "«btf»");
	assert_bad("btf yes\n", "«btf yes»");
	assert_bad("page_size 4096x\n", "«page_size 4096x»");
	assert_bad("event kmem:no_such\n", "«event kmem:no_such»");
	assert_bad("event kmem\n", "«event kmem»");
	assert_bad("event kmem:kmallo\n", "kmallo");
	assert_bad("event kmem:kfree prototyp\n", "prototyp");
	assert_bad("event kmem:kfree pt=1\n", "pt=1");
	memset(long_name + 5, 'x', 100);
	assert_bad(long_name, "«arch xxx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_nothing_is_known_of_what_is_not_said),
		cmocka_unit_test(test_bad_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
