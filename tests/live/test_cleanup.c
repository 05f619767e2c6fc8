// SPDX-License-Identifier: GPL-2.0
/*
 * kmscope is killed at any moment and leaves nothing: no process at the gate, no BPF program or map,
 * no pin. A program that runs already lives on undisturbed.
 */
#include "live.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define JITTER_US   20000 /* kills come up to so much later by chance */
#define SEED	    20011
#define OBJECTS_MAX 4096

enum bpf_kind { BPF_KIND_PROGRAM, BPF_KIND_MAP };

struct ids {
	uint32_t ids[OBJECTS_MAX];
	size_t n;
};

static const char *const program_names[] = { "raw_tp_", "tp_", "perf_fault_", "kprobe_",
					     "kretprobe_" };
static const char *const map_names[] = { "cpu_states", "shared",   "rings", "marks",
					 "stacks",     "children", "calls", "open_faults",
					 "cgroups",    "kmscope_", "raw.",  "classic." };

/* What is killed: the commands in turn. */
static const struct killed {
	const char *commands[2];
	const char *probe; /* NULL: the commands have no choice */
} killed_raw = { { "leaks", "slab" }, "raw" }, killed_classic = { { "leaks", "slab" }, "classic" },
  killed_faults = { { "faults", "faults" }, NULL },
  killed_record = { { "record", "record" }, NULL };

static bool named_as_ours(const char *name, enum bpf_kind kind)
{
	const char *const *names = kind == BPF_KIND_PROGRAM ? program_names : map_names;
	size_t n = kind == BPF_KIND_PROGRAM ? ARRAY_SIZE(program_names) : ARRAY_SIZE(map_names);

	for (size_t i = 0; i < n; i++)
		if (!strncmp(name, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Whether the object @id, of this moment, has a name of ours. */
static bool is_ours(uint32_t id, enum bpf_kind kind)
{
	struct bpf_prog_info program = { 0 };
	struct bpf_map_info map = { 0 };
	uint32_t len = kind == BPF_KIND_PROGRAM ? sizeof(program) : sizeof(map);
	int fd = kind == BPF_KIND_PROGRAM ? bpf_prog_get_fd_by_id(id) : bpf_map_get_fd_by_id(id);
	bool ours = false;

	if (fd < 0)
		return false; /* gone since */
	if (kind == BPF_KIND_PROGRAM && !bpf_obj_get_info_by_fd(fd, &program, &len))
		ours = named_as_ours(program.name, kind);
	if (kind == BPF_KIND_MAP && !bpf_obj_get_info_by_fd(fd, &map, &len))
		ours = named_as_ours(map.name, kind);
	close(fd);
	return ours;
}

static void list_ours(struct ids *ret, enum bpf_kind kind)
{
	uint32_t id = 0;

	ret->n = 0;
	while (!(kind == BPF_KIND_PROGRAM ? bpf_prog_get_next_id(id, &id)
					  : bpf_map_get_next_id(id, &id))) {
		if (!is_ours(id, kind))
			continue;
		check(ret->n < OBJECTS_MAX, "too many BPF objects");
		ret->ids[ret->n++] = id;
	}
}

static bool has(const struct ids *list, uint32_t id)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->ids[i] == id)
			return true;
	return false;
}

/* Whether another process, another kmscope say, has the object open. */
static bool held_elsewhere(uint32_t id, enum bpf_kind kind)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	bool held = false;

	while (proc && !held && (e = readdir(proc))) {
		uint32_t ids[64];
		size_t n = 0;

		if (atoi(e->d_name) > 0)
			n = live_bpf_ids(atoi(e->d_name),
					 kind == BPF_KIND_PROGRAM ? "prog_id" : "map_id", ids,
					 ARRAY_SIZE(ids));
		while (n && !held)
			held = ids[--n] == id;
	}
	if (proc)
		closedir(proc);
	return held;
}

/* The kernel frees programs and maps some time after their last use: look until they are gone. */
static void check_no_objects(const struct ids before[2])
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	uint64_t deadline = live_now_ns() + LIVE_WAIT_MS * 1000000ull;
	static struct ids now;
	uint32_t left;

	for (int kind = BPF_KIND_PROGRAM; kind <= BPF_KIND_MAP; kind++)
		do {
			left = 0;
			list_ours(&now, kind);
			for (size_t i = 0; i < now.n; i++)
				if (!has(&before[kind], now.ids[i]) &&
				    !held_elsewhere(now.ids[i], kind) && is_ours(now.ids[i], kind))
					left = now.ids[i];
			check(!left || live_now_ns() < deadline, "BPF %s %u was left behind",
			      kind ? "map" : "program", left);
			if (left)
				nanosleep(&pause, NULL);
		} while (left);
}

