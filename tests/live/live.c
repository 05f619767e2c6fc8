// SPDX-License-Identifier: GPL-2.0
#include "live.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sched.h>
#include <time.h>
#include <unistd.h>

#define ARGS_MAX     64
#define CHILDREN_MAX 64
#define TEMP_RING    8
#define FOLDERS_MAX  4
#define PACE_BATCHES 5
#define PACE_TURNS   50
#define PACE_SLOW_NS \
	10000 /* a pipe made and closed: 2000 to 5000 on real machines, 18000 in QEMU */

char live_kmscope[LIVE_PATH_MAX], live_pipes[LIVE_PATH_MAX], live_self[LIVE_PATH_MAX];
static char temp_dir[LIVE_PATH_MAX];
static char folders[FOLDERS_MAX][LIVE_PATH_MAX]; /* to be removed, the last one first */
static size_t n_folders;
#define COUNT(name, n) .name = (n), .name##_arg = #n
static const struct live_pace paces[2] = {
	{ COUNT(turns, 10007), COUNT(beside, 3001), COUNT(child, 1009), COUNT(grand, 2003),
	  COUNT(sampled, 100003), COUNT(lossy, 50021), .kills = 23, .kill_step_us = 12000,
	  .settle = "1" },
	{ COUNT(turns, 2011), COUNT(beside, 601), COUNT(child, 307), COUNT(grand, 503),
	  COUNT(sampled, 10007), COUNT(lossy, 10007), .kills = 5, .kill_step_us = 210000,
	  .settle = "1", .slow = true },
};
const struct live_pace *live_pace = &paces[0];
static int lock_fd = -1; /* one live test at a time on a machine: they count what the others do */

/* --- tests -------------------------------------------------------------------------------------- */

int live_setup(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	lock_fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (flock(lock_fd, LOCK_EX))
		return -1;
	snprintf(temp_dir, sizeof(temp_dir), "%s/kmscope-live.XXXXXX", base ? base : "/tmp");
	/* others must get in: some tests are not root */
	return mkdtemp(temp_dir) && !chmod(temp_dir, 0755) ? 0 : -1;
}

static void remove_temp(void)
{
	DIR *dir = opendir(temp_dir);
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		unlinkat(dirfd(dir), e->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(temp_dir);
}

int live_teardown(void **state)
{
	pid_t pids[CHILDREN_MAX];
	size_t n;

	(void)state;
	/* what a failed test left running, and then the orphans that became ours */
	while ((n = live_children(getpid(), pids, CHILDREN_MAX)))
		for (size_t i = 0; i < n; i++) {
			kill(pids[i], SIGKILL);
			waitpid(pids[i], NULL, 0);
		}
	remove_temp();
	while (n_folders)
		rmdir(folders[--n_folders]);
	close(lock_fd);
	return 0;
}

void live_remove_later(const char *folder)
{
	check(n_folders < FOLDERS_MAX, "too many folders");
	snprintf(folders[n_folders++], sizeof(folders[0]), "%s", folder);
}

void live_skip(const char *why)
{
	print_message("%s\n", why);
	skip();
	abort();
}

/* Fits every machine: the fastest of some batches, so that what else runs does not count. */
static void find_pace(void)
{
	const char *given = getenv("KMSCOPE_SLOW");
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < PACE_BATCHES && !given; i++) {
		uint64_t begin = live_now_ns();
		int fds[2];

		for (int k = 0; k < PACE_TURNS && !pipe2(fds, O_CLOEXEC); k++) {
			close(fds[0]);
			close(fds[1]);
		}
		best = MIN(best, live_now_ns() - begin);
	}
	live_pace = &paces[given ? *given == '1' : best > PACE_TURNS * PACE_SLOW_NS];
	/* for this program as a workload, which must not make pipes to find out */
	setenv("KMSCOPE_SLOW", live_pace->slow ? "1" : "0", 1);
}

void live_find(void)
{
	const char *out = getenv("KMSCOPE_OUT");
	ssize_t n = readlink("/proc/self/exe", live_self, sizeof(live_self) - 1);

	if (n > 0)
		live_self[n] = '\0';
	find_pace();
	snprintf(live_kmscope, sizeof(live_kmscope), "%s/kmscope", out ? out : "build");
	snprintf(live_pipes, sizeof(live_pipes), "%s/tests/live/work_pipes", out ? out : "build");
}

