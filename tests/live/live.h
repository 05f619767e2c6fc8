/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_LIVE_H
#define KMSCOPE_TESTS_LIVE_H
/*
 * What the live tests share: run kmscope and workloads as children, wait for what they do (never
 * for time to pass), collect what they print, and look things up in reports. KMSCOPE_OUT names the
 * folder with kmscope and the workloads; nothing else is needed, neither a shell nor mounts.
 *
 * What goes wrong in here fails the running test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "base/base.h"

#define LIVE_PATH_MAX 512
#define LIVE_WAIT_MS  60000 /* a deadline for what should happen at once; never slept through */
#define LIVE_NULL     UINT64_MAX /* what live_u64() returns for null */

/* Fail the test with a message unless @cond holds. */
#define check(cond, ...)                       \
	do {                                   \
		if (!(cond))                   \
			fail_msg(__VA_ARGS__); \
	} while (0)
#define check_u64(have, want, what)                                                          \
	do {                                                                                 \
		uint64_t have_ = (have), want_ = (want);                                     \
		if (have_ != want_)                                                          \
			fail_msg("%s: %llu, expected %llu", what, (unsigned long long)have_, \
				 (unsigned long long)want_);                                 \
	} while (0)
/* A test that starts with a temporary folder and ends with nothing left of it. */
#define live_test(fn, name, arg)                                   \
	{                                                          \
		name, fn, live_setup, live_teardown, (void *)(arg) \
	}

/*
 * Where a system call takes ten times what it usually takes (emulation), counts are smaller and
 * loops shorter; nothing is checked less exactly. Measured, unless KMSCOPE_SLOW is 0 or 1. Counts
 * are primes, which are never right by chance.
 */
struct live_pace {
	bool slow;
	const char *settle; /* seconds in which RCU gives back what the program has closed */
	unsigned int turns, beside, child, grand, sampled, lossy, kills, kill_step_us;
	const char *turns_arg, *beside_arg, *child_arg, *grand_arg, *sampled_arg, *lossy_arg;
};

extern const struct live_pace *live_pace;
#define LIVE_TURNS     (live_pace->turns)
#define LIVE_TURNS_ARG (live_pace->turns_arg)

int live_setup(void **state);
int live_teardown(void **state);
/* The test ends as skipped; @why is shown. */
void live_skip(const char *why) __attribute__((noreturn));
/* What tests use, if the kernel has it; otherwise the test ends as skipped, with doctor's reason. */
void live_need_probe(const char *probe);
/* A capability, of any method; otherwise the test ends as skipped, with doctor's reason. */
void live_need(const char *capability);
/* Whether the capability is there, by this method. */
bool live_chosen(const char *capability, const char *method);
/* Whether kmscope takes call chains on this machine, by doctor. */
bool live_has_stacks(void);
/*
 * Whether kmscope refuses --cache @name because this kernel's tracepoints do not tell caches; fails
 * if it refuses in any other way than with exit code 3 and that reason.
 */
bool live_refuses_cache(const char *probe, const char *name);
/* The teardown removes this folder too, if it is still there; those inside it are given later. */
void live_remove_later(const char *folder);
/* Run the tests; the exit code of the test program. */
int live_main(const char *group, const struct CMUnitTest *tests, size_t n);

/* Paths: of what was built, of the test program itself, of a file in the temporary folder. */
void live_find(void); /* live_main() does it too */
extern char live_kmscope[LIVE_PATH_MAX], live_pipes[LIVE_PATH_MAX], live_self[LIVE_PATH_MAX];
const char *live_temp(const char *name); /* valid until the eighth call after it */

/* --- processes ---------------------------------------------------------------------------------- */

/* How a child is started; NULL or zero: with pipes on its output, /dev/null as input, as root. */
struct live_how {
	const char *binary; /* instead of the first argument */
	const char *out_path; /* standard output goes there */
	bool out_closed; /* standard output is closed */
	bool in_pipe; /* standard input is a pipe, its other end struct live.in_fd */
	bool no_tracefs; /* in a mount namespace without tracefs */
	uid_t uid; /* not root but this user */
};

