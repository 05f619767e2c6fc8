// SPDX-License-Identifier: GPL-2.0
/*
 * Recording at full rate loses nothing, is small and cheap, and is read faster than it was made; with
 * --keep the file stays as small as it was asked to, and what is in it can be told without the rest.
 */
#include "live.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES	   3
#define BUFFER	   8 /* MiB of a CPU */
#define SPARE_KIB  49152 /* resident memory but for buffers; measured: 12 to 20 MiB */
#define KEEP	   (4ull << 20)
#define FILL_PIPES 20011
#define FILLS_MAX  20
#define FAULTS	   1009
#define FAULTS_ARG "1009"

/* The program itself as a workload: as work_pipes, by another name. */
static int work_fill(unsigned long n)
{
	int fds[2];

	prctl(PR_SET_NAME, "fill");
	for (; n; n--) {
		if (pipe2(fds, O_CLOEXEC))
			return 1;
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}

/* --- full rate ------------------------------------------------------------------------------------ */

struct rate {
	uint64_t events, lost, bytes;
	uint64_t elapsed_ns, own_ns, replay_ns; /* of CPU time but elapsed_ns */
	uint64_t peak_kib;
};

/* The first two CPUs that may be used; false: there is only one. */
static bool two_cpus(int ret[2])
{
	cpu_set_t cpus;
	size_t n = 0;

	check(!sched_getaffinity(0, sizeof(cpus), &cpus), "sched_getaffinity failed");
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &cpus))
			ret[n++] = i;
	return n == 2;
}

/* As live_start(), bound to a CPU. */
static void start_bound(struct live *l, int cpu, const char *path)
{
	cpu_set_t all, one;
	char size[16];

	snprintf(size, sizeof(size), "%dM", BUFFER);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	check(!sched_getaffinity(0, sizeof(all), &all) && !sched_setaffinity(0, sizeof(one), &one),
	      "sched_setaffinity: %s", strerror(errno));
	/* whatever else wants that CPU comes second */
	setpriority(PRIO_PROCESS, 0, -20);
	live_start(l, "record", "--areas", "slab", "--stacks", "none", "--buffer", size, "--force",
		   "-o", path, NULL);
	setpriority(PRIO_PROCESS, 0, 0);
	sched_setaffinity(0, sizeof(all), &all);
}

static uint64_t cpu_ns(const struct rusage *u)
{
	return (uint64_t)(u->ru_utime.tv_sec + u->ru_stime.tv_sec) * 1000000000ull +
	       (uint64_t)(u->ru_utime.tv_usec + u->ru_stime.tv_usec) * 1000ull;
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	check(!stat(path, &st), "%s: %s", path, strerror(errno));
	return (uint64_t)st.st_size;
}

static struct rate measure(const int cpus[2], const char *path)
{
	const struct live_how quiet = { .out_path = "/dev/null" };
	struct live l, load;
	struct rate ret;
	uint64_t begin;
	char cpu[16];
	json_t *r;

	snprintf(cpu, sizeof(cpu), "%d", cpus[0]);
	start_bound(&l, cpus[1], path);
	begin = live_now_ns();
	live_spawn(&load, &quiet, live_pipes, "--cpu", cpu, "--seconds", "2", NULL);
	check(!live_end(&load), "the load ended with %d", load.code);
	ret.elapsed_ns = live_now_ns() - begin;
	check(!live_end_by(&l, SIGINT), "record ended with %d: %s", l.code, l.err);
	ret = (struct rate){
		.bytes = size_of(path),
		.elapsed_ns = ret.elapsed_ns,
		.own_ns = cpu_ns(&l.usage),
		.peak_kib = (uint64_t)l.usage.ru_maxrss,
	};
	live_free(&load);
	live_free(&l);
	live_collect(&l, NULL, "slab", "-f", path, "--json", NULL);
	check(!l.code, "slab -f ended with %d: %s", l.code, l.err);
	ret.replay_ns = cpu_ns(&l.usage);
	r = live_final(&l);
	ret.events = live_quality(r, "events");
	ret.lost = live_quality(r, "lost");
	json_decref(r);
	live_free(&l);
	return ret;
}

/* Cheap enough: half of a CPU at most, and three times as fast when it is read. */
static bool fast(const struct rate *r)
{
	return !r->lost && 2 * r->own_ns < r->elapsed_ns && 3 * r->replay_ns < r->elapsed_ns;
}

