// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope layout against /proc, which is read here in another way: what it tells root, and that it
 * tells others that something is hidden and no zeros.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t address_of(const json_t *row, const char *column)
{
	const char *text = live_text(row, column);

	return text ? strtoull(text, NULL, 16) : LIVE_NULL;
}

static json_t *tree(const json_t *report, const char *name)
{
	return json_object_get(json_object_get(report, "trees"), name);
}

/* The nodes of a tree, in the order in which they are printed. */
static void flatten(const json_t *nodes, json_t *flat)
{
	json_t *node;
	size_t i;

	json_array_foreach(nodes, i, node)
	{
		json_array_append(flat, node);
		flatten(json_object_get(node, "children"), flat);
	}
}

static bool has_note(const json_t *report, const char *part)
{
	json_t *note;
	size_t i;

	json_array_foreach(json_object_get(report, "notes"), i,
			   note) if (strstr(json_string_value(note), part)) return true;
	return false;
}

static json_t *fact(const json_t *report, const char *name)
{
	json_t *row = live_row(live_table(report, "facts"), "name", name, 0);

	check(row, "there is no fact «%s»", name);
	return row;
}

/* --- root ------------------------------------------------------------------------------------------- */

/* Every line of /proc/iomem is a node, in the same order. */
static void test_physical(void **state)
{
	json_t *r = live_run("layout", "--json", NULL), *flat = json_array();
	FILE *file = fopen("/proc/iomem", "re");
	unsigned long long start, end;
	char line[512], name[400];
	uint64_t ram = 0;
	size_t n = 0;

	(void)state;
	flatten(tree(r, "physical"), flat);
	check(file, "/proc/iomem: %s", strerror(errno));
	while (fgets(line, sizeof(line), file)) {
		json_t *node = json_array_get(flat, n++);

		name[0] = '\0'; /* a name may be empty */
		check(sscanf(line, " %llx-%llx : %399[^\n]", &start, &end, name) >= 2,
		      "/proc/iomem: %s", line);
		check(node, "%zu: only %zu nodes", n, json_array_size(flat));
		check_u64(address_of(node, "start"), start, "start");
		check_u64(address_of(node, "end"), end, "end");
		check_u64(live_u64(node, "bytes"), end - start + 1, "bytes");
		assert_string_equal(live_text(node, "name"), name);
		if (line[0] != ' ' && !strncmp(name, "System RAM", 10))
			ram += end - start + 1;
	}
	check_u64(json_array_size(flat), n, "nodes");
	check(n > 3, "/proc/iomem has %zu lines", n);
	check_u64(live_u64(fact(r, "system_ram"), "value"), ram, "system_ram");
	fclose(file);
	json_decref(flat);
	json_decref(r);
}

/* The number behind @key in the part of zone @number of /proc/zoneinfo. */
static uint64_t zone_number(const char *text, size_t number, const char *key)
{
	const char *p = text;
	size_t i;

	for (i = 0; p && i <= number; i++)
		p = strstr(i ? p + 1 : p, "Node ");
	check(p, "/proc/zoneinfo has no zone %zu", number);
	p = strstr(p, key);
	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

/* The caller frees it. */
static char *read_zoneinfo(void)
{
	char *text = calloc(1, 4 << 20);
	FILE *file = fopen("/proc/zoneinfo", "re");

	check(file && text && fread(text, 1, (4 << 20) - 1, file), "/proc/zoneinfo: %s",
	      strerror(errno));
	fclose(file);
	return text;
}

/* What /proc/zoneinfo said before and after; a balloon may have changed it meanwhile. */
static void check_pages(const json_t *row, const char *column, const char *before,
			const char *after, size_t number, const char *key)
{
	uint64_t n = zone_number(before, number, key);

	if (n == zone_number(after, number, key))
		check_u64(live_u64(row, column), n, column);
}

static void test_zones(void **state)
{
	_cleanup_free_ char *before = read_zoneinfo();
	json_t *r = live_run("layout", "--json", NULL), *row;
	_cleanup_free_ char *after = read_zoneinfo();
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), present = 0;
	size_t i;

	(void)state;
	json_array_foreach(live_table(r, "zones"), i, row)
	{
		check_pages(row, "spanned_pages", before, after, i, " spanned ");
		check_pages(row, "present_pages", before, after, i, " present ");
		check_pages(row, "managed_pages", before, after, i, " managed ");
		check_pages(row, "low_pages", before, after, i, " low ");
		check_u64(live_u64(row, "present_bytes"), live_u64(row, "present_pages") * page,
			  "bytes");
		present += live_u64(row, "present_bytes");
		if (!live_u64(row, "spanned_pages")) {
			check(!live_text(row, "start"), "an empty zone starts somewhere");
			continue;
		}
		check_u64(address_of(row, "start"), zone_number(before, i, "start_pfn:") * page,
			  "start");
		check_u64(address_of(row, "end") + 1,
			  address_of(row, "start") + live_u64(row, "spanned_pages") * page, "end");
	}
	check(i, "there are no zones");
	check_u64(live_u64(fact(r, "ram_present"), "value"), present, "ram_present");
	check_u64(live_u64(fact(r, "page_size"), "value"), page, "page_size");
	json_decref(r);
}

