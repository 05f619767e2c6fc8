/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_SPACES_H
#define KMSCOPE_ANALYZE_SPACES_H
/*
 * Processes and what is mapped where in them, from EVENT_PROCESS and EVENT_MAP. Nothing tells of
 * munmap(): a mapping is known until another one takes its place.
 */
#include "analyze/stream.h"

#define SPACES_NONE	   STREAM_NONE
#define SPACES_MAPS_MAX	   (1u << 20) /* mappings of all processes; 32 bytes each */
#define SPACES_OBJECTS_MAX (1u << 18) /* different files */

enum region_kind {
	REGION_UNKNOWN,
	REGION_HEAP,
	REGION_STACK,
	REGION_FILE,
	REGION_ANON,
	REGION_SHM,
	REGION_VDSO,
	REGION_KINDS,
};
extern const char *const region_kind_names[REGION_KINDS];

/* A file or whatever else is mapped. */
struct space_object {
	char *path; /* owned */
	uint32_t major, minor;
	uint64_t inode;
	uint32_t generation; /* as it was told first, with all else that is the same: 0: not then */
	uint32_t known; /* … as it was told since; 0: not yet */
	/* where it was mapped last */
	uint64_t start, end, time;
	uint32_t pid;
	uint8_t kind; /* enum region_kind, of a private mapping */
	/* the analyzer's own: of code in it */
	bool news; /* there is some that nobody has asked the name of */
	uint64_t first, last; /* when it was seen at work; 0: never */
};

struct space_map {
	uint64_t start, end;
	uint64_t offset; /* in the file */
	uint32_t object;
	bool shared, write, code; /* write, code: it may be written to, executed */
};

/* Mappings in order of address, without overlaps. Shared by a process and its children until one changes. */
struct space {
	size_t refs;
	struct space_map *items;
	size_t n, capacity;
};

struct process {
	uint32_t pid; /* 0: a free entry */
	uint32_t birth; /* numbers them all, also those that have a number of others */
	bool executed; /* it became what it is since the start */
	char comm[16]; /* empty: not told */
	uint32_t program; /* the object that it executes; SPACES_NONE: not known */
	bool has_heap;
	uint64_t program_end; /* where that one's highest mapping ends, bss included */
	struct space *space; /* NULL: nothing is mapped */
	/* the analyzer's own; reset to these when it becomes another program */
	uint32_t row; /* SPACES_NONE */
	uint32_t task; /* SPACES_NONE */
	/* the analyzer's own, of all programs that it becomes */
	uint32_t entered; /* the row that counts it; SPACES_NONE */
	bool own; /* kmscope itself */
	uint64_t asked; /* when more was last wanted to be known of it */
	uint32_t n_pending, pending; /* faults.pending: how many, and the newest */
	/* faults: what the kernel counted of it, and what was told since the first reading */
	bool counted; /* there was a first reading, or all faults since its beginning were told */
	bool read; /* there was a first reading */
	bool settled; /* … and a last one */
	uint64_t base[2], ended[2], told[2]; /* minor, major */
};

struct spaces {
	STREAM_VEC(struct process) processes;
	uint32_t free_process; /* .row links free entries; SPACES_NONE: none */
	struct u64map process_of; /* by pid */
	STREAM_VEC(struct space_object) objects;
	struct u64map object_of; /* by a hash */
	uint32_t births;
	size_t n_maps; /* of all spaces */
	uint64_t left_out; /* mappings beyond the limits */
	uint64_t lost; /* records */
	bool tracing; /* faults are being told: set by the analyzer */
	bool oom;
};

void spaces_init(struct spaces *s);
void spaces_free(struct spaces *s);

/* The process of number @pid, made if it is not known. NULL: no memory. Valid until the next one is made. */
struct process *spaces_process(struct spaces *s, uint32_t pid);
/* NULL: it is not known. */
struct process *spaces_known(const struct spaces *s, uint32_t pid);

/* Enter EVENT_PROCESS other than PROCESS_EXIT, EVENT_MAP and EVENT_MAPS_LOST. */
void spaces_enter(struct spaces *s, const struct event_header *h);
/* PROCESS_EXIT: nothing of it is kept. */
void spaces_forget(struct spaces *s, uint32_t pid);

/* What is mapped at @address; NULL: not known. */
const struct space_map *spaces_find(const struct process *p, uint64_t address);
/* What is told to be mapped at @address is not there any more: nothing is known of all that it covers. */
void spaces_drop(struct spaces *s, struct process *p, uint64_t address);
/* What @map is, NULL too. */
enum region_kind spaces_kind(const struct spaces *s, const struct space_map *map);

#endif