int live_main(const char *group, const struct CMUnitTest *tests, size_t n)
{
	struct rlimit files;

	if (geteuid()) {
		printf("1..0 # SKIP tracing the kernel needs root\n");
		return 0;
	}
	setlinebuf(stdout);
	live_find();
	if (live_pace->slow)
		printf("# a slow machine: smaller counts\n");
	signal(SIGPIPE, SIG_IGN);
	/* a PROGRAM whose kmscope was killed becomes our child */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

const char *live_temp(const char *name)
{
	static char ring[TEMP_RING][LIVE_PATH_MAX + 64];
	static unsigned int next;
	char *path = ring[next++ % TEMP_RING];

	snprintf(path, sizeof(ring[0]), "%s/%s", temp_dir, name);
	return path;
}

/* --- processes ---------------------------------------------------------------------------------- */

uint64_t live_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int left_ms(uint64_t deadline)
{
	uint64_t now = live_now_ns();

	return now >= deadline ? 0 : (int)((deadline - now + 999999) / 1000000);
}

static void leave_tracefs(void)
{
	/* where nobody has mounted it there is nothing to leave; in a chroot one couldn't, either */
	if (access("/sys/kernel/tracing/events", F_OK) &&
	    access("/sys/kernel/debug/tracing/events", F_OK))
		return;
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		_exit(125);
	umount2("/sys/kernel/tracing", MNT_DETACH);
	umount2("/sys/kernel/debug/tracing", MNT_DETACH);
	umount2("/sys/kernel/debug", MNT_DETACH);
}

static void child(const struct live_how *how, const char *const *argv, int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (how->out_path)
		out = open(how->out_path, O_WRONLY | O_CLOEXEC);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
		_exit(125);
	if (how->out_closed)
		close(1);
	if (how->no_tracefs)
		leave_tracefs();
	if (how->uid && (setgid(how->uid) || setuid(how->uid)))
		_exit(125);
	execv(how->binary ? how->binary : argv[0], (char *const *)argv);
	_exit(125);
}

static void make_pipe(int ret[2])
{
	if (pipe2(ret, O_CLOEXEC))
		fail_msg("pipe2: %s", strerror(errno));
	/* room for what a test reads later only */
	fcntl(ret[1], F_SETPIPE_SZ, 1 << 20);
}

void live_spawnv(struct live *l, const struct live_how *how, const char *const *argv)
{
	static const struct live_how plain;
	int in[2], out[2], err[2];

	how = how ? how : &plain;
	*l = (struct live){ .pidfd = -1, .in_fd = -1 };
	make_pipe(out);
	make_pipe(err);
	if (how->in_pipe)
		make_pipe(in);
	else
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fflush(NULL);
	l->pid = fork();
	if (!l->pid)
		child(how, argv, in[0], out[1], err[1]);
	if (l->pid > 0)
		l->pidfd = (int)syscall(SYS_pidfd_open, l->pid, 0);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	l->in_fd = how->in_pipe ? in[1] : -1;
	l->out_fd = out[0];
	l->err_fd = err[0];
	fcntl(l->out_fd, F_SETFL, O_NONBLOCK);
	fcntl(l->err_fd, F_SETFL, O_NONBLOCK);
	check(l->pidfd >= 0, "can't start %s: %s", argv[0], strerror(errno));
}

static size_t collect_args(const char **argv, va_list args)
{
	size_t n = 0;

	while ((argv[n] = va_arg(args, const char *))) {
		n++;
		check(n < ARGS_MAX - 3, "too many arguments");
	}
	return n;
}

void live_spawn(struct live *l, const struct live_how *how, ...)
{
	const char *argv[ARGS_MAX];
	va_list args;

	va_start(args, how);
	collect_args(argv, args);
	va_end(args);
	live_spawnv(l, how, argv);
}

void live_start(struct live *l, ...)
{
	const char *argv[ARGS_MAX] = { live_kmscope, NULL, "--ready-file" };
	const char *ready = live_temp("kmscope-ready");
	const char *rest[ARGS_MAX];
	va_list args;
	size_t n;

	va_start(args, l);
	n = collect_args(rest, args);
	va_end(args);
	argv[1] = rest[0];
	argv[3] = ready;
	memcpy(argv + 4, rest + 1, n * sizeof(rest[0]));
	unlink(ready);
	live_spawnv(l, NULL, argv);
	if (live_await(ready, l->pidfd))
		return;
	live_end(l);
	fail_msg("kmscope ended with %d before it was ready: %s", l->code, l->err);
}

/* What is there to read now; false at the end of file. */
static bool drain(int fd, char **buf, size_t *len)
{
	for (;;) {
		char *more = realloc(*buf, *len + 65537);
		ssize_t n;

		check(more, "out of memory");
		*buf = more;
		n = read(fd, more + *len, 65536);
		more[*len + (size_t)(n > 0 ? n : 0)] = '\0';
		if (n <= 0)
			return n < 0 && (errno == EAGAIN || errno == EINTR);
		*len += (size_t)n;
	}
}

/* Collect output until something new was printed or the process ended; true: it still runs. */
static bool wait_output(struct live *l, uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = l->pidfd, .events = POLLIN },
		{ .fd = l->out_fd, .events = POLLIN },
		{ .fd = l->err_fd, .events = POLLIN },
	};
	int n = poll(fds, ARRAY_SIZE(fds), left_ms(deadline));

	check(n || live_now_ns() < deadline,
	      "process %d still runs at the deadline; it printed: %s", (int)l->pid,
	      l->err ? l->err : "nothing");
	if (l->out_fd >= 0 && !drain(l->out_fd, &l->out, &l->out_len)) {
		close(l->out_fd);
		l->out_fd = -1;
	}
	if (l->err_fd >= 0 && !drain(l->err_fd, &l->err, &l->err_len)) {
		close(l->err_fd);
		l->err_fd = -1;
	}
	return !(fds[0].revents & POLLIN);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int live_end(struct live *l)
{
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull;
	int status;

	close_fd(&l->in_fd);
	while (wait_output(l, deadline))
		;
	check(wait4(l->pid, &status, 0, &l->usage) == l->pid, "wait4: %s", strerror(errno));
	l->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	l->pid = 0;
	close_fd(&l->pidfd);
	/* pipes that are still open have another writer: a PROGRAM that lives on, undisturbed */
	return l->code;
}

