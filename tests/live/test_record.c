// SPDX-License-Identifier: GPL-2.0
/*
 * Recordings say what was said when they were made: the report of --write's file is the live one, byte for
 * byte, and «kmscope record» keeps what every analysis counts, exactly.
 */
#include "live.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WORDS_MAX 32
#define BATCH	  6

/* The program itself as a workload: another program, whose output goes nowhere. */
static int work_quietly(char **argv)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null < 0 || dup2(null, STDOUT_FILENO) < 0)
		return 1;
	execv(argv[0], argv);
	return 127;
}

/* Where another workload is. */
static const char *work(const char *name)
{
	static char path[LIVE_PATH_MAX];

	snprintf(path, sizeof(path), "%.*s/work_%s", (int)(strrchr(live_pipes, '/') - live_pipes),
		 live_pipes, name);
	return path;
}

/* --- command lines -------------------------------------------------------------------------------- */

struct words {
	const char *argv[WORDS_MAX];
	size_t n;
};

static void put(struct words *w, const char *word)
{
	check(w->n < WORDS_MAX - 1, "too many words");
	w->argv[w->n++] = word;
}

/* @list has up to @max words, or ends with NULL. */
static void put_all(struct words *w, const char *const *list, size_t max)
{
	for (size_t i = 0; i < max && list[i]; i++)
		put(w, list[i]);
}

/* The words from the second on, for messages; valid until the next call. */
static const char *said(const struct words *w)
{
	static char text[1024];

	*text = '\0';
	for (size_t i = 1; i < w->n; i++) {
		strncat(text, i > 1 ? " " : "", sizeof(text) - strlen(text) - 1);
		strncat(text, w->argv[i], sizeof(text) - strlen(text) - 1);
	}
	return text;
}

/* --- live and replayed ---------------------------------------------------------------------------- */

struct one {
	const char *command;
	const char *tracing[4], *reporting[4]; /* options that are said when it is traced; always */
};

static const struct one plain[] = {
	{ "slab", {}, {} },    { "leaks", {}, {} }, { "buddy", {}, {} },
	{ "vmalloc", {}, {} }, { "mmio", {}, {} },  { "faults", {}, {} }
};

static const struct one with_options[] = {
	{ "slab", { "--stacks", "all" }, { "--by", "comm" } },
	{ "slab", { "--sample", "7", "--comm", "pipes" }, {} },
	{ "leaks", { "--stacks", "all" }, { "--objects", "--top", "7" } },
	{ "leaks", { "--sample", "7", "--comm", "pipes" }, { "--by", "comm" } },
	{ "leaks", { "--settle", "0.1", "--child" }, { "--min-age", "10ms" } },
	{ "buddy", { "--sample", "7" }, { "--map" } },
	{ "buddy", { "--stacks", "all" }, {} },
	{ "vmalloc", { "--stacks", "none" }, {} },
	{ "mmio", {}, { "--trace", "--timeline" } },
	{ "faults", { "--stacks", "all" }, { "--by", "comm" } },
	{ "faults", { "--sample", "7" }, { "--top", "3" } },
};

/* Two reports have to be the same; if not, show the first lines that differ. */
static void check_same(const char *live, const char *replayed, const char *what)
{
	size_t i = 0, line = 0;

	for (; live[i] && live[i] == replayed[i]; i++)
		line = live[i] == '\n' ? i + 1 : line;
	if (!live[i] && !replayed[i])
		return;
	if (i - line > 100) /* JSON has long lines */
		line = i - 100;
	fail_msg("%s differs at byte %zu\n  live:     %.200s\n  replayed: %.200s", what, i,
		 live + line, replayed + line);
}

/* What is said of every report. */
static void put_reporting(struct words *w, const struct one *o, const char *format)
{
	put_all(w, (const char *const[]){ "-i", "1", format }, 3);
	put_all(w, o->reporting, ARRAY_SIZE(o->reporting));
}

/* What kmscope @command prints of the recording @path. */
static void replay(struct live *ret, const char *command, const struct one *o, const char *path,
		   const char *format)
{
	struct words w = { { live_kmscope, command }, 2 };

	if (strcmp(command, "report"))
		put(&w, "-f");
	put(&w, path);
	put_reporting(&w, o, format);
	live_spawnv(ret, NULL, w.argv);
	live_end(ret);
	check(!ret->code && !ret->err_len, "%s ended with %d: %s", said(&w), ret->code, ret->err);
}

struct run {
	const struct one *o;
	const char *format; /* --json or NULL */
	char path[LIVE_PATH_MAX + 64];
	struct words words;
	struct live live;
};

/* Start an analysis that is kept, too: of a program, or of what there is, for some time. */
static void start(struct run *r, const struct one *o, const char *format, bool program)
{
	static const char *const timed[] = { "-d", "2.2", "--buffer", "1M" };
	bool areas = !strcmp(o->command, "vmalloc");
	const char *const child[] = { "--", live_self, "quietly",
				      areas ? work("areas") : live_pipes, areas ? "101" : "1009" };

	r->o = o;
	r->format = format;
	r->words = (struct words){ { live_kmscope, o->command }, 2 };
	if (program)
		put_all(&r->words, o->tracing, ARRAY_SIZE(o->tracing));
	else
		put_all(&r->words, timed, ARRAY_SIZE(timed));
	put_reporting(&r->words, o, format);
	put_all(&r->words, (const char *const[]){ "--write", r->path }, 2);
	if (program)
		put_all(&r->words, child, ARRAY_SIZE(child));
	live_spawnv(&r->live, NULL, r->words.argv);
}

