// SPDX-License-Identifier: GPL-2.0
/* Names that take the place of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "record/anonymize.h"
#include "records.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

/* The same numbers in each run. */
static int draw(void *arg, uint64_t *ret)
{
	*ret = chance_next(arg);
	return 0;
}

static struct anonymizer *planned(struct chance *chance, unsigned int word_size)
{
	struct record_header header = { .word_size = (uint8_t)word_size };
	struct shift_random random = { draw, chance };
	struct anonymizer *a = anonymizer_new(&header, &random);

	assert_non_null(a);
	assert_int_equal(anonymizer_plan(a), 0);
	return a;
}

static const char *comm_of(struct anonymizer *a, const char *comm)
{
	struct event_process e = { .h = { 1, EVENT_PROCESS }, .what = PROCESS_NAME };
	const struct event_header *h;

	memcpy(e.comm, comm, MIN(strlen(comm), (size_t)15));
	assert_int_equal(anonymizer_record(a, &e.h, &h), 0);
	return ((const struct event_process *)h)->comm;
}

static const char *path_of(struct anonymizer *a, const char *path)
{
	struct record_code c = { .path = path, .name = "f" }, other;

	assert_int_equal(anonymizer_code(a, &c, &other), 0);
	return other.path;
}

static void test_names(void **state _unused_)
{
	static const char *const comms[][2] = {
		{ "sshd", "task-1" },
		{ "kworker/0:1", "kworker/0:1" },
		{ "kworker/u8:2", "kworker/u8:2" },
		{ "kworker/0:1-wg", "task-2" },
		{ "kworker/1:0H", "kworker/1:0H" },
		{ "ksoftirqd/12", "ksoftirqd/12" },
		{ "ksoftirqd/", "task-3" },
		{ "kswapd0x", "task-4" },
		{ "sshd", "task-1" },
		{ "swapper/0", "swapper/0" },
		{ "kmscope", "kmscope" },
		{ "", "" },
		{ "jbd2/sda1-8", "task-5" },
		{ "rcu_exp_gp_kthread", "rcu_exp_gp_kthr" },
	};
	static const char *const paths[][2] = {
		{ "/usr/bin/ls", "/path-1/file-1" },
		{ "/usr/bin/cat", "/path-1/file-2" },
		{ "/usr/local/bin/ls", "/path-2/file-1" },
		{ "/usr/bin/ls (deleted)", "/path-1/file-1 (deleted)" },
		{ "/ls", "/file-1" },
		{ "ls", "file-1" },
		{ "[heap]", "[heap]" },
		{ "[stack]", "[stack]" },
		{ "[stack:77]", "[stack:name-1]" },
		{ "[vdso]", "[vdso]" },
		{ "[vvar_vclock]", "[vvar_vclock]" },
		{ "[vsyscall]", "[vsyscall]" },
		{ "//anon", "//anon" },
		{ "[anon:x]", "[anon:name-2]" },
		{ "[anon_shmem:x]", "[anon_shmem:name-2]" },
		{ "/SYSV0000abcd (deleted)", "/SYSVname-3 (deleted)" },
		{ "/memfd:x (deleted)", "/memfd:name-2 (deleted)" },
		{ "/dev/zero (deleted)", "/dev/zero (deleted)" },
		{ "/dev/shm/x", "/dev/shm/name-2" },
		{ "/anon_hugepage (deleted)", "/anon_hugepage (deleted)" },
		{ "", "" },
		{ "/", "/file-3" },
		{ "/usr/", "/file-4" },
		{ " (deleted)", "file-5" },
	};
	struct chance chance = { 1 };
	struct anonymizer *a = planned(&chance, 8);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(comms); i++)
		assert_string_equal(comm_of(a, comms[i][0]), comms[i][1]);
	for (i = 0; i < ARRAY_SIZE(paths); i++)
		assert_string_equal(path_of(a, paths[i][0]), paths[i][1]);
	anonymizer_free(&a);
	assert_null(a);
}

static void test_selections(void **state _unused_)
{
	static const char *const selections[][2] = {
		{ "", "" },
		{ " of process 17", " of process 17" },
		{ " of tasks named s3cret", " of tasks named task-1" },
		{ " of tasks named a b of at least 8 bytes",
		  " of tasks named task-2 of at least 8 bytes" },
		{ " of ./s3cret and its descendants", " of /path-1/file-1 and its descendants" },
		{ " of sh and its descendants, one in 10 followed",
		  " of file-2 and its descendants, one in 10 followed" },
		{ " in cgroup /s3cret/x by vmalloc() from dentry",
		  " in cgroup cgroup-1 by vmalloc() from dentry" },
		{ " by module ext4", " by module ext4" },
		{ " of tasks named longer than any name", " of a selection" },
		{ " from here to s3cret", " of a selection" },
		{ "s3cret", " of a selection" },
	};
	struct chance chance = { 1 };
	struct anonymizer *a = planned(&chance, 8);
	_cleanup_free_ char *long_one = calloc(1, 100001), *made = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(selections); i++) {
		_cleanup_free_ char *got = anonymizer_text(a, "selected", selections[i][0]);

		assert_string_equal(got, selections[i][1]);
	}
	memset(long_one, ' ', 100000);
	made = anonymizer_text(a, "selected", long_one);
	assert_string_equal(made, " of a selection");
	anonymizer_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_selections),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
