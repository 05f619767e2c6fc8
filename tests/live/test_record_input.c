// SPDX-License-Identifier: GPL-2.0
/*
 * What users get wrong with recordings: one line that says so, the right exit code, nothing overwritten and
 * nothing left behind. And what needs no privileges.
 */
#include "live.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define NOBODY	     65534
#define ARGS_MAX     12
#define HEADER_BYTES 64 /* of a recording; see docs/recording-format.md */

/* --- files ------------------------------------------------------------------------------------------ */

static void store(const char *name, const void *bytes, size_t n, mode_t mode)
{
	const char *path = live_temp(name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	check(fd >= 0 && write(fd, bytes, n) == (ssize_t)n, "%s: %s", path, strerror(errno));
	fchmod(fd, mode);
	close(fd);
}

/* A recording of slab allocations, «good», for everybody to read. */
static void record_good(void)
{
	struct live l;

	live_collect(&l, NULL, "record", "--areas", "slab", "-o", live_temp("good"), "--",
		     live_self, "pipes", NULL);
	check(!l.code, "record ended with %d: %s", l.code, l.err);
	live_free(&l);
	check(!chmod(live_temp("good"), 0644), "chmod: %s", strerror(errno));
}

/* The header's checksum, made anew. */
static void sign(char *file)
{
	unsigned long crc = crc32(0, (const unsigned char *)file, HEADER_BYTES - 4);

	for (int i = 0; i < 4; i++)
		file[HEADER_BYTES - 4 + i] = (char)(crc >> 8 * i);
}

/* Everything that is no recording, and what has become of «good». */
static void make_files(void)
{
	static const char text[] =
		"This is a text, and long enough for the header of a recording.\n";
	size_t n;
	char *file;

	record_good();
	file = live_load(live_temp("good"), &n);
	check(n > 4096, "the recording has %zu bytes only", n);
	store("empty", "", 0, 0644);
	store("text", text, sizeof(text), 0644);
	store("cut-header", file, 30, 0644);
	store("only-header", file, HEADER_BYTES, 0644);
	store("cut", file, n - 100, 0644);
	store("private", file, n, 0600);
	file[n / 2] ^= 1;
	store("damaged", file, n, 0644);
	file[n / 2] ^= 1;
	file[8] += 8;
	sign(file);
	store("newer", file, n, 0644);
	file[8] -= 8;
	file[16] = 2;
	sign(file);
	store("big-endian", file, n, 0644);
	free(file);
	check(!mkfifo(live_temp("fifo"), 0644), "mkfifo: %s", strerror(errno));
	check(!mkdir(live_temp("folder"), 0755), "mkdir: %s", strerror(errno));
	live_remove_later(live_temp("folder"));
	check(!symlink("good", live_temp("link")), "symlink: %s", strerror(errno));
	check(!symlink("nowhere", live_temp("dangling")), "symlink: %s", strerror(errno));
}

/* A number for the names, sizes and contents' times of all files. */
static uint64_t fingerprint(void)
{
	DIR *dir = opendir(live_temp("."));
	struct dirent *e;
	uint64_t sum = 0;

	check(dir, "the folder: %s", strerror(errno));
	while ((e = readdir(dir))) {
		struct stat st;
		uint64_t one = 0;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		check(!fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW), "%s: %s",
		      e->d_name, strerror(errno));
		for (const char *c = e->d_name; *c; c++)
			one = one * 31 + (unsigned char)*c;
		one = one * 31 + (uint64_t)st.st_ino;
		one = one * 31 + (uint64_t)st.st_size;
		one = one * 31 + (uint64_t)st.st_mtim.tv_sec * 1000000007ull;
		sum += one * 31 + (uint64_t)st.st_mtim.tv_nsec;
	}
	closedir(dir);
	return sum;
}

/* --- cases ------------------------------------------------------------------------------------------ */

struct bad_case {
	int code;
	const char *args[ARGS_MAX]; /* «@name» is a file of make_files(), or none */
	const char *says; /* what the message must have */
};

