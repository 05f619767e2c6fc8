// SPDX-License-Identifier: GPL-2.0
/*
 * What users get wrong: one line that says so, and the exit code that the manual promises. And what
 * becomes of PROGRAM: its options, its exit status, and that it outlives the tracing.
 */
#include "live.h"

#include <pthread.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY	 65534
#define ARGS_MAX 12

/* --- usage ---------------------------------------------------------------------------------------- */

struct bad_case {
	int code;
	const char *args[ARGS_MAX];
	const char *says; /* what the message must name */
};

static const struct bad_case bad_cases[] = {
	{ 2, { "slap" }, "slap" },
	{ 2, { "--json" }, "--json" },
	{ 2, { "slab", "--nonsense" }, "--nonsense" },
	{ 2, { "slab", "--min-age", "1" }, "--min-age" }, /* another command's */
	{ 2, { "doctor", "--pid", "1" }, "--pid" },
	{ 2, { "slab", "--top", "-1" }, "-1" },
	{ 2, { "slab", "--top", "99999999999999999999" }, "--top" },
	{ 2, { "slab", "--pid", "abc" }, "abc" },
	{ 2, { "slab", "--pid", "0" }, "--pid" },
	{ 2, { "slab", "--pid", "4194305" }, "4194305" }, /* above the highest possible one */
	{ 2, { "slab", "--site", "nosuchfunction" }, "nosuchfunction" },
	{ 2, { "slab", "--module", "nosuchmodule" }, "nosuchmodule" },
	{ 2, { "slab", "--cache", "nosuchcache" }, "nosuchcache" },
	{ 2, { "slab", "--cache", "kmalloc-lots" }, "kmalloc-lots" },
	{ 2, { "slab", "--cgroup", "/nosuchfolder" }, "/nosuchfolder" },
	{ 2, { "slab", "--cgroup", "/proc" }, "cgroup" },
	{ 2, { "slab", "--buffer", "3" }, "--buffer" },
	{ 2, { "slab", "--buffer", "1T" }, "1T" },
	{ 2, { "slab", "--buffer", "5000" }, "8192" },
	{ 2, { "slab", "--buffer", "16Q" }, "16Q" },
	{ 2, { "slab", "--comm", "sixteen-letters-" }, "sixteen-letters-" },
	{ 2, { "slab", "--comm", "" }, "--comm" },
	{ 2, { "slab", "--child", "-d", "1" }, "--child" },
	{ 2, { "slab", "--settle", "1", "-d", "1" }, "--settle" },
	{ 2, { "slab", "-d", "0" }, "duration" },
	{ 2, { "slab", "-d", "-1" }, "-1" },
	{ 2, { "slab", "-d", "1x" }, "1x" },
	{ 2, { "slab", "-i", "0.5" }, "--interval" },
	{ 2, { "slab", "--sample", "0" }, "--sample" },
	{ 2, { "slab", "--probe", "magic" }, "magic" },
	{ 2, { "slab", "--by", "colour" }, "colour" },
	{ 2, { "slab", "--min-size", "100", "--max-size", "10" }, "--min-size" },
	{ 2, { "slab", "-q", "-v" }, "--quiet" },
	{ 2, { "slab", "stray" }, "stray" },
	{ 2, { "faults", "--by", "site" }, "site" },
	{ 2, { "faults", "--by", "cache" }, "cache" },
	{ 2, { "faults", "--min-size", "10" }, "--min-size" },
	{ 2, { "faults", "--probe", "raw" }, "--probe" },
	{ 2, { "faults", "--cache", "dentry" }, "--cache" },
	{ 2, { "faults", "--sample", "0" }, "--sample" },
	{ 2, { "faults", "stray" }, "stray" },
	{ 127, { "faults", "--", "/no/such/program" }, "/no/such/program" },
	{ 2, { "slab", "--" }, "--" },
	{ 127, { "slab", "--", "no-such-program" }, "no-such-program" },
	{ 127, { "slab", "--", "/no/such/program" }, "/no/such/program" },
	{ 126, { "slab", "--", "/proc" }, "/proc" },
	{ 126, { "slab", "--", "/proc/self/status" }, "/proc/self/status" },
};

