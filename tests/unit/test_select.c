// SPDX-License-Identifier: GPL-2.0
/* The selector on recorded kernels. */
#include <errno.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fixture.h"
#include "plan.h"
#include "probe/select.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define DATA "tests/unit/data/capset/"

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

/*
 * What is chosen in @areas, by capability in their order: r a raw program, c a classic one, p one on a
 * function's entry, k one on its return, s one on a software event of perf, - none. Every verdict must
 * go with that.
 */
static void assert_areas(const struct capset *c, enum probe_choice choice, unsigned int areas,
			 const char *expected)
{
	struct probe_plan p = { 0 };
	static const char letters[] = {
		[METHOD_RAW] = 'r',	  [METHOD_CLASSIC] = 'c', [METHOD_KPROBE] = 'p',
		[METHOD_KRETPROBE] = 'k', [METHOD_PERF] = 's',
	};
	char got[CAPABILITY_MAX + 1] = { 0 };
	int n_chosen[CAPABILITY_MAX] = { 0 };
	size_t i, n = 0;

	assert_int_equal(probe_plan_make(c, choice, &p), 0);
	for (i = 0; i < CAPABILITY_MAX; i++)
		if (capabilities[i].areas & areas)
			got[n++] = p.chosen[i] ? letters[p.chosen[i]->method] : '-';
	assert_string_equal(got, expected);
	for (i = 0; i < n_probe_rows; i++) {
		const struct probe_verdict *v = &p.verdicts[i];

		assert_true(*v->requirement && *v->reason);
		assert_true(v->present || !v->chosen);
		assert_true(v->chosen == (p.chosen[probe_rows[i].capability] == &probe_rows[i]));
		n_chosen[probe_rows[i].capability] += v->chosen;
	}
	for (i = 0; i < CAPABILITY_MAX; i++)
		assert_true(n_chosen[i] <= 1);
	probe_plan_free(&p);
	probe_plan_free(&p);
}

static void assert_chosen(const struct capset *c, enum probe_choice choice, const char *expected)
{
	assert_areas(c, choice, AREA_SLAB | AREA_TASKS, expected);
}

static void assert_check_areas(const struct capset *c, enum probe_choice choice, unsigned int areas,
			       int err, const char *said)
{
	struct probe_plan p = { 0 };
	struct failure f = { 0 };

	assert_int_equal(probe_plan_make(c, choice, &p), 0);
	assert_int_equal(probe_plan_check(&p, c, areas, &f), err);
	if (err) {
		assert_int_equal(f.kind, FAILURE_UNSUPPORTED);
		if (!strstr(f.text, said))
			fail_msg("«%s» is not in «%s»", said, f.text);
	}
	probe_plan_free(&p);
}

static void assert_check(const struct capset *c, enum probe_choice choice, int err,
			 const char *said)
{
	assert_check_areas(c, choice, AREA_SLAB, err, said);
}

static void test_table(void **state _unused_)
{
	size_t i;

	for (i = 1; i < n_probe_rows; i++) {
		const struct probe_row *a = &probe_rows[i - 1], *b = &probe_rows[i];

		/* by capability, then by preference from 1 */
		if (a->capability == b->capability)
			assert_int_equal(b->preference, a->preference + 1);
		else
			assert_true(b->capability == a->capability + 1 && b->preference == 1);
	}
	assert_int_equal(probe_rows[n_probe_rows - 1].capability, CAPABILITY_MAX - 1);
}

/* kmalloc, kmalloc_node, cache_alloc, cache_alloc_node, kfree, cache_free, children */

static void test_amd64(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	assert_chosen(&c, PROBE_AUTO, "r-r-rrc");
	assert_check(&c, PROBE_AUTO, 0, NULL);
}