static const struct bad_case inputs[] = {
	{ 2, { "slab", "-f", "@none" }, "No such file" },
	{ 2, { "slab", "-f", "@empty" }, "is empty" },
	{ 2, { "slab", "-f", "@folder" }, "is a directory" },
	{ 2, { "slab", "-f", "/dev/null" }, "no regular file" },
	{ 2, { "slab", "-f", "@fifo" }, "no regular file" },
	{ 2, { "slab", "-f", "@text" }, "no recording of kmscope" },
	{ 2, { "slab", "-f", "@dangling" }, "No such file" },
	{ 2, { "slab", "-f", "@cut-header" }, "before its header" },
	{ 2, { "slab", "-f", "@only-header" }, "does not tell what was recorded" },
	{ 2, { "slab", "-f", "@newer" }, "version 9" },
	{ 2, { "slab", "-f", "@big-endian" }, "big-endian" },
	{ 2, { "report", "@none" }, "No such file" },
	{ 2, { "report", "@text" }, "no recording of kmscope" },
	{ 2, { "report", "@fifo" }, "no regular file" },
	{ 2, { "report", "@only-header" }, "does not tell what was recorded" },
	{ 2, { "diff", "@good", "@none" }, "No such file" },
	{ 2, { "diff", "@text", "@good" }, "no recording of kmscope" },
	{ 2, { "export", "@none", "--to", "folded" }, "No such file" },
	/* what it has not */
	{ 2, { "faults", "-f", "@good" }, "has no page faults: it has slab allocations" },
	{ 2, { "buddy", "-f", "@good" }, "has no page allocations" },
	{ 2, { "slab", "-f", "@good", "--cache", "nosuchcache" }, "nosuchcache" },
	{ 2, { "slab", "-f", "@good", "--module", "nosuchmodule" }, "nosuchmodule" },
};

/* What says how to trace, or what to do with a file that there is none of. */
static const struct bad_case usages[] = {
	{ 2, { "slab", "-f", "@good", "-d", "1" }, "--duration" },
	{ 2, { "slab", "-f", "@good", "--settle", "1" }, "--settle says how to trace" },
	{ 2, { "slab", "-f", "@good", "--child" }, "--child says how to trace" },
	{ 2, { "slab", "-f", "@good", "--sample", "3" }, "--sample" },
	{ 2, { "slab", "-f", "@good", "--buffer", "1M" }, "--buffer" },
	{ 2, { "slab", "-f", "@good", "--ready-file", "@ready" }, "--ready-file" },
	{ 2, { "slab", "-f", "@good", "--dry-run" }, "--dry-run" },
	{ 2, { "slab", "-f", "@good", "--probe", "raw" }, "--probe" },
	{ 2, { "slab", "-f", "@good", "--deflate" }, "--deflate" },
	{ 2, { "slab", "-f", "@good", "--force" }, "--force" },
	{ 2, { "slab", "-f", "@good", "--write", "@new" }, "--write" },
	{ 2, { "slab", "-f", "@good", "--", "true" }, "no program to run" },
	{ 2, { "slab", "-f", "" }, "--input" },
	{ 2, { "slab", "--from", "1" }, "--input" },
	{ 2, { "slab", "--deflate", "-d", "1" }, "--write" },
	{ 2, { "slab", "--force", "-d", "1" }, "no output file" },
	{ 2, { "slab", "-f", "@good", "--from", "2", "--to", "1" }, "before --to" },
	{ 2, { "slab", "-f", "@good", "--from", "1", "--to", "1" }, "before --to" },
	{ 2, { "export", "@good", "--to", "folded", "--from", "2", "--until", "1" }, "--until" },
	{ 2, { "slab", "-f", "@good", "--from", "1000" }, "nothing so late" },
	{ 2, { "diff", "@good", "@good", "--from", "1000" }, "nothing so late" },
	{ 2, { "record", "-d", "1", "-o", "-" }, "not standard output" },
	{ 2, { "report", "no\033[31m\nsuch" }, "no\\x1b[31m\\x0asuch" },
	{ 2, { "report" }, "add FILE" },
	{ 2, { "report", "--from", "1" }, "add FILE" },
	{ 2, { "report", "@good", "@good" }, "too many" },
	{ 2, { "report", "--schema", "@good" }, "--schema" },
	{ 2, { "report", "@good", "--", "true" }, "runs no program" },
	{ 2, { "diff" }, "BEFORE AFTER" },
	{ 2, { "diff", "@good" }, "the other" },
	{ 2, { "diff", "@good", "@good", "@good" }, "too many" },
	{ 2, { "diff", "@good", "@good", "--fail-if", "slab.wast > 1" }, "«slab.waste»" },
	{ 2, { "diff", "@good", "@good", "--fail-if", "slab.waste >" }, "number" },
	{ 2, { "export" }, "FILE" },
	{ 2, { "export", "@good" }, "--to" },
	{ 2, { "export", "@good", "--to", "xml" }, "folded, pprof, perfetto, csv" },
	{ 2, { "export", "@good", "--to", "csv" }, "which table" },
	{ 2, { "export", "@good", "--to", "csv", "--table", "nope" }, "slab: totals sites" },
	{ 2, { "export", "@good", "--to", "folded", "--value", "nope" }, "leaks.bytes" },
	{ 2, { "export", "@good", "--to", "folded", "--table", "slab.sites" }, "--table" },
	{ 2, { "export", "@good", "--to", "csv", "--value", "slab.waste" }, "--value" },
	{ 2, { "record" }, "--output" },
	{ 2, { "record", "-o", "@new", "--areas", "slab,nope" }, "nope" },
	{ 2, { "record", "-o", "@new", "--areas", "" }, "--areas" },
	{ 2, { "record", "-o", "@new", "--keep", "1M" }, "4M" },
	{ 2, { "record", "-o", "@new", "stray" }, "stray" },
	{ 2, { "record", "-o", "@new", "-f", "@good" }, "-- 'f'" },
	{ 127,
	  { "record", "-o", "@new", "--areas", "slab", "--", "/no/such/program" },
	  "no such program" },
	{ 126, { "record", "-o", "@new", "--areas", "slab", "--", "/proc" }, "/proc" },
};

