/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_USER_OBJECTS_H
#define KMSCOPE_TESTS_UNIT_USER_OBJECTS_H
/* Files that have a function which is looked for, and objects that they are. Include after cmocka.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "sym/user.h"

/* What is looked for, in copies of this program. */
static __attribute__((noinline, noclone)) int marked_function(int x)
{
	__asm__ volatile("");
	return x * 3 + 1;
}

/* --- objects ------------------------------------------------------------------------------------ */

static inline uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

#define PATH_MOST 4096

/* The object (its path in @path) and the offset of an address of this process, as maps tells them. */
static inline void object_of(const void *address, char path[static PATH_MOST],
			     struct report_object *ret, uint64_t *ret_offset)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[PATH_MOST];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f)) {
		struct report_object o = { .path = path, .pid = (uint32_t)getpid() };
		uint64_t offset;

		path[0] = '\0';
		assert_true(sscanf(line,
				   "%" SCNx64 "-%" SCNx64 " %*s %" SCNx64 " %x:%x %" SCNu64
				   " %4095[^\n]",
				   &o.start, &o.end, &offset, &o.major, &o.minor, &o.inode,
				   path) >= 6);
		if ((uintptr_t)address < o.start || (uintptr_t)address >= o.end)
			continue;
		o.seen_wall_ns = o.first_wall_ns = o.last_wall_ns = now();
		*ret = o;
		*ret_offset = (uintptr_t)address - o.start + offset;
		found = true;
	}
	fclose(f);
	assert_true(found);
}

/* Only by its path. */
static inline struct report_object object_at(char *path)
{
	struct report_object o = { .path = path };
	struct stat st;

	o.seen_wall_ns = o.first_wall_ns = o.last_wall_ns = now();
	assert_int_equal(stat(path, &st), 0);
	o.inode = st.st_ino;
	o.major = major(st.st_dev);
	o.minor = minor(st.st_dev);
	return o;
}

static inline uint64_t marked_offset(void)
{
	struct report_object o;
	char path[PATH_MOST];
	uint64_t offset;

	object_of((const void *)(uintptr_t)marked_function, path, &o, &offset);
	return offset;
}

/* 0 if the object's file has marked_function() where this program has it. */
static inline int find_marked(const struct report_object *o)
{
	struct user_symbols *s = NULL;
	uint64_t offset = 99;
	const char *name = NULL;
	int err;

	assert_int_equal(user_symbols_new(&s), 0);
	err = user_symbols_lookup(s, o, marked_offset() + 2, &name, &offset);
	if (!err) {
		if (strcmp(name, "marked_function") || offset != 2)
			err = -ESTALE;
	} else {
		assert_null(name);
		assert_int_equal(offset, 99);
	}
	user_symbols_free(&s);
	assert_null(s);
	return err;
}

/* --- folders of files ---------------------------------------------------------------------------- */

struct folder {
	char path[64];
	char file[128];
};

static inline int folder_new(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->path, "/tmp/kmscope-user-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	snprintf(f->file, sizeof(f->file), "%s/program", f->path);
	*state = f;
	return 0;
}

static inline int run(const char *fmt, ...) _printf_(1, 2);
static inline int run(const char *fmt, ...)
{
	char command[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	return system(command);
}

static inline int folder_free(void **state)
{
	struct folder *f = *state;

	if (!strncmp(f->path, "/tmp/kmscope-user-", 18))
		run("rm -rf '%s'", f->path);
	free(f);
	return 0;
}

static inline void copy_self(const char *to)
{
	assert_int_equal(run("cp '/proc/%d/exe' '%s'", getpid(), to), 0);
}

/* Past the step of the clock that files have their times of. */
static inline void pause_step(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 20 * NSEC_PER_MSEC }, NULL);
}

static inline bool have(const char *tool)
{
	return run("command -v %s >/dev/null 2>&1", tool) == 0;
}

#endif