/* page_alloc, _free, _fallback, _refill, _drain, _bulk, compaction, reclaim */
static void test_pages(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");
	struct probe_plan p = { 0 };
	struct failure f = { 0 };

	assert_areas(&c, PROBE_AUTO, AREA_PAGES | AREA_FRAMES, "ccccc-cc");
	assert_areas(&c, PROBE_RAW, AREA_PAGES | AREA_FRAMES,
		     "ccccc-cc"); /* is about what has two methods */
	c.kprobes = true;
	assert_areas(&c, PROBE_AUTO, AREA_PAGES | AREA_FRAMES, "ccccc-cc");
	c.functions[FUNCTION_PAGES_BULK] = true;
	assert_areas(&c, PROBE_AUTO, AREA_PAGES | AREA_FRAMES, "ccccckcc");
	c.functions[FUNCTION_PAGES_BULK_NOPROF] = true;
	assert_areas(&c, PROBE_AUTO, AREA_PAGES | AREA_FRAMES, "ccccckcc");
	/* what it can do without, and what it can't */
	c.events[TRACE_COMPACTION_END].classic_fields = false;
	c.events[TRACE_PAGE_DRAIN].classic = false;
	assert_areas(&c, PROBE_AUTO, AREA_PAGES | AREA_FRAMES, "cccc-k-c");
	assert_int_equal(probe_plan_make(&c, PROBE_AUTO, &p), 0);
	assert_int_equal(probe_plan_check(&p, &c, AREA_PAGES, &f), 0);
	probe_plan_free(&p);
	c.events[TRACE_PAGE_FREE].classic = false;
	assert_int_equal(probe_plan_make(&c, PROBE_AUTO, &p), 0);
	assert_int_equal(probe_plan_check(&p, &c, AREA_PAGES, &f), -ENOTSUP);
	assert_non_null(strstr(f.text, "page_free"));
	assert_int_equal(probe_plan_check(&p, &c, AREA_SLAB, NULL), 0);
	probe_plan_free(&p);
}

/* fault_minor, fault_major, _begin, _copied, _around, _huge, _swap, gup */
static void test_faults(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "ssc----c");
	assert_areas(&c, PROBE_RAW, AREA_FAULTS, "ssc----c"); /* is about what has two methods */
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, 0, NULL);
	c.kprobes = true;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "ssc----c");
	c.functions[FUNCTION_FAULT_WP] = c.functions[FUNCTION_FAULT_AROUND] = true;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sscpp--c");
	c.functions[FUNCTION_FAULT_COPY] = c.functions[FUNCTION_FAULT_HUGE] = true;
	c.functions[FUNCTION_FAULT_SWAP] = true;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sscppkpc");
	assert_true(probe_uses_functions(AREA_FAULTS));
	/* when faults begin: by both events of x86, or by perf */
	c.events[TRACE_FAULT_KERNEL].classic_fields = false;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sssppkpc");
	c.events[TRACE_FAULT_KERNEL].classic_fields = true;
	c.events[TRACE_FAULT_USER].classic = false;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sssppkpc");
	/* what get_user_pages() takes: by what tasks count, or by the function that both call */
	c.task_counts = false;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sssppkp-");
	c.functions[FUNCTION_HANDLE_FAULT] = true;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sssppkpk");
	c.kprobes = false;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sss-----");
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, 0, NULL);
	c = read_set("no-tracefs");
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "sss-----");
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, 0, NULL);
}

/* Without perf's events there are no faults, whatever else there is. */
static void test_faults_without_perf(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");
	struct probe_plan p = { 0 };
	size_t i;

	c.software_events = false;
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "--c----c");
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, -ENOTSUP,
			   "fault_minor can't be traced on this kernel: perf: perf's software "
			   "events can't be opened, or take no programs");
	assert_check_areas(&c, PROBE_AUTO, AREA_SLAB, 0, NULL);
	assert_int_equal(probe_plan_make(&c, PROBE_AUTO, &p), 0);
	for (i = 0; i < n_probe_rows; i++)
		if (probe_rows[i].capability == CAPABILITY_FAULT_MAJOR)
			assert_string_equal(p.verdicts[i].requirement,
					    "perf's software event major-faults");
		else if (probe_rows[i].capability == CAPABILITY_GUP &&
			 probe_rows[i].method == METHOD_KRETPROBE)
			assert_string_equal(p.verdicts[i].requirement,
					    "kprobes and the function handle_mm_fault");
	probe_plan_free(&p);
	/* why there is no reading of what tasks count */
	c.task_counts = false;
	assert_int_equal(probe_plan_make(&c, PROBE_AUTO, &p), 0);
	for (i = 0; i < n_probe_rows; i++)
		if (probe_rows[i].capability == CAPABILITY_GUP &&
		    probe_rows[i].method == METHOD_CLASSIC)
			assert_string_equal(p.verdicts[i].reason,
					    "no BTF that tells where tasks count");
	probe_plan_free(&p);
	c = read_set("nothing");
	assert_areas(&c, PROBE_AUTO, AREA_FAULTS, "--------");
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, -ENOTSUP, "fault_minor");
	c = read_set("unprivileged");
	assert_check_areas(&c, PROBE_AUTO, AREA_FAULTS, -EPERM, "sudo");
}

