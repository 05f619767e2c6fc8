// SPDX-License-Identifier: GPL-2.0
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

#include "sym/symbolizer.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#include "user_objects.h"

#define SKIP_BECAUSE(...)                      \
	do {                                   \
		print_message("" __VA_ARGS__); \
		print_message("\n");           \
		skip();                        \
	} while (0)

/* --- names --------------------------------------------------------------------------------------- */

static void test_own_function(void **state _unused_)
{
	char path[PATH_MOST];
	struct report_object o;
	struct user_symbols *s = NULL;
	uint64_t at, offset;
	const char *name;

	assert_int_equal(marked_function(2), 7);
	object_of((const void *)(uintptr_t)marked_function, path, &o, &at);
	assert_int_equal(find_marked(&o), 0);
	assert_int_equal(user_symbols_new(&s), 0);
	assert_int_equal(user_symbols_lookup(s, &o, at, &name, &offset), 0);
	assert_string_equal(name, "marked_function");
	assert_int_equal(offset, 0);
	/* between the headers and the code, after everything */
	assert_int_equal(user_symbols_lookup(s, &o, 8, &name, &offset), -ENOENT);
	assert_int_equal(user_symbols_lookup(s, &o, UINT64_MAX, &name, &offset), -ENOENT);
	assert_int_equal(user_symbols_lookup(s, &o, 1ull << 47, &name, &offset), -ENOENT);
	/* only by path */
	o.pid = 0;
	assert_int_equal(find_marked(&o), 0);
	user_symbols_free(&s);
	user_symbols_free(&s);
}

static void test_library_function(void **state _unused_)
{
	const void *address = dlsym(RTLD_DEFAULT, "get_nprocs");
	char path[PATH_MOST];
	struct report_object o;
	struct user_symbols *s = NULL;
	uint64_t at, offset;
	const char *name;

	assert_non_null(address);
	object_of(address, path, &o, &at);
	assert_int_equal(user_symbols_new(&s), 0);
	assert_int_equal(user_symbols_lookup(s, &o, at + 1, &name, &offset), 0);
	assert_string_equal(name, "get_nprocs");
	assert_int_equal(offset, 1);
	user_symbols_free(&s);
}

static void test_vdso(void **state _unused_)
{
	const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct report_object o = { .path = (char *)"[vdso]" };
	struct user_symbols *s = NULL;
	const char *name;
	uint64_t in;
	bool found = false;

	assert_int_equal(user_symbols_new(&s), 0);
	for (uint64_t at = 0; at < 16 * page && !found; at++)
		found = !user_symbols_lookup(s, &o, at, &name, &in) &&
			strstr(name, "clock_gettime");
	if (!found && run("grep -qF '[vdso]' /proc/%d/maps", getpid())) {
		user_symbols_free(&s);
		SKIP_BECAUSE("there is no vdso here");
	}
	assert_true(found);
	/* another image: of another size */
	o.start = 1ull << 40;
	o.end = o.start + 1000 * page;
	assert_int_equal(user_symbols_lookup(s, &o, 0x800, &name, &in), -ENOENT);
	user_symbols_free(&s);
}