static void test_usage(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad_cases); i++) {
		const struct bad_case *c = &bad_cases[i];
		const char *argv[ARGS_MAX + 2] = { live_kmscope };
		char what[200] = "";
		struct live l;

		for (size_t k = 0; c->args[k]; k++) {
			argv[k + 1] = c->args[k];
			strncat(what, " ", sizeof(what) - strlen(what) - 1);
			strncat(what, c->args[k], sizeof(what) - strlen(what) - 1);
		}
		live_spawnv(&l, NULL, argv);
		live_end(&l);
		live_refused(&l, c->code, what);
		check(strstr(l.err, c->says), "%s: the message does not name %s: %s", what, c->says,
		      l.err);
		free(l.out);
		free(l.err);
	}
}

static void *tell_tid(void *arg)
{
	pid_t tid = gettid();
	int *fds = arg;
	char byte;

	if (write(fds[1], &tid, sizeof(tid)) != sizeof(tid))
		return NULL;
	(void)!read(fds[2], &byte, 1);
	return NULL;
}

/* A thread's number is no process's: nothing would ever match it. */
static void test_thread(void **state)
{
	int fds[4];
	pthread_t thread;
	char number[32], process[32];
	struct live l;
	pid_t tid;

	(void)state;
	check(!pipe(fds) && !pipe(fds + 2), "pipe");
	check(!pthread_create(&thread, NULL, tell_tid, fds), "pthread_create");
	check(read(fds[0], &tid, sizeof(tid)) == sizeof(tid), "no thread");
	snprintf(number, sizeof(number), "%d", tid);
	snprintf(process, sizeof(process), "process %d", getpid());
	live_spawn(&l, NULL, live_kmscope, "faults", "--pid", number, NULL);
	live_end(&l);
	check(write(fds[3], "", 1) == 1, "write");
	pthread_join(thread, NULL);
	live_refused(&l, 2, "--pid of a thread");
	check(strstr(l.err, process), "the message does not say %s: %s", process, l.err);
}

/* No arguments: the usage, on standard error. Asked for: on standard output. */
static void test_help(void **state)
{
	static const char *const asked[][2] = { { "--help" },		{ "--version" },
						{ "slab", "--help" },	{ "leaks", "--help" },
						{ "doctor", "--help" }, { "slab", "--usage" },
						{ "faults", "--help" } };
	struct live l;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		live_spawn(&l, NULL, live_kmscope, asked[i][0], asked[i][1], NULL);
		check(!live_end(&l), "%s ended with %d", asked[i][0], l.code);
		check(l.out_len && !l.err_len, "%s prints to the wrong place", asked[i][0]);
	}
	live_spawn(&l, NULL, live_kmscope, NULL);
	check(live_end(&l) == 2 && l.err_len && !l.out_len, "no command: exit code %d", l.code);
}

static void write_file(const char *path, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	check(fd >= 0, "%s: %s", path, strerror(errno));
	close(fd);
}

/* What can't be run: 126; what an execve() refuses only after tracing has begun, too. */
static void test_not_executable(void **state)
{
	const char *plain = live_temp("plain"), *empty = live_temp("empty");
	struct live l;

	(void)state;
	write_file(plain, 0644);
	live_spawn(&l, NULL, live_kmscope, "slab", "--", plain, NULL);
	live_end(&l);
	live_refused(&l, 126, "a file without permission to execute");
	write_file(empty, 0755);
	live_spawn(&l, NULL, live_kmscope, "slab", "--", empty, NULL);
	live_end(&l);
	if (l.code) /* execvp() hands such a file to the shell, where there is one */
		live_refused(&l, l.code == 127 ? 127 : 126, "an empty executable file");
}

