// SPDX-License-Identifier: GPL-2.0
/*
 * Exports of what was recorded have the numbers of its reports, and other tools take them: a checker of
 * Perfetto's traces, and pprof, where they are installed.
 */
#include "live.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MAX 64
#define CHECKER	    "tests/export/check_perfetto.py"

/* A number that is exported: where it is in reports, by JSON's names. */
static const struct exported {
	const char *command, *table, *column;
	const char *value; /* of --to folded; NULL: not there */
	const char *sample_type; /* of --to pprof; NULL: not there */
} numbers[] = {
	{ "leaks", "candidates", "bytes", "leaks.bytes", "inuse_space" },
	{ "leaks", "candidates", "objects", "leaks.objects", "inuse_objects" },
	{ "slab", "sites", "bytes_alloc", "slab.bytes_alloc", "alloc_space" },
	{ "slab", "sites", "bytes_req", "slab.bytes_req", NULL },
	{ "slab", "sites", "allocs", "slab.allocs", "alloc_objects" },
	{ "slab", "sites", "waste", "slab.waste", "waste_space" },
	{ "buddy", "users", "live_pages", "buddy.live_pages", "inuse_pages" },
	{ "buddy", "users", "pages", "buddy.pages", "alloc_pages" },
	{ "buddy", "users", "allocs", "buddy.allocs", NULL },
	{ "vmalloc", "sites", "bytes", "vmalloc.bytes", "vmalloc_alloc_space" },
	{ "vmalloc", "sites", "live_bytes", "vmalloc.live_bytes", "vmalloc_inuse_space" },
	{ "faults", "sites", "minor", "faults.minor", "minor_faults" },
	{ "faults", "sites", "major", "faults.major", "major_faults" },
};

/* A recording of all areas; its path. */
static const char *record(void)
{
	static char noise[LIVE_PATH_MAX], path[LIVE_PATH_MAX + 64];
	const struct live_how quiet = { .out_path = "/dev/null" };
	struct live l, load;

	snprintf(path, sizeof(path), "%s", live_temp("run.kms"));
	snprintf(noise, sizeof(noise), "%.*s/work_noise",
		 (int)(strrchr(live_pipes, '/') - live_pipes), live_pipes);
	live_start(&l, "record", "-o", path, NULL);
	live_spawn(&load, &quiet, noise, "0.3", NULL);
	check(!live_end(&load), "the load ended with %d", load.code);
	live_free(&load);
	check(!live_end_by(&l, SIGINT), "record ended with %d: %s", l.code, l.err);
	live_free(&l);
	return path;
}

/* The sum of a report's column, null being nothing; false: there is no such report. */
static bool reported(const char *path, const struct exported *x, uint64_t *ret)
{
	struct live l;
	json_t *r, *row;
	size_t i;

	live_collect(&l, NULL, x->command, "-f", path, "--json", NULL);
	if (l.code == 2 && strstr(l.err, "has no ")) {
		live_free(&l);
		return false;
	}
	check(!l.code, "%s ended with %d: %s", x->command, l.code, l.err);
	r = live_final(&l);
	*ret = 0;
	json_array_foreach(live_table(r, x->table), i, row)
	{
		uint64_t v = live_u64(row, x->column);

		*ret += v == LIVE_NULL ? 0 : v;
	}
	json_decref(r);
	live_free(&l);
	return true;
}

/* --- folded ------------------------------------------------------------------------------------------- */

/* Lines are «chain number»; the sum of the numbers. */
static uint64_t folded_sum(const char *text, const char *what)
{
	uint64_t sum = 0;

	while (*text) {
		const char *end = strchr(text, '\n'), *space;
		char *rest;

		check(end, "%s: the last line has no end", what);
		space = memrchr(text, ' ', (size_t)(end - text));
		check(space && space > text, "%s: a line without a number", what);
		sum += strtoull(space + 1, &rest, 10);
		check(rest == end, "%s: a number ends with %.10s", what, rest);
		text = end + 1;
	}
	return sum;
}

