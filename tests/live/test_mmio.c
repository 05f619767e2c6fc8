// SPDX-License-Identifier: GPL-2.0
/* kmscope mmio: what is mapped is what /proc/vmallocinfo says, and what can't be traced is said. */
#include "live.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Lines of /proc/vmallocinfo that are device mappings; with @phys only those that tell where. */
static uint64_t mapped_lines(bool phys)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char line[512];
	uint64_t n = 0;

	check(file != NULL, "/proc/vmallocinfo can't be read");
	while (fgets(line, sizeof(line), file))
		n += strstr(line, " ioremap") && (!phys || strstr(line, " phys="));
	fclose(file);
	return n;
}

/* Mappings come and go: read before and after, and compare with either. */
static void test_existing(void **state)
{
	uint64_t before = mapped_lines(false), physical = mapped_lines(true), found, with_phys = 0;
	json_t *r = live_run("mmio", "--json", "-d", "0.2", NULL);
	const json_t *table = live_table(r, "mappings"), *row;
	size_t i;

	(void)state;
	live_check_whole(r);
	found = live_sum(table, "existing");
	check(found == before || found == mapped_lines(false), "%llu mappings, not %llu",
	      (unsigned long long)found, (unsigned long long)before);
	json_array_foreach(table, i, row)
	{
		if (live_u64(row, "existing") == 0)
			continue;
		check(live_u64(row, "bytes") > 0, "a mapping of nothing");
		if (live_text(row, "phys"))
			with_phys += live_u64(row, "existing");
	}
	check(with_phys == physical || with_phys == mapped_lines(true), "%llu tell where, not %llu",
	      (unsigned long long)with_phys, (unsigned long long)physical);
	json_decref(r);
}

/* Whether doctor has chosen a probe for a capability. */
static bool has_probe(const char *capability)
{
	json_t *doctor = live_run("doctor", "--json", NULL);
	const json_t *row;
	bool chosen = false;
	size_t i;

	json_array_foreach(live_table(doctor, "capabilities"), i, row) chosen |=
		!strcmp(live_text(row, "capability"), capability) &&
		json_is_true(json_object_get(row, "chosen"));
	json_decref(doctor);
	return chosen;
}

static bool has_note(const json_t *r, const char *words)
{
	const json_t *note;
	size_t i;

	json_array_foreach(json_object_get(r, "notes"), i,
			   note) if (strstr(json_string_value(note), words)) return true;
	return false;
}

/* One line for what can't be traced here, and none for what can. */
static void test_said(void **state)
{
	json_t *r = live_run("mmio", "--json", "-d", "0.2", NULL);

	(void)state;
	check(has_note(r, "new mappings can't be traced") != has_probe("ioremap"),
	      "doctor and mmio do not agree about new mappings");
	check(!has_note(r, "register accesses can't be traced") || !has_probe("regmap"),
	      "doctor and mmio do not agree about accesses");
	json_decref(r);
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	check(f && fputs(text, f) >= 0 && !fclose(f), "%s can't be written", path);
}

/* A file that is wrong gets a line that says where, and nothing is traced. */
static void test_registers_file(void **state)
{
	static const struct {
		const char *text, *said;
	} wrong[] = {
		{ "0x0 FIRST\n", "line 1: a register before the first «block»" },
		{ "block\n", "line 1: «block» needs the name of a device" },
		{ "# one\nblock x\n0x0\n", "line 3: this register has no name" },
		{ "block x\nzero NAME\n",
		  "line 2: a line begins with «block», an offset 0x… or #" },
		{ "block x\n0x8-0x4 NAME\n", "line 2: a line begins with" },
		{ "block x\n0x0 NAME sideways\n", "line 2: in, out, set, clear and masked" },
		{ "block x\n0x0 NAME in out\n", "line 2: one word too many" },
	};
	const char *path = live_temp("registers");
	struct live l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		put(path, wrong[i].text);
		live_spawn(&l, NULL, live_kmscope, "mmio", "-d", "0.1", "--registers", path, NULL);
		check(live_end(&l) == 2, "%s: exit code %d", wrong[i].text, l.code);
		check(strstr(l.err, wrong[i].said) && strstr(l.err, path), "%s: «%s»",
		      wrong[i].text, l.err);
		check(!l.out || !*l.out, "a report: %s", l.out);
	}
	live_spawn(&l, NULL, live_kmscope, "mmio", "-d", "0.1", "--registers", "/", NULL);
	check(live_end(&l) == 2 && strstr(l.err, "--registers: can't read /"), "%s", l.err);
	live_spawn(&l, NULL, live_kmscope, "mmio", "-d", "0.1", "--registers", live_temp("none"),
		   NULL);
	check(live_end(&l) == 2 && strstr(l.err, "No such file"), "%s", l.err);
	put(path, "block x 0x1000\n0x0 FIRST # fine\n\n0x4-0x8 MORE out\n");
	json_decref(live_run("mmio", "--json", "-d", "0.1", "--registers", path, "--trace",
			     "--timeline", NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		live_test(test_existing, "mappings from before", NULL),
		live_test(test_said, "what can't be traced", NULL),
		live_test(test_registers_file, "--registers", NULL),
	};

	return live_main("mmio", tests, ARRAY_SIZE(tests));
}