static void test_rate(void **state)
{
	long n_cpus = sysconf(_SC_NPROCESSORS_CONF);
	struct rate r = { 0 };
	int cpus[2], tries;

	(void)state;
	if (!two_cpus(cpus))
		live_skip("a CPU for the load and one for the recorder are needed");
	if (live_pace->slow)
		live_skip("this machine is too slow to speak of rates");
	/* the machine may be busy with something else */
	for (tries = 0; tries < TRIES && !fast(&r); tries++)
		r = measure(cpus, live_temp("rate.kms"));
	print_message("%.1f M events/s, %.1f bytes an event, %.0f%% of a CPU, %llu MiB resident, "
		      "replayed %.1f times as fast\n",
		      (double)r.events * 1e3 / (double)r.elapsed_ns,
		      (double)r.bytes / (double)r.events,
		      100 * (double)r.own_ns / (double)r.elapsed_ns,
		      (unsigned long long)r.peak_kib >> 10,
		      (double)r.elapsed_ns / (double)r.replay_ns);
	check(r.events > 10000, "only %llu events", (unsigned long long)r.events);
	check_u64(r.lost, 0, "lost events");
	check(r.bytes <= 10 * r.events, "%llu bytes for %llu events", (unsigned long long)r.bytes,
	      (unsigned long long)r.events);
	check(2 * r.own_ns < r.elapsed_ns, "%llu ns of CPU time in %llu ns",
	      (unsigned long long)r.own_ns, (unsigned long long)r.elapsed_ns);
	check(3 * r.replay_ns < r.elapsed_ns,
	      "replayed in %llu ns of CPU time, recorded in %llu ns",
	      (unsigned long long)r.replay_ns, (unsigned long long)r.elapsed_ns);
	/* a buffer is mapped twice in a row, so that records that wrap around lie in one piece */
	check(r.peak_kib < (uint64_t)n_cpus * 2 * BUFFER * 1024 + SPARE_KIB,
	      "%llu KiB of resident memory", (unsigned long long)r.peak_kib);
}

/* --- --keep ------------------------------------------------------------------------------------------- */

/* Let @load run to its end, and look at the file whenever something is written to it. */
static void watch_size(struct live *load, const char *path)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .fd = load->pidfd, .events = POLLIN } };
	char events[4096];
	uint64_t most = 0;

	fds[0].fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	check(inotify_add_watch(fds[0].fd, path, IN_MODIFY) >= 0, "inotify: %s", strerror(errno));
	while (!(fds[1].revents & POLLIN)) {
		check(poll(fds, ARRAY_SIZE(fds), LIVE_WAIT_MS) > 0, "nothing is written");
		while (read(fds[0].fd, events, sizeof(events)) > 0)
			;
		most = MAX(most, size_of(path));
		check(most <= KEEP, "the file has %llu bytes", (unsigned long long)most);
	}
	close(fds[0].fd);
	live_end(load);
	check(!load->code, "a load ended with %d: %s", load->code, load->err);
	live_free(load);
}

static void fill_once(const char *path)
{
	struct live load;
	char n[16];

	snprintf(n, sizeof(n), "%d", FILL_PIPES);
	live_spawn(&load, NULL, live_self, "fill", n, NULL);
	watch_size(&load, path);
}

/* Fill the ring half as much again as it is large; the pipes that were made. */
static uint64_t fill(const char *path)
{
	uint64_t n = 0, more;

	for (; size_of(path) < KEEP / 4 * 3; n++) {
		check(n < FILLS_MAX, "only %llu bytes were written",
		      (unsigned long long)size_of(path));
		fill_once(path);
	}
	for (more = n / 2 + 1; more; more--, n++)
		fill_once(path);
	return n * FILL_PIPES;
}

/* Its call chains are there, with names, which were told before it began. */
static void check_chains(const json_t *r, const json_t *site)
{
	const json_t *share, *stack, *frame;
	size_t i, k, n;

	json_array_foreach(json_object_get(site, "stacks"), i, share)
	{
		json_array_foreach(json_object_get(r, "stacks"), k, stack)
		{
			if (live_u64(stack, "id") != live_u64(share, "stack"))
				continue;
			json_array_foreach(json_object_get(stack, "frames"), n, frame)
			{
				check(live_text(frame, "symbol"), "a frame has no name");
			}
			check(n > 1, "a call chain has %zu frames", n);
		}
	}
	check(i > 0, "there are no call chains");
}

/* The ring's newest part, with all that is known of times that were overwritten. */
static void check_window(const char *path, uint64_t pipes)
{
	const char *stacks = live_has_stacks() ? "all" : "none";
	json_t *all, *r = live_run("slab", "-f", path, "--json", "--comm", "pipes", "--stacks",
				   stacks, NULL);
	const json_t *caches = live_table(r, "caches"), *row;
	size_t i;

	live_check_pipes(r, LIVE_TURNS, 0);
	if (live_rows(caches, "cache", "filp"))
		check_u64(live_u64(live_row(caches, "cache", "filp", 0), "allocs"), 2 * LIVE_TURNS,
			  "files of the newest program");
	for (i = 0; i < 2 && !strcmp(stacks, "all"); i++)
		check_chains(r, live_site(live_table(r, "sites"), "alloc_pipe_info", i));
	json_decref(r);
	all = live_run("slab", "-f", path, "--json", "--comm", "fill", NULL);
	row = live_site(live_table(all, "sites"), "alloc_pipe_info", 0);
	check(!row || live_u64(row, "allocs") < pipes, "nothing was overwritten");
	json_decref(all);
}

