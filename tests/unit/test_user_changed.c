// SPDX-License-Identifier: GPL-2.0
/* Names of user code whose file is no longer what it was: none is given that may be wrong. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/fs.h>

#include "sym/user.h"
#include "sym/user_memo.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#include "user_objects.h"

#define MAPPED 4096

/* Have the file mapped, and say as what. */
static void *map_program(const struct folder *f, char path[static PATH_MOST],
			 struct report_object *ret)
{
	int fd = open(f->file, O_RDONLY | O_CLOEXEC);
	uint64_t offset;
	void *p;

	assert_true(fd >= 0);
	p = mmap(NULL, MAPPED, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	object_of(p, path, ret, &offset);
	return p;
}

/* As cp does over a file that is there, of what is in it already. */
static void write_to(const char *file)
{
	int fd = open(file, O_RDWR | O_CLOEXEC);
	char byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, 0), 1);
	assert_int_equal(pwrite(fd, &byte, 1, 0), 1);
	close(fd);
}

static void set_written(const char *file, time_t when)
{
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	assert_int_equal(utimensat(AT_FDCWD, file, times, 0), 0);
}

/* It is what is mapped, but not what its code was when it was at work. */
static void test_written(void **state)
{
	const struct folder *f = *state;
	struct report_object o, by_path;
	char path[PATH_MOST];
	void *p;

	copy_self(f->file);
	pause_step();
	p = map_program(f, path, &o);
	by_path = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), 0);
	pause_step();
	write_to(f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
	assert_int_equal(find_marked(&by_path), -ENOENT);
	/* the time of writing can be set back, as cp -p does it */
	set_written(f->file, 1000000000);
	assert_int_equal(find_marked(&o), -ENOENT);
	assert_int_equal(find_marked(&by_path), -ENOENT);
	/* its code was at work afterwards only */
	pause_step();
	o.first_wall_ns = by_path.first_wall_ns = now();
	assert_int_equal(find_marked(&o), 0);
	assert_int_equal(find_marked(&by_path), 0);
	munmap(p, MAPPED);
}

/* Deleting and renaming leave what is in a file, and what was made later is another one. */
static void test_elsewhere(void **state)
{
	const struct folder *f = *state;
	struct report_object o, late;
	char path[PATH_MOST];
	void *p;

	copy_self(f->file);
	pause_step();
	p = map_program(f, path, &o);
	pause_step();
	assert_int_equal(run("mv '%s' '%s.moved'", f->file, f->file), 0);
	if (find_marked(&o) == -ENOENT && access("/proc/self/map_files", X_OK)) {
		munmap(p, MAPPED);
		print_message("what is renamed is found by /proc/PID/map_files only\n");
		skip();
	}
	assert_int_equal(find_marked(&o), 0);
	assert_int_equal(run("rm '%s.moved'", f->file), 0);
	assert_int_equal(find_marked(&o), 0);
	late = o;
	late.first_wall_ns -= NSEC_PER_SEC;
	assert_int_equal(find_marked(&late), -ENOENT);
	munmap(p, MAPPED);
	/* as tar and install -p make files, that are older than they are */
	copy_self(f->file);
	set_written(f->file, 1000000000);
	p = map_program(f, path, &o);
	assert_int_equal(run("rm '%s'", f->file), 0);
	assert_int_equal(find_marked(&o), 0);
	o.first_wall_ns -= NSEC_PER_SEC;
	assert_int_equal(find_marked(&o), -ENOENT);
	munmap(p, MAPPED);
}

