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
	char *name; /* owned; empty: taken back, there is none */
	uint64_t into; /* how far into the function that is */
};

struct user_memo_object {
	struct report_object is; /* .path is owned; .last_wall_ns: until then its names hold */
	bool changed; /* its file has: what its code was called can't be told any more */
};

/* Zero when empty. */
struct user_memo {
	struct {
		struct user_memo_object *items;
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

/* NULL: nothing is known of it. Valid until something is learned. */
struct user_memo_object *user_memo_object(const struct user_memo *m, const struct report_object *o);
/* NULL: not known. */
const struct user_memo_entry *user_memo_find(const struct user_memo *m,
					     const struct report_object *o, uint64_t offset);
/* 0 or -ENOMEM; what is known already stays as it is, unless @name is empty. */
int user_memo_learn(struct user_memo *m, const struct report_object *o, uint64_t offset,
		    const char *name, uint64_t into);
/* Take all names of @o back, by entries that say so, and learn no other. 0 or -ENOMEM. */
int user_memo_withdraw(struct user_memo *m, struct user_memo_object *o);
/* What its generation is became known: entries say its names again, for a recording. 0 or -ENOMEM. */
int user_memo_know(struct user_memo *m, struct user_memo_object *o, uint32_t generation);
/* The generation of what is known of @o's path and inode, whatever @o's is: 0 also if there are several. */
uint32_t user_memo_generation(const struct user_memo *m, const struct report_object *o);
void user_memo_free(struct user_memo *m);

#endif