/* Where to write; with --force behind each, the second half of the table says what then. */
static const struct bad_case outputs[] = {
	{ 2, { "record", "-d", "1", "-o", "@text" }, "--force" },
	{ 2, { "record", "-d", "1", "-o", "@link" }, "symbolic link" },
	{ 2, { "record", "-d", "1", "-o", "@dangling" }, "symbolic link" },
	{ 2, { "record", "-d", "1", "-o", "@folder" }, "directory" },
	{ 2, { "record", "-d", "1", "-o", "@fifo" }, "no regular file" },
	{ 2, { "record", "-d", "1", "-o", "/dev/null" }, "no regular file" },
	{ 1, { "record", "-d", "1", "-o", "@none/x" }, "No such file" },
	{ 1, { "record", "-d", "1", "-o", "/proc/x" }, "/proc/x can't be written" },
	{ 2, { "record", "-d", "1", "--force", "-o", "@link" }, "symbolic link" },
	{ 2, { "record", "-d", "1", "--force", "-o", "@dangling" }, "symbolic link" },
	{ 2, { "record", "-d", "1", "--force", "-o", "@folder" }, "directory" },
	{ 2, { "record", "-d", "1", "--force", "-o", "@fifo" }, "no regular file" },
	{ 2, { "record", "-d", "1", "--force", "-o", "/dev/null" }, "no regular file" },
	{ 2, { "slab", "-d", "1", "--write", "@text" }, "--force" },
	{ 2, { "slab", "-d", "1", "--write", "@dangling" }, "symbolic link" },
	{ 2, { "export", "@good", "--to", "folded", "-o", "@text" }, "--force" },
	{ 2, { "export", "@good", "--to", "folded", "-o", "@link" }, "symbolic link" },
	{ 1, { "export", "@good", "--to", "folded", "-o", "@none/x" }, "No such file" },
	{ 2,
	  { "export", "@good", "--to", "folded", "--force", "-o", "@dangling" },
	  "symbolic link" },
	{ 2, { "export", "@good", "--to", "folded", "--force", "-o", "@fifo" }, "no regular file" },
	{ 2, { "export", "@good", "--to", "folded", "--force", "-o", "@folder" }, "directory" },
	{ 2, { "export", "@good", "--to", "folded", "--force", "-o", "@good" }, "is the recording" },
	{ 2,
	  { "export", "@good", "--to", "csv", "--table", "nope", "--force", "-o", "@text" },
	  "nope" },
	{ 2, { "export", "@good", "--to", "csv", "--table", "nope", "-o", "@new" }, "nope" },
	{ 2, { "export", "@none", "--to", "folded", "-o", "@new" }, "No such file" },
};

