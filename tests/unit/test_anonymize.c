// SPDX-License-Identifier: GPL-2.0
/* Recordings made anonymous: their reports say the same, and what was private is gone. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <jansson.h>
#include <zlib.h>

#include "base/log.h"
#include "cli/replayed.h"
#include "fixture.h"
#include "record/aliases.h"
#include "record/anonymize.h"
#include "record/blocks.h"
#include "records.h"
#include "render/render.h"
#include "sym/symbolizer.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define SCRIPTS "tests/golden/scripts"

static struct folder folder;

static const char *in_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/in", folder.path);
	return path;
}

static const char *out_path(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/out", folder.path);
	return path;
}

static int begin(void **state _unused_)
{
	folder_make(&folder);
	log_set_level(LOG_LEVEL_QUIET);
	return 0;
}

static int end(void **state _unused_)
{
	folder_remove(&folder, "in");
	folder_remove(&folder, "out");
	return rmdir(folder.path);
}

/* The same numbers in each run. */
static int draw(void *arg, uint64_t *ret)
{
	*ret = chance_next(arg);
	return 0;
}

/* --- reports ----------------------------------------------------------------------------------------- */

static const struct record_text texts[] = {
	{ "kmscope", "1" },
	{ "command", "record" },
	{ "command_line", "kmscope record -o /home/s3cret/x -- ./s3cret-prog" },
	{ "kernel", "6.12.0" },
	{ "arch", "x86_64" },
	{ "areas", "slab,pages,vmalloc,faults,mmio" },
	{ "selected",
	  " of tasks named s3cret in cgroup /sys/fs/cgroup/s3cret of at least 8 bytes" },
	{ "stacks", "all" },
	{ "user_stacks", "all" },
	{ "tasks", "1" },
	{ "cgroups", "1" },
	{ "modules", "s3cret_module 4096\n" },
	{ "s3cret", "s3cret" },
};

/* Two maps that have to be each other's inverse. */
struct pairs {
	struct aliases there, back;
};

static void pairs_free(struct pairs *p)
{
	aliases_free(&p->there);
	aliases_free(&p->back);
}

static void assert_pair(struct pairs *p, const char *key, const char *a, const char *b)
{
	_cleanup_free_ char *x = NULL, *y = NULL;
	const char *there, *back;

	assert_true(asprintf(&x, "%s %s", key, a) > 0 && asprintf(&y, "%s %s", key, b) > 0);
	there = aliases_known(&p->there, x);
	back = aliases_known(&p->back, y);
	if (!there)
		there = aliases_set(&p->there, x, strdup(y));
	if (!back)
		back = aliases_set(&p->back, y, strdup(x));
	if (strcmp(there, y) || strcmp(back, x))
		fail_msg("«%s» became «%s», which is for «%s»; it was «%s»", x, y, back, there);
}

/* Texts: of code, the offset in its function stays. */
static void assert_texts(struct pairs *p, const char *key, const char *a, const char *b)
{
	const char *plus_a = strstr(a, "+0x"), *plus_b = strstr(b, "+0x");
	char name_a[256], name_b[256];

	if (!strcmp(key, "notes") || !strcmp(key, "evidence") || !strcmp(key, "advice")) {
		assert_string_equal(a, b);
		return;
	}
	if (plus_a && plus_b && a[0] != '[') {
		assert_string_equal(plus_a, plus_b);
		snprintf(name_a, sizeof(name_a), "%.*s", (int)(plus_a - a), a);
		snprintf(name_b, sizeof(name_b), "%.*s", (int)(plus_b - b), b);
		assert_pair(p, "name", name_a, name_b);
		return;
	}
	assert_pair(p, strncmp(a, "0x", 2) ? key : "address", a, b);
}