static void test_no_files(void **state _unused_)
{
	const char *const paths[] = {
		"",	     "[anon]",		"[unknown]",	   "[heap]",
		"relative",  "[vsyscall]",	"anon_inode:[x]",  "/",
		"/dev/null", "/nowhere/at/all", "/proc/self/maps", "/dev/zero (deleted)",
		" (deleted)"
	};
	struct user_symbols *s = NULL;
	const char *name;
	uint64_t offset;

	assert_int_equal(user_symbols_new(&s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct report_object o = {
			.path = (char *)paths[i],
			.pid = (uint32_t)getpid(),
			.first_wall_ns = UINT64_MAX,
		};

		assert_int_equal(user_symbols_lookup(s, &o, 64, &name, &offset), -ENOENT);
	}
	user_symbols_free(&s);
}

/* More objects than are remembered: the first one is read again. */
static void test_many(void **state _unused_)
{
	struct report_object own;
	char own_path[PATH_MOST];
	struct user_symbols *s = NULL;
	uint64_t at, offset;
	const char *name;

	object_of((const void *)(uintptr_t)marked_function, own_path, &own, &at);
	assert_int_equal(user_symbols_new(&s), 0);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(user_symbols_lookup(s, &own, at, &name, &offset), 0);
		assert_string_equal(name, "marked_function");
		for (int i = 0; i < 1031; i++) {
			char path[32];
			struct report_object o = { .path = path, .inode = (uint64_t)i };

			snprintf(path, sizeof(path), "/nowhere/%d", i);
			assert_int_equal(user_symbols_lookup(s, &o, at, &name, &offset), -ENOENT);
		}
	}
	user_symbols_free(&s);
}

/* --- which file ------------------------------------------------------------------------------------ */

static void test_kinds_of_files(void **state)
{
	struct folder *f = *state;
	struct report_object o;

	assert_int_equal(mkfifo(f->file, 0600), 0);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), -ENOENT); /* and does not wait */
	unlink(f->file);
	assert_int_equal(mkdir(f->file, 0700), 0);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
	rmdir(f->file);
	assert_int_equal(run(": >%s", f->file), 0);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
	assert_int_equal(run("echo 'no program at all, but some text' >%s", f->file), 0);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
	o = object_at((char *)"/dev/zero");
	assert_int_equal(find_marked(&o), -ENOENT);
	unlink(f->file);
	assert_int_equal(symlink("/dev/zero", f->file), 0);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
}

static void test_replaced(void **state)
{
	struct folder *f = *state;
	struct report_object o, late;
	struct stat st;
	char other[160];

	copy_self(f->file);
	o = object_at(f->file);
	assert_int_equal(find_marked(&o), 0);
	/* it was another one, or is not known to have been this one */
	late = o;
	late.inode++;
	assert_int_equal(find_marked(&late), -ENOENT);
	late = o;
	late.minor++;
	assert_int_equal(find_marked(&late), -ENOENT);
	assert_int_equal(stat(f->file, &st), 0);
	late = o;
	late.first_wall_ns = late.seen_wall_ns =
		(uint64_t)st.st_ctim.tv_sec * NSEC_PER_SEC + (uint64_t)st.st_ctim.tv_nsec;
	assert_int_equal(find_marked(&late), 0);
	late.first_wall_ns--;
	assert_int_equal(find_marked(&late), -ENOENT);
	late.inode = 0;
	assert_int_equal(find_marked(&late), -ENOENT);
	late.first_wall_ns++;
	assert_int_equal(find_marked(&late), 0);

	snprintf(other, sizeof(other), "%s.new", f->file);
	copy_self(other);
	assert_int_equal(rename(other, f->file), 0);
	o.first_wall_ns = now();
	assert_int_equal(find_marked(&o), -ENOENT);
}

