// SPDX-License-Identifier: GPL-2.0
/* Where recordings are written to: what is never overwritten, and what is left when there is no more room. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "damaged.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static int begin(void **state)
{
	static struct folder folder;

	folder_make(&folder);
	/* a file may not grow: a test of that wants the error */
	signal(SIGXFSZ, SIG_IGN);
	*state = &folder;
	return 0;
}

static int end(void **state)
{
	return rmdir(((struct folder *)*state)->path);
}

static void make_file(const char *path)
{
	store_file(path, (const uint8_t *)"what was there", 14);
}

static void assert_untouched(const char *path)
{
	size_t n;
	_cleanup_free_ uint8_t *bytes = load_file(path, &n);

	assert_int_equal(n, 14);
	assert_memory_equal(bytes, "what was there", 14);
}

/* Opening fails as the user's fault, with a line that says @why. */
static void assert_refused(const char *path, bool force, const char *why)
{
	struct record_options o = { .path = path, .force = force };
	struct record_writer *w = NULL;
	struct failure f = { .text = "" };

	assert_true(record_writer_open(&o, &w, &f) < 0);
	assert_null(w);
	assert_int_equal(f.kind, FAILURE_USAGE);
	if (!strstr(f.text, why) || strchr(f.text, '\n'))
		fail_msg("%s", f.text);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* --- opening ------------------------------------------------------------------------------------------- */

static void test_new_file(void **state)
{
	const char *path = folder_name(*state, "one");
	struct record_options o = { .path = path };
	struct stat st;

	end_at(begin_at(&o, NULL, 0));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	unlink(path);
}

static void test_existing_file(void **state)
{
	const char *path = folder_name(*state, "one");
	struct record_options o = { .path = path, .force = true };
	struct record_writer *w = NULL;
	_cleanup_list_ struct list l = { 0 };
	_cleanup_free_ uint8_t *large = calloc(1, 100000);

	make_file(path);
	assert_refused(path, false, "exists already: use another name, or --force");
	assert_untouched(path);
	/* it stays as it is until there is something to replace it */
	assert_int_equal(record_writer_open(&o, &w, NULL), 0);
	assert_untouched(path);
	record_writer_free(&w);
	assert_untouched(path);
	/* nothing is left of what was longer */
	store_file(path, large, 100000);
	end_at(begin_at(&o, NULL, 0));
	assert_true(size_of(path) < 1000);
	l = read_at(path, NULL);
	assert_int_equal(l.n, 0);
	unlink(path);
}

static void test_links(void **state)
{
	_cleanup_free_ char *target = strdup(folder_name(*state, "target"));
	const char *path = folder_name(*state, "link");

	make_file(target);
	assert_int_equal(symlink(target, path), 0);
	assert_refused(path, false, "is a symbolic link");
	assert_refused(path, true, "is a symbolic link");
	assert_untouched(target);
	/* to nothing: that is not made */
	unlink(target);
	assert_refused(path, false, "is a symbolic link");
	assert_refused(path, true, "is a symbolic link");
	assert_int_equal(access(target, F_OK), -1);
	unlink(path);
}

static void test_no_regular_files(void **state)
{
	const struct folder *f = *state;
	const char *path = folder_name(*state, "fifo");

	assert_refused(f->path, false, "is a directory");
	assert_refused(f->path, true, "is a directory");
	assert_refused("/", true, "is a directory");
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_refused(path, false, "is no regular file");
	assert_refused(path, true, "is no regular file");
	unlink(path);
	assert_refused("/dev/null", true, "is no regular file");
	assert_refused("/dev/full", false, "is no regular file");
}

static void test_no_folder(void **state)
{
	const char *paths[] = { folder_name(*state, "nobody/one"), "/proc/kmscope-unit",
				"/sys/kernel/kmscope-unit", "" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		struct record_options o = { .path = paths[i] };
		struct record_writer *w = NULL;
		struct failure f = { .text = "" };

		assert_true(record_writer_open(&o, &w, &f) < 0);
		assert_non_null(strstr(f.text, "can't be written: "));
	}
}

static void test_unwritable_folder(void **state)
{
	struct folder *f = *state;
	struct record_options o = { .path = folder_name(f, "one") };
	struct record_writer *w = NULL;
	struct failure failure = { .text = "" };

	uid_t user = geteuid();

	/* root can write everywhere */
	assert_int_equal(chmod(f->path, 0500), 0);
	assert_int_equal(user ? 0 : seteuid(65534), 0);
	assert_int_equal(record_writer_open(&o, &w, &failure), -EACCES);
	assert_int_equal(seteuid(user), 0);
	assert_non_null(strstr(failure.text, "can't be written: Permission denied"));
	assert_int_equal(chmod(f->path, 0700), 0);
}

static void test_never_begun(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one") };
	struct record_writer *w = NULL;

	assert_int_equal(record_writer_open(&o, &w, NULL), 0);
	assert_int_equal(access(o.path, F_OK), 0);
	record_writer_free(&w);
	assert_null(w);
	assert_int_equal(access(o.path, F_OK), -1);
	record_writer_free(&w);
}

/* --- no room ------------------------------------------------------------------------------------------- */

/* Files may not grow beyond @bytes; RLIM_INFINITY: as they like. */
static void limit(rlim_t bytes)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &l), 0);
}

