/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_LEDGER_H
#define KMSCOPE_ANALYZE_LEDGER_H
/*
 * The books that slab and leaks share: who allocated what, and what of it is still there.
 *
 * Allocations with the same row, call site, cache and requested size are counted in one group.
 * Every table is a sum over groups, so that all tables agree. Rows are what a report lists (call
 * sites, or tasks with --by); they carry what can't be summed up later: peak and growth.
 */
#include "base/base.h"
#include "base/u64index.h"
#include "base/u64map.h"
#include "bpf/events.h"
#include "analyze/stream.h"
#include "report/report.h"

enum ledger_by { LEDGER_BY_SITE, LEDGER_BY_CACHE, LEDGER_BY_COMM, LEDGER_BY_PID, LEDGER_BY_CGROUP };

#define LEDGER_NONE STREAM_NONE

/* A slab cache: a named one, or one of the kmalloc classes ("kmalloc-cg-192"). */
struct ledger_cache {
	char name[EVENT_NAME_LEN]; /* empty: the kernel does not tell */
	bool known; /* its sizes are known */
	bool kmalloc;
	bool page_backed; /* kmalloc beyond the largest class: whole pages */
	uint32_t object_size, slab_size;
	bool one_size; /* every request is object_size: a named cache */
};

#define LEDGER_MIXED_SIZES UINT32_MAX /* a group of all further requested sizes of a site */
#define LEDGER_SAMPLES	   64

struct ledger_row {
	uint64_t key; /* address, cache number, task number, pid or cgroup id */
	uint64_t live_bytes, peak_bytes;
	uint32_t task; /* the newest one that allocated for it; LEDGER_NONE: not known */
	uint32_t n_sizes; /* groups of different requested sizes so far */
	uint64_t *samples; /* live_bytes at every ledger.stride-th tick; owned */
};

struct ledger_group {
	uint32_t row, cache;
	uint32_t requested; /* bytes, or LEDGER_MIXED_SIZES */
	uint32_t task;
	uint64_t site;
	uint64_t allocs, failed;
	uint64_t frees; /* seen */
	uint64_t implied; /* not seen, but the address was given out again */
	uint64_t bytes_req; /* of all allocs; named caches: see ledger_group_sums() */
	uint64_t live, live_req;
};

struct ledger_object {
	uint64_t ptr; /* first: it is the key of ledger.object_of; 0: a free pool entry */
	uint64_t time;
	uint32_t group; /* LEDGER_NONE: kmscope's own, or a free pool entry */
	uint32_t requested;
	int32_t stack;
	uint32_t pid;
	uint32_t predecessor; /* group whose object had this address until it was implied free */
	uint32_t next_free; /* in the pool; LEDGER_NONE: in use or last */
};

/* How often a stack was taken in a row. */
struct ledger_sample {
	uint32_t row, stack;
	uint64_t n;
};

struct ledger_memo;
struct ledger_stray;

struct ledger {
	enum ledger_by by;
	struct stream stream;
	STREAM_VEC(struct ledger_row) rows;
	STREAM_VEC(struct ledger_group) groups;
	STREAM_VEC(struct ledger_cache) caches;
	STREAM_VEC(struct ledger_object) objects; /* a pool */
	STREAM_VEC(struct ledger_sample) samples;
	uint32_t free_object; /* head of the pool's free list */
	size_t n_live;
	struct u64map row_of, group_of, cache_of, sample_of;
	struct u64index object_of; /* by address, of .objects */
	struct ledger_memo *memo;
	struct ledger_stray *strays;
	uint64_t n_ticks, stride, n_samples;
};

int ledger_init(struct ledger *l, enum ledger_by by);
void ledger_free(struct ledger *l);

/* Enter records, in time order as the merge delivers them. */
void ledger_consume(struct ledger *l, const struct event_header *const *records, size_t n);

/* Sums of one group in bytes; false if its cache's sizes never became known. */
struct ledger_sums {
	uint64_t allocs, frees, failed, live;
	uint64_t bytes_req, bytes_alloc;
	uint64_t live_req, live_bytes;
};
bool ledger_group_sums(const struct ledger *l, const struct ledger_group *g,
		       struct ledger_sums *add);

/* Whether so many of the frees of a row were not seen that what it has live means little. */
static inline bool ledger_frees_unseen(uint64_t frees, uint64_t implied)
{
	return implied * 2 > frees;
}

/* Bytes a second that the row's live memory grew over the newer half of the run; false: unknown. */
bool ledger_growth(const struct ledger *l, const struct ledger_row *row, double *ret);

/* Call @visit for the address of every live object, kmscope's own too. */
void ledger_each_live(const struct ledger *l, void (*visit)(void *ctx, uint64_t ptr), void *ctx);

/* The row's name for reports: comm, pid or cgroup; NULL with --by site. */
const char *ledger_row_name(const struct ledger *l, const struct ledger_row *row, char buf[64]);

#endif