/* The kernels of `make vmtest`: what is chosen there stands beside what was recorded there. */
static void test_recorded_guests(void **state _unused_)
{
	glob_t found;
	size_t i;

	assert_int_equal(glob(DATA "guest-*.txt", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++) {
		char path[128], *text = fixture_read(found.gl_pathv[i]), *written = NULL;
		struct failure f = { 0 };
		struct capset c;
		FILE *out;
		size_t n;

		if (capset_read(text, &c, &f))
			fail_msg("%s: %s", found.gl_pathv[i], f.text);
		free(text);
		out = open_memstream(&written, &n);
		assert_int_equal(plan_write(&c, out), 0);
		fclose(out);
		snprintf(path, sizeof(path), "%.*s.plan", (int)strlen(found.gl_pathv[i]) - 4,
			 found.gl_pathv[i]);
		text = fixture_read(path);
		if (strcmp(written, text))
			fail_msg("%s (`make compat` writes it anew) says\n%sbut chosen is\n%s",
				 path, text, written);
		free(text);
		free(written);
	}
	globfree(&found);
}

static void test_node_events_before_6_1(void **state _unused_)
{
	struct capset c = read_set("guest-5.10-amd64");

	assert_chosen(&c, PROBE_AUTO, "rrrrrrc");
	assert_chosen(&c, PROBE_CLASSIC, "ccccccc");
	assert_check(&c, PROBE_AUTO, 0, NULL);
	/* sizes stand for the cache pointer: its offsets are not needed */
	c.cache_offsets = false;
	assert_chosen(&c, PROBE_AUTO, "rrrrrrc");
	/* an event that is there must be served */
	c.events[TRACE_KMALLOC_NODE].args.given = CONFIG_NO_ARG;
	assert_chosen(&c, PROBE_AUTO, "rcrrrrc");
	c.events[TRACE_KMALLOC_NODE].classic = false;
	assert_chosen(&c, PROBE_AUTO, "r-rrrrc");
	assert_check(&c, PROBE_AUTO, -ENOTSUP, "kmalloc_node can't be traced");
}

static void test_arm32_without_btf(void **state _unused_)
{
	struct capset c = read_set("guest-6.1-armhf");

	assert_chosen(&c, PROBE_AUTO, "c-c-ccc");
	assert_check(&c, PROBE_AUTO, 0, NULL);
	assert_chosen(&c, PROBE_RAW, "------c");
	assert_check(&c, PROBE_RAW, -ENOTSUP,
		     "kmalloc can't be traced on this kernel: raw: no kernel BTF");
}

static void test_tracefs_missing(void **state _unused_)
{
	struct capset c = read_set("no-tracefs");

	assert_chosen(&c, PROBE_AUTO, "r-r-rr-"); /* all but --child */
	assert_check(&c, PROBE_AUTO, 0, NULL);
	assert_chosen(&c, PROBE_CLASSIC, "-------");
	assert_check(&c, PROBE_CLASSIC, -ENOTSUP, "classic: tracefs is not available");
}

static void test_nothing_to_hook(void **state _unused_)
{
	struct capset c = read_set("nothing");

	assert_chosen(&c, PROBE_AUTO, "-------");
	assert_check(&c, PROBE_AUTO, -ENOTSUP, "raw: no kernel BTF");
	assert_check(&c, PROBE_AUTO, -ENOTSUP, "classic: tracefs is not available");
}

static void test_unprivileged(void **state _unused_)
{
	struct capset c = read_set("unprivileged");

	assert_chosen(&c, PROBE_AUTO, "-------");
	assert_check(&c, PROBE_AUTO, -EPERM, "sudo");
}

static void test_no_ring_buffers(void **state _unused_)
{
	struct capset c = read_set("no-ringbuf");

	assert_chosen(&c, PROBE_AUTO, "-------");
	assert_check(&c, PROBE_AUTO, -ENOTSUP, "(5.4.0-100-generic) has no BPF ring buffers");
}

/* Classic tracepoints have a format there all the same. */
static void test_no_bpf_events(void **state _unused_)
{
	struct capset c = read_set("guest-6.1-armhf");

	c.bpf_events = false;
	assert_chosen(&c, PROBE_AUTO, "-------");
	assert_check(&c, PROBE_AUTO, -ENOTSUP, "CONFIG_BPF_EVENTS");
}

static void test_forced(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	assert_chosen(&c, PROBE_RAW, "r-r-rrc");
	assert_chosen(&c, PROBE_CLASSIC, "c-c-ccc");
	assert_check(&c, PROBE_CLASSIC, 0, NULL);
}

/* Where raw tracepoints' programs can be preempted they serve only if nothing else does. */
static void test_preemptible(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	c.preemptible = true;
	assert_chosen(&c, PROBE_AUTO, "c-c-ccc");
	assert_chosen(&c, PROBE_RAW, "r-r-rrc");
	assert_check(&c, PROBE_RAW, 0, NULL);
	c.events[TRACE_KFREE].classic_fields = false;
	assert_chosen(&c, PROBE_AUTO, "c-c-rcc");
	c.tracefs = false;
	assert_chosen(&c, PROBE_AUTO, "r-r-rr-");
}

/* What looks like an event but is not as expected is left alone. */
static void test_unexpected_arguments(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");

	c.events[TRACE_KMALLOC].args.site = CONFIG_NO_ARG;
	assert_chosen(&c, PROBE_AUTO, "c-r-rrc");
	c.cache_offsets = false;
	assert_chosen(&c, PROBE_AUTO, "c-c-rrc");
	c.events[TRACE_CACHE_ALLOC].classic_fields = false;
	assert_chosen(&c, PROBE_AUTO, "c---rrc");
	assert_check(&c, PROBE_AUTO, -ENOTSUP,
		     "kmem_cache_alloc can't be traced on this kernel: raw: its arguments are not "
		     "the expected ones; classic: its record lacks expected fields");
}

static void test_reasons(void **state _unused_)
{
	struct capset c = read_set("amd64-6.18");
	struct probe_plan p = { 0 };

	assert_int_equal(probe_plan_make(&c, PROBE_AUTO, &p), 0);
	assert_string_equal(p.verdicts[0].requirement, "BTF prototype of kmem:kmalloc");
	assert_string_equal(p.verdicts[0].reason, probe_rows[0].why);
	assert_non_null(strstr(p.verdicts[1].reason, "second choice"));
	assert_string_equal(p.verdicts[2].reason, "this kernel has no such event");
	probe_plan_free(&p);
	assert_int_equal(probe_plan_make(&c, PROBE_CLASSIC, &p), 0);
	assert_string_equal(p.verdicts[0].reason, "excluded by --probe");
	probe_plan_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_amd64),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_faults_without_perf),
		cmocka_unit_test(test_recorded_guests),
		cmocka_unit_test(test_node_events_before_6_1),
		cmocka_unit_test(test_arm32_without_btf),
		cmocka_unit_test(test_tracefs_missing),
		cmocka_unit_test(test_nothing_to_hook),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_no_ring_buffers),
		cmocka_unit_test(test_no_bpf_events),
		cmocka_unit_test(test_preemptible),
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_unexpected_arguments),
		cmocka_unit_test(test_reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