static void assert_like(struct pairs *p, const char *key, const json_t *a, const json_t *b)
{
	const char *name;
	json_t *value;
	size_t i;

	assert_int_equal(json_typeof(a), json_typeof(b));
	if (!strcmp(key, "start_wall_ns"))
		return;
	if (json_is_object(a)) {
		assert_int_equal(json_object_size(a), json_object_size(b));
		json_object_foreach((json_t *)a, name, value)
			assert_like(p, name, value, json_object_get(b, name));
	} else if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			fail_msg("%s: %zu and %zu: %s", key, json_array_size(a), json_array_size(b),
				 json_dumps(a, 0));
		json_array_foreach((json_t *)a, i, value)
			assert_like(p, key, value, json_array_get(b, i));
	} else if (json_is_string(a)) {
		assert_texts(p, key, json_string_value(a), json_string_value(b));
	} else if (strcmp(key, "cgroup") && !json_equal((json_t *)a, (json_t *)b)) {
		fail_msg("%s: %f became %f", key, json_number_value(a), json_number_value(b));
	}
}

/* The reports of a recording, as a JSON array. */
static json_t *reports_of(const char *path, uint64_t by, bool objects)
{
	const struct options o = { .sample = 1,
				   .max_size = UINT32_MAX,
				   .json = true,
				   .objects = objects,
				   .by = by,
				   .set = 1ull << OPTION_TOP };
	struct render_options options = { .width = 80 };
	struct report *reports[SEVERAL_MAX];
	struct failure f = { .text = "out of memory" };
	json_t *all = json_array();
	struct replayed r;
	size_t i, n = 0;

	if (replayed_open(path, &o, &r, &f) || replayed_add_all(&r, &f) ||
	    replayed_make(&r, reports, &n, &f))
		fail_msg("%s", f.text);
	for (i = 0; i < n; i++) {
		_cleanup_free_ char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_int_equal(render_json(reports[i], &options, out), 0);
		fclose(out);
		if (json_array_append_new(
			    all, json_loads(text, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL)))
			fail_msg("%.200s", text);
		report_free(&reports[i]);
	}
	replayed_free(&r);
	return all;
}

static int anonymize(const char *from, const char *to, bool force, struct failure *f)
{
	struct options o = { .files = { from, to }, .n_files = 2, .force = force };

	*f = (struct failure){ 0 };
	return cmd_anonymize(NULL, &o, f);
}

enum compared {
	COMPARE_ALL,
	COMPARE_RING, /* objects are too many, and it is a ring no more */
	COMPARE_DAMAGED, /* the copy is not damaged, and does not say so */
};

/* Make the recording anonymous and compare its reports. */
static void assert_same_reports(enum compared how)
{
	static const uint64_t ways[] = { LEDGER_BY_SITE, LEDGER_BY_COMM, LEDGER_BY_PID,
					 LEDGER_BY_CGROUP };
	struct failure f;
	size_t i;

	if (anonymize(in_path(), out_path(), true, &f))
		fail_msg("%s", f.text);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		_cleanup_(pairs_free) struct pairs p = { 0 };
		json_t *a = reports_of(in_path(), ways[i], how != COMPARE_RING);
		json_t *b = reports_of(out_path(), ways[i], how != COMPARE_RING);
		size_t k;

		assert_true(json_array_size(a) > 0);
		for (k = 0; how != COMPARE_ALL && k < json_array_size(a); k++) {
			json_object_del(json_array_get(a, k), "notes");
			json_object_del(json_array_get(b, k), "notes");
		}
		assert_like(&p, "", a, b);
		json_decref(a);
		json_decref(b);
	}
}

/* --- recordings of scripts ------------------------------------------------------------------------------ */

static void keep(void *arg, const struct event_header *const *records, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		list_add(arg, records[i]);
}

struct naming {
	struct record_writer *w;
	struct symbolizer *kernel;
};

static void name_address(const struct naming *to, uint64_t address)
{
	struct symbol sym;
	struct record_symbol s = { .address = address };

	if (to->kernel->ops->lookup(to->kernel, address, &sym))
		return;
	s.start = sym.start;
	s.size = sym.size;
	s.name = sym.name;
	s.module = sym.module;
	record_writer_names(to->w, &s, 1, NULL, 0);
}

