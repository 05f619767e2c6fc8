/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_ANONYMIZE_PARTS_H
#define KMSCOPE_RECORD_ANONYMIZE_PARTS_H
/* What anonymize.c and anonymize_text.c share. */
#include "record/aliases.h"
#include "record/anonymize.h"

struct code_range {
	uint64_t start, last;
};

struct anonymizer {
	struct shifts *shifts;
	struct shift_random random;
	unsigned int word_size;
	struct aliases tasks, folders, files, marks, functions, groups, programs;
	struct aliases paths; /* whole ones that were made of those */
	struct u64map inodes, generations, devices, caches, cgroups;
	struct {
		struct code_range
			*items; /* in user memory; once planned in order, without overlaps */
		size_t n, capacity;
	} code;
	uint8_t stacks[EVENT_STACKS_MAX]; /* enum stack_of */
	uint64_t keys[2]; /* of hashed addresses, see anonymize_text.c */
	void *room; /* of the newest record */
	size_t room_size;
	bool oom;
};

/* What takes the place of a name. NULL: no memory. */
const char *anonymous_comm(struct anonymizer *a, const char *comm);
const char *anonymous_path(struct anonymizer *a, const char *path);
/* Of the first @n bytes of @name, a kernel symbol: the same, but for BPF programs. */
const char *anonymous_symbol(struct anonymizer *a, const char *name, size_t n);

/* Note the addresses in a snapshot's text. */
void anonymous_note_text(struct anonymizer *a, enum snapshot_file file, const char *text);
/* What takes the place of it, to be freed. NULL: no memory. */
char *anonymous_snapshot(struct anonymizer *a, enum snapshot_file file, const char *text);

#endif