static void test_no_room_to_begin(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one") };
	rlim_t n;

	for (n = 0; n < RECORD_HEADER_SIZE + 20; n += 21) {
		struct record_writer *w = NULL;

		assert_int_equal(record_writer_open(&o, &w, NULL), 0);
		limit(n);
		assert_int_equal(record_writer_begin(w, NULL, 0), -EFBIG);
		limit(RLIM_INFINITY);
		record_writer_free(&w);
		assert_int_equal(access(o.path, F_OK), -1);
	}
}

/* @got is what @l begins with. */
static void assert_begins(const struct list *l, const struct list *got)
{
	size_t i;

	assert_true(got->n <= l->n);
	for (i = 0; i < got->n; i++)
		assert_true(same_record(got->items[i], l->items[i]));
}

static void add_all(struct record_writer *w, const struct list *l)
{
	size_t i;

	for (i = 0; i < l->n; i++) {
		record_writer_add(w, (const struct event_header *const *)l->items + i, 1);
		if (i % 10 == 0)
			record_writer_flush(w);
		if (i % 30 == 0)
			write_some_names(w, i);
	}
}

/* At any byte: what was whole then is left, and the file says what happened. */
static void test_full(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one"), .force = true };
	_cleanup_list_ struct list l = { 0 };
	struct chance c = { 1 };
	uint64_t time = 5;
	rlim_t n;

	add_start(&l, time);
	add_some(&c, &l, &time, 200);
	for (n = 500; n < 6000; n += 31) {
		struct record_writer *w = begin_at(&o, NULL, 0);
		_cleanup_list_ struct list got = { 0 };
		struct record_damage d;
		struct record_totals t;

		limit(n);
		add_all(w, &l);
		assert_int_equal(record_writer_error(w), -EFBIG);
		/* it is the first error that stays, and nothing is written after it */
		limit(RLIM_INFINITY);
		add_all(w, &l);
		write_some_names(w, 1);
		assert_int_equal(record_writer_end(w), -EFBIG);
		assert_int_equal(record_writer_error(w), -EFBIG);
		record_writer_totals(w, &t);
		record_writer_free(&w);
		assert_int_equal(t.bytes, size_of(o.path));
		assert_true(t.bytes <= n);
		got = read_at(o.path, &d);
		assert_begins(&l, &got);
		assert_true(d.full);
		assert_false(d.open || d.cut);
		assert_int_equal(d.blocks + d.bytes + d.records, 0);
	}
	unlink(o.path);
}

/* The same of a ring that has not come round yet, and of one that has. */
static void test_full_ring(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one"),
				    .force = true,
				    .keep = 20000 };
	_cleanup_list_ struct list l = { 0 };
	struct chance c = { 2 };
	uint64_t time = 5;
	rlim_t n;

	add_start(&l, time);
	add_some(&c, &l, &time, 1000);
	for (n = 1000; n < 19000; n += 997) {
		struct record_writer *w = begin_at(&o, NULL, 0);
		_cleanup_list_ struct list got = { 0 };
		struct record_damage d;

		if (n > 15000)
			add_all(w, &l);
		limit(n > 15000 ? 10000 : n);
		add_all(w, &l);
		limit(RLIM_INFINITY);
		assert_int_equal(record_writer_end(w), -EFBIG);
		record_writer_free(&w);
		got = read_at(o.path, &d);
		assert_true(got.n);
		assert_int_equal(got.items[0]->kind, EVENT_START);
		assert_true(d.full);
		assert_true(d.blocks <= 1);
	}
	unlink(o.path);
}

