// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope faults, the names of code and regions where that is not easy: of programs that were replaced,
 * deleted, or are visible in their container only; and of a process that has very many mappings. What is not
 * known is told as unknown; nothing is named by another file.
 */
#include "live_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAULTS	   1009
#define FAULTS_ARG "1009"
#define PEAK_KIB   (256u << 10)

static char program[LIVE_PATH_MAX]; /* a copy of work_faults */

static void make_program(void)
{
	snprintf(program, sizeof(program), "%s", live_temp("program"));
	faults_copy(faults_path, program);
}

/* --- files that are no longer what they were ------------------------------------------------------------ */

static void delete_program(void)
{
	check(!unlink(program), "%s: %s", program, strerror(errno));
}

/* Another program, of other symbols, takes its place. */
static void replace_program(void)
{
	const char *other = live_temp("other");

	faults_copy(live_pipes, other);
	check(!rename(other, program), "%s: %s", program, strerror(errno));
}

/* What is in the file changes, as an update in place would; the code that runs stays the same. */
static void rename_symbols(void)
{
	int fd = open(program, O_RDWR | O_CLOEXEC);
	struct stat st;
	char *text, *at;

	if (fd < 0 && errno == ETXTBSY)
		live_skip("the workload is linked statically: ld.so executes it, and nobody may "
			  "write to it then");
	check(fd >= 0 && !fstat(fd, &st), "%s: %s", program, strerror(errno));
	text = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(text != MAP_FAILED, "%s: %s", program, strerror(errno));
	for (at = text; (at = memmem(at, (size_t)(text + st.st_size - at), "write_area",
				     strlen("write_area")));)
		memcpy(at, "wrong_area", strlen("wrong_area"));
	msync(text, (size_t)st.st_size, MS_SYNC);
	munmap(text, (size_t)st.st_size);
	check(!futimens(fd, NULL), "%s: %s", program, strerror(errno));
	close(fd);
}

static const struct changed {
	void (*before)(void), (*after)(void);
} deleted_before = { .before = delete_program }, deleted_after = { .after = delete_program },
  replaced_before = { .before = replace_program }, replaced_after = { .after = replace_program };

static void check_first_site(const json_t *r)
{
	const json_t *row = json_array_get(live_table(r, "sites"), 0);

	check_u64(live_u64(row, "minor"), FAULTS, "faults of the first site");
	faults_check_site(row, program);
}

/* The file that runs is still open by way of the process that runs it. */
static void test_changed(void **state)
{
	const struct changed *c = *state;
	const char *command[] = { program, NULL };
	const struct faults_how how = { .command = command,
					.before = c->before,
					.after = c->after };
	struct faults_run run;
	json_t *r;

	make_program();
	r = faults_gated(&run, &how, "anon", FAULTS_ARG, NULL);
	check_u64(faults_of(r, "anon", "minor"), FAULTS, "minor faults");
	check_first_site(r);
	json_decref(r);
}

/* The dynamic linker that this process was started by. */
static const char *loader(void)
{
	static char path[LIVE_PATH_MAX];
	FILE *maps = fopen("/proc/self/maps", "re");
	char line[LIVE_PATH_MAX + 128];
	bool found = false;

	check(maps, "no /proc/self/maps");
	while (!found && fgets(line, sizeof(line), maps))
		found = sscanf(line, "%*s %*s %*s %*s %*s %511s", path) == 1 &&
			strstr(path, "/ld-");
	fclose(maps);
	if (!found)
		live_skip("this program has no dynamic linker");
	return path;
}

/*
 * A file that is only mapped, as libraries are, can be written to. It stays the same file then, and what is
 * in it is what runs: that is what the names are taken from.
 */
static void test_rewritten(void **state)
{
	const char *command[] = { loader(), program, NULL };
	const struct faults_how how = { .command = command, .before = rename_symbols };
	struct faults_run run;
	const json_t *row;
	json_t *r;

	(void)state;
	make_program();
	r = faults_gated(&run, &how, "anon", FAULTS_ARG, NULL);
	row = json_array_get(live_table(r, "sites"), 0);
	check_u64(live_u64(row, "minor"), FAULTS, "faults of the first site");
	check(!live_is_in(live_text(row, "symbol"), "write_area"), "the code is named %s",
	      live_text(row, "symbol"));
	if (faults_has_symbols(program, "wrong_area"))
		check(live_is_in(live_text(row, "symbol"), "wrong_area"), "the code is named %s",
		      live_text(row, "symbol"));
	json_decref(r);
}