static void name_site(void *arg, uint64_t address)
{
	name_address(arg, address);
	name_address(arg, address - 1);
}

/* Names of the kernel's code, and some of each mapped file's. */
static void name_code(const struct naming *to, const struct event_header *h)
{
	const struct event_stack *stack = (const void *)h;
	const struct event_fault *fault = (const void *)h;
	const struct event_map *map = (const void *)h;
	uint32_t i;

	for (i = 0; h->kind == EVENT_STACK && i < stack->n; i++)
		name_site((void *)to, stack->frames[i]);
	if (h->kind == EVENT_FAULT)
		name_site((void *)to, fault->ip);
	for (i = 0; h->kind == EVENT_MAP && map->protection & PROT_EXEC && i < 4096; i++) {
		char name[64];
		struct record_code c = {
			.path = map->path,
			.major = map->major,
			.minor = map->minor,
			.pid = map->h.pid,
			.inode = map->inode,
			.start = map->start,
			.end = map->start + map->bytes,
			.offset = map->offset + i,
			.name = name,
			.into = i & 0xff,
		};

		snprintf(name, sizeof(name), "s3cret_func_%u", i >> 8);
		record_writer_names(to->w, NULL, 0, &c, 1);
	}
}

static void write_list(const struct list *l)
{
	struct record_options o = { .path = in_path(), .force = true };
	struct naming to = { .w = begin_at(&o, texts, ARRAY_SIZE(texts)) };
	size_t i;

	assert_int_equal(kallsyms_open("tests/golden/kallsyms", &to.kernel, NULL), 0);
	for (i = 0; i < l->n; i++) {
		record_writer_add(to.w, (const struct event_header *const *)l->items + i, 1);
		name_code(&to, l->items[i]);
	}
	record_writer_each_site(to.w, name_site, &to);
	symbolizer_free(&to.kernel);
	end_at(to.w);
}

static void write_script(const char *name)
{
	_cleanup_list_ struct list l = { 0 };
	_cleanup_free_ char *script = NULL;
	char path[128];

	snprintf(path, sizeof(path), SCRIPTS "/%s", name);
	script = fixture_read(path);
	fixture_play(script, &(struct event_sink){ keep, &l });
	write_list(&l);
}

static void test_reports(void **state _unused_)
{
	static const char *const scripts[] = {
		"empty",	  "faults",	    "faults.gup", "faults.hostile",
		"faults.sampled", "faults.stacks",  "hostile",	  "leak",
		"loss",		  "mmio",	    "pages",	  "pages.hostile",
		"pages.sampled",  "pages.selected", "pipes",	  "sampled",
		"vmalloc",	  "vmalloc.hidden", "waste",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(scripts); i++) {
		write_script(scripts[i]);
		assert_same_reports(COMPARE_ALL);
	}
}

/* A part of the file is missing: what is there says the same. */
static void test_damaged(void **state _unused_)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct chance c = { 3 };
	size_t n, i;

	write_script("vmalloc");
	bytes = load_file(in_path(), &n);
	store_file(in_path(), bytes, n * 2 / 3);
	assert_same_reports(COMPARE_DAMAGED);
	for (i = 0; i < 20; i++)
		bytes[RECORD_HEADER_SIZE + 4000 + chance_below(&c, n - 4100)] ^= 0x40;
	store_file(in_path(), bytes, n);
	if (anonymize(in_path(), out_path(), true, &(struct failure){ 0 }))
		fail();
}

#define RING_EVENTS 900000