static void test_folded(void **state)
{
	const char *path = record();
	size_t i, done = 0;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct exported *x = &numbers[i];
		struct live l;
		uint64_t sum;

		if (!x->value || !reported(path, x, &sum))
			continue;
		live_collect(&l, NULL, "export", path, "--to", "folded", "--value", x->value, NULL);
		check(!l.code && !l.err_len, "%s: %d, %s", x->value, l.code, l.err);
		check_u64(folded_sum(l.out, x->value), sum, x->value);
		live_free(&l);
		done += sum > 0;
	}
	check(done >= 4, "only %zu numbers are above 0", done);
}

/* --- csv ---------------------------------------------------------------------------------------------- */

/* Cut a line of CSV into its cells, in place; returns the next line. */
static char *csv_line(char *at, char *cells[COLUMNS_MAX], size_t *ret_n)
{
	size_t n = 0;
	char end;

	do {
		bool quoted = *at == '"';
		char *to = at += quoted;

		check(n < COLUMNS_MAX, "too many columns");
		cells[n++] = at;
		while (*at && (quoted ? *at != '"' || at[1] == '"' : *at != ',' && *at != '\n')) {
			at += quoted && *at == '"';
			*to++ = *at++;
		}
		at += quoted;
		end = *at;
		check(end == ',' || end == '\n', "a cell ends with %.10s", at);
		*to = '\0';
		at++;
	} while (end == ',');
	*ret_n = n;
	return at;
}

static void check_cell(const char *cell, const json_t *value, const char *column)
{
	char number[32];

	if (json_is_null(value))
		assert_string_equal(cell, "");
	else if (json_is_string(value))
		check(!strcmp(cell, json_string_value(value)), "%s: %s, not %s", column, cell,
		      json_string_value(value));
	else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		check(!strcmp(cell, number), "%s: %s, not %s", column, cell, number);
	} else if (json_is_real(value))
		check(strtod(cell, NULL) == json_real_value(value), "%s: %s, not %f", column, cell,
		      json_real_value(value));
}

/* Row by row, cell by cell. */
static void check_csv(const char *path, const char *command, const char *table)
{
	char name[64], *names[COLUMNS_MAX], *cells[COLUMNS_MAX], *at;
	size_t n_names, n, i, k;
	const json_t *row;
	struct live l;
	json_t *r;

	snprintf(name, sizeof(name), "%s.%s", command, table);
	r = live_run(command, "-f", path, "--json", NULL);
	live_collect(&l, NULL, "export", path, "--to", "csv", "--table", name, NULL);
	check(!l.code && !l.err_len, "%s: %d, %s", name, l.code, l.err);
	at = csv_line(l.out, names, &n_names);
	json_array_foreach(live_table(r, table), i, row)
	{
		check(*at, "%s: row %zu is missing", name, i);
		at = csv_line(at, cells, &n);
		check_u64(n, n_names, "cells of a row");
		for (k = 0; k < n; k++) {
			const json_t *value = json_object_get(row, names[k]);

			check(value, "%s: JSON has no %s", name, names[k]);
			check_cell(cells[k], value, names[k]);
		}
	}
	check(!*at && i, "%s: %zu rows, and then: %s", name, i, at);
	json_decref(r);
	live_free(&l);
}

static void test_csv(void **state)
{
	const char *path = record();

	(void)state;
	check_csv(path, "slab", "sites");
	check_csv(path, "slab", "classes");
	check_csv(path, "slab", "caches");
	check_csv(path, "leaks", "candidates");
	check_csv(path, "buddy", "orders");
	check_csv(path, "buddy", "users");
}

/* --- perfetto ----------------------------------------------------------------------------------------- */

static void test_perfetto(void **state)
{
	const char *path = record(), *to = live_temp("run.json");
	struct live l;
	json_t *trace;
	json_error_t error;

	(void)state;
	live_collect(&l, NULL, "export", path, "--to", "perfetto", "-o", to, NULL);
	check(!l.code && !l.out_len && !l.err_len, "export ended with %d: %s", l.code, l.err);
	live_free(&l);
	trace = json_load_file(to, JSON_REJECT_DUPLICATES, &error);
	check(trace, "it is not JSON: %s at line %d", error.text, error.line);
	check(json_array_size(json_object_get(trace, "traceEvents")) > 10, "there is little in it");
	json_decref(trace);
	if (access("/usr/bin/python3", X_OK) || access(CHECKER, R_OK))
		live_skip("no /usr/bin/python3 or no " CHECKER
			  ": only that it is JSON was checked");
	live_spawn(&l, NULL, "/usr/bin/python3", CHECKER, to, NULL);
	check(!live_end(&l), "the checker says: %s%s", l.out, l.err);
	live_free(&l);
}