/* --- files that are another one from run to run --------------------------------------------------------- */

/* $1, which is $2, runs twice; in between $3, of other symbols, takes its place: written into it, or made anew. */
#define RUN_TWICE(between) \
	"cp \"$2\" \"$1\"; \"$1\" anon " FAULTS_ARG "; " between "; \"$1\" anon " FAULTS_ARG

static const struct rebuilt {
	const char *script;
	bool anew;
} in_place = { RUN_TWICE("cp \"$3\" \"$1\""), false },
  anew = { RUN_TWICE("rm \"$1\"; cp \"$3\" \"$1\""), true };

/* The faults of all code in @path that took so many, of that which is named @function (NULL: or otherwise). */
static uint64_t faults_in(const json_t *r, const char *path, const char *function)
{
	uint64_t sum = 0;
	const json_t *row;
	size_t i;

	json_array_foreach(live_table(r, "sites"), i, row)
	{
		const char *object = live_text(row, "object");

		if (live_u64(row, "minor") >= FAULTS && object && strstr(object, path) &&
		    (!function || live_is_in(live_text(row, "symbol"), function)))
			sum += live_u64(row, "minor");
	}
	return sum;
}

/* Each version's faults have its own names, or none. A file made anew may get the old one's inode. */
static void test_rebuilt(void **state)
{
	const struct rebuilt *c = *state;
	const char *const more[][2] = { { "--stacks", "none" },
					{ "-i", "1" },
					{ "--write", NULL } };
	char first[LIVE_PATH_MAX], kept[LIVE_PATH_MAX];
	json_t *r;

	make_program();
	snprintf(first, sizeof(first), "%s", live_temp("first"));
	snprintf(kept, sizeof(kept), "%s", live_temp("kept"));
	faults_copy(faults_path, first);
	rename_symbols();
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		const char *run = live_temp("run");

		r = live_run("faults", "--json", more[i][0], more[i][1] ? more[i][1] : kept, "--",
			     "sh", "-c", c->script, "sh", run, first, program, NULL);
		check_u64(faults_in(r, run, NULL) / FAULTS, 2, "runs");
		/* looked up in between at most */
		check(faults_in(r, run, "write_area") / FAULTS <= c->anew,
		      "runs of the second version have names of the first");
		if (faults_has_symbols(program, "wrong_area"))
			check_u64(faults_in(r, run, "wrong_area") / FAULTS, c->anew,
				  "runs by the name of the second version");
		json_decref(r);
	}
}

/* --- files that are gone when the report is made ---------------------------------------------------------- */

/* $1 runs for some seconds, and nothing is left at its path then. */
#define RUN_AND(what)                                     \
	"sleep 3 | \"$1\" --hold \"$2\" anon " FAULTS_ARG \
	" & while ! [ -e \"$2\" ]; do sleep 0.1; done; " what "; wait"

static void test_gone(void **state)
{
	json_t *r;

	make_program();
	r = live_run("faults", "--json", "--", "sh", "-c", (const char *)*state, "sh", program,
		     live_temp("hold"), NULL);
	check(faults_in(r, program, NULL) >= FAULTS, "the faults are in no row");
	if (faults_has_symbols(faults_path, "write_area"))
		check(faults_in(r, program, "write_area") >= FAULTS, "the code has no name");
	json_decref(r);
}

/* --- containers ---------------------------------------------------------------------------------------------- */

/* The program lies on a file system that nobody else sees; with @root that is another root's, too. */
static int run_inside(const char *root, char **argv)
{
	static char inner[] = "/dev/shm/program";

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 121;
	if (*root && (mount("/", root, NULL, MS_BIND | MS_REC, NULL) || chroot(root) || chdir("/")))
		return 122;
	if (mount("inner", "/dev/shm", "tmpfs", 0, NULL))
		return 123;
	faults_copy(faults_path, inner);
	argv[0] = inner;
	execv(inner, argv);
	return 127;
}

static void test_container(void **state)
{
	const char *root = *state ? live_temp("root") : "";
	const char *command[] = { live_self, "inside", root, NULL };
	const struct faults_how how = { .command = command };
	struct faults_run run;
	json_t *r;

	if (*root) {
		check(!mkdir(root, 0700), "%s: %s", root, strerror(errno));
		live_remove_later(root);
	}
	snprintf(program, sizeof(program), "/dev/shm/program");
	check(access(program, F_OK), "%s is there", program);
	r = faults_gated(&run, &how, "anon", FAULTS_ARG, NULL);
	check_u64(faults_of(r, "anon", "minor"), FAULTS, "minor faults");
	check_first_site(r);
	json_decref(r);
}

