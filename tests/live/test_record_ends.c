// SPDX-License-Identifier: GPL-2.0
/*
 * How recordings end: by a signal, by --trigger, by kill -9, and on a full disk. What was written until
 * then can be read, and a report says what is missing.
 */
#include "live.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct live_how quiet = { .out_path = "/dev/null" };

static bool has_note(const json_t *r, const char *words)
{
	const json_t *note;
	bool found = false;
	size_t i;

	json_array_foreach(json_object_get(r, "notes"), i, note)
	{
		found |= strstr(json_string_value(note), words) != NULL;
	}
	return found;
}

static size_t lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void run_pipes(const char *turns)
{
	struct live load;

	live_spawn(&load, &quiet, live_pipes, turns, NULL);
	check(!live_end(&load), "the load ended with %d", load.code);
	live_free(&load);
}

/* The report of one program's pipes, of a whole machine's recording. */
static json_t *pipes_of(const char *path)
{
	return live_run("slab", "-f", path, "--json", "--comm", "pipes", NULL);
}

static uint64_t allocs_of(const json_t *r)
{
	const json_t *row = live_site(live_table(r, "sites"), "alloc_pipe_info", 1);

	return row ? live_u64(row, "allocs") : 0;
}

/* --- signals ------------------------------------------------------------------------------------------ */

static void test_signal(void **state)
{
	int sig = *(const int *)*state;
	const char *path = live_temp("signal.kms");
	struct live l;
	json_t *r;

	live_start(&l, "record", "--areas", "slab", "-o", path, NULL);
	run_pipes(LIVE_TURNS_ARG);
	check(!live_end_by(&l, sig), "record ended with %d: %s", l.code, l.err);
	check(strstr(l.err, "next: kmscope report "), "it does not say what comes next: %s", l.err);
	live_free(&l);
	r = pipes_of(path);
	live_check_pipes(r, LIVE_TURNS, 0);
	check(!has_note(r, "not ended"), "the recording is not ended");
	json_decref(r);
}

/* The command that is to follow can be pasted, whatever the file is called. */
static void test_next(void **state)
{
	struct live l;

	(void)state;
	live_collect(&l, NULL, "record", "--areas", "slab", "-o", live_temp("it's odd.kms"), "-d",
		     "0.1", NULL);
	check(!l.code && strstr(l.err, "/it'\\''s odd.kms'\n"), "%d, %s", l.code, l.err);
	check(strstr(l.err, "next: kmscope report '/"), "%s", l.err);
	live_free(&l);
}

/* Two who write one file: the second is told, and the first has all of it. */
static void test_two(void **state)
{
	const char *path = live_temp("two.kms");
	struct live first, second;
	json_t *r;

	(void)state;
	live_start(&first, "record", "--areas", "slab", "-o", path, NULL);
	live_collect(&second, NULL, "record", "--areas", "slab", "--force", "-o", path, "-d", "0.1",
		     NULL);
	check(second.code == 2 && strstr(second.err, "written by another"), "%d, %s", second.code,
	      second.err);
	live_free(&second);
	run_pipes(LIVE_TURNS_ARG);
	check(!live_end_by(&first, SIGINT), "record ended with %d: %s", first.code, first.err);
	live_free(&first);
	r = pipes_of(path);
	live_check_pipes(r, LIVE_TURNS, 0);
	json_decref(r);
}

/* The file is gone before anybody could read it. */
static void test_removed(void **state)
{
	const char *path = live_temp("removed.kms");
	struct live l;

	(void)state;
	live_start(&l, "record", "--areas", "slab", "-o", path, NULL);
	check(!unlink(path), "%s: %s", path, strerror(errno));
	live_end_by(&l, SIGINT);
	check(l.code == 1 && strstr(l.err, "was removed while"), "%d, %s", l.code, l.err);
	live_free(&l);
}

/* Read while it is being written: the program is told of when it is whole, for --strict it never is. */
static void test_killed(void **state)
{
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull;
	const char *path = live_temp("killed.kms");
	json_t *r = NULL;
	struct live l;

	(void)state;
	live_start(&l, "record", "--areas", "slab", "-o", path, NULL);
	run_pipes(LIVE_TURNS_ARG);
	do {
		json_decref(r);
		r = pipes_of(path);
		check(has_note(r, "not ended"), "it does not say that more may come");
		check(live_now_ns() < deadline, "what was done is not written");
	} while (allocs_of(r) < LIVE_TURNS);
	json_decref(r);
	check(live_end_by(&l, SIGKILL) == 128 + SIGKILL, "record ended with %d: %s", l.code, l.err);
	live_free(&l);
	r = pipes_of(path);
	live_check_pipes(r, LIVE_TURNS, 0);
	check(has_note(r, "the recording was not ended"), "it does not say that it was not ended");
	check(!has_note(r, "damaged") && !has_note(r, "make no sense"), "it says more than that");
	json_decref(r);
	live_collect(&l, NULL, "slab", "-f", path, "--strict", NULL);
	check(l.code == 4, "--strict ended with %d: %s", l.code, l.err);
	live_free(&l);
}

