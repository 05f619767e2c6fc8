// SPDX-License-Identifier: GPL-2.0
#include "session/program.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int fail_exec(struct failure *f, int err, const char *name)
{
	if (err == -ENOENT)
		return fail(f, FAILURE_NOT_FOUND, err, "%s: no such program", name);
	return fail(f, FAILURE_NOT_EXECUTABLE, err, "%s can't be run: %s", name, strerror(-err));
}

/* 0, or why the file at @path can't be executed. */
static int check_file(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) ? -errno : 0;
}

/* Look for @name as execvp() will, to fail before anything is loaded. */
static int check_program(const char *name)
{
	const char *path = getenv("PATH"), *end;
	int err = -ENOENT;

	if (strchr(name, '/'))
		return check_file(name);
	for (path = path ? path : "/usr/sbin:/usr/bin:/sbin:/bin"; *path || err; path = end + 1) {
		char file[4096];
		int found;

		end = strchrnul(path, ':');
		snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), end > path ? path : ".",
			 name);
		found = check_file(file);
		if (!found)
			return 0;
		if (found != -ENOENT && found != -ENOTDIR)
			err = found;
		if (!*end)
			break;
	}
	return err;
}

static void child(char *const argv[], int gate, int trouble)
{
	sigset_t none;
	char go;
	int err;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	/* end of file: kmscope gave up or was killed */
	if (TEMP_FAILURE_RETRY(read(gate, &go, 1)) != 1)
		_exit(0);
	execvp(argv[0], argv);
	err = errno;
	if (write(trouble, &err, sizeof(err)) != sizeof(err))
		_exit(126);
	_exit(err == ENOENT ? 127 : 126);
}

int program_fork(char *const argv[], struct program *ret, struct failure *f)
{
	struct program p = { .pidfd = -1, .gate = -1, .trouble = -1, .status.exit_code = -1 };
	int gate[2], trouble[2];
	int err = check_program(argv[0]);

	if (err)
		return fail_exec(f, err, argv[0]);
	if (pipe2(gate, O_CLOEXEC))
		return fail(f, FAILURE_INTERNAL, -errno, "pipe: %s", strerror(errno));
	if (pipe2(trouble, O_CLOEXEC)) {
		err = -errno;
		close(gate[0]);
		close(gate[1]);
		return fail(f, FAILURE_INTERNAL, err, "pipe: %s", strerror(-err));
	}
	p.pid = fork();
	if (!p.pid) {
		close(gate[1]); /* or it would never see the end of file */
		child(argv, gate[0], trouble[1]);
	}
	close(gate[0]);
	close(trouble[1]);
	p.gate = gate[1];
	p.trouble = trouble[0];
	if (p.pid > 0)
		p.pidfd = (int)syscall(SYS_pidfd_open, p.pid, 0);
	if (p.pidfd < 0) {
		err = -errno;
		program_free(&p);
		return fail(f, FAILURE_INTERNAL, err, "can't start %s: %s", argv[0],
			    strerror(-err));
	}
	p.status.present = true;
	p.status.pid = p.pid;
	*ret = p;
	return 0;
}

int program_run(struct program *p, const char *name, struct failure *f)
{
	int err = 0;

	if (write(p->gate, "g", 1) != 1)
		return fail(f, FAILURE_INTERNAL, -errno, "can't start %s: %s", name,
			    strerror(errno));
	closep(&p->gate);
	/* closed by a successful execve() */
	if (TEMP_FAILURE_RETRY(read(p->trouble, &err, sizeof(err))) == sizeof(err)) {
		waitpid(p->pid, NULL, 0);
		return fail_exec(f, -err, name);
	}
	return 0;
}

void program_reap(struct program *p)
{
	int status, got;

	if (!p->pid)
		return;
	got = waitpid(p->pid, &status, WNOHANG);
	if (!got || (got < 0 && errno != ECHILD))
		return;
	if (got < 0)
		status = -1; /* somebody else has waited for it: its status is not known */
	else if (WIFEXITED(status))
		p->status.exit_code = WEXITSTATUS(status);
	else if (WIFSIGNALED(status))
		p->status.signal = WTERMSIG(status);
	p->pid = 0;
	closep(&p->pidfd);
}

void program_free(struct program *p)
{
	bool waiting = p->gate >= 0;

	closep(&p->gate);
	closep(&p->trouble);
	closep(&p->pidfd);
	if (waiting && p->pid > 0)
		waitpid(p->pid, NULL, 0);
	p->pid = 0;
}