static const struct bad_table {
	const struct bad_case *cases;
	size_t n;
} bad_inputs = { inputs, ARRAY_SIZE(inputs) }, bad_usages = { usages, ARRAY_SIZE(usages) },
  bad_outputs = { outputs, ARRAY_SIZE(outputs) };

static void run_bad(const struct bad_case *c)
{
	static char paths[ARGS_MAX][LIVE_PATH_MAX + 64];
	const char *argv[ARGS_MAX + 2] = { live_kmscope };
	char what[400] = "";
	struct live l;

	for (size_t i = 0; i < ARGS_MAX && c->args[i]; i++) {
		snprintf(paths[i], sizeof(paths[i]), "%s",
			 *c->args[i] == '@' ? live_temp(c->args[i] + 1) : c->args[i]);
		argv[i + 1] = paths[i];
		strncat(what, " ", sizeof(what) - strlen(what) - 1);
		strncat(what, c->args[i], sizeof(what) - strlen(what) - 1);
	}
	live_spawnv(&l, NULL, argv);
	live_end(&l);
	live_refused(&l, c->code, what);
	check(strstr(l.err, c->says), "%s: the message does not say «%s»: %s", what, c->says,
	      l.err);
	live_free(&l);
}

static void test_bad(void **state)
{
	const struct bad_table *table = *state;
	uint64_t before;

	make_files();
	before = fingerprint();
	for (size_t i = 0; i < table->n; i++) {
		run_bad(&table->cases[i]);
		check(fingerprint() == before, "%s %s … %s: files have changed",
		      table->cases[i].args[0], table->cases[i].args[1], table->cases[i].says);
	}
}

/* --- what is damaged -------------------------------------------------------------------------------- */

/* A report nevertheless, which says so; with --strict as of data that were lost. */
static void test_damaged(void **state)
{
	static const struct {
		const char *name, *says;
	} files[] = { { "damaged", "damaged" }, { "cut", "cut off" } };
	struct live l;

	(void)state;
	make_files();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		const char *path = live_temp(files[i].name);

		live_collect(&l, NULL, "slab", "-f", path, NULL);
		check(!l.code && strstr(l.out, files[i].says), "%s: %d, %s", files[i].name, l.code,
		      l.out);
		live_free(&l);
		live_collect(&l, NULL, "slab", "-f", path, "--strict", NULL);
		check(l.code == 4 && l.out_len, "%s, --strict: %d", files[i].name, l.code);
		live_free(&l);
		live_collect(&l, NULL, "report", path, "--strict", NULL);
		check(l.code == 4 && l.out_len, "%s, report --strict: %d", files[i].name, l.code);
		live_free(&l);
		/* what can't be read must not pass for nothing */
		live_collect(&l, NULL, "diff", live_temp("good"), path, "--fail-if",
			     "lost > 1000000", NULL);
		check(l.code == 1 && strstr(l.err, "can't be decided"), "%s, --fail-if: %d, %s",
		      files[i].name, l.code, l.err);
		live_free(&l);
		live_collect(&l, NULL, "diff", live_temp("good"), path, "--strict", NULL);
		check(l.code == 4 && l.out_len, "%s, diff --strict: %d", files[i].name, l.code);
		live_free(&l);
		live_collect(&l, NULL, "report", "--info", path, NULL);
		check(!l.code && strstr(l.out, "no: see below"), "%s, --info: %d, %s",
		      files[i].name, l.code, l.out);
		live_free(&l);
		live_collect(&l, NULL, "diff", live_temp("good"), path, NULL);
		check(!l.code && strstr(l.out, files[i].says), "%s, diff: %d, %s", files[i].name,
		      l.code, l.out);
		live_free(&l);
	}
}