/* --- --trigger ---------------------------------------------------------------------------------------- */

/*
 * One for each name. What can't be brought about here is compared so that it holds at once, or in the company
 * of something that does: it must be known to be parsed, asked for, and said.
 */
static const struct {
	const char *name, *areas, *soon, *never;
} triggers[] = {
	{ "free", "slab", "free > 1K", "free < 1" },
	{ "available", "slab", "available > 1K", "available < 1" },
	{ "site.bytes", "slab", "site.bytes > 0", "site.bytes > 1000T" },
	{ "live.bytes", "slab", "live.bytes > 1K", "live.bytes > 1000T" },
	{ "fallback.order", "pages", "fallback.order >= 0 or fallbacks = 0",
	  "fallback.order > 100" },
	{ "fallbacks", "pages", "fallbacks >= 0", "fallbacks > 1000000000000" },
	{ "failed.order", "pages", "failed.order >= 0 or failed.pages = 0", "failed.order > 100" },
	{ "failed.pages", "pages", "failed.pages >= 0", "failed.pages > 1000000000000" },
	{ "faults", "faults", "faults > 1", "faults > 1000000000000" },
	{ "events", "slab", "events > 100", "events > 1000000000000" },
	{ "lost", "slab", "lost >= 0", "lost > 1000000000000" },
	{ "file.bytes", "slab", "file.bytes > 100", "file.bytes > 1000T" },
	{ "elapsed", "slab", "elapsed > 50ms", "elapsed > 1000h" },
};

static void start_trigger(struct live *l, size_t i, const char *condition, const char *seconds)
{
	char name[32];

	snprintf(name, sizeof(name), "trigger%zu.kms", i);
	live_spawn(l, NULL, live_kmscope, "record", "--areas", triggers[i].areas, "--buffer",
		   "256K", "-o", live_temp(name), "--trigger", condition, "-d", seconds, NULL);
}

/* All at once, as they wait most of the time. */
static void test_triggers(void **state)
{
	bool soon = *state != NULL;
	size_t i, k, batch = live_pace->slow ? 1 : ARRAY_SIZE(triggers);
	struct live l[ARRAY_SIZE(triggers)], noise;
	char name[64];

	live_spawn(&noise, &quiet, live_pipes, "--seconds", "300", NULL);
	for (i = 0; i < ARRAY_SIZE(triggers); i += batch) {
		for (k = i; k < i + batch; k++)
			start_trigger(&l[k], k, soon ? triggers[k].soon : triggers[k].never,
				      soon ? "30" : "0.3");
		for (k = i; k < i + batch; k++) {
			live_end(&l[k]);
			check(!l[k].code, "%s: %s", triggers[k].name, l[k].err);
			snprintf(name, sizeof(name), "ended by --trigger: %s", triggers[k].name);
			/* of «A or B» what holds is said */
			if (!strncmp(triggers[k].soon + strlen(triggers[k].name), " >= 0 or", 8))
				*strrchr(name, ':') = '\0';
			check(!!strstr(l[k].err, name) == soon, "%s: %s", triggers[k].name,
			      l[k].err);
			live_free(&l[k]);
		}
	}
	live_end_by(&noise, SIGTERM);
	live_free(&noise);
}

static void test_bad_triggers(void **state)
{
	static const struct {
		const char *areas, *condition, *says;
	} bad[] = {
		{ "slab", "fre > 1", "the nearest name is «free»" },
		{ "slab", "faults > 1", "only if --areas has faults" },
		{ "slab", "fallbacks > 1", "only if --areas has pages" },
		{ "pages", "site.bytes > 1", "only if --areas has slab" },
		{ "slab", "free >", "a number is expected" },
		{ "slab", "events > 5M", "takes no unit" },
		{ "slab", "(free > 1", "column" },
		{ "slab", "leaks.bytes > 1", "there is no «leaks.bytes»" },
	};
	const char *path = live_temp("bad.kms");
	struct live l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		live_collect(&l, NULL, "record", "--areas", bad[i].areas, "-d", "0.1", "-o", path,
			     "--trigger", bad[i].condition, NULL);
		live_refused(&l, 2, bad[i].condition);
		check(strstr(l.err, "--trigger") && strstr(l.err, bad[i].says), "%s: %s",
		      bad[i].condition, l.err);
		check(access(path, F_OK), "%s: a file was left behind", bad[i].condition);
		live_free(&l);
	}
}