/* What was kept must say the same. false: this kernel can't tell it. */
static bool finish(struct run *r)
{
	const char *what = said(&r->words);
	struct live replayed;

	live_end(&r->live);
	if (r->live.code == 3) { /* with a reason, and without a file that says nothing */
		check(r->live.err_len && access(r->path, F_OK), "%s left a file behind", what);
		live_free(&r->live);
		return false;
	}
	check(!r->live.code, "%s ended with %d: %s", what, r->live.code, r->live.err);
	check(r->live.out_len, "%s printed nothing", what);
	replay(&replayed, r->o->command, r->o, r->path, r->format);
	check_same(r->live.out, replayed.out, said(&r->words));
	live_free(&replayed);
	if (!r->o->reporting[0]) {
		replay(&replayed, "report", r->o, r->path, r->format);
		check_same(r->live.out, replayed.out, said(&r->words));
		live_free(&replayed);
	}
	live_free(&r->live);
	return true;
}

/* Several at a time, as each waits more than it works; they trace each other, too. */
static size_t run_all(const struct one *list, size_t n, const char *format, bool program)
{
	static struct run runs[BATCH];
	size_t i, k, done = 0, batch = live_pace->slow ? 1 : BATCH;

	for (i = 0; i < n; i += batch) {
		for (k = 0; k < batch && i + k < n; k++) {
			snprintf(runs[k].path, sizeof(runs[k].path), "%s%zu.kms", live_temp("run"),
				 i + k);
			start(&runs[k], &list[i + k], format, program);
		}
		for (k = 0; k < batch && i + k < n; k++) {
			done += finish(&runs[k]);
			unlink(runs[k].path);
		}
	}
	return done;
}

static void test_program(void **state)
{
	check(run_all(plain, ARRAY_SIZE(plain), *state, true), "no analysis could be made");
	run_all(with_options, ARRAY_SIZE(with_options), *state, true);
}

/* With reports meanwhile. */
static void test_intervals(void **state)
{
	const struct live_how quiet = { .out_path = "/dev/null" };
	struct live noise;
	size_t done;

	live_spawn(&noise, &quiet, work("noise"), "3", NULL);
	done = run_all(plain, ARRAY_SIZE(plain), *state, false);
	live_end(&noise);
	check(done, "no analysis could be made");
}

/* --- all areas at once ------------------------------------------------------------------------------ */

/* Every analysis of @path that there is; the second time it says the same. */
static size_t check_analyses(const char *path)
{
	static const struct one none;
	struct live first, second;
	size_t done = 0;

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		live_collect(&first, NULL, plain[i].command, "-f", path, NULL);
		if (first.code == 2 && strstr(first.err, "has no ")) {
			live_free(&first); /* left out: this kernel can't tell it */
			continue;
		}
		check(!first.code, "%s: %s", plain[i].command, first.err);
		live_free(&first);
		replay(&first, plain[i].command, &none, path, "--json");
		replay(&second, plain[i].command, &none, path, "--json");
		check_same(first.out, second.out, plain[i].command);
		live_check_whole(live_final(&second));
		live_free(&first);
		live_free(&second);
		done++;
	}
	return done;
}

static void test_all(void **state)
{
	const char *path = live_temp("all.kms");
	struct live l;
	json_t *r;

	(void)state;
	live_collect(&l, NULL, "record", "-o", path, "--settle", live_pace->settle, "--", live_self,
		     "quietly", live_pipes, LIVE_TURNS_ARG, NULL);
	check(!l.code, "record ended with %d: %s", l.code, l.err);
	check(!l.out_len, "record prints on standard output: %s", l.out);
	check(strstr(l.err, "next: kmscope report ") && strstr(l.err, path),
	      "the next command is not said: %s", l.err);
	live_free(&l);
	/* of the whole machine; selected when it is read, as it would have been when it was traced */
	r = live_run("slab", "-f", path, "--json", "--comm", "pipes", NULL);
	live_check_pipes(r, LIVE_TURNS, 0);
	check_u64(live_u64(json_object_get(r, "program"), "exit_code"), 0, "program.exit_code");
	json_decref(r);
	check(check_analyses(path) >= 2, "too few areas were recorded");
	live_collect(&l, NULL, "report", path, "--json", NULL);
	check(!l.code && !l.err_len, "report ended with %d: %s", l.code, l.err);
	live_free(&l);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_program, "with a program, text", NULL),
		live_test(test_program, "with a program, JSON", "--json"),
		live_test(test_intervals, "for some time, text", NULL),
		live_test(test_intervals, "for some time, JSON", "--json"),
		live_test(test_all, "all areas", NULL),
	};

	if (argc >= 3 && !strcmp(argv[1], "quietly"))
		return work_quietly(argv + 2);
	return live_main("record", tests, ARRAY_SIZE(tests));
}