/* --- who was not there ------------------------------------------------------------------------------ */

/* An empty report is an answer, but whoever mistyped a number should know. */
static void test_nobody(void **state)
{
	static const struct {
		const char *option, *value, *says;
	} cases[] = {
		{ "--pid", "4194304", "no slab allocations of process 4194304 in " },
		{ "--comm", "not a task", "no slab allocations of tasks named not a task in " },
		{ "--cgroup", "123456789012", "no slab allocations in cgroup 123456789012 in " },
		{ "--min-size", "1", "" },
	};
	struct live l;

	(void)state;
	make_files();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		live_collect(&l, NULL, "slab", "-f", live_temp("good"), cases[i].option,
			     cases[i].value, NULL);
		check(!l.code && l.out_len, "%s %s: %d", cases[i].option, cases[i].value, l.code);
		check(*cases[i].says ? !!strstr(l.err, cases[i].says) : !l.err_len, "%s %s: «%s»",
		      cases[i].option, cases[i].value, l.err);
		live_free(&l);
	}
}

/* Of what was there before, which is longer, nothing is left. */
static void test_force(void **state)
{
	static const char *const outputs_of[][8] = {
		{ "record", "--areas", "slab", "-d", "0.1", "-o" },
		{ "slab", "-d", "0.1", "--write" },
		{ "export", NULL, "--to", "folded", "-o" },
	};
	char long_text[300000];
	struct live l;

	(void)state;
	record_good();
	memset(long_text, 'x', sizeof(long_text));
	for (size_t i = 0; i < ARRAY_SIZE(outputs_of); i++) {
		const char *argv[12] = { live_kmscope };
		const char *path = live_temp("old");
		size_t n, k;
		char *now;

		store("old", long_text, sizeof(long_text), 0640);
		for (n = 0; n < 8 && (n == 1 || outputs_of[i][n]); n++)
			argv[n + 1] = outputs_of[i][n] ? outputs_of[i][n] : live_temp("good");
		argv[n + 1] = path;
		argv[n + 2] = "--force";
		live_spawnv(&l, NULL, argv);
		live_end(&l);
		check(!l.code, "%s --force: %s", argv[1], l.err);
		now = live_load(path, &k);
		check(k && !memmem(now, k, long_text, 100),
		      "%s --force: of what was there, something is left", argv[1]);
		free(now);
		live_free(&l);
	}
}

/* --- diff, schema, privileges ------------------------------------------------------------------------- */

static void test_diff(void **state)
{
	static const struct {
		const char *condition;
		int code;
	} conditions[] = {
		{ "slab.waste > 0", 0 },
		{ "slab.allocs != 0 or leaks.bytes != 0", 0 },
		{ "slab.waste >= 0", 1 },
		{ "faults.minor >= 0", 1 }, /* not known: that is no «no» */
	};
	const char *good;
	const json_t *row;
	struct live l;
	json_t *r;
	size_t i;

	(void)state;
	record_good();
	good = live_temp("good");
	for (i = 0; i < ARRAY_SIZE(conditions); i++) {
		live_collect(&l, NULL, "diff", good, good, "--fail-if", conditions[i].condition,
			     NULL);
		check(l.code == conditions[i].code && l.out_len, "%s: exit code %d, %s",
		      conditions[i].condition, l.code, l.err);
		check(!l.err_len == !l.code, "%s: «%s»", conditions[i].condition, l.err);
		check(l.code == 0 || strstr(l.err, "--fail-if"), "%s: «%s»",
		      conditions[i].condition, l.err);
		live_free(&l);
	}
	r = live_run("diff", good, good, "--json", NULL);
	json_array_foreach(live_table(r, "totals"), i, row)
	{
		const json_t *change = json_object_get(row, "change");

		check(json_is_null(change) || json_number_value(change) == 0,
		      "a file differs from itself in %s", live_text(row, "what"));
	}
	json_decref(r);
}