/* A user's own memory, and the kernel's, are where the regions are. */
static void test_virtual(void **state)
{
	json_t *r = live_run("layout", "--json", NULL), *row;
	static int here;
	uint64_t end = 0;
	size_t i, k;

	(void)state;
	row = live_row(tree(r, "virtual"), "name", "user space", 0);
	check(row, "there is no user space");
	check(address_of(row, "start") == 0, "user space starts at %s", live_text(row, "start"));
	check((uintptr_t)&here < address_of(row, "end") && (uintptr_t)&row < address_of(row, "end"),
	      "this program is at %p and %p", (void *)&here, (void *)&row);
	json_array_foreach(tree(r, "virtual"), i, row)
	{
		check(json_object_get(row, "source"), "a row has no source");
		if (!live_text(row, "start"))
			continue;
		check(live_text(row, "source"), "%s has no source", live_text(row, "name"));
		check(address_of(row, "start") <= address_of(row, "end"),
		      "%s ends before it starts", live_text(row, "name"));
		/* the image may lie in the direct map (ARM32), and modules beside it in vmalloc (arm64) */
		if (!strcmp(live_text(row, "name"), "kernel image") ||
		    !strcmp(live_text(row, "name"), "modules"))
			continue;
		check(!i || address_of(row, "start") > end, "%s overlaps what is in front of it",
		      live_text(row, "name"));
		end = address_of(row, "end");
	}
	/* an unknown region has a reason */
	json_array_foreach(tree(r, "virtual"), k, row) if (!live_text(row, "start"))
		check(has_note(r, live_text(row, "name")), "no word on %s", live_text(row, "name"));
	json_decref(r);
}

/* --- addresses ------------------------------------------------------------------------------------- */

static json_t *row_of(const json_t *report, const char *space)
{
	return live_row(live_table(report, "address"), "space", space, 0);
}

/* The first function of /proc/kallsyms that is named once at its address. */
static void test_function(void **state)
{
	FILE *file = fopen("/proc/kallsyms", "re");
	char line[1024], name[512] = "", text[32], type;
	unsigned long long address = 0;
	json_t *r;

	(void)state;
	check(file, "/proc/kallsyms: %s", strerror(errno));
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%llx %c %511s", &address, &type, name) == 3 && type == 'T' &&
		    !strcmp(name, "vfree"))
			break;
	fclose(file);
	assert_string_equal(name, "vfree");
	snprintf(text, sizeof(text), "0x%llx", address + 1);
	r = live_run("layout", "--json", "--address", text, NULL);
	check(live_row(live_table(r, "address"), "name", "vfree+0x1", 0), "%s is not vfree", text);
	json_decref(r);
}