/* --- output and privileges ------------------------------------------------------------------------ */

static void test_output(void **state)
{
	const struct live_how closed = { .out_closed = true };
	const struct live_how full = { .out_path = "/dev/full" };
	static const char *const commands[][4] = {
		{ "slab", "-d", "0.1" },	{ "slab", "-jd", "0.1" }, { "doctor" },
		{ "doctor", "--capabilities" }, { "--version" },	  { "--help" },
	};
	struct live l;

	(void)state;
	live_spawn(&l, &closed, live_kmscope, "slab", "-d", "0.1", NULL);
	live_end(&l);
	live_refused(&l, 1, "closed standard output");
	if (access("/dev/full", W_OK))
		live_skip("there is no /dev/full: only a closed standard output was tried");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const char *const *c = commands[i];

		live_spawn(&l, &full, live_kmscope, c[0], c[1], c[2], NULL);
		live_end(&l);
		check(l.code == 1, "%s %s to a full disk: exit code %d", c[0], c[1] ? c[1] : "",
		      l.code);
		check(l.err_len, "%s to a full disk: no message", c[0]);
	}
}

static void copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	char buf[65536];
	ssize_t n;

	check(in >= 0 && out >= 0, "%s: %s", from, strerror(errno));
	while ((n = read(in, buf, sizeof(buf))) > 0)
		check(write(out, buf, (size_t)n) == n, "%s: %s", to, strerror(errno));
	fchmod(out, 0755);
	close(in);
	close(out);
}

static void test_unprivileged(void **state)
{
	const char *there = live_temp("kmscope");
	const struct live_how nobody = { .uid = NOBODY };
	static const char *const options[][3] = {
		{ "slab", "-d", "0.1" },
		{ "leaks", "--probe", "raw" },
		{ "slab", "--probe", "classic" },
		{ "slab", "--dry-run", NULL },
	};
	struct live l;

	(void)state;
	copy(live_kmscope, there);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		live_spawn(&l, &nobody, there, options[i][0], options[i][1], options[i][2], NULL);
		live_end(&l);
		live_refused(&l, 3, options[i][1]);
		check(strstr(l.err, "root") || strstr(l.err, "sudo"),
		      "the message does not say what is missing: %s", l.err);
	}
}

/* Nobody needs to mount anything. */
static void test_no_tracefs(void **state)
{
	const struct live_how how = { .no_tracefs = true };
	struct live l;
	json_t *r;

	live_need_probe(*state);
	live_spawn(&l, &how, live_kmscope, "slab", "--json", "--probe", *state, "--settle",
		   live_pace->settle, "--comm", "pipes", "--child", "--", live_pipes,
		   LIVE_TURNS_ARG, NULL);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	live_check_whole(r);
	live_check_pipes(r, LIVE_TURNS, 0);
	json_decref(r);
}

static void test_dry_run(void **state)
{
	struct live l;

	(void)state;
	live_spawn(&l, NULL, live_kmscope, "slab", "--dry-run", "--", live_pipes, "--ready",
		   live_temp("ran"), "7", NULL);
	check(!live_end(&l), "--dry-run ended with %d: %s", l.code, l.err);
	check(access(live_temp("ran"), F_OK), "--dry-run ran the program");
	check(!l.out_len, "--dry-run made a report");
}

/* --- PROGRAM -------------------------------------------------------------------------------------- */

static void test_options_untouched(void **state)
{
	struct live l;

	(void)state;
	live_spawn(&l, NULL, live_kmscope, "slab", "--json", "--", live_self, "arguments", "--json",
		   "-d", "9", "--", "--help", "-x", "", NULL);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	check(l.out && strstr(l.out, "[--json][-d][9][--][--help][-x][]\n"),
	      "the program's arguments were: %s", l.out);
	json_decref(live_final(&l));
}

