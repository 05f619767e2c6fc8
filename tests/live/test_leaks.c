// SPDX-License-Identifier: GPL-2.0
/* kmscope leaks: what is held is listed, exactly and with evidence; what was freed is not. */
#include "live.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD	 97
#define HELD_ARG "97"
#define PIPE	 "alloc_pipe_info"

/* kmscope leaks, and a program under it that holds pipes. */
struct holding {
	struct live l;
	pid_t program;
	uint64_t since; /* everything is held from here on */
};

static void hold(struct holding *h, const char *const *options)
{
	const char *argv[40] = { live_kmscope, "leaks", "--json", "--comm", "pipes", "--child" };
	const char *ready = live_temp("held");
	size_t n = 6;

	unlink(ready);
	while (*options)
		argv[n++] = *options++;
	memcpy(argv + n, (const char *[]){ "--", live_pipes, "--hold", HELD_ARG, "--ready", ready },
	       6 * sizeof(argv[0]));
	live_spawnv(&h->l, NULL, argv);
	if (!live_await(ready, h->l.pidfd)) {
		live_end(&h->l);
		fail_msg("kmscope ended with %d: %s", h->l.code, h->l.err);
	}
	h->since = live_now_ns();
	check(live_children(h->l.pid, &h->program, 1) == 1, "kmscope has no child");
}

/* The first report of a time when everything was held. */
static json_t *while_held(struct holding *h)
{
	json_t *r;

	while ((r = live_next(&h->l)) && live_u64(r, "end_ns") < h->since)
		json_decref(r);
	check(r, "kmscope ended: %s", h->l.err);
	return r;
}

static json_t *end_by_interrupt(struct holding *h)
{
	json_t *r;

	check(!live_end_by(&h->l, SIGINT), "kmscope ended with %d: %s", h->l.code, h->l.err);
	r = live_final(&h->l);
	kill(h->program, SIGUSR2);
	return r;
}

static void check_held(const json_t *r, uint64_t n)
{
	const json_t *rows = live_table(r, "candidates");

	check_u64(live_sites(rows, PIPE), n ? 2 : 0, "sites with pipes");
	for (size_t i = 0; n && i < 2; i++) {
		const json_t *row = live_site(rows, PIPE, i);

		check_u64(live_u64(row, "objects"), n, "objects of a pipe's site");
		check(live_u64(row, "bytes") >= n && live_u64(row, "bytes") % n == 0,
		      "%llu bytes are not %d equal objects",
		      (unsigned long long)live_u64(row, "bytes"), HELD);
		check(live_u64(row, "oldest_ns") >= live_u64(row, "youngest_ns"),
		      "the oldest object is younger than the youngest");
		assert_string_equal(live_text(row, "verdict"), "candidate");
		check(json_array_size(json_object_get(row, "evidence")), "there is no evidence");
	}
}

/* 97 while they are held, none once they are closed, in one run. */
static void test_held_and_closed(void **state)
{
	struct holding h;
	uint64_t left = HELD;
	json_t *r;

	live_need_probe(*state);
	hold(&h, (const char *[]){ "-i", "1", "--probe", *state, NULL });
	r = while_held(&h);
	check(json_is_false(json_object_get(r, "final")), "an interval report is not final");
	check_held(r, HELD);
	json_decref(r);
	kill(h.program, SIGUSR1);
	/* closed one by one: what a report in between shows is between 0 and all */
	while (left) {
		const json_t *row;

		r = live_next(&h.l);
		check(r, "kmscope ended: %s", h.l.err);
		row = live_site(live_table(r, "candidates"), PIPE, 0);
		check(!row || live_u64(row, "objects") <= left, "closed pipes came back");
		left = row ? live_u64(row, "objects") : 0;
		json_decref(r);
	}
	kill(h.program, SIGUSR2);
	check(!live_end(&h.l), "kmscope ended with %d: %s", h.l.code, h.l.err);
	r = live_final(&h.l);
	check_held(r, 0);
	live_check_whole(r);
	json_decref(r);
}

static void test_min_age(void **state)
{
	struct holding h;
	json_t *r;

	(void)state;
	hold(&h, (const char *[]){ "-i", "1", "--min-age", "1h", NULL });
	r = while_held(&h);
	check_held(r, 0);
	json_decref(r);
	r = end_by_interrupt(&h);
	check_held(r, 0);
	json_decref(r);
	/* old enough for an age that has passed for sure: 1 ms before a report a second later */
	hold(&h, (const char *[]){ "-i", "1", "--min-age", "1ms", NULL });
	r = while_held(&h);
	while (live_u64(r, "end_ns") < h.since + 1000000) {
		json_decref(r);
		r = live_next(&h.l);
	}
	check_held(r, HELD);
	json_decref(r);
	json_decref(end_by_interrupt(&h));
}

static void test_objects(void **state)
{
	const json_t *objects, *o;
	struct holding h;
	json_t *r, *seen = json_object();
	uint64_t n = 0;
	size_t i;

	live_need_probe(*state);
	hold(&h, (const char *[]){ "--objects", "--probe", *state, NULL });
	r = end_by_interrupt(&h);
	check_held(r, HELD);
	objects = live_table(r, "objects");
	json_array_foreach(objects, i, o)
	{
		const char *address = live_text(o, "address");

		check(address && !strncmp(address, "0x", 2), "an object has no address");
		check(!json_object_get(seen, address), "%s is listed twice", address);
		json_object_set_new(seen, address, json_true());
		if (!live_is_in(live_text(o, "site"), PIPE))
			continue;
		n++;
		check_u64(live_u64(o, "pid"), (uint64_t)h.program, "pid of an object");
		assert_string_equal(live_text(o, "comm"), "pipes");
		check(live_u64(o, "age_ns") <= live_u64(r, "end_ns") - live_u64(r, "start_ns"),
		      "an object is older than the run");
	}
	check_u64(n, 2 * HELD, "objects of the pipes");
	json_decref(seen);
	json_decref(r);
}

