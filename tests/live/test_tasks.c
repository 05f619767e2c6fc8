// SPDX-License-Identifier: GPL-2.0
/* Processes of awkward kinds: each of these was got wrong once. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "live.h"

#define TURNS	  1009
#define TURNS_ARG "1009"

/* The thread that executes a program takes over its leader's number, after the leader's exit. */
static void test_exec_by_thread(void **state)
{
	struct live l;
	json_t *r;

	live_need_probe(*state);
	live_spawn(&l, NULL, live_kmscope, "slab", "--json", "--settle", live_pace->settle,
		   "--probe", *state, "--child", "--", live_self, "thread", NULL);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	live_check_whole(r);
	live_check_pipes(r, TURNS, 0);
	json_decref(r);
}

/* Whoever ignores SIGCHLD leaves that to its children: PROGRAM could then not be waited for. */
static void test_sigchld_ignored(void **state _unused_)
{
	struct live l;
	json_t *r;

	live_spawn(&l, NULL, live_self, "ignoring", "slab", "--json", "--", live_self, "five",
		   NULL);
	check(!live_end(&l), "kmscope ended with %d: %s", l.code, l.err);
	r = live_final(&l);
	check_u64(live_u64(json_object_get(r, "program"), "exit_code"), 5, "program.exit_code");
	json_decref(r);
}

/* In a PID namespace «process 7» is another one than the kernel's. */
static void test_pid_namespace(void **state)
{
	struct live l;

	live_spawn(&l, NULL, live_self, "unshared", "slab", *state, "1", NULL);
	check(live_end(&l) == 3, "kmscope ended with %d: %s", l.code, l.err);
	check(l.err && strstr(l.err, "PID namespace"), "it said: %s", l.err);
	check(!l.out_len, "it made a report: %s", l.out);
}

/* --- what the tests run ---------------------------------------------------------------------------- */

static void *exec_pipes(void *arg _unused_)
{
	execl(live_pipes, "work_pipes", TURNS_ARG, NULL);
	_exit(127);
}

static int run_thread(void)
{
	pthread_t thread;

	/* what the program prints would stand in the report's way */
	if (dup2(2, 1) < 0 || pthread_create(&thread, NULL, exec_pipes, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 1;
}

static int run_kmscope(char **argv)
{
	argv[0] = live_kmscope;
	execv(live_kmscope, argv);
	return 127;
}

static int run_unshared(char **argv)
{
	int status;
	pid_t pid;

	if (unshare(CLONE_NEWPID))
		return 126;
	pid = fork();
	if (!pid)
		_exit(run_kmscope(argv));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 125;
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		live_test(test_exec_by_thread, "a thread executes a program, raw", "raw"),
		live_test(test_exec_by_thread, "a thread executes a program, classic", "classic"),
		live_test(test_sigchld_ignored, "SIGCHLD is ignored", NULL),
		live_test(test_pid_namespace, "--pid in a PID namespace", "--pid"),
	};

	live_find();
	if (argc == 2 && !strcmp(argv[1], "thread"))
		return run_thread();
	if (argc == 2 && !strcmp(argv[1], "five"))
		return 5;
	if (argc > 2 && !strcmp(argv[1], "ignoring")) {
		signal(SIGCHLD, SIG_IGN);
		return run_kmscope(argv + 1);
	}
	if (argc > 2 && !strcmp(argv[1], "unshared"))
		return run_unshared(argv + 1);
	return live_main("tasks", tests, ARRAY_SIZE(tests));
}