/* More than fits a ring. */
static void write_ring(void)
{
	const struct event_start start = { .h = { 1, EVENT_START },
					   .wall_ns = 5,
					   .page_size = 4096,
					   .kmalloc_max = 8192,
					   .n_cpus = 1,
					   .sample = 1,
					   .hooked = HOOKED_MAPS };
	struct event_process process = { .h = { 1, EVENT_PROCESS, .pid = 9 },
					 .what = PROCESS_THERE,
					 .comm = "s3cret" };
	struct event_task task = { .h = { 1, EVENT_TASK, .pid = 9 }, .tid = 9, .comm = "s3cret" };
	struct event_alloc alloc = { .h = { 1, EVENT_KMALLOC, EVENT_SIZES, .pid = 9 },
				     .what = event_pack_sizes(60, 64),
				     .stack = -1 };
	struct event_header tick = { .kind = EVENT_TICK }, ended = { .kind = EVENT_END };
	const struct event_header *records[] = { &start.h, &process.h, &task.h, &alloc.h, &tick };
	struct record_options o = { .path = in_path(), .force = true, .keep = RECORD_KEEP_MIN };
	struct record_writer *w = begin_at(&o, texts, ARRAY_SIZE(texts));
	struct chance c = { 5 };
	uint64_t i;

	record_writer_add(w, records, 3);
	for (i = 2; i < RING_EVENTS; i++) {
		alloc.h.time = tick.time = i;
		alloc.ptr = 0xffff888000000000 + chance_below(&c, 1 << 24) * 64;
		alloc.site = 0xffffffff81100010 + i % 3 * 0x400;
		record_writer_add(w, records + 3, 1 + (i % 1000 == 0));
	}
	ended.time = i;
	records[0] = &ended;
	record_writer_add(w, records, 1);
	end_at(w);
}

/* Most of it was overwritten: the copy begins where what is left does, and is no ring. */
static void test_ring(void **state _unused_)
{
	struct record_reader *r;
	uint64_t window;

	write_ring();
	r = open_at(in_path());
	assert_true(record_reader_window(r, &window));
	assert_true(window > 1000);
	record_reader_free(&r);
	assert_same_reports(COMPARE_RING);
	r = open_at(out_path());
	assert_false(record_reader_window(r, &window));
	assert_int_equal(record_reader_header(r)->keep, 0);
	record_reader_free(&r);
}

/* --- what is gone ----------------------------------------------------------------------------------------- */

/* What a file holds, inflated, with texts that are spread over columns put together. */
static char *inflated(const char *path, size_t *ret_n)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_list_ struct list l = read_at(path, NULL);
	struct blocks blocks = { 0 };
	struct block_bytes bytes = { 0 };
	char *all = NULL;
	FILE *out = open_memstream(&all, ret_n);
	struct stat st;
	size_t i;

	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(blocks_find(fd, RECORD_HEADER_SIZE, (uint64_t)st.st_size, false, &blocks),
			 0);
	for (i = 0; i < blocks.n; i++) {
		const uint8_t *payload;

		assert_int_equal(block_read(fd, &blocks.items[i], &bytes, &payload), 0);
		fwrite(payload, blocks.items[i].block.raw, 1, out);
	}
	for (i = 0; i < l.n; i++)
		fwrite(l.items[i], event_size(l.items[i]), 1, out);
	blocks_free(&blocks);
	block_bytes_free(&bytes);
	fclose(out);
	return all;
}

static void assert_gone(const char *const *words, size_t n_words)
{
	size_t n, i;
	_cleanup_free_ char *all = inflated(out_path(), &n);

	for (i = 0; i < n_words; i++)
		if (memmem(all, n, words[i], strlen(words[i])))
			fail_msg("«%s» is in the copy", words[i]);
}

static void add_map(struct list *l, uint64_t start, const char *path)
{
	struct {
		struct event_map e;
		char path[128];
	} m = { .e = { .h = { 2, EVENT_MAP, .pid = 9 },
		       .start = start,
		       .bytes = 0x1000,
		       .inode = 77,
		       .major = 8,
		       .minor = 3,
		       .protection = PROT_READ | PROT_EXEC } };

	m.e.size = (uint32_t)strlen(path) + 1;
	memcpy(m.path, path, m.e.size);
	list_add(l, &m.e);
}