/* The call chain of a pipe, below the function that made it. */
static bool comes_from_pipe(const json_t *report, uint64_t id)
{
	json_t *stack = json_array_get(json_object_get(report, "stacks"), id), *frame;
	size_t i;

	check(stack, "there is no stack %llu", (unsigned long long)id);
	json_array_foreach(json_object_get(stack, "frames"), i, frame)
	{
		const char *symbol = live_text(frame, "symbol");

		if (symbol && (!strcmp(symbol, "do_pipe2") || !strcmp(symbol, "create_pipe_files")))
			return true;
	}
	return false;
}

static void check_stacks(const json_t *r, bool estimated_possible)
{
	for (size_t i = 0; i < 2; i++) {
		json_t *row = live_site(live_table(r, "candidates"), PIPE, i), *share;
		json_t *shares = json_object_get(row, "stacks");
		uint64_t objects = 0;
		size_t k;

		check(json_array_size(shares), "a pipe's site has no stacks");
		json_array_foreach(shares, k, share)
		{
			objects += live_u64(share, "objects");
			check(estimated_possible ||
				      json_is_false(json_object_get(share, "estimated")),
			      "a stack is estimated though all were taken");
			check(comes_from_pipe(r, live_u64(share, "stack")),
			      "a stack does not lead through pipe2()");
		}
		check_u64(objects, HELD, "objects that the stacks stand for");
	}
}

/* Where kmscope takes none: asked for, they are refused in a line, with the reason. */
static void check_stacks_refused(const char *which)
{
	struct live l;

	live_spawn(&l, NULL, live_kmscope, "leaks", "--json", "--stacks", which, "--", live_pipes,
		   "--ready", live_temp("ran"), "7", NULL);
	check(live_end(&l) == 3, "--stacks %s ended with %d: %s", which, l.code, l.err);
	check(l.err_len && strchr(l.err, '\n') == l.err + l.err_len - 1,
	      "not a message of a line: %s", l.err);
	check(strstr(l.err, "--stacks none"), "the message does not say what to do: %s", l.err);
	check(!l.out_len, "there is a report: %s", l.out);
	check(access(live_temp("ran"), F_OK), "the program ran");
}

static bool has_note(const json_t *r, const char *text)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(r, "notes"), i,
			   note) if (strstr(json_string_value(note), text)) return true;
	return false;
}

static void test_stacks(void **state)
{
	const char *which = *state;
	bool none = !strcmp(which, "none"), junk = !none && !live_has_stacks();
	struct holding h;
	json_t *r;

	if (junk && !strcmp(which, "all")) {
		check_stacks_refused(which);
		return;
	}
	hold(&h, (const char *[]){ "--stacks", which, NULL });
	r = end_by_interrupt(&h);
	check_held(r, HELD);
	check(has_note(r, "no call chains") == junk, "the report %s a note on absent call chains",
	      junk ? "lacks" : "has");
	if (!none && !junk) {
		check_stacks(r, !strcmp(which, "auto"));
	} else {
		check_u64(json_array_size(json_object_get(r, "stacks")), 0, "stacks");
		for (size_t i = 0; i < 2; i++)
			check(!json_array_size(json_object_get(
				      live_site(live_table(r, "candidates"), PIPE, i), "stacks")),
			      "there are stacks where none are taken");
	}
	json_decref(r);
}

/* Rows by something else than the site have the same objects. */
static void test_by(void **state)
{
	struct holding h;
	const json_t *row;
	char pid[16];
	json_t *r;

	hold(&h, (const char *[]){ "--site", "alloc_pipe_info", "--by", *state, NULL });
	r = end_by_interrupt(&h);
	snprintf(pid, sizeof(pid), "%d", (int)h.program);
	if (!strcmp(*state, "cache")) {
		const json_t *rows = live_table(r, "candidates");

		check_u64(live_rows(rows, "group", "kmalloc-"), 2, "caches of a pipe");
		check_u64(live_u64(live_row(rows, "group", "kmalloc-", 0), "objects"), HELD,
			  "objects of a pipe's cache");
		check_u64(live_u64(live_row(rows, "group", "kmalloc-", 1), "objects"), HELD,
			  "objects of a pipe's cache");
	} else {
		check_u64(json_array_size(live_table(r, "candidates")), 1, "rows");
		row = json_array_get(live_table(r, "candidates"), 0);
		assert_string_equal(live_text(row, "group"), strcmp(*state, "pid") ? "pipes" : pid);
		check_u64(live_u64(row, "objects"), 2 * HELD, "objects of the row");
	}
	json_decref(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_held_and_closed, "held, then closed, raw", "raw"),
		live_test(test_held_and_closed, "held, then closed, classic", "classic"),
		live_test(test_min_age, "--min-age", NULL),
		live_test(test_objects, "--objects, raw", "raw"),
		live_test(test_objects, "--objects, classic", "classic"),
		live_test(test_stacks, "--stacks auto", "auto"),
		live_test(test_stacks, "--stacks all", "all"),
		live_test(test_stacks, "--stacks none", "none"),
		live_test(test_by, "--by comm", "comm"),
		live_test(test_by, "--by pid", "pid"),
		live_test(test_by, "--by cache", "cache"),
	};

	return live_main("leaks", tests, ARRAY_SIZE(tests));
}
