/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_USER_MEMO_H
#define KMSCOPE_SYM_USER_MEMO_H
/* What was found out about user code, as memo.h has it of the kernel's. */
#include "base/base.h"
#include "base/u64map.h"
#include "report/report.h"

struct user_memo_entry {
	uint32_t object; /* number of user_memo.objects */
	uint64_t offset; /* of the code in it */
	char *name; /* owned */
	uint64_t into; /* how far into the function that is */
};

/* Zero when empty. */
struct user_memo {
	struct {
		struct report_object *items; /* .path is owned */
		size_t n, capacity;
	} objects;
	struct {
		struct user_memo_entry *items;
		size_t n, capacity;
	} entries;
	struct u64map object_of, entry_of; /* by hash */
};

/* Whether two objects are one. Those without inode may differ by process or by the image's kind. */
bool user_same_object(const struct report_object *a, const struct report_object *b);

/* NULL: not known. */
const struct user_memo_entry *user_memo_find(const struct user_memo *m,
					     const struct report_object *o, uint64_t offset);
/* 0 or -ENOMEM; what is known already stays as it is. */
int user_memo_learn(struct user_memo *m, const struct report_object *o, uint64_t offset,
		    const char *name, uint64_t into);
void user_memo_free(struct user_memo *m);

#endif