static void add_text(struct list *l, enum snapshot_file file, const char *text)
{
	struct {
		struct event_snapshot e;
		char text[1024];
	} s = { .e = { .h = { 2, EVENT_SNAPSHOT, (uint8_t)file }, .before = 2 } };

	s.e.size = (uint32_t)strlen(text) + 1;
	memcpy(s.text, text, s.e.size);
	list_add(l, &s.e);
}

static const char *const private_paths[] = {
	"/home/s3cret/prog",
	"/home/s3cret",
	"/opt/s3cret/lib/s3cret.so (deleted)",
	"/memfd:s3cret (deleted)",
	"/dev/shm/s3cret",
	"[anon:s3cret]",
	"[anon_shmem:s3cret]",
	"/SYSV00s3cret (deleted)",
	"[s3cret]",
	"//s3cret",
	"s3cret",
	"/dev/zeros3cret",
	"anon_inode:[s3cret]",
	"(unreachable)/s3cret/x",
};

/* Everything that may be private, in every place where it can be. */
static void make_private(struct list *l)
{
	struct event_stack stack = { .h = { 3, EVENT_STACK }, .id = 1, .n = 3 };
	struct event_cache cache = { .h = { 2, EVENT_CACHE },
				     .id = 0xffff8880deadbe00,
				     .name = "dentry\0s3cret" };
	size_t i;

	LIST_ADD(l, event_start, .h = { 1, EVENT_START }, .wall_ns = 0x1122334455667788,
		 .page_size = 4096, .kmalloc_max = 8192, .n_cpus = 1, .sample = 1,
		 .hooked = HOOKED_MAPS);
	LIST_ADD(l, event_process, .h = { 2, EVENT_PROCESS, .pid = 9 }, .what = PROCESS_THERE,
		 .comm = "s3cret\0s3cret");
	for (i = 0; i < ARRAY_SIZE(private_paths); i++)
		add_map(l, 0x7f0000000000 + (i << 12), private_paths[i]);
	LIST_ADD(l, event_task, .h = { 2, EVENT_TASK, .pid = 9 }, .tid = 9, .cgroup = 4242,
		 .comm = "a s3cret\0s3cret");
	list_add(l, &cache);
	LIST_ADD(l, event_register, .h = { 3, EVENT_REGISTER }, .source = REGISTER_GPIO,
		 .place = 0xffff8880deadbe40, .name = "chip\0s3cret");
	memcpy(stack.frames, (uint64_t[]){ 0x7f0000000123, 0x7f0000000456, 0 }, 24);
	/* junk: what was on the stack */
	memcpy(&stack.frames[2], "s3cret", 6);
	list_add(l, &stack);
	LIST_ADD(l, event_fault, .h = { 4, EVENT_FAULT, .pid = 9 }, .address = 0x7f0000000123,
		 .ip = 0x7f0000000123, .stack = 1);
	stack.id = 2; /* that nothing names */
	list_add(l, &stack);
	LIST_ADD(l, event_alloc, .h = { 5, EVENT_CACHE_ALLOC, .pid = 9 }, .ptr = 0xffff8880deadbec0,
		 .site = 0xffffffff81100010, .what = 0xffff8880deadbe00, .stack = -1);
	add_text(l, SNAPSHOT_VMALLOCINFO,
		 "0xffffc90000001000-0xffffc90000003000    8192 "
		 "bpf_prog_0123456789abcdef_s3cret+0x1/0x2 pages=1 vmalloc\n"
		 "0xffffc90000011000-0xffffc90000013000    8192 0xffffffffc0dead00 vmalloc\n");
	add_text(l, SNAPSHOT_IOMEM,
		 "00001000-3fffffff : System RAM\n"
		 "  1dead000-1e000fff : Kernel code\n"
		 "    1dead000-1dead0ff : inside it\n"
		 "  1e001000-1e0fffff : Kernel bss\n"
		 "fe000000-fe000fff : device\n");
	add_text(l, SNAPSHOT_ALLOCATORS,
		 "0xffffffff81dead00 0xffffffff81dead80 vmalloc vmalloc\n"
		 "s3cret\n");
	LIST_ADD(l, event_header, .time = 9, .kind = EVENT_END);
}