/* Where a process came later, what happened in the same step of the clock may have been in between. */
static void test_same_step(void **state)
{
	const struct folder *f = *state;
	struct report_object o;
	struct timespec step;
	struct stat st;

	copy_self(f->file);
	assert_int_equal(stat(f->file, &st), 0);
	clock_getres(CLOCK_REALTIME_COARSE, &step);
	o = object_at((char *)f->file);
	o.first_wall_ns = o.seen_wall_ns =
		(uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec;
	assert_int_equal(find_marked(&o), 0);
	o.seen_wall_ns++;
	assert_int_equal(find_marked(&o), -ENOENT);
	o.first_wall_ns += (uint64_t)step.tv_nsec;
	o.seen_wall_ns = o.first_wall_ns + 1;
	assert_int_equal(find_marked(&o), 0);
}

static void test_generation(void **state)
{
	const struct folder *f = *state;
	struct report_object o;
	long room = 0;
	int told, fd;

	copy_self(f->file);
	o = object_at((char *)f->file);
	fd = open(f->file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (ioctl(fd, FS_IOC_GETVERSION, &room)) {
		close(fd);
		print_message("the file system does not tell generations\n");
		skip();
	}
	close(fd);
	memcpy(&told, &room, sizeof(told));
	o.known_generation = (uint32_t)told;
	assert_int_equal(find_marked(&o), 0);
	o.known_generation = (uint32_t)told + 1 ? (uint32_t)told + 1 : 1;
	assert_int_equal(find_marked(&o), -ENOENT);
}

static int find(struct user_symbols *s, const struct report_object *o, uint64_t into)
{
	const char *name;
	uint64_t offset;
	int err = user_symbols_lookup(s, o, marked_offset() + into, &name, &offset);

	if (!err)
		assert_string_equal(name, "marked_function");
	return err;
}

/* What was found is taken back when code that is at work later may be another one. */
static void test_taken_back(void **state)
{
	const struct folder *f = *state;
	struct user_symbols *s = NULL;
	struct report_object o;

	for (int remember = 0; remember < 2; remember++) {
		copy_self(f->file);
		pause_step();
		o = object_at((char *)f->file);
		assert_int_equal(user_symbols_new(&s), 0);
		if (remember)
			user_symbols_remember(s, true);
		assert_int_equal(find(s, &o, 1), 0);
		pause_step();
		write_to(f->file);
		/* nothing of it ran since */
		assert_int_equal(find(s, &o, 1), 0);
		o.last_wall_ns = now();
		assert_int_equal(find(s, &o, 1), -ENOENT);
		assert_int_equal(find(s, &o, 2), -ENOENT);
		if (remember)
			assert_true(user_memo_object(user_symbols_memo(s), &o)->changed);
		user_symbols_free(&s);
	}
}

/* What was found stays found when the file is gone. */
static void test_gone(void **state)
{
	const struct folder *f = *state;
	struct user_symbols *s = NULL;
	struct report_object o;

	copy_self(f->file);
	o = object_at((char *)f->file);
	assert_true(user_symbols_can_wait(&o));
	assert_int_equal(user_symbols_new(&s), 0);
	user_symbols_remember(s, true);
	assert_int_equal(find(s, &o, 1), 0);
	assert_int_equal(run("rm '%s'", f->file), 0);
	assert_false(user_symbols_can_wait(&o));
	o.last_wall_ns = now();
	assert_int_equal(find(s, &o, 1), 0);
	assert_int_equal(find(s, &o, 2), 0); /* its table is still there */
	user_symbols_free(&s);
	o.path = (char *)"[vdso]";
	assert_true(user_symbols_can_wait(&o));
}

/* Names as the kernel gives them to others: of deleted files, and with newlines. */
static void test_odd_names(void **state)
{
	static const struct {
		const char *name, *told;
	} names[] = { { "x (deleted)", "x (deleted)" },
		      { "a\nb\nc", "a\\012b\\012c" },
		      { "a\\012b", "a\\012b" } };
	const struct folder *f = *state;
	struct report_object o;
	char real[128], told[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(real, sizeof(real), "%s/%s", f->path, names[i].name);
		snprintf(told, sizeof(told), "%s/%s", f->path, names[i].told);
		copy_self(real);
		o = object_at(real);
		o.path = told;
		assert_int_equal(find_marked(&o), 0);
		o.inode++;
		assert_int_equal(find_marked(&o), -ENOENT);
		/* it is not known to be the same by such a name alone */
		o.inode = 0;
		assert_int_equal(find_marked(&o), i < 2 ? -ENOENT : 0);
	}
}

static void learn(struct user_symbols *s, const struct report_object *o, uint32_t generation,
		  const char *name)
{
	struct report_object told = *o;

	told.generation = generation;
	assert_int_equal(user_symbols_learn(s, &told, 16, name, 0), 0);
}

static void assert_named(struct user_symbols *s, const struct report_object *o, uint32_t generation,
			 uint32_t known, const char *expected)
{
	struct report_object asked = *o;
	const char *name = NULL;
	uint64_t offset;

	asked.generation = generation;
	asked.known_generation = known;
	if (user_symbols_lookup(s, &asked, 16, &name, &offset))
		name = NULL;
	assert_string_equal(name ? name : "none", expected);
}

/* A part of a recording may tell of generations in another order than the run did, or not at all. */
static void test_recorded(void **state _unused_)
{
	const struct report_object o = { .path = (char *)"/bin/x", .inode = 7 };
	struct user_symbols *s = NULL;

	assert_int_equal(user_symbols_new(&s), 0);
	user_symbols_remember(s, false);
	learn(s, &o, 5, "five");
	assert_named(s, &o, 0, 5, "five");
	assert_named(s, &o, 5, 5, "five");
	assert_named(s, &o, 6, 6, "none");
	assert_named(s, &o, 0, 0, "five");
	learn(s, &o, 6, "six");
	assert_named(s, &o, 0, 6, "six");
	assert_named(s, &o, 0, 0, "none"); /* either */
	learn(s, &o, 0, "untold");
	assert_named(s, &o, 0, 0, "untold");
	assert_named(s, &o, 0, 8, "none");
	learn(s, &o, 5, "");
	assert_named(s, &o, 5, 5, "none");
	user_symbols_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_written, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_elsewhere, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_same_step, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_generation, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_taken_back, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_gone, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_odd_names, folder_new, folder_free),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
