// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "source/snapshot.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define TAIL	(1ull << 16)
#define HEAD	(1ull << 15)
#define BUDDY	(1ull << 10)
#define SLAB	(1ull << 7)
#define LRU	(1ull << 5)
#define ANON	(1ull << 12)
#define MMAP	(1ull << 11)
#define SWAP	(1ull << 13)
#define NOPAGE	(1ull << 20)
#define OFFLINE (1ull << 23)
#define POISON	(1ull << 19)

/* An anonymous file of @size bytes. */
static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, size, 0), (ssize_t)size);
	return fd;
}

/* The path by which @fd can be opened again. */
static const char *path_of(int fd, char buf[64])
{
	snprintf(buf, 64, "/proc/self/fd/%d", fd);
	return buf;
}

/* --- texts ------------------------------------------------------------------------------------------ */

static int text_of(const void *data, size_t size, struct event_snapshot **ret)
{
	_cleanup_close_ int fd = file_of(data, size);
	char path[64];

	return snapshot_text(SNAPSHOT_BUDDYINFO, path_of(fd, path), ret);
}

static void test_text(void **state _unused_)
{
	_cleanup_free_ struct event_snapshot *e = NULL;
	uint64_t before = clock_monotonic_ns();

	assert_int_equal(text_of("Node 0\nNode 1\n", 14, &e), 0);
	assert_int_equal(e->h.kind, EVENT_SNAPSHOT);
	assert_int_equal(e->h.flags, SNAPSHOT_BUDDYINFO);
	assert_string_equal((const char *)e->data, "Node 0\nNode 1\n");
	assert_int_equal(e->size, 15);
	assert_true(before <= e->before && e->before <= e->h.time);
	assert_true(e->h.time <= clock_monotonic_ns());
	assert_true(event_valid(&e->h, sizeof(*e) + e->size));
	assert_int_equal(event_size(&e->h), sizeof(*e) + 15);
	freep(&e);
	assert_int_equal(text_of("", 0, &e), 0);
	assert_true(e->size == 1 && !e->data[0]);
}

/* Longer than what is read at first, and as long as what is read at a time. */
static void test_long_text(void **state _unused_)
{
	static const size_t sizes[] = { (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 1 << 20 };
	_cleanup_free_ char *text = malloc(1 << 20);
	size_t i;

	memset(text, 'x', 1 << 20);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ struct event_snapshot *e = NULL;

		assert_int_equal(text_of(text, sizes[i], &e), 0);
		assert_int_equal(e->size, sizes[i] + 1);
		assert_int_equal(strlen((const char *)e->data), sizes[i]);
		assert_true(event_valid(&e->h, sizeof(*e) + e->size));
	}
}

static void test_bad_texts(void **state _unused_)
{
	struct event_snapshot *e = NULL;
	_cleanup_free_ char *text = calloc(1, SNAPSHOT_TEXT_MAX + 1);

	assert_int_equal(snapshot_text(SNAPSHOT_ZONEINFO, "/nonexistent/zoneinfo", &e), -ENOENT);
	assert_int_equal(snapshot_text(SNAPSHOT_ZONEINFO, "/proc", &e), -EISDIR);
	assert_int_equal(text_of("a\0b", 3, &e), -EINVAL);
	memset(text, 'x', SNAPSHOT_TEXT_MAX + 1);
	assert_int_equal(text_of(text, SNAPSHOT_TEXT_MAX + 1, &e), -E2BIG);
	assert_null(e);
}

/* --- frames ----------------------------------------------------------------------------------------- */

/* Runs as «kind:frames», and whether they are the last. */
static void expect_runs(const uint64_t *flags, size_t n, uint64_t first, uint64_t end,
			const char *expected)
{
	static const char *const names[] = { "hole", "free", "movable", "unmovable" };
	_cleanup_close_ int fd = file_of(flags, n * sizeof(*flags));
	_cleanup_free_ struct event_snapshot *e = NULL;
	char text[512] = "";
	size_t i, at = 0;

	assert_int_equal(snapshot_frames(fd, first, end, &e), 0);
	assert_true(event_valid(&e->h, sizeof(*e) + e->size));
	assert_int_equal(e->h.flags, SNAPSHOT_FRAMES);
	assert_int_equal(e->first, first);
	assert_true(e->before <= e->h.time);
	for (i = 0; i < e->size / sizeof(uint64_t); i++) {
		uint64_t run;

		memcpy(&run, e->data + i * sizeof(run), sizeof(run));
		at += (size_t)sprintf(text + at, "%s:%d ", names[run >> 56],
				      (int)(run & 0xffffffffffffff));
	}
	sprintf(text + at, "%s", e->last ? "last" : "more");
	assert_string_equal(text, expected);
}

static void test_frames(void **state _unused_)
{
	/* as the kernel has them: a page block's free frames each have BUDDY since 5.x, or only the first */
	static const uint64_t flags[] = {
		NOPAGE,	    OFFLINE, POISON | LRU, BUDDY, BUDDY, BUDDY,	      SLAB,
		SLAB | LRU, 0,	     LRU,	   ANON,  MMAP,	 SWAP | ANON, 0,
	};

	expect_runs(flags, ARRAY_SIZE(flags), 0, ARRAY_SIZE(flags),
		    "hole:3 free:3 unmovable:3 movable:4 unmovable:1 last");
	expect_runs(flags, ARRAY_SIZE(flags), 4, 8, "free:2 unmovable:2 last");
	expect_runs(flags, ARRAY_SIZE(flags), 13, 20, "unmovable:1 more");
}