int live_collect(struct live *l, const struct live_how *how, ...)
{
	const char *argv[ARGS_MAX] = { live_kmscope };
	va_list args;

	va_start(args, how);
	collect_args(argv + 1, args);
	va_end(args);
	live_spawnv(l, how, argv);
	return live_end(l);
}

void live_free(struct live *l)
{
	free(l->out);
	free(l->err);
	l->out = l->err = NULL;
}

void live_refused(const struct live *l, int code, const char *what)
{
	size_t lines = 0;
	const char *p;

	check(l->code == code, "%s: exit code %d, expected %d; it said: %s", what, l->code, code,
	      l->err);
	check(l->err_len && l->err[l->err_len - 1] == '\n', "%s: no message", what);
	for (p = l->err; *p; p++)
		lines += *p == '\n';
	check(lines == 1 || (lines == 2 && strstr(l->err, "\nTry ")),
	      "%s: %zu lines instead of one: %s", what, lines, l->err);
	check(!strncmp(l->err, "kmscope", 7), "%s: the message does not name kmscope: %s", what,
	      l->err);
	check(l->err_len > 20 && l->err_len < 400, "%s: not a message of a line: %s", what, l->err);
	check(!l->out_len, "%s: there is a report: %s", what, l->out);
}

int live_end_by(struct live *l, int sig)
{
	kill(l->pid, sig);
	return live_end(l);
}

void live_stop(struct live *l)
{
	int status;

	kill(l->pid, SIGSTOP);
	check(waitpid(l->pid, &status, WUNTRACED) == l->pid && WIFSTOPPED(status),
	      "process %d was not stopped", (int)l->pid);
}

bool live_await(const char *path, int pidfd)
{
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull;
	char folder[LIVE_PATH_MAX], events[4096];
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = pidfd, .events = POLLIN } };
	bool there = false, ended = false;

	snprintf(folder, sizeof(folder), "%s", path);
	*strrchr(folder, '/') = '\0';
	fds[0].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (inotify_add_watch(fds[0].fd, folder, IN_CREATE | IN_MOVED_TO) < 0)
		fail_msg("inotify: %s: %s", folder, strerror(errno));
	while (!there && !ended) {
		/* the end is looked at first: what it created before, it created */
		ended = fds[1].revents & POLLIN;
		there = !access(path, F_OK);
		if (there || ended)
			break;
		if (!poll(fds, ARRAY_SIZE(fds), left_ms(deadline))) {
			close(fds[0].fd);
			fail_msg("%s has not appeared", path);
		}
		while (read(fds[0].fd, events, sizeof(events)) > 0)
			;
	}
	close(fds[0].fd);
	return there;
}