/* --- pprof -------------------------------------------------------------------------------------------- */

/* Go's pprof, which runs on its own; NULL: not installed. */
static const char *find_pprof(void)
{
	static const char *const places[] = { "/usr/lib/go*/pkg/tool/*/pprof",
					      "/usr/local/go/pkg/tool/*/pprof", "/usr/bin/pprof" };
	static char path[LIVE_PATH_MAX];

	*path = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places) && !*path; i++) {
		glob_t found;

		if (!glob(places[i], 0, NULL, &found) && !access(found.gl_pathv[0], X_OK))
			snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
		globfree(&found);
	}
	return *path ? path : NULL;
}

/*
 * Sums over the samples that pprof -raw prints: below «Samples:» a line with the types, «name/unit», and then a
 * line for each sample: its values, a colon, its locations. -1: there is no such type.
 */
static int64_t raw_sum(const char *raw, const char *type)
{
	const char *at = strstr(raw, "\nSamples:\n"), *line;
	int64_t sum = 0;
	size_t nth = 0, n = strlen(type);

	check(at, "pprof -raw has no samples: %.200s", raw);
	at += strlen("\nSamples:\n");
	for (;; nth++) {
		at += strspn(at, " ");
		if (*at == '\n')
			return -1;
		if (!strncmp(at, type, n) && at[n] == '/')
			break;
		at += strcspn(at, " \n");
	}
	for (line = strchr(at, '\n'); line && strncmp(line, "\nLocations", 10);
	     line = strchr(line + 1, '\n')) {
		const char *colon = strchr(line + 1, ':'), *end = strchr(line + 1, '\n');
		const char *value = line + 1;
		char *rest = (char *)value;

		/* labels stand in lines of their own: «cache:[filp]» */
		if (!colon || !end || colon > end ||
		    strspn(value, " 0123456789-") != (size_t)(colon - value))
			continue;
		for (size_t i = 0; i < nth; i++)
			strtoll(rest, &rest, 10);
		sum += strtoll(rest, NULL, 10);
	}
	return sum;
}

static void test_pprof(void **state)
{
	const char *path = record(), *to = live_temp("run.pb.gz"), *pprof = find_pprof();
	struct live l;
	size_t i, n, done = 0;
	char *bytes, *raw;

	(void)state;
	live_collect(&l, NULL, "export", path, "--to", "pprof", "-o", to, NULL);
	check(!l.code && !l.out_len && !l.err_len, "export ended with %d: %s", l.code, l.err);
	live_free(&l);
	bytes = live_load(to, &n);
	check(n > 100 && !memcmp(bytes, "\x1f\x8b", 2), "that is not gzip");
	free(bytes);
	if (!pprof)
		live_skip("no pprof is installed (golang-go): only that it is gzip was checked");
	live_spawn(&l, NULL, pprof, "-top", to, NULL);
	check(!live_end(&l) && strstr(l.out, "Showing nodes accounting for"), "pprof -top: %s%s",
	      l.out, l.err);
	live_free(&l);
	live_spawn(&l, NULL, pprof, "-raw", to, NULL);
	check(!live_end(&l), "pprof -raw: %s", l.err);
	raw = l.out;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct exported *x = &numbers[i];
		uint64_t sum;

		if (!x->sample_type || !reported(path, x, &sum))
			continue;
		check_u64((uint64_t)raw_sum(raw, x->sample_type), sum, x->sample_type);
		done += sum > 0;
	}
	live_free(&l);
	check(done >= 4, "only %zu numbers are above 0", done);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_folded, "folded", NULL),
		live_test(test_csv, "csv", NULL),
		live_test(test_perfetto, "perfetto", NULL),
		live_test(test_pprof, "pprof", NULL),
	};

	return live_main("record_export", tests, ARRAY_SIZE(tests));
}