/* The pages of a compound page are what its first one is, where they don't say it themselves. */
static void test_compound(void **state _unused_)
{
	static const uint64_t flags[] = {
		HEAD | LRU | ANON, TAIL,	TAIL, TAIL | ANON, HEAD | SLAB, TAIL, BUDDY,
		TAIL | LRU,	   TAIL | SLAB, HEAD, TAIL,
	};
	static const uint64_t alone[] = { TAIL, TAIL | LRU, BUDDY, TAIL };

	expect_runs(flags, ARRAY_SIZE(flags), 0, ARRAY_SIZE(flags),
		    "movable:4 unmovable:2 free:1 movable:1 unmovable:3 last");
	/* without its first page: holes have no pages, and free blocks no tails */
	expect_runs(alone, ARRAY_SIZE(alone), 0, ARRAY_SIZE(alone),
		    "unmovable:1 movable:1 free:1 unmovable:1 last");
}

/* A piece of all frames at a time; a file that ends sooner than it should. */
static void test_pieces(void **state _unused_)
{
	size_t n = SNAPSHOT_FRAMES_MAX + 5;
	_cleanup_free_ uint64_t *flags = calloc(n, sizeof(*flags));
	_cleanup_free_ struct event_snapshot *e = NULL;
	_cleanup_close_ int fd = -1;

	expect_runs(flags, n, 0, n, "unmovable:65536 more");
	expect_runs(flags, n, SNAPSHOT_FRAMES_MAX, n, "unmovable:5 last");
	expect_runs(flags, 3, 0, 7, "unmovable:3 more");
	expect_runs(flags, 3, 3, 7, "last");
	expect_runs(flags, 3, 1ull << 40, 1ull << 41, "last");
	fd = file_of(flags, 8 * 7);
	assert_int_equal(snapshot_frames(fd, 2, 7, &e), 0);
	assert_int_equal(snapshot_n_frames(e), 5);
	freep(&e);
	assert_int_equal(snapshot_frames(-1, 0, 7, &e), -EBADF);
	assert_null(e);
}

/* --- allocation flags ------------------------------------------------------------------------------- */

static void test_gfp(void **state _unused_)
{
	static const char text[] =
		"name: mm_page_alloc\nID: 5\nformat:\n"
		"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
		"\tfield:unsigned long gfp_flags;\toffset:8;\tsize:8;\tsigned:0;\n\n"
		"print fmt: \"%s\", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, \"|\", "
		"{( unsigned long)(0xc00 | 0x40), \"GFP_X\"}, {0x40u, \"__GFP_IO\"}) : \"none\"\n";
	_cleanup_(format_free) struct event_format *format = NULL;
	_cleanup_free_ struct event_snapshot *e = NULL;
	struct failure f = { 0 };

	if (format_parse(text, sizeof(text) - 1, &format, &f))
		fail_msg("%s", f.text);
	assert_int_equal(snapshot_gfp(format, &e), 0);
	assert_int_equal(e->h.flags, SNAPSHOT_GFP);
	assert_string_equal((const char *)e->data, "0xc40 GFP_X\n0x40 __GFP_IO\n");
	assert_int_equal(e->size, strlen((const char *)e->data) + 1);
	assert_true(event_valid(&e->h, sizeof(*e) + e->size));
}

/* --- the queue -------------------------------------------------------------------------------------- */

static struct event_snapshot *made_at(uint64_t time)
{
	struct event_snapshot *e = calloc(1, sizeof(*e));

	e->h.time = time;
	return e;
}

static void expect_popped(struct snapshot_queue *q, uint64_t time, uint64_t expected)
{
	_cleanup_free_ struct event_snapshot *e = snapshot_queue_pop(q, time);

	assert_int_equal(e ? e->h.time : 0, expected);
}

static void test_queue(void **state _unused_)
{
	struct snapshot_queue q = { 0 };

	expect_popped(&q, UINT64_MAX, 0);
	assert_int_equal(snapshot_queue_push(&q, made_at(10)), 0);
	assert_int_equal(snapshot_queue_push(&q, made_at(20)), 0);
	expect_popped(&q, 9, 0);
	expect_popped(&q, 10, 10);
	expect_popped(&q, 19, 0);
	assert_int_equal(snapshot_queue_push(&q, made_at(30)), 0);
	expect_popped(&q, 40, 20);
	expect_popped(&q, 40, 30);
	expect_popped(&q, 40, 0);
	assert_int_equal(q.n, 0); /* its room is used again */
	assert_int_equal(snapshot_queue_push(&q, made_at(50)), 0);
	snapshot_queue_free(&q);
	snapshot_queue_free(&q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	  cmocka_unit_test(test_long_text),
		cmocka_unit_test(test_bad_texts), cmocka_unit_test(test_frames),
		cmocka_unit_test(test_compound),  cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_gfp),	  cmocka_unit_test(test_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