static void write_private(void)
{
	static const struct record_symbol program = { 0xffffffffc0001234, 0xffffffffc0001200, 0x100,
						      "bpf_prog_0123456789abcdef_s3cret", "bpf" };
	_cleanup_list_ struct list l = { 0 };
	struct record_options o = { .path = in_path(), .force = true };
	struct record_writer *w = begin_at(&o, texts, ARRAY_SIZE(texts));
	struct record_code code = { .name = "s3cret_function", .inode = 77, .major = 8, .minor = 3 };
	size_t i;

	make_private(&l);
	add_list(w, &l);
	record_writer_names(w, &program, 1, NULL, 0);
	for (i = 0; i < ARRAY_SIZE(private_paths); i++) {
		code.path = private_paths[i];
		code.start = 0x7f0000000000 + (i << 12);
		code.end = code.start + 0x1000;
		record_writer_names(w, NULL, 0, &code, 1);
	}
	end_at(w);
}

/* Whether the addresses of @in are in no word of any record of @out. */
static void assert_no_addresses(const struct list *in, const struct list *out)
{
	size_t i, k, m, at;

	for (i = 0; i < in->n; i++)
		for (k = 2; k < event_size(in->items[i]) / 8; k++) {
			uint64_t old = ((const uint64_t *)in->items[i])[k], new;

			/* half of them are frames that are not there; texts look like anything */
			if (in->items[i]->kind == EVENT_SNAPSHOT ||
			    (old >> 40 != 0x7f && old >> 40 != 0xffff88 &&
			     (old >> 32 != 0xffffffff || !(uint32_t)old)))
				continue;
			for (m = 0; m < out->n; m++)
				for (at = 16; at + 8 <= event_size(out->items[m]); at += 8) {
					memcpy(&new, (const char *)out->items[m] + at, 8);
					if (old == new)
						fail_msg("%llx", (unsigned long long)old);
				}
		}
}

static void test_gone(void **state _unused_)
{
	static const char *const words[] = {
		"s3cret",
		"/home/",
		"/opt/",
		"unreachable",
		"0123456789abcdef",
		"ffffffffc0dead00",
		"ffffffff81dead00",
		"1dead000",
		"command_line",
		"Kernel code",
		"Kernel bss",
		"inside it",
		"modules",
		"\x88\x77\x66\x55\x44\x33",
	};
	static const char *const kept[] = { "vmalloc",	  "6.12.0",	 "System RAM",
					    "dentry",	  "bpf_prog-1",	 "/memfd:name-",
					    " (deleted)", "[anon:name-", "/dev/shm/" };
	_cleanup_list_ struct list in = { 0 }, out = { 0 };
	_cleanup_free_ char *all = NULL;
	struct failure f;
	size_t n, i;

	write_private();
	assert_int_equal(anonymize(in_path(), out_path(), true, &f), 0);
	assert_gone(words, ARRAY_SIZE(words));
	all = inflated(out_path(), &n);
	for (i = 0; i < ARRAY_SIZE(kept); i++)
		if (!memmem(all, n, kept[i], strlen(kept[i])))
			fail_msg("«%s» is gone", kept[i]);
	in = read_at(in_path(), NULL);
	out = read_at(out_path(), NULL);
	assert_no_addresses(&in, &out);
}

/* --- hostile records ------------------------------------------------------------------------------------------ */