static void start_keeping(struct live *l, const char *areas, const char *path)
{
	const char *stacks = live_has_stacks() ? "all" : "none";

	live_start(l, "record", "--areas", areas, "--stacks", stacks, "--keep", "4M", "-o", path,
		   NULL);
}

/* Begin, fill the ring more than once, and then do what is to be found; how many pipes it was filled with. */
static uint64_t keep_pipes(struct live *l, const char *path)
{
	const struct live_how quiet = { .out_path = "/dev/null" };
	struct live load;
	uint64_t n;

	start_keeping(l, "slab", path);
	n = fill(path);
	live_spawn(&load, &quiet, live_pipes, LIVE_TURNS_ARG, NULL);
	watch_size(&load, path);
	return n;
}

static void test_keep(void **state)
{
	const char *path = live_temp("kept.kms");
	struct live l;
	uint64_t n;

	(void)state;
	n = keep_pipes(&l, path);
	check(!live_end_by(&l, SIGINT), "record ended with %d: %s", l.code, l.err);
	check(strstr(l.err, "were overwritten by newer ones"), "nothing was overwritten: %s",
	      l.err);
	check(size_of(path) <= KEEP, "the file has %llu bytes", (unsigned long long)size_of(path));
	live_free(&l);
	check_window(path, n);
	live_collect(&l, NULL, "slab", "-f", path, NULL);
	check(!l.code && strstr(l.out, "newest part only"),
	      "the report does not say what it is of: %.600s",
	      l.out + l.out_len - MIN(l.out_len, (size_t)600));
	check(!strstr(l.out, "damaged") && !strstr(l.out, "not ended"), "it is whole: %s", l.out);
	live_free(&l);
}

/* Read while it is written, until all that the newest program did is there. */
static void await_pipes(const char *path)
{
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull, allocs;

	do {
		json_t *r = live_run("slab", "-f", path, "--json", "--comm", "pipes", NULL);
		const json_t *row = live_site(live_table(r, "sites"), "alloc_pipe_info", 1);

		allocs = row ? live_u64(row, "allocs") : 0;
		json_decref(r);
		check(live_now_ns() < deadline, "the newest events are not written");
	} while (allocs < LIVE_TURNS);
}

static void test_keep_killed(void **state)
{
	const char *path = live_temp("killed.kms");
	struct live l;
	uint64_t n;

	(void)state;
	n = keep_pipes(&l, path);
	await_pipes(path);
	check(live_end_by(&l, SIGKILL) == 128 + SIGKILL, "record ended with %d", l.code);
	live_free(&l);
	check(size_of(path) <= KEEP, "the file has %llu bytes", (unsigned long long)size_of(path));
	check_window(path, n);
	live_collect(&l, NULL, "slab", "-f", path, NULL);
	check(!l.code && strstr(l.out, "the recording was not ended"),
	      "the report does not say that it was not ended: %s", l.out);
	live_free(&l);
}

/* Of a process that began, and was given its memory, in what is overwritten. */
static void test_keep_faults(void **state)
{
	const char *path = live_temp("faults.kms"), *gate = live_temp("gate");
	const char *hold = live_temp("hold");
	const struct live_how gated = { .in_pipe = true };
	char faults[LIVE_PATH_MAX];
	const json_t *row;
	struct live l, load;
	json_t *r;

	(void)state;
	live_need("fault_minor");
	snprintf(faults, sizeof(faults), "%.*s/work_faults",
		 (int)(strrchr(live_pipes, '/') - live_pipes), live_pipes);
	start_keeping(&l, "slab,faults", path);
	live_spawn(&load, &gated, faults, "--gate", gate, "--hold", hold, "heap", FAULTS_ARG, NULL);
	check(live_await(gate, load.pidfd), "the workload ended: %s", load.err);
	fill(path);
	check(write(load.in_fd, "x", 1) == 1, "the gate: %s", strerror(errno));
	check(live_await(hold, load.pidfd), "the workload ended: %s", load.err);
	check(!live_end_by(&l, SIGINT), "record ended with %d: %s", l.code, l.err);
	check(strstr(l.err, "were overwritten by newer ones"), "nothing was overwritten: %s",
	      l.err);
	live_free(&l);
	check(!live_end(&load), "the workload ended with %d: %s", load.code, load.err);
	live_free(&load);
	r = live_run("faults", "-f", path, "--json", "--comm", "faults", NULL);
	row = live_row(live_table(r, "regions"), "kind", "heap", 0);
	check(row, "no fault was in a heap");
	check_u64(live_u64(row, "minor"), FAULTS, "faults in the heap");
	check(!live_row(live_table(r, "regions"), "kind", "unknown", 0), "a region is not known");
	json_decref(r);
}

int main(int argc, char **argv)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_rate, "full rate", NULL),
		live_test(test_keep, "--keep", NULL),
		live_test(test_keep_killed, "--keep, kill -9", NULL),
		live_test(test_keep_faults, "--keep, page faults", NULL),
	};

	if (argc == 3 && !strcmp(argv[1], "fill"))
		return work_fill(strtoul(argv[2], NULL, 10));
	return live_main("record_rate", tests, ARRAY_SIZE(tests));
}
