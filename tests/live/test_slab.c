// SPDX-License-Identifier: GPL-2.0
/* kmscope slab: exact counts, exact waste, tables that agree; by raw and by classic tracepoints. */
#include "live.h"

#include <bpf/btf.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define VECTORS	      600
#define VECTORS_BYTES (VECTORS * sizeof(struct iovec))
#define NO_HANDLES    77 /* exit code: no file system here has file handles */
#define PIPE_BUFFERS  16 /* PIPE_DEF_BUFFERS */

/* --- the program itself as a workload ------------------------------------------------------------ */

/*
 * Each turn the kernel copies the vector into one allocation beyond its size classes. All but one
 * element are empty: reading them one by one would take much longer than copying the vector.
 */
static int work_vectors(unsigned long turns)
{
	static char bytes[VECTORS];
	struct iovec v[VECTORS];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < VECTORS; i++)
		v[i] = (struct iovec){ .iov_base = bytes + i, .iov_len = !i };
	prctl(PR_SET_NAME, "vectors");
	while (turns--)
		if (readv(fd, v, VECTORS) != 1)
			return 1;
	return 0;
}

/* What nothing else on a machine does at any rate: a count of its own also without a selection. */
static int work_handles(unsigned long turns)
{
	static const char *const places[] = { "/", "/dev", "/tmp", "/sys", "/proc" };
	union {
		struct file_handle handle;
		char room[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	} h;
	size_t i;

	prctl(PR_SET_NAME, "handles");
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		unsigned long n;
		int mount;

		for (n = 0; n < turns; n++) {
			h.handle.handle_bytes = MAX_HANDLE_SZ;
			if (name_to_handle_at(AT_FDCWD, places[i], &h.handle, &mount, 0))
				break;
		}
		if (n)
			return n == turns ? 0 : 1;
	}
	return NO_HANDLES;
}

/* --- what the kernel says -------------------------------------------------------------------------- */

/* The size class that serves @bytes, by the names of the caches; 0 if they can't be read. */
static uint64_t kmalloc_class(uint64_t bytes)
{
	DIR *dir = opendir("/sys/kernel/slab");
	uint64_t best = 0;
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		unsigned int size;
		char unit[2] = "", rest[2] = "";

		if (sscanf(e->d_name, "kmalloc-%u%1[kM]%1s", &size, unit, rest) < 1 || *rest)
			continue;
		size <<= *unit == 'k' ? 10 : *unit == 'M' ? 20 : 0;
		if (size >= bytes && (!best || size < best))
			best = size;
	}
	if (dir)
		closedir(dir);
	return best;
}

/* Bytes of a struct by the kernel's BTF; 0 if there is none. */
static uint64_t struct_size(const char *name)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT) : -1;
	uint64_t size = id > 0 ? btf__type_by_id(btf, (__u32)id)->size : 0;

	btf__free(btf);
	return size;
}

/* A number in /sys/kernel/slab/CACHE/FILE; LIVE_NULL if it can't be read. */
static uint64_t cache_fact(const char *cache, const char *file)
{
	char path[LIVE_PATH_MAX], text[64];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/%s", cache, file);
	return live_read_file(path, text, sizeof(text)) ? strtoull(text, NULL, 10) : LIVE_NULL;
}

/* --- checks that hold for every report --------------------------------------------------------- */

static void check_sums(const json_t *report)
{
	static const char *const columns[] = { "allocs", "frees", "waste", "live_objects" };
	static const char *const tables[] = { "sites", "classes", "caches" };
	const json_t *implied =
		json_object_get(json_object_get(report, "quality"), "frees_implied");
	const json_t *sites = live_table(report, "sites");
	uint64_t allocs = live_quality(report, "allocs");

	for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
		uint64_t first = live_sum(live_table(report, tables[0]), columns[c]);

		for (size_t t = 1; t < ARRAY_SIZE(tables); t++)
			check(live_sum(live_table(report, tables[t]), columns[c]) == first,
			      "%s of %s sum up to %llu, of sites to %llu", columns[c], tables[t],
			      (unsigned long long)live_sum(live_table(report, tables[t]),
							   columns[c]),
			      (unsigned long long)first);
	}
	check_u64(live_sum(sites, "allocs"), allocs, "allocations of all sites");
	check_u64(live_sum(sites, "frees"),
		  live_quality(report, "frees_matched") + live_u64(implied, "reuse"),
		  "frees of all sites");
	check_u64(live_sum(sites, "frees") + live_sum(sites, "live_objects"), allocs,
		  "freed and live objects of all sites");
	check_u64(live_sum(sites, "bytes_req"),
		  live_sum(live_table(report, "classes"), "bytes_req"),
		  "bytes requested by all sites");
}