struct live {
	pid_t pid; /* 0: ended and waited for */
	int pidfd, in_fd, out_fd, err_fd;
	char *out, *err; /* what it printed so far */
	size_t out_len, err_len;
	size_t parsed; /* bytes of out up to the newest report that was handed out */
	int code; /* exit code, or 128 + signal */
	struct rusage usage;
};

/* Start a program by its path and arguments, a list that ends with NULL. */
void live_spawn(struct live *l, const struct live_how *how, ...) __attribute__((sentinel));
void live_spawnv(struct live *l, const struct live_how *how, const char *const *argv);
/* Start kmscope and wait until it has attached; the ready file is added after the first argument. */
void live_start(struct live *l, ...) __attribute__((sentinel));
/* Wait for its end and collect; the exit code. */
int live_end(struct live *l);
/* Run kmscope with these arguments to its end, whatever that is; the exit code. */
int live_collect(struct live *l, const struct live_how *how, ...) __attribute__((sentinel));
void live_free(struct live *l); /* what it printed */
/* It ended with @code, without a report, after saying why in a line, or two where argp adds one. */
void live_refused(const struct live *l, int code, const char *what);
/* Send a signal, then as live_end(). */
int live_end_by(struct live *l, int sig);
/* Stop it with SIGSTOP and wait until it is stopped. */
void live_stop(struct live *l);
/* Wait until a file exists; false if the process (a pidfd; -1: none) ended without it. */
bool live_await(const char *path, int pidfd);
/* Run kmscope to its end; it must exit with 0. Returns its last report. */
json_t *live_run(const char *arg, ...) __attribute__((sentinel));
json_t *live_runv(const char *const *argv);
/* Processes whose parent is @parent; at most @max. */
size_t live_children(pid_t parent, pid_t *ret, size_t max);
uint64_t live_now_ns(void);

/* --- reports ------------------------------------------------------------------------------------ */

/* The next report it prints, waiting for it; NULL: there will be none. */
json_t *live_next(struct live *l);
/* The last report of a run that ended; fails unless there is one and it says final. */
json_t *live_final(struct live *l);
json_t *live_table(const json_t *report, const char *name);
/* The row with the @nth value of @column that starts with @prefix; NULL: there is none. */
json_t *live_row(const json_t *table, const char *column, const char *prefix, size_t nth);
/* By the function in the column «site», whatever parts the compiler made of it (f.part.0). */
json_t *live_site(const json_t *table, const char *function, size_t nth);
size_t live_sites(const json_t *table, const char *function);
bool live_is_in(const char *site, const char *function);
size_t live_rows(const json_t *table, const char *column, const char *prefix);
uint64_t live_u64(const json_t *object, const char *name);
const char *live_text(const json_t *object, const char *name); /* NULL for null */
uint64_t live_quality(const json_t *report, const char *name);
uint64_t live_sum(const json_t *table, const char *column);
/* events is what its parts add up to, and nothing was lost, late or did not fit. */
void live_check_whole(const json_t *report);
/* The two call sites of a pipe each allocated @n, of which @live are there. */
void live_check_pipes(const json_t *report, uint64_t n, uint64_t live);

/* --- the kernel --------------------------------------------------------------------------------- */

#define LIVE_PROGRAMS_MAX 32

/* The BPF programs of a process, kept alive beyond its end. */
struct live_programs {
	int fds[LIVE_PROGRAMS_MAX];
	size_t n;
};

/* Ids in /proc/PID/fdinfo: @field is "prog_id" or "map_id"; each once. */
size_t live_bpf_ids(pid_t pid, const char *field, uint32_t *ret, size_t max);
void live_programs_open(struct live_programs *p, pid_t pid);
/* Sums over all programs; needs run statistics on since before they were attached. */
void live_programs_read(const struct live_programs *p, uint64_t *ret_runs, uint64_t *ret_misses);
void live_programs_close(struct live_programs *p);
/* A file of a few bytes, without the newline at its end; false if it can't be read. */
bool live_read_file(const char *path, char *buf, size_t size);

/* All of a file, to be freed; there is a NUL behind it. */
char *live_load(const char *path, size_t *ret_size);

#endif