json_t *live_runv(const char *const *argv)
{
	json_t *report;
	struct live l;

	live_spawnv(&l, NULL, argv);
	live_end(&l);
	check(!l.code, "kmscope ended with %d: %s", l.code, l.err);
	report = live_final(&l);
	live_free(&l);
	return report;
}

json_t *live_run(const char *arg, ...)
{
	const char *argv[ARGS_MAX] = { live_kmscope, arg };
	va_list args;

	va_start(args, arg);
	collect_args(argv + 2, args);
	va_end(args);
	return live_runv(argv);
}

static pid_t parent_of(const char *pid)
{
	char path[64], text[512];
	const char *end;
	int parent;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", pid);
	if (!live_read_file(path, text, sizeof(text)))
		return 0;
	end = strrchr(text, ')'); /* the name may hold anything */
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

size_t live_children(pid_t parent, pid_t *ret, size_t max)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (proc && n < max && (e = readdir(proc)))
		if (atoi(e->d_name) > 0 && parent_of(e->d_name) == parent)
			ret[n++] = atoi(e->d_name);
	if (proc)
		closedir(proc);
	return n;
}

/* --- reports ------------------------------------------------------------------------------------ */

/* The next line that is a report; what PROGRAM prints may stand between. */
static json_t *parse_next(struct live *l)
{
	while (l->out && l->parsed < l->out_len) {
		const char *line = l->out + l->parsed, *end = strchr(line, '\n');
		json_error_t error;
		json_t *report;

		if (!end)
			return NULL;
		l->parsed += (size_t)(end - line) + 1;
		if (*line != '{')
			continue;
		report = json_loadb(line, (size_t)(end - line), JSON_REJECT_DUPLICATES, &error);
		check(report, "a report is not JSON: %s at column %d", error.text, error.column);
		return report;
	}
	return NULL;
}

json_t *live_next(struct live *l)
{
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull;
	json_t *report;
	bool runs = true;

	while (!(report = parse_next(l)) && runs && l->pid)
		runs = wait_output(l, deadline);
	return report ? report : parse_next(l);
}

json_t *live_final(struct live *l)
{
	json_t *report, *last = NULL;

	while ((report = parse_next(l))) {
		if (last) {
			check(json_is_false(json_object_get(last, "final")),
			      "a report follows the final one");
			json_decref(last);
		}
		last = report;
	}
	check(last, "there is no report; messages: %s", l->err);
	check(json_is_true(json_object_get(last, "final")), "the last report is not final");
	return last;
}

json_t *live_table(const json_t *report, const char *name)
{
	json_t *table = json_object_get(json_object_get(report, "tables"), name);

	check(json_is_array(table), "there is no table %s", name);
	return table;
}

json_t *live_row(const json_t *table, const char *column, const char *prefix, size_t nth)
{
	json_t *row;
	size_t i;

	json_array_foreach(table, i, row)
	{
		const char *text = live_text(row, column);

		if (text && !strncmp(text, prefix, strlen(prefix)) && !nth--)
			return row;
	}
	return NULL;
}

bool live_is_in(const char *site, const char *function)
{
	size_t n = strlen(function);

	/* the name, then what the compiler appends, then the offset */
	return site && !strncmp(site, function, n) &&
	       (site[n] == '+' || (site[n] == '.' && strchr(site + n, '+')));
}

json_t *live_site(const json_t *table, const char *function, size_t nth)
{
	json_t *row;
	size_t i;

	json_array_foreach(table, i, row)
	{
		if (live_is_in(live_text(row, "site"), function) && !nth--)
			return row;
	}
	return NULL;
}

size_t live_sites(const json_t *table, const char *function)
{
	size_t n = 0;

	while (live_site(table, function, n))
		n++;
	return n;
}

size_t live_rows(const json_t *table, const char *column, const char *prefix)
{
	size_t n = 0;

	while (live_row(table, column, prefix, n))
		n++;
	return n;
}

uint64_t live_u64(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	if (json_is_null(value))
		return LIVE_NULL;
	check(json_is_integer(value), "%s is missing or no integer", name);
	return (uint64_t)json_integer_value(value);
}

const char *live_text(const json_t *object, const char *name)
{
	json_t *value = json_object_get(object, name);

	check(json_is_null(value) || json_is_string(value), "%s is missing or no text", name);
	return json_string_value(value);
}