static void check_rows(const json_t *report)
{
	const json_t *sites = live_table(report, "sites"), *row;
	size_t i;

	json_array_foreach(sites, i, row)
	{
		uint64_t given = live_u64(row, "bytes_alloc"), asked = live_u64(row, "bytes_req");

		check(given >= asked, "site %zu was given less than it requested", i);
		check_u64(live_u64(row, "waste"), given - asked, "waste of a site");
		check(live_u64(row, "peak_live_bytes") >= live_u64(row, "live_bytes"),
		      "site %zu has a peak below what is live", i);
		check_u64(live_u64(row, "allocs") - live_u64(row, "frees"),
			  live_u64(row, "live_objects"), "live objects of a site");
	}
}

/* The sizes of a pipe's two allocations, by the kernel's own types and size classes. */
static void check_pipe_sizes(const json_t *report, uint64_t n)
{
	uint64_t truth[2] = { struct_size("pipe_inode_info"),
			      struct_size("pipe_buffer") * PIPE_BUFFERS };
	const json_t *sites = live_table(report, "sites");

	for (size_t i = 0; i < 2; i++) {
		const json_t *row = live_site(sites, "alloc_pipe_info", i);
		uint64_t asked = live_u64(row, "bytes_req"), given = live_u64(row, "bytes_alloc");

		check(asked % n == 0 && given % n == 0, "sizes of a pipe's allocations differ");
		asked /= n;
		given /= n;
		check(given > asked, "%llu bytes were requested and %llu given",
		      (unsigned long long)asked, (unsigned long long)given);
		check_u64(live_u64(row, "waste"), n * (given - asked), "waste of a pipe's site");
		check_u64(live_u64(row, "typical_req"), asked, "typical request of a pipe's site");
		if (kmalloc_class(asked))
			check_u64(given, kmalloc_class(asked), "size class");
		if (truth[0])
			check(asked == truth[0] || asked == truth[1],
			      "%llu bytes requested; a pipe has %llu and %llu",
			      (unsigned long long)asked, (unsigned long long)truth[0],
			      (unsigned long long)truth[1]);
		check_u64(live_u64(row, "failed"), 0, "failed allocations");
	}
}

/* The cache @name has its sizes as the kernel has them, and @n allocations. */
static void check_cache(const json_t *report, const char *name, uint64_t n)
{
	const json_t *row = live_row(live_table(report, "caches"), "cache", name, 0);

	check(row, "there is no cache %s", name);
	check_u64(live_u64(row, "allocs"), n, name);
	check_u64(live_u64(row, "waste"),
		  n * (live_u64(row, "slab_size") - live_u64(row, "object_size")), name);
	if (cache_fact(name, "slab_size") == LIVE_NULL)
		return;
	check_u64(live_u64(row, "object_size"), cache_fact(name, "object_size"), name);
	check_u64(live_u64(row, "slab_size"), cache_fact(name, "slab_size"), name);
}

/* Old kernels do not tell from which cache an object is; then caches have no names. */
static bool names_known(const json_t *report)
{
	return live_rows(live_table(report, "caches"), "cache", "filp") > 0;
}

/* --- tests ------------------------------------------------------------------------------------------ */

static void test_pipes(void **state)
{
	json_t *r;

	live_need_probe(*state);
	r = live_run("slab", "--json", "--probe", *state, "--settle", live_pace->settle, "--comm",
		     "pipes", "--child", "--", live_pipes, LIVE_TURNS_ARG, NULL);
	live_check_whole(r);
	live_check_pipes(r, LIVE_TURNS, 0);
	check_pipe_sizes(r, LIVE_TURNS);
	check_sums(r);
	check_rows(r);
	check_u64(live_u64(json_object_get(r, "program"), "exit_code"), 0, "program.exit_code");
	check_u64(live_quality(r, "own"), 0, "own events in a selection");
	json_decref(r);
}

static void test_caches(void **state)
{
	bool refused;
	json_t *r;

	live_need_probe(*state);
	r = live_run("slab", "--json", "--probe", *state, "--comm", "pipes", "--child", "--",
		     live_pipes, LIVE_TURNS_ARG, NULL);
	refused = live_refuses_cache(*state, "filp");
	check(refused == !names_known(r), "names of caches are %sshown, but can%s be selected",
	      refused ? "" : "not ", refused ? "not" : "");
	if (refused)
		live_skip("this kernel's tracepoints do not tell names of caches");
	check_cache(r, "filp", 2 * LIVE_TURNS);
	check_cache(r, "dentry", LIVE_TURNS);
	json_decref(r);
}