static void test_addresses(void **state)
{
	json_t *r = live_run("layout", "--json", "--address", "0x0", NULL);
	char text[32];
	json_t *row;

	(void)state;
	assert_string_equal(live_text(row_of(r, "virtual"), "kind"), "user");
	check(json_is_false(json_object_get(row_of(r, "virtual"), "virt_to_phys")),
	      "virt_to_phys() of a user address");
	json_decref(r);

	snprintf(text, sizeof(text), "0x%" PRIxPTR, (uintptr_t)&text);
	r = live_run("layout", "--json", "--address", text, NULL);
	assert_string_equal(live_text(row_of(r, "virtual"), "kind"), "user");
	json_decref(r);

	/* every root of System RAM, by its first byte */
	r = live_run("layout", "--json", NULL);
	row = live_row(tree(r, "physical"), "kind", "ram", 0);
	check(row, "there is no RAM");
	snprintf(text, sizeof(text), "%s", live_text(row, "start"));
	json_decref(r);
	r = live_run("layout", "--json", "--address", text, NULL);
	row = row_of(r, "physical");
	check(row, "%s is not physical", text);
	assert_string_equal(live_text(row, "kind"), "ram");
	assert_string_equal(live_text(row, "start"), text);
	json_decref(r);
}

static void test_bad_address(void **state)
{
	static const char *const bad[] = { "1000", "ffffffff81000000",	  "0x", "0xzz", "-0x1",
					   "0x1 ", "0x10000000000000000", "" };
	struct live l;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		live_spawn(&l, NULL, live_kmscope, "layout", "--address", bad[i], NULL);
		check(live_end(&l) == 2, "«%s»: ended with %d", bad[i], l.code);
		check(l.err_len && !l.out_len && strchr(l.err, '\n') == l.err + l.err_len - 1,
		      "«%s»: not one line: %s", bad[i], l.err);
	}
}

/* --- others ---------------------------------------------------------------------------------------- */

/* A copy that everybody may run. */
static const char *public_copy(void)
{
	const char *there = live_temp("kmscope");
	int in = open(live_kmscope, O_RDONLY | O_CLOEXEC);
	int out = open(there, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		check(write(out, buf, (size_t)n) == n, "%s: %s", there, strerror(errno));
	fchmod(out, 0755);
	close(in);
	close(out);
	return there;
}

static void test_unprivileged(void **state)
{
	const struct live_how nobody = { .uid = 65534 };
	const char *there = public_copy();
	json_t *root = live_run("layout", "--json", NULL), *r, *row;
	struct live l;
	size_t i;

	(void)state;
	live_spawn(&l, &nobody, there, "layout", "--json", NULL);
	check(!live_end(&l), "layout of nobody ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	check(!tree(r, "physical"), "there is a physical tree for nobody");
	check(has_note(r, "/proc/iomem hides its addresses"), "no word on /proc/iomem");
	json_array_foreach(tree(r, "virtual"), i,
			   row) if (strcmp(live_text(row, "name"), "user space"))
	{
		check(!live_text(row, "start"), "%s is at %s for nobody", live_text(row, "name"),
		      live_text(row, "start"));
		check(json_is_null(json_object_get(row, "bytes")), "an unknown size is not null");
	}
	/* what is for everybody is the same */
	check_u64(json_array_size(live_table(r, "zones")),
		  json_array_size(live_table(root, "zones")), "zones");
	check_u64(live_u64(fact(r, "ram_present"), "value"),
		  live_u64(fact(root, "ram_present"), "value"), "ram_present");
	check_u64(address_of(fact(r, "user_space_end"), "value"),
		  address_of(fact(root, "user_space_end"), "value"), "user_space_end");
	json_decref(root);
	json_decref(r);

	live_spawn(&l, &nobody, there, "layout", "--json", "--address", "0x100000", NULL);
	check(!live_end(&l), "layout --address of nobody ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	assert_string_equal(live_text(row_of(r, "physical"), "kind"), "unknown");
	json_decref(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_physical, "physical", NULL),
		live_test(test_zones, "zones", NULL),
		live_test(test_virtual, "virtual", NULL),
		live_test(test_function, "--address of a function", NULL),
		live_test(test_addresses, "--address", NULL),
		live_test(test_bad_address, "--address that is none", NULL),
		live_test(test_unprivileged, "not root", NULL),
	};

	return live_main("layout", tests, sizeof(tests) / sizeof(tests[0]));
}