static void test_schema(void **state)
{
	struct live l;
	char *page;
	size_t n;

	(void)state;
	live_collect(&l, NULL, "report", "--schema", NULL);
	check(!l.code && !l.err_len, "report --schema ended with %d: %s", l.code, l.err);
	check(l.out_len > 10000 && l.out[0] == '#', "that is no page: %.100s", l.out);
	if (access("docs/json.md", R_OK)) {
		live_free(&l);
		live_skip("docs/json.md is not here: only that there is a page was checked");
	}
	page = live_load("docs/json.md", &n);
	check(n == l.out_len && !memcmp(page, l.out, n), "the page is not docs/json.md");
	free(page);
	live_free(&l);
}

/* What is only read needs nothing but that permission. */
static void test_unprivileged(void **state)
{
	static const char *const fine[][6] = {
		{ "slab", "-f", "@good" },
		{ "leaks", "-f", "@good", "--json" },
		{ "report", "@good" },
		{ "diff", "@good", "@good" },
		{ "export", "@good", "--to", "folded" },
		{ "export", "@good", "--to", "perfetto" },
		{ "report", "--schema" },
	};
	const struct live_how nobody = { .uid = NOBODY };
	const char *argv[8];
	struct live l;
	size_t i, k, n;
	char *program;

	(void)state;
	make_files();
	program = live_load(live_kmscope, &n);
	store("kmscope", program, n, 0755);
	free(program);
	for (i = 0; i < ARRAY_SIZE(fine); i++) {
		memset(argv, 0, sizeof(argv));
		argv[0] = live_temp("kmscope");
		for (k = 0; k < 6 && fine[i][k]; k++)
			argv[k + 1] = *fine[i][k] == '@' ? live_temp("good") : fine[i][k];
		live_spawnv(&l, &nobody, argv);
		live_end(&l);
		check(!l.code && l.out_len && !l.err_len, "%s ended with %d: %s", argv[1], l.code,
		      l.err);
		live_free(&l);
	}
	live_spawn(&l, &nobody, live_temp("kmscope"), "slab", "-f", live_temp("private"), NULL);
	live_end(&l);
	live_refused(&l, 1, "a recording of another user");
	check(strstr(l.err, "Permission denied"), "%s", l.err);
	live_free(&l);
	live_spawn(&l, &nobody, live_temp("kmscope"), "export", live_temp("good"), "--to", "folded",
		   "-o", live_temp("new"), NULL);
	live_end(&l);
	live_refused(&l, 1, "another user's folder");
	check(strstr(l.err, "Permission denied"), "%s", l.err);
	live_free(&l);
	live_spawn(&l, &nobody, live_temp("kmscope"), "record", "-o", live_temp("new"), "-d", "1",
		   NULL);
	live_end(&l);
	live_refused(&l, 3, "record without privileges");
	check(strstr(l.err, "needs root"), "%s", l.err);
	live_free(&l);
}

/* The program itself as a workload. */
static int work_pipes(void)
{
	int fds[2];

	for (int i = 0; i < 1009 && !pipe(fds); i++) {
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_bad, "input", &bad_inputs),
		live_test(test_bad, "usage", &bad_usages),
		live_test(test_bad, "output", &bad_outputs),
		live_test(test_damaged, "damage", NULL),
		live_test(test_nobody, "nobody", NULL),
		live_test(test_force, "--force", NULL),
		live_test(test_diff, "diff with itself", NULL),
		live_test(test_schema, "--schema", NULL),
		live_test(test_unprivileged, "no privileges", NULL),
	};

	if (argc == 2 && !strcmp(argv[1], "pipes"))
		return work_pipes();
	return live_main("record_input", tests, ARRAY_SIZE(tests));
}