static size_t count_pins(void)
{
	DIR *dir = opendir("/sys/fs/bpf");
	size_t n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/*
 * A child of the killed kmscope is ours now. At the gate it must end by itself; once it runs it must
 * live on, and end well when it is told to. Returns whether it ran.
 */
static bool check_orphan(pid_t pid, const char *ready)
{
	int status, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	uint32_t id = 0;
	bool ran;

	check(pidfd >= 0, "process %d can't be watched", (int)pid);
	ran = live_await(ready, pidfd);
	close(pidfd);
	check(!live_bpf_ids(pid, "prog_id", &id, 1) && !live_bpf_ids(pid, "map_id", &id, 1),
	      "the program has BPF object %u", id);
	if (ran)
		kill(pid, SIGUSR2);
	check(waitpid(pid, &status, 0) == pid, "process %d is not our child", (int)pid);
	check(!status, "the program ended with status %#x", (unsigned int)status);
	return ran;
}

/* Kill @l, in whatever state it is; returns whether its program ran. */
static bool kill_and_check(struct live *l, const char *ready)
{
	pid_t orphans[8];
	bool ran = false;
	size_t n;

	check(live_end_by(l, SIGKILL) == 128 + SIGKILL, "kmscope ended by itself with %d: %s",
	      l->code, l->err);
	n = live_children(getpid(), orphans, ARRAY_SIZE(orphans));
	check(n <= 1, "%zu processes were left behind", n);
	if (n)
		ran = check_orphan(orphans[0], ready);
	check(!live_children(getpid(), orphans, ARRAY_SIZE(orphans)), "a process is left");
	/* its writers are gone too: what is still open has nobody */
	close(l->out_fd);
	close(l->err_fd);
	free(l->out);
	free(l->err);
	return ran;
}

static void start(struct live *l, const struct killed *k, unsigned int turn, const char *ready)
{
	const char *command = k->commands[turn % 2];

	unlink(ready);
	if (!strcmp(command, "record"))
		live_spawn(l, NULL, live_kmscope, command, "--force", "-o", live_temp("killed.kms"),
			   "--", live_pipes, "--hold", "7", "--ready", ready, NULL);
	else if (k->probe)
		live_spawn(l, NULL, live_kmscope, command, "--json", "--child", "--probe", k->probe,
			   "--", live_pipes, "--hold", "7", "--ready", ready, NULL);
	else
		live_spawn(l, NULL, live_kmscope, command, "--json", "--child", "--", live_pipes,
			   "--hold", "7", "--ready", ready, NULL);
}

/* A moment that is not chosen by anything kmscope does; not a wait for something. */
static void let_pass(const struct live *l, unsigned int us)
{
	struct pollfd fd = { .fd = l->pidfd, .events = POLLIN };
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

	check(!ppoll(&fd, 1, &t, NULL), "kmscope ended early");
}

static void test_kill(void **state)
{
	static struct ids before[2];
	char ready[LIVE_PATH_MAX + 64];
	unsigned int ran = 0, kills = live_pace->kills;
	const struct killed *k = *state;
	size_t pins = count_pins();

	if (k->probe)
		live_need_probe(k->probe);
	snprintf(ready, sizeof(ready), "%s", live_temp("ready"));
	list_ours(&before[0], BPF_KIND_PROGRAM);
	list_ours(&before[1], BPF_KIND_MAP);
	srandom(SEED);
	/* each so much later than the last one */
	for (unsigned int i = 0; i < kills; i++) {
		struct live l;

		start(&l, k, i, ready);
		let_pass(&l, i * live_pace->kill_step_us + (unsigned int)(random() % JITTER_US));
		ran += kill_and_check(&l, ready);
		check_no_objects(before);
	}
	/* and while it traces for sure */
	for (unsigned int i = 0; i < 3; i++) {
		struct live l;
		uint32_t ids[64];

		start(&l, k, 1, ready);
		check(live_await(ready, l.pidfd), "kmscope ended early");
		check(live_bpf_ids(l.pid, "prog_id", ids, ARRAY_SIZE(ids)) >= 4,
		      "kmscope traces without programs");
		check(kill_and_check(&l, ready), "the program did not survive");
		check_no_objects(before);
		ran++;
	}
	check_u64(count_pins(), pins, "entries in /sys/fs/bpf");
	check(ran >= 3 && ran < kills + 3, "%u of %d kills came after the start of the program",
	      ran, kills + 3);
}

/* The ordinary end, and ends by failures, leave nothing either. */
static void test_ends(void **state)
{
	static struct ids before[2];
	pid_t children[4];
	struct live l;

	(void)state;
	list_ours(&before[0], BPF_KIND_PROGRAM);
	list_ours(&before[1], BPF_KIND_MAP);
	json_decref(live_run("slab", "--json", "--", live_pipes, "101", NULL));
	check_no_objects(before);
	/* fails after everything was attached, while PROGRAM waits or has begun */
	live_spawn(&l, NULL, live_kmscope, "slab", "--ready-file", "/proc/nowhere/ready", "--",
		   live_pipes, "101", NULL);
	check(live_end(&l) == 1, "kmscope ended with %d", l.code);
	while (live_children(getpid(), children, ARRAY_SIZE(children)))
		check(waitpid(children[0], NULL, 0) == children[0], "an orphan is not ours");
	check_no_objects(before);
	/* fails to load: PROGRAM waits at the gate and must not run */
	live_spawn(&l, NULL, live_kmscope, "slab", "--cgroup", "/proc", "--", live_pipes, "--ready",
		   live_temp("ran"), "101", NULL);
	check(live_end(&l) == 2, "kmscope ended with %d: %s", l.code, l.err);
	check(access(live_temp("ran"), F_OK), "the program ran though tracing failed");
	check(!live_children(getpid(), children, ARRAY_SIZE(children)), "a process is left");
	check_no_objects(before);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		live_test(test_kill, "kill -9, raw", &killed_raw),
		live_test(test_kill, "kill -9, classic", &killed_classic),
		live_test(test_kill, "kill -9, page faults", &killed_faults),
		live_test(test_kill, "kill -9, recordings", &killed_record),
		live_test(test_ends, "other ends", NULL),
	};

	return live_main("cleanup", tests, ARRAY_SIZE(tests));
}