/* --- very many mappings ---------------------------------------------------------------------------------------- */

#define MAPS_MANY 1100009ul /* more than kmscope looks at */
#define MAPS_FEW  20011ul /* fewer than a process may have without being allowed more */

static unsigned long wanted_maps(void)
{
	if (live_pace->slow)
		return MAPS_FEW;
	if (!faults_allow_maps(MAPS_MANY + 1000))
		live_skip("vm.max_map_count can't be changed");
	return MAPS_MANY;
}

/* Whatever it knows of them takes bounded memory, and what it does not know it tells. */
static void check_maps(const json_t *r, uint64_t maps, uint64_t peak)
{
	print_message("%llu mappings, peak %llu KiB, maps_lost %llu\n", (unsigned long long)maps,
		      (unsigned long long)peak, (unsigned long long)live_quality(r, "maps_lost"));
	check(peak < PEAK_KIB, "kmscope took %llu KiB", (unsigned long long)peak);
	if (maps == MAPS_MANY)
		check(live_quality(r, "maps_lost") > 0, "nothing was left out");
}

/* Each is told as it is made, quicker than anything else tells. */
static void test_maps_made(void **state)
{
	unsigned long n = wanted_maps();
	struct faults_run run;
	char count[24];
	json_t *r;

	(void)state;
	snprintf(count, sizeof(count), "%lu", n);
	r = faults_gated(&run, NULL, "maps", count, NULL);
	check_u64(run.maps, n, "mappings");
	check_u64(run.minor, 1, "getrusage()'s minor");
	check(faults_of(r, "anon", "minor") + faults_of(r, "unknown", "minor") >= 1,
	      "the fault is in no row");
	check_maps(r, n, run.peak_kib);
	json_decref(r);
}

/* They are there before kmscope is, which reads them in /proc. */
static void test_maps_there(void **state)
{
	const struct live_how gated = { .in_pipe = true };
	unsigned long n = wanted_maps();
	const char *hold = live_temp("hold");
	struct live load, tracer;
	char count[24], pid[16];
	uint64_t peak;
	json_t *r;

	(void)state;
	snprintf(count, sizeof(count), "%lu", n);
	live_spawn(&load, &gated, faults_path, "--hold", hold, "maps", count, NULL);
	check(live_await(hold, load.pidfd), "the workload ended early");
	snprintf(pid, sizeof(pid), "%d", (int)load.pid);
	live_start(&tracer, "faults", "--json", "--pid", pid, NULL);
	peak = faults_peak_kib(tracer.pid);
	check(!live_end_by(&tracer, SIGINT), "kmscope ended with %d: %s", tracer.code, tracer.err);
	check(!live_end(&load), "the workload ended with %d: %s", load.code, load.err);
	check_u64(faults_told(load.out, "maps"), n, "mappings");
	r = live_final(&tracer);
	live_check_whole(r);
	check_maps(r, n, peak);
	if (n == MAPS_FEW)
		check_u64(live_quality(r, "maps_lost"), 0, "maps_lost");
	json_decref(r);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		live_test(test_changed, "a program deleted before", &deleted_before),
		live_test(test_changed, "a program deleted meanwhile", &deleted_after),
		live_test(test_changed, "a program replaced before", &replaced_before),
		live_test(test_changed, "a program replaced meanwhile", &replaced_after),
		live_test(test_rewritten, "a file written to in place", NULL),
		live_test(test_rebuilt, "a program written to between two runs", &in_place),
		live_test(test_rebuilt, "a program made anew between two runs", &anew),
		live_test(test_gone, "a program deleted, that has ended", RUN_AND("rm \"$1\"")),
		live_test(test_gone, "a program renamed, that has ended",
			  RUN_AND("mv \"$1\" \"$1.moved\"")),
		live_test(test_container, "a program in a mount namespace", NULL),
		live_test(test_container, "a program in another root", "root"),
		faults_test(test_maps_made, "very many mappings", NULL),
		faults_test(test_maps_there, "very many mappings that are there", NULL),
	};

	live_find();
	faults_find();
	if (argc > 3 && !strcmp(argv[1], "inside"))
		return run_inside(argv[2], argv + 2);
	return live_main("faults_code", tests, ARRAY_SIZE(tests));
}