static void test_deleted_mapping(void **state)
{
	struct folder *f = *state;
	struct report_object o;
	char link[128], name[160], path[PATH_MOST];
	const size_t n = 4096;
	uint64_t offset, began;
	void *p;
	int fd;

	copy_self(f->file);
	pause_step();
	began = now();
	fd = open(f->file, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	p = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	close(fd);
	unlink(f->file);
	object_of(p, path, &o, &offset);
	snprintf(name, sizeof(name), "%s (deleted)", f->file);
	assert_string_equal(o.path, name);
	snprintf(link, sizeof(link), "/proc/self/map_files/%" PRIx64 "-%" PRIx64, o.start, o.end);
	fd = open(link, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		munmap(p, n);
		SKIP_BECAUSE("%s can't be opened: %s", link, strerror(errno));
	}
	close(fd);
	assert_int_equal(find_marked(&o), 0);
	/* it is the file that is mapped, and was only deleted since */
	o.first_wall_ns = began;
	assert_int_equal(find_marked(&o), 0);
	o.inode = 0;
	assert_int_equal(find_marked(&o), 0); /* by the link's text */
	o.path = f->file;
	assert_int_equal(find_marked(&o), -ENOENT);
	o.inode = 1;
	o.path = name;
	assert_int_equal(find_marked(&o), -ENOENT);
	munmap(p, n);
}

/* A process that waits: @file started with «wait», or a child that is in its own root folder. */
static pid_t waiting(const char *file, const char *root)
{
	int said[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(said), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		dup2(said[1], 1);
		close(said[0]);
		close(said[1]);
		if (file) {
			execl(file, file, "wait", NULL);
			_exit(1);
		}
		if ((chroot(root) && (unshare(CLONE_NEWUSER) || chroot(root))) || chdir("/"))
			_exit(1);
		if (write(1, "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(said[1]);
	if (read(said[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(said[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_deleted_program(void **state)
{
	struct folder *f = *state;
	struct report_object o, other;
	char name[160];
	pid_t pid;

	copy_self(f->file);
	o = object_at(f->file);
	pid = waiting(f->file, NULL);
	assert_true(pid > 0);
	o.pid = (uint32_t)pid;
	unlink(f->file);
	assert_int_equal(find_marked(&o), -ENOENT); /* nobody said that it is deleted */
	snprintf(name, sizeof(name), "%s (deleted)", f->file);
	o.path = name;
	assert_int_equal(find_marked(&o), 0);
	other = o;
	other.inode++;
	assert_int_equal(find_marked(&other), -ENOENT);
	end(pid);
	assert_int_equal(find_marked(&o), -ENOENT);
}

static void test_other_root(void **state)
{
	struct folder *f = *state;
	struct report_object o;
	pid_t pid;

	copy_self(f->file);
	o = object_at(f->file);
	pid = waiting(NULL, f->path);
	if (pid < 0)
		SKIP_BECAUSE("no other root folder: no privileges and no user namespaces");
	o.path = (char *)"/program";
	assert_int_equal(find_marked(&o), -ENOENT);
	o.pid = (uint32_t)pid;
	assert_int_equal(find_marked(&o), 0);
	o.first_wall_ns = 1;
	assert_int_equal(find_marked(&o), -ENOENT);
	end(pid);
}

/* --- hostile files ----------------------------------------------------------------------------------- */

struct damage {
	int fd;
	struct report_object o;
	uint32_t random;
};

static uint32_t next_random(struct damage *d)
{
	d->random = d->random * 1664525u + 1013904223u;
	return d->random >> 8;
}

/* Change some of the @n bytes at @at for one lookup: whatever it says, it has to come back. */
static void try_damage(struct damage *d, off_t at, size_t n)
{
	static const uint8_t bytes[] = { 0x00, 0xff, 0x7f, 0x80, 0x01 };
	uint8_t before[4096], after[4096];
	uint32_t count = 1 + next_random(d) % 4;

	n = MIN(n, sizeof(before));
	assert_int_equal(pread(d->fd, before, n, at), (ssize_t)n);
	memcpy(after, before, n);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t r = next_random(d);

		after[next_random(d) % n] =
			r % 3 ? bytes[r % ARRAY_SIZE(bytes)] : (uint8_t)(r >> 8);
	}
	assert_int_equal(pwrite(d->fd, after, n, at), (ssize_t)n);
	find_marked(&d->o);
	assert_int_equal(pwrite(d->fd, before, n, at), (ssize_t)n);
}

static void test_damaged(void **state)
{
	struct folder *f = *state;
	struct damage d = { .random = 23 };
	ElfW(Ehdr) ehdr;
	ElfW(Shdr) shdr;
	struct stat st;

	copy_self(f->file);
	d.o = object_at(f->file);
	d.o.first_wall_ns = UINT64_MAX;
	d.fd = open(f->file, O_RDWR | O_CLOEXEC);
	assert_true(d.fd >= 0);
	assert_int_equal(fstat(d.fd, &st), 0);
	assert_int_equal(pread(d.fd, &ehdr, sizeof(ehdr), 0), sizeof(ehdr));
	assert_int_equal(find_marked(&d.o), 0);
	for (int i = 0; i < 101; i++) {
		try_damage(&d, 0, sizeof(ehdr));
		try_damage(&d, (off_t)ehdr.e_phoff, (size_t)ehdr.e_phnum * ehdr.e_phentsize);
		try_damage(&d, (off_t)ehdr.e_shoff, (size_t)ehdr.e_shnum * ehdr.e_shentsize);
	}
	for (int i = 0; i < ehdr.e_shnum; i++) {
		off_t at = (off_t)(ehdr.e_shoff + (size_t)i * sizeof(shdr));

		assert_int_equal(pread(d.fd, &shdr, sizeof(shdr), at), sizeof(shdr));
		if (shdr.sh_size && shdr.sh_type != SHT_NOBITS)
			try_damage(&d, (off_t)shdr.sh_offset, shdr.sh_size);
		/* its own entry, field by field */
		for (size_t field = 0; field < sizeof(shdr); field += sizeof(ElfW(Word)) * 2)
			try_damage(&d, at + (off_t)field, sizeof(ElfW(Word)) * 2);
	}
	assert_int_equal(find_marked(&d.o), 0); /* all is as it was */
	for (off_t n = st.st_size - 1, i = 0; n > 0; n = n * 7 / 8 - 1, i++) {
		assert_int_equal(ftruncate(d.fd, n), 0);
		assert_int_not_equal(find_marked(&d.o), -ENOMEM);
	}
	assert_int_not_equal(find_marked(&d.o), 0);
	close(d.fd);
}

/* --- debug files ----------------------------------------------------------------------------------------- */

/* A copy without .symtab that names program.debug, which is moved to @to; @strip more for objcopy. */
static void make_stripped(const struct folder *f, const char *to, const char *more)
{
	copy_self(f->file);
	assert_int_equal(run("cd %s && objcopy %s program && "
			     "objcopy --only-keep-debug program program.debug 2>/dev/null && "
			     "objcopy --strip-all --add-gnu-debuglink=program.debug program && "
			     "mkdir -p %s && mv -f program.debug %s/program.debug 2>/dev/null; "
			     "test -e %s/program.debug",
			     f->path, more, to, to, to),
			 0);
}

static void test_debug_file(void **state)
{
	const struct folder *f = *state;
	struct report_object o;

	if (!have("objcopy"))
		SKIP_BECAUSE("there is no objcopy");
	make_stripped(f, "away", "");
	o = object_at((char *)f->file);
	assert_int_not_equal(find_marked(&o), 0);
	make_stripped(f, ".debug", "");
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), 0);
	/* no build ID: the checksum tells */
	make_stripped(f, ".", "--remove-section=.note.gnu.build-id");
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), 0);
	assert_int_equal(run("printf x >>%s.debug", f->file), 0);
	assert_int_equal(run("rm -rf %s/.debug", f->path), 0);
	assert_int_not_equal(find_marked(&o), 0);
	assert_int_equal(run("rm %s.debug && mkfifo %s.debug", f->file, f->file), 0);
	assert_int_not_equal(find_marked(&o), 0);
}

static void test_wrong_debug_file(void **state)
{
	const struct folder *f = *state;
	struct report_object o;

	if (!have("objcopy"))
		SKIP_BECAUSE("there is no objcopy");
	if (!have("readelf") || run("readelf -n /proc/%d/exe | grep -q 'Build ID'", getpid()))
		SKIP_BECAUSE("the compiler makes no build IDs");
	make_stripped(f, ".", "");
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), 0);
	assert_int_equal(run("cd %s && objcopy --remove-section=.note.gnu.build-id program.debug",
			     f->path),
			 0);
	assert_int_not_equal(find_marked(&o), 0);
}

static void test_debugdata(void **state)
{
	const struct folder *f = *state;
	struct report_object o;

#ifndef KMSCOPE_LIBDW
	SKIP_BECAUSE("built without libdw, which reads .gnu_debugdata");
#endif
	if (!have("objcopy") || !have("xz"))
		SKIP_BECAUSE("there is no objcopy or no xz");
	copy_self(f->file);
	assert_int_equal(run("cd %s && objcopy --strip-debug program mini && xz -0 mini && "
			     "objcopy --strip-all --add-section .gnu_debugdata=mini.xz program",
			     f->path),
			 0);
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), 0);
	/* what gets much larger than anybody's symbols */
	assert_int_equal(run("cd %s && head -c 70000000 /dev/zero | xz -0 >bomb.xz && "
			     "objcopy --update-section .gnu_debugdata=bomb.xz program",
			     f->path),
			 0);
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
	/* the end is missing, at any place */
	for (int n = 0; n < 7; n++) {
		assert_int_equal(run("cd %s && xz -dc mini.xz | head -c %d00 | xz -0 >short.xz && "
				     "objcopy --update-section .gnu_debugdata=short.xz program",
				     f->path, n * n * n * 5),
				 0);
		o = object_at((char *)f->file);
		assert_int_not_equal(find_marked(&o), 0);
	}
	/* not even xz */
	assert_int_equal(run("cd %s && objcopy --update-section .gnu_debugdata=/etc/passwd program",
			     f->path),
			 0);
	o = object_at((char *)f->file);
	assert_int_equal(find_marked(&o), -ENOENT);
}

/* --- reports --------------------------------------------------------------------------------------------- */

static void test_report(void **state _unused_)
{
	_cleanup_(report_free) struct report *r = report_new("faults");
	struct user_symbols *s = NULL;
	struct report_object o;
	char path[PATH_MOST];
	uint64_t at, chain[4];
	uint32_t number;

	object_of((const void *)(uintptr_t)marked_function, path, &o, &at);
	number = report_add_object(r, &o);
	chain[0] = 0xffffffff81000000;
	chain[1] = report_code(number, at); /* where the CPU stood */
	chain[2] = report_code(number, at + 2); /* where it returns to */
	chain[3] = report_code(number, 8);
	assert_int_equal(report_add_stack(r, chain, ARRAY_SIZE(chain)), 0);
	assert_int_equal(user_symbols_new(&s), 0);
	assert_int_equal(symbolize_report(NULL, s, r), 0);
	assert_null(r->stacks[0].frames[0].symbol);
	assert_string_equal(r->stacks[0].frames[1].symbol, "marked_function");
	assert_int_equal(r->stacks[0].frames[1].offset, 0);
	assert_string_equal(r->stacks[0].frames[1].module, o.path);
	assert_string_equal(r->stacks[0].frames[2].symbol, "marked_function");
	assert_int_equal(r->stacks[0].frames[2].offset, 2);
	assert_null(r->stacks[0].frames[3].symbol);
	assert_string_equal(r->stacks[0].frames[3].module, o.path);
	user_symbols_free(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_function),
		cmocka_unit_test(test_library_function),
		cmocka_unit_test(test_vdso),
		cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_many),
		cmocka_unit_test_setup_teardown(test_kinds_of_files, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_replaced, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_deleted_mapping, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_deleted_program, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_other_root, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_damaged, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_debug_file, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_wrong_debug_file, folder_new, folder_free),
		cmocka_unit_test_setup_teardown(test_debugdata, folder_new, folder_free),
		cmocka_unit_test(test_report),
	};

	if (argc > 1 && !strcmp(argv[1], "wait")) {
		if (write(1, "x", 1) == 1)
			pause();
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
