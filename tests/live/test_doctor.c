// SPDX-License-Identifier: GPL-2.0
/* kmscope doctor: what it says is what the other commands then do. */
#include "probe/select.h" /* before cmocka.h, which makes fail() a macro */

#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Everything that can be chosen is chosen once, and a choice is present. */
static void check_choices(const json_t *rows)
{
	json_t *row, *other;
	size_t i, k;

	json_array_foreach(rows, i, row)
	{
		const char *name = live_text(row, "capability");
		unsigned int chosen = 0, present = 0;

		json_array_foreach(rows, k, other)
		{
			if (strcmp(live_text(other, "capability"), name))
				continue;
			chosen += json_is_true(json_object_get(other, "chosen"));
			present += json_is_true(json_object_get(other, "present"));
			check(!json_is_true(json_object_get(other, "chosen")) ||
				      json_is_true(json_object_get(other, "present")),
			      "%s: chosen but not present", name);
		}
		check(chosen == (present ? 1 : 0), "%s: %u present, %u chosen", name, present,
		      chosen);
		check(live_text(row, "reason") && live_text(row, "requirement"),
		      "%s: no reason or requirement", name);
	}
}

static const char *fact(const json_t *report, const char *name)
{
	json_t *row = live_row(live_table(report, "facts"), "name", name, 0);

	check(row, "there is no fact «%s»", name);
	return live_text(row, "value");
}

static void test_report(void **state)
{
	json_t *r = live_run("doctor", "--json", NULL);
	struct utsname u;
	char text[64];

	(void)state;
	uname(&u);
	check_choices(live_table(r, "capabilities"));
	check(live_rows(live_table(r, "capabilities"), "capability", "kmalloc") >= 2,
	      "kmalloc has no two ways");
	assert_string_equal(live_text(r, "kernel"), u.release);
	assert_string_equal(fact(r, "kernel"), u.release);
	snprintf(text, sizeof(text), "%ld bytes", sysconf(_SC_PAGESIZE));
	assert_string_equal(fact(r, "page size"), text);
	assert_string_equal(live_text(live_row(live_table(r, "privileges"), "name", "tracing", 0),
				      "value"),
			    "allowed");
	json_decref(r);
}

/* --probe changes the choice, here as there. */
static void test_probe(void **state)
{
	json_t *r, *row;
	size_t i;

	live_need_probe(*state);
	r = live_run("doctor", "--json", "--probe", *state, NULL);
	check_choices(live_table(r, "capabilities"));
	/* the other areas have one method for each capability */
	json_array_foreach(live_table(r, "capabilities"), i,
			   row) if (json_is_true(json_object_get(row, "chosen")) &&
				    !strcmp(live_text(row, "area"), "slab"))
		assert_string_equal(live_text(row, "method"), *state);
	json_decref(r);
}

static void test_unprivileged(void **state)
{
	const struct live_how nobody = { .uid = 65534 };
	const char *there = live_temp("kmscope");
	struct live l;
	json_t *r;

	(void)state;
	check(!link(live_kmscope, there) || errno == EXDEV, "%s: %s", there, strerror(errno));
	if (access(there, F_OK)) {
		char buf[65536];
		ssize_t n;
		int in = open(live_kmscope, O_RDONLY | O_CLOEXEC);
		int out = open(there, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);

		while ((n = read(in, buf, sizeof(buf))) > 0)
			check(write(out, buf, (size_t)n) == n, "%s: %s", there, strerror(errno));
		fchmod(out, 0755);
		close(in);
		close(out);
	}
	live_spawn(&l, &nobody, there, "doctor", "--json", NULL);
	check(live_end(&l) == 3, "doctor of nobody ended with %d: %s", l.code, l.err);
	check(l.err_len, "doctor of nobody says nothing");
	r = live_final(&l);
	assert_string_not_equal(
		live_text(live_row(live_table(r, "privileges"), "name", "tracing", 0), "value"),
		"allowed");
	json_decref(r);
}

/* What --capabilities prints leads to the same choice elsewhere. */
static void test_capabilities(void **state)
{
	json_t *r = live_run("doctor", "--json", NULL), *row;
	struct probe_plan plan = { 0 };
	struct failure f = { 0 };
	struct capset c;
	struct live l;
	size_t i, n = 0;

	(void)state;
	live_spawn(&l, NULL, live_kmscope, "doctor", "--capabilities", NULL);
	check(!live_end(&l), "doctor ended with %d: %s", l.code, l.err);
	check(!capset_read(l.out, &c, &f), "what it prints can't be read: %s", f.text);
	check(!probe_plan_make(&c, PROBE_AUTO, &plan), "out of memory");
	check_u64(json_array_size(live_table(r, "capabilities")), n_probe_rows, "rows");
	json_array_foreach(live_table(r, "capabilities"), i, row)
	{
		const struct probe_row *p = &probe_rows[i];
		bool chosen = json_is_true(json_object_get(row, "chosen"));

		assert_string_equal(live_text(row, "capability"), capabilities[p->capability].name);
		assert_string_equal(live_text(row, "method"), method_names[p->method]);
		check(plan.verdicts[i].chosen == chosen, "%s by %s: chosen %d, recorded %d",
		      live_text(row, "capability"), live_text(row, "method"), chosen,
		      plan.verdicts[i].chosen);
		n += chosen;
	}
	check(n, "nothing was chosen");
	probe_plan_free(&plan);
	json_decref(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_report, "the report", NULL),
		live_test(test_probe, "--probe raw", "raw"),
		live_test(test_probe, "--probe classic", "classic"),
		live_test(test_unprivileged, "not root", NULL),
		live_test(test_capabilities, "--capabilities", NULL),
	};

	return live_main("doctor", tests, ARRAY_SIZE(tests));
}