/* Everything on the machine, whatever else runs: the sums agree, and one program's part is exact. */
static void test_whole_system(void **state)
{
	const json_t *sites, *row, *found = NULL;
	uint64_t code;
	json_t *r;
	size_t i;

	live_need_probe(*state);
	r = live_run("slab", "--json", "--probe", *state, "--settle", live_pace->settle, "--",
		     live_self, "handles", LIVE_TURNS_ARG, NULL);
	sites = live_table(r, "sites");
	code = live_u64(json_object_get(r, "program"), "exit_code");
	live_check_whole(r);
	check_sums(r);
	check_rows(r);
	check_u64(live_quality(r, "filtered"), 0, "filtered events without a selection");
	check(live_quality(r, "own") > 0, "kmscope made no events of its own");
	if (code == NO_HANDLES)
		live_skip("no file system here has file handles: only the sums were checked");
	check_u64(code, 0, "program.exit_code");
	json_array_foreach(sites, i, row) if (live_text(row, "site") &&
					      strstr(live_text(row, "site"), "name_to_handle"))
		found = row;
	check(found, "there is no site of name_to_handle_at()");
	check_u64(live_u64(found, "allocs"), LIVE_TURNS, "allocations by name_to_handle_at()");
	check_u64(live_u64(found, "frees"), LIVE_TURNS, "frees of name_to_handle_at()'s objects");
	json_decref(r);
}

static void test_page_backed(void **state)
{
	const json_t *row, *class = NULL, *cache, *classes;
	uint64_t given;
	json_t *r;
	size_t i;

	live_need_probe(*state);
	if (VECTORS_BYTES <= 8192) /* and no vector of a 32-bit machine is larger */
		live_skip("a vector of this machine's size fits into a size class");
	r = live_run("slab", "--json", "--probe", *state, "--comm", "vectors", "--", live_self,
		     "vectors", LIVE_TURNS_ARG, NULL);
	classes = live_table(r, "classes");
	row = live_site(live_table(r, "sites"), "iovec_from_user", 0);
	row = row ? row : live_site(live_table(r, "sites"), "rw_copy_check_uvector", 0);
	check(row, "there is no site that copies vectors");
	check_u64(live_u64(row, "allocs"), LIVE_TURNS, "allocations for vectors");
	check_u64(live_u64(row, "frees"), LIVE_TURNS, "frees of vectors");
	check_u64(live_u64(row, "bytes_req"), LIVE_TURNS * VECTORS_BYTES, "bytes for vectors");
	given = live_u64(row, "bytes_alloc") / LIVE_TURNS;
	check(given >= VECTORS_BYTES && given % (uint64_t)sysconf(_SC_PAGESIZE) == 0,
	      "%llu bytes were given for a vector: not whole pages", (unsigned long long)given);
	json_array_foreach(classes, i, cache) if (live_u64(cache, "bytes_alloc") == given) class =
		cache;
	check(class && json_is_true(json_object_get(class, "page_backed")),
	      "the class of the vectors is not page-backed");
	cache = live_row(live_table(r, "caches"), "cache", "kmalloc-large-", 0);
	check(cache && json_is_true(json_object_get(cache, "page_backed")),
	      "there is no page-backed cache kmalloc-large-…");
	check_u64(live_u64(cache, "allocs"), LIVE_TURNS, "allocations of whole pages");
	check_sums(r);
	json_decref(r);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_pipes, "counts and waste, raw", "raw"),
		live_test(test_pipes, "counts and waste, classic", "classic"),
		live_test(test_caches, "named caches, raw", "raw"),
		live_test(test_caches, "named caches, classic", "classic"),
		live_test(test_whole_system, "whole system, raw", "raw"),
		live_test(test_whole_system, "whole system, classic", "classic"),
		live_test(test_page_backed, "whole pages, raw", "raw"),
		live_test(test_page_backed, "whole pages, classic", "classic"),
	};

	if (argc == 3 && !strcmp(argv[1], "vectors"))
		return work_vectors(strtoul(argv[2], NULL, 10));
	if (argc == 3 && !strcmp(argv[1], "handles"))
		return work_handles(strtoul(argv[2], NULL, 10));
	return live_main("slab", tests, ARRAY_SIZE(tests));
}