static void test_exit_status(void **state)
{
	json_t *r, *program;

	(void)state;
	r = live_run("slab", "--json", "--", live_self, "exit", "43", NULL);
	program = json_object_get(r, "program");
	check_u64(live_u64(program, "exit_code"), 43, "program.exit_code");
	check_u64(live_u64(program, "signal"), LIVE_NULL, "program.signal");
	json_decref(r);
	r = live_run("slab", "--json", "--", live_self, "signal", "15", NULL);
	program = json_object_get(r, "program");
	check_u64(live_u64(program, "exit_code"), LIVE_NULL, "program.exit_code");
	check_u64(live_u64(program, "signal"), SIGTERM, "program.signal");
	json_decref(r);
}

/* The tracing is over, by what @end does, the program is not; it became our child. */
static void check_outlives(struct live *l, const json_t *report)
{
	const json_t *program = json_object_get(report, "program");
	pid_t pid = (pid_t)live_u64(program, "pid");
	int status = -1;

	check_u64(live_u64(program, "exit_code"), LIVE_NULL, "program.exit_code");
	check_u64(live_u64(program, "signal"), LIVE_NULL, "program.signal");
	check(!l->code, "kmscope ended with %d: %s", l->code, l->err);
	check(waitpid(pid, &status, WNOHANG) == 0, "the program ended with the tracing");
	kill(pid, SIGUSR2);
	check(waitpid(pid, &status, 0) == pid && !status, "the program was disturbed: status %#x",
	      (unsigned int)status);
}

static void test_duration(void **state)
{
	struct live l;
	json_t *r;

	(void)state;
	live_spawn(&l, NULL, live_kmscope, "slab", "-j", "-d", "0.25", "--", live_pipes, "--hold",
		   "7", NULL);
	live_end(&l);
	r = live_final(&l);
	check_outlives(&l, r);
	check(live_u64(r, "end_ns") - live_u64(r, "start_ns") >= 250000000,
	      "tracing ended before its time");
	json_decref(r);
}

static void test_signal(void **state)
{
	const char *held = live_temp("held");
	struct live l;
	json_t *r;

	live_spawn(&l, NULL, live_kmscope, "slab", "-j", "--comm", "pipes", "--child", "--",
		   live_pipes, "--hold", "7", "--ready", held, NULL);
	check(live_await(held, l.pidfd), "kmscope ended early");
	live_end_by(&l, !strcmp(*state, "INT") ? SIGINT : SIGTERM);
	r = live_final(&l);
	live_check_pipes(r, 7, 7);
	check_outlives(&l, r);
	json_decref(r);
}

static int print_arguments(char **argv)
{
	for (; *argv; argv++)
		printf("[%s]", *argv);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_usage, "wrong usage", NULL),
		live_test(test_thread, "a thread's number", NULL),
		live_test(test_help, "help", NULL),
		live_test(test_not_executable, "a program that can't be run", NULL),
		live_test(test_output, "nowhere to write to", NULL),
		live_test(test_unprivileged, "not root", NULL),
		live_test(test_no_tracefs, "no tracefs, raw", "raw"),
		live_test(test_no_tracefs, "no tracefs, classic", "classic"),
		live_test(test_dry_run, "--dry-run", NULL),
		live_test(test_options_untouched, "the program's options", NULL),
		live_test(test_exit_status, "the program's exit status", NULL),
		live_test(test_duration, "--duration", NULL),
		live_test(test_signal, "SIGINT", "INT"),
		live_test(test_signal, "SIGTERM", "TERM"),
	};

	if (argc == 3 && !strcmp(argv[1], "exit"))
		return atoi(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "signal"))
		return raise(atoi(argv[2]));
	if (argc > 2 && !strcmp(argv[1], "arguments"))
		return print_arguments(argv + 2);
	return live_main("input", tests, ARRAY_SIZE(tests));
}
