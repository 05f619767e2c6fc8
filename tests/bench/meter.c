// SPDX-License-Identifier: GPL-2.0
/*
 * meter FILE PROGRAM ARGS…: runs PROGRAM, passes SIGINT and SIGTERM on to it, and writes what it
 * used to FILE. A process's maximal resident set begins with that of the process which started it
 * (fork and exec hand it on), so PROGRAM must be started by something small, not by Python.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void pass_on(int sig)
{
	if (child > 0)
		kill(child, sig);
}

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = pass_on };
	struct rusage use;
	pid_t pid, parent = getpid();
	int status;
	FILE *f;

	if (argc < 3) {
		fprintf(stderr, "usage: meter FILE PROGRAM ARGS...\n");
		return 2;
	}
	/* Nothing that traces the kernel may outlive the bench. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	pid = fork();
	if (pid < 0) {
		perror("meter: fork");
		return 1;
	}
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		execvp(argv[2], argv + 2);
		fprintf(stderr, "meter: %s: %s\n", argv[2], strerror(errno));
		_exit(127);
	}
	child = pid;
	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			return 1;

	f = fopen(argv[1], "w");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	fprintf(f, "{\"user_s\":%.6f,\"system_s\":%.6f,\"max_rss_kb\":%ld}\n",
		seconds(use.ru_utime), seconds(use.ru_stime), use.ru_maxrss);
	if (fclose(f))
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