uint64_t live_quality(const json_t *report, const char *name)
{
	return live_u64(json_object_get(report, "quality"), name);
}

uint64_t live_sum(const json_t *table, const char *column)
{
	uint64_t sum = 0;
	json_t *row;
	size_t i;

	json_array_foreach(table, i, row)
	{
		uint64_t v = live_u64(row, column);

		check(v != LIVE_NULL, "%s of row %zu is null", column, i);
		sum += v;
	}
	return sum;
}

void live_check_whole(const json_t *report)
{
	static const char *const parts[] = { "analysed", "lost", "filtered", "own" };
	uint64_t misses = live_quality(report, "recursion_misses");
	uint64_t sum = misses == LIVE_NULL ? 0 : misses;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		sum += live_quality(report, parts[i]);
	check_u64(sum, live_quality(report, "events"), "parts of quality.events");
	check_u64(live_quality(report, "lost"), 0, "lost");
	check_u64(live_quality(report, "late"), 0, "late");
	check_u64(live_quality(report, "map_full"), 0, "map_full");
}

void live_check_pipes(const json_t *report, uint64_t n, uint64_t live)
{
	const json_t *sites = live_table(report, "sites");

	check_u64(live_sites(sites, "alloc_pipe_info"), 2, "sites of alloc_pipe_info()");
	for (size_t i = 0; i < 2; i++) {
		const json_t *row = live_site(sites, "alloc_pipe_info", i);

		check_u64(live_u64(row, "allocs"), n, "allocations of a pipe's site");
		check_u64(live_u64(row, "frees"), n - live, "frees of a pipe's site");
		check_u64(live_u64(row, "live_objects"), live, "live objects of a pipe's site");
	}
}

/* --- the kernel --------------------------------------------------------------------------------- */

bool live_read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	if (n && buf[n - 1] == '\n')
		buf[n - 1] = '\0';
	return true;
}

char *live_load(const char *path, size_t *ret_size)
{
	FILE *in = fopen(path, "re");
	char *text = NULL;
	size_t n = 0;

	check(in, "%s: %s", path, strerror(errno));
	do {
		text = realloc(text, n + 65537);
		check(text, "out of memory");
		*ret_size = n;
		n += fread(text + n, 1, 65536, in);
	} while (n > *ret_size);
	fclose(in);
	text[n] = '\0';
	return text;
}

static void add_id(const char *text, const char *field, uint32_t *ids, size_t *n, size_t max)
{
	char wanted[32];
	const char *at;
	uint32_t id;

	snprintf(wanted, sizeof(wanted), "\n%s:\t", field);
	at = strstr(text, wanted);
	if (!at || sscanf(at + strlen(wanted), "%u", &id) != 1)
		return;
	for (size_t i = 0; i < *n; i++)
		if (ids[i] == id)
			return;
	check(*n < max, "too many of %s", field);
	ids[(*n)++] = id;
}

size_t live_bpf_ids(pid_t pid, const char *field, uint32_t *ret, size_t max)
{
	char path[128], text[4096];
	struct dirent *e;
	size_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.16s", (int)pid, e->d_name);
		if (live_read_file(path, text, sizeof(text)))
			add_id(text, field, ret, &n, max);
	}
	if (dir)
		closedir(dir);
	return n;
}

void live_programs_open(struct live_programs *p, pid_t pid)
{
	uint32_t ids[LIVE_PROGRAMS_MAX];

	p->n = live_bpf_ids(pid, "prog_id", ids, LIVE_PROGRAMS_MAX);
	check(p->n, "process %d has no BPF programs", (int)pid);
	for (size_t i = 0; i < p->n; i++) {
		p->fds[i] = bpf_prog_get_fd_by_id(ids[i]);
		check(p->fds[i] >= 0, "BPF program %u: %s", ids[i], strerror(errno));
	}
}

void live_programs_read(const struct live_programs *p, uint64_t *ret_runs, uint64_t *ret_misses)
{
	*ret_runs = *ret_misses = 0;
	for (size_t i = 0; i < p->n; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		check(!bpf_obj_get_info_by_fd(p->fds[i], &info, &len), "BPF program: %s",
		      strerror(errno));
		*ret_runs += info.run_cnt;
		*ret_misses += info.recursion_misses;
	}
}

void live_programs_close(struct live_programs *p)
{
	while (p->n)
		close(p->fds[--p->n]);
}