static void test_chance(void **state _unused_)
{
	static const char *const junk[] = { "0x1-0x2 3 ",
					    "0xffffffffffffffff-0x0 0",
					    "0x0-0x0 4096 x+0x1/0x2",
					    " : Kernel code\n  : x",
					    "0xffffffffffffffff 0x1 a b",
					    "\n\n\n" };
	_Alignas(8) uint8_t room[RECORD_ROOM(512)];
	struct event_header *h = (struct event_header *)room;
	struct chance c = { 11 };
	size_t round, i;

	for (round = 0; round < 40; round++) {
		struct record_header header = { .word_size = round % 3 ? 8 : 4 };
		struct shift_random random = { draw, &c };
		struct anonymizer *a = anonymizer_new(&header, &random);
		_cleanup_list_ struct list l = { 0 };
		const struct event_header *other;

		for (i = 0; i < 300; i++) {
			uint8_t kind = all_kinds[chance_below(&c, ARRAY_SIZE(all_kinds))];

			chance_record(&c, kind, (uint32_t)chance_below(&c, 500), h);
			if (event_valid(h, sizeof(room)))
				list_add(&l, h);
		}
		for (i = 0; i < ARRAY_SIZE(junk); i++) {
			add_text(&l, SNAPSHOT_VMALLOCINFO, junk[i]);
			add_text(&l, SNAPSHOT_IOMEM, junk[i]);
			add_text(&l, SNAPSHOT_ALLOCATORS, junk[i]);
		}
		for (i = 0; i < l.n; i++)
			anonymizer_note(a, l.items[i]);
		assert_int_equal(anonymizer_plan(a), 0);
		for (i = 0; i < l.n; i++) {
			assert_int_equal(anonymizer_record(a, l.items[i], &other), 0);
			assert_true(!other || event_valid(other, event_size(other)));
		}
		anonymizer_free(&a);
	}
}

/* --- files ---------------------------------------------------------------------------------------------------- */

static void test_files(void **state _unused_)
{
	struct failure f;
	char link[128];

	write_script("leak");
	folder_remove(&folder, "out");
	assert_int_equal(anonymize(in_path(), out_path(), false, &f), 0);
	assert_int_equal(anonymize(in_path(), out_path(), false, &f), -EEXIST);
	assert_int_equal(f.kind, FAILURE_USAGE);
	/* itself, also by another name */
	assert_int_equal(anonymize(in_path(), in_path(), true, &f), -EINVAL);
	snprintf(link, sizeof(link), "%s/link", folder.path);
	assert_int_equal(symlink(in_path(), link), 0);
	assert_int_equal(anonymize(in_path(), link, true, &f), -EINVAL);
	unlink(link);
	assert_int_equal(symlink(out_path(), link), 0);
	assert_true(anonymize(in_path(), link, true, &f) < 0);
	unlink(link);
	/* there is nothing to copy: no copy is left */
	folder_remove(&folder, "out");
	store_file(in_path(), (const uint8_t *)"nothing", 7);
	assert_true(anonymize(in_path(), out_path(), false, &f) < 0);
	assert_true(access(out_path(), F_OK) < 0);
}

/* The header is the other machine's; who was killed is not said to have ended. */
static void test_header(void **state _unused_)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	struct record_header h;
	struct record_reader *r;
	struct failure f;
	size_t n;

	write_script("leak");
	bytes = load_file(in_path(), &n);
	assert_int_equal(record_unpack_header(bytes, &h), HEADER_FINE);
	h.word_size = 4;
	h.page_size = 65536;
	h.state = RECORD_OPEN;
	record_pack_header(&h, bytes);
	store_file(in_path(), bytes, n);
	assert_int_equal(anonymize(in_path(), out_path(), true, &f), 0);
	r = open_at(out_path());
	h = *record_reader_header(r);
	assert_int_equal(h.word_size, 4);
	assert_int_equal(h.page_size, 65536);
	assert_int_equal(h.state, RECORD_OPEN);
	assert_int_equal(h.wall_ns, 0);
	assert_null(record_reader_text(r, "command_line"));
	assert_string_equal(record_reader_text(r, "anonymized"), "1");
	assert_string_equal(record_reader_text(r, "kernel"), "6.12.0");
	record_reader_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reports), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_ring),	cmocka_unit_test(test_gone),
		cmocka_unit_test(test_chance),	cmocka_unit_test(test_files),
		cmocka_unit_test(test_header),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