/* --- a full disk -------------------------------------------------------------------------------------- */

/* A file system of @kib, gone with this program; the folder in which it is. */
static const char *small_disk(unsigned int kib)
{
	static char folder[LIVE_PATH_MAX + 64];
	char size[32];

	snprintf(folder, sizeof(folder), "%s", live_temp("disk"));
	snprintf(size, sizeof(size), "size=%uk", kib);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		live_skip("no mount namespace of its own to be had here");
	check(!mkdir(folder, 0755) && !mount("tmpfs", folder, "tmpfs", 0, size), "%s: %s", folder,
	      strerror(errno));
	return folder;
}

static void leave_disk(const char *folder)
{
	umount2(folder, MNT_DETACH);
	rmdir(folder);
}

static void check_full(const char *path)
{
	json_t *r = live_run("slab", "-f", path, "--json", NULL);

	check(has_note(r, "nothing more could be written"), "it does not say that it is not whole");
	check(live_sum(live_table(r, "sites"), "allocs") > 100, "there is little in it");
	json_decref(r);
	unlink(path);
}

static void test_full(void **state)
{
	const char *folder = small_disk(512);
	char path[LIVE_PATH_MAX + 128];
	struct live l;
	json_t *r;

	(void)state;
	snprintf(path, sizeof(path), "%s/full.kms", folder);
	/* nothing is left to do: it ends at once, and does not wait for -d to pass */
	live_start(&l, "record", "--areas", "slab", "-o", path, "-d", "50", NULL);
	run_pipes(live_pace->lossy_arg);
	live_end(&l);
	check(l.code == 1, "record on a full disk ended with %d: %s", l.code, l.err);
	check(strstr(l.err, "No space left") && strstr(l.err, "can be read"), "%s", l.err);
	check(lines(l.err) == 2, "it says more than that: %s", l.err);
	live_free(&l);
	check_full(path);
	/* the analysis goes on */
	live_collect(&l, NULL, "slab", "--json", "--comm", "pipes", "--child", "--write", path,
		     "--", live_pipes, live_pace->lossy_arg, NULL);
	check(l.code == 1 && strstr(l.err, "No space left"), "slab --write ended with %d: %s",
	      l.code, l.err);
	r = live_final(&l);
	live_check_whole(r);
	check_u64(allocs_of(r), live_pace->lossy, "allocations in the live report");
	json_decref(r);
	live_free(&l);
	check_full(path);
	leave_disk(folder);
}

/* Not even the beginning fits. */
static void test_no_room(void **state)
{
	const char *folder = small_disk(64);
	char path[LIVE_PATH_MAX + 128], fill[LIVE_PATH_MAX + 128], bytes[4096] = { 0 };
	struct live l;
	FILE *out;

	(void)state;
	snprintf(path, sizeof(path), "%s/none.kms", folder);
	snprintf(fill, sizeof(fill), "%s/fill", folder);
	out = fopen(fill, "we");
	check(out, "%s: %s", fill, strerror(errno));
	while (fwrite(bytes, sizeof(bytes), 1, out) == 1 && !fflush(out))
		;
	fclose(out);
	live_collect(&l, NULL, "record", "--areas", "slab", "-o", path, "-d", "0.1", NULL);
	live_refused(&l, 1, "record without room");
	check(strstr(l.err, "No space left") && !strstr(l.err, "can be read"), "%s", l.err);
	check(access(path, F_OK), "a file was left behind");
	live_free(&l);
	leave_disk(folder);
}

int main(void)
{
	static const int sigint = SIGINT, sigterm = SIGTERM, sighup = SIGHUP;
	static const struct CMUnitTest tests[] = {
		live_test(test_signal, "SIGINT", &sigint),
		live_test(test_signal, "SIGTERM", &sigterm),
		live_test(test_signal, "SIGHUP", &sighup),
		live_test(test_next, "the next command", NULL),
		live_test(test_two, "two of one file", NULL),
		live_test(test_removed, "a file that was removed", NULL),
		live_test(test_killed, "kill -9", NULL),
		live_test(test_triggers, "--trigger that holds", "soon"),
		live_test(test_triggers, "--trigger that does not", NULL),
		live_test(test_bad_triggers, "--trigger that is wrong", NULL),
		live_test(test_full, "a full disk", NULL),
		live_test(test_no_room, "a disk without room", NULL),
	};

	return live_main("record_ends", tests, ARRAY_SIZE(tests));
}