/* A disk that is full indeed. 0: all is well; 77: it can't be tried. */
static int fill_disk(const char *folder)
{
	_cleanup_list_ struct list l = { 0 }, got = { 0 };
	struct record_writer *w = NULL;
	struct record_damage d;
	struct chance c = { 3 };
	uint64_t time = 5;
	char path[128];
	struct record_options o = { .path = path };

	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", folder, "tmpfs", 0, "size=64k"))
		return 77;
	snprintf(path, sizeof(path), "%s/one", folder);
	add_start(&l, time);
	add_some(&c, &l, &time, 5000);
	if (record_writer_open(&o, &w, NULL) || record_writer_begin(w, NULL, 0))
		return 1;
	add_all(w, &l);
	if (record_writer_error(w) != -ENOSPC || record_writer_end(w) != -ENOSPC)
		return 2;
	record_writer_free(&w);
	got = read_at(path, &d);
	if (!d.full || d.cut || d.blocks || d.bytes || got.n < 100 || got.n > l.n)
		return 3;
	return same_record(got.items[got.n - 1], l.items[got.n - 1]) ? 0 : 4;
}

static void test_full_disk(void **state)
{
	const struct folder *f = *state;
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		_exit(fill_disk(f->path));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("# no file system can be mounted here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* What no reader would believe is not written. */
static void test_record_too_large(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one") };
	struct record_writer *w = begin_at(&o, NULL, 0);
	struct event_snapshot *e = calloc(1, sizeof(*e) + RECORD_PAYLOAD_MAX);
	const struct event_header *record = &e->h;
	_cleanup_list_ struct list got = { 0 };
	struct record_damage d;

	e->h.kind = EVENT_SNAPSHOT;
	e->size = RECORD_PAYLOAD_MAX;
	record_writer_add(w, &record, 1);
	assert_int_equal(record_writer_end(w), -EFBIG);
	record_writer_free(&w);
	got = read_at(o.path, &d);
	assert_int_equal(got.n, 0);
	assert_true(d.full);
	assert_int_equal(d.bytes + d.blocks, 0);
	free(e);
	unlink(o.path);
}

/* --- sites ---------------------------------------------------------------------------------------------- */

struct sites {
	struct record_writer *w;
	uint64_t sum, blocks;
};

static void note_site(void *arg, uint64_t address)
{
	((struct sites *)arg)->sum += address;
}

static void note_block(void *arg)
{
	struct sites *s = arg;

	s->blocks++;
	record_writer_each_site(s->w, note_site, s);
}

/* Before a block is forgotten, all code that its records have can be asked for. */
static void test_sites(void **state)
{
	struct record_options o = { .path = folder_name(*state, "one") };
	struct sites s = { begin_at(&o, NULL, 0), 0, 0 };
	_cleanup_list_ struct list l = { 0 };
	size_t i;

	record_writer_watch(s.w, note_block, &s);
	LIST_ADD(&l, event_alloc, .h = { .kind = EVENT_KMALLOC, .flags = EVENT_SIZES }, .site = 1);
	LIST_ADD(&l, event_alloc, .h = { .kind = EVENT_CACHE_ALLOC }, .site = 10);
	LIST_ADD(&l, event_vmalloc, .h = { .kind = EVENT_VMALLOC }, .site = 100);
	LIST_ADD(&l, event_ioremap, .h = { .kind = EVENT_IOREMAP }, .site = 1000);
	LIST_ADD(&l, event_register, .h = { .kind = EVENT_REGISTER }, .site = 10000);
	LIST_ADD(&l, event_register, .h = { .kind = EVENT_REGISTER }, .site = 0);
	LIST_ADD(&l, event_free, .h = { .kind = EVENT_KFREE }, .ptr = 7);
	for (i = 0; i < 3; i++) {
		add_list(s.w, &l);
		add_list(s.w, &l); /* the same ones */
		record_writer_flush(s.w);
		record_writer_flush(s.w);
	}
	assert_int_equal(s.blocks, 3);
	assert_int_equal(s.sum, 3 * 11111);
	end_at(s.w);
	unlink(o.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_file),    cmocka_unit_test(test_existing_file),
		cmocka_unit_test(test_links),	    cmocka_unit_test(test_no_regular_files),
		cmocka_unit_test(test_no_folder),   cmocka_unit_test(test_unwritable_folder),
		cmocka_unit_test(test_never_begun), cmocka_unit_test(test_no_room_to_begin),
		cmocka_unit_test(test_full),	    cmocka_unit_test(test_full_ring),
		cmocka_unit_test(test_full_disk),   cmocka_unit_test(test_record_too_large),
		cmocka_unit_test(test_sites),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
