/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_FAULTS_H
#define KMSCOPE_ANALYZE_FAULTS_H
/*
 * The books of page faults: by who took them (rows: processes, names or cgroups), by the region that they
 * hit, by the code that took them, and by time.
 */
#include "analyze/durations.h"
#include "analyze/ledger.h"
#include "analyze/spaces.h"
#include "analyze/spread.h"

#define FAULTS_ROWS_MAX	   4096 /* what comes later is counted by name */
#define FAULTS_NAMES_MAX   16384 /* rows at all: later names are one */
#define FAULTS_REGIONS_MAX (1u << 17) /* what comes later is counted by kind */
#define FAULTS_SITES_MAX   (1u << 17)
#define FAULTS_CHAINS_MAX  (1u << 14)
#define FAULTS_STEPS	   128 /* of time; when they are full, two become one */

enum fault_class { FAULT_CLASS_MINOR, FAULT_CLASS_MAJOR, FAULT_CLASSES };

/* Faults of whatever it is that counts them. */
struct fault_tally {
	uint64_t n[FAULT_CLASSES]; /* that perf told of */
	uint64_t gup[FAULT_CLASSES]; /* taken by get_user_pages() */
	uint64_t kernel; /* of n: by the kernel's own instructions */
	uint64_t write, exec, access; /* of n: .access are known, the others of them */
	uint64_t copied, around, huge, swap; /* of n and gup */
};

struct fault_row {
	uint64_t key;
	uint32_t pid; /* the only process of it; 0: several */
	uint32_t processes; /* how many */
	char comm[16]; /* empty: not known */
	struct fault_tally tally;
	struct spread cost; /* of those whose beginning is known */
};

struct fault_region {
	uint32_t row, object; /* SPACES_NONE: of all that had no room */
	uint8_t kind; /* enum region_kind */
	struct fault_tally tally;
};

struct fault_site {
	uint32_t object; /* SPACES_NONE: not known; or FAULT_SITE_KERNEL */
	uint64_t ip; /* offset in the file, or the address */
	uint64_t n[FAULT_CLASSES];
	uint64_t chains; /* of them, with a call chain */
};

#define FAULT_SITE_KERNEL (SPACES_NONE - 1)

/* A call chain of a site: each frame a site's object and ip. */
struct fault_frame {
	uint32_t object;
	uint64_t ip;
};

struct fault_chain {
	uint32_t site, n;
	uint64_t count;
	struct fault_frame *frames; /* owned */
};

/*
 * Faults of memory that nothing told of, as mremap() raises no event: a piece of FAULT_PIECE bytes of a
 * process. A look at /proc may tell what it is. What is mapped there meanwhile is told, and is another one.
 */
#define FAULT_PIECE	   (64 << 10)
#define FAULTS_PENDING_MAX (1u << 12)
#define FAULTS_ASK_NS	   (2 * NSEC_PER_MSEC)
#define FAULTS_WONDER	   16

struct fault_pending {
	uint32_t birth, row; /* of the process */
	uint64_t first, last; /* addresses */
	struct fault_tally tally;
};

/* What /proc/vmstat said; UINT64_MAX: not known. */
enum vmstat_item {
	VMSTAT_FAULTS,
	VMSTAT_MAJOR,
	VMSTAT_HUGE,
	VMSTAT_HUGE_FALLBACK,
	VMSTAT_HUGE_ZERO,
	VMSTAT_SWAP_IN,
	VMSTAT_ITEMS,
};
extern const char *const vmstat_names[VMSTAT_ITEMS];

struct vmstat_look {
	bool known;
	uint64_t items[VMSTAT_ITEMS];
	uint64_t told; /* faults that events had told by then, */
	uint64_t unsure; /*  … and those of them that came while it was read */
};

/* A process that has ended, of whose threads not all were told to have counted. */
struct fault_ended {
	uint32_t pid, row; /* pid 0: none; SPACES_NONE: nobody's */
	bool unknown; /* none was told */
	uint64_t missing[FAULT_CLASSES]; /* told faults that none has counted yet */
};

#define FAULTS_ENDED 256 /* the last ones, by their number modulo this */

struct faults {
	struct stream stream;
	struct spaces spaces;
	enum ledger_by by;
	STREAM_VEC(struct fault_row) rows;
	STREAM_VEC(struct fault_region) regions;
	STREAM_VEC(struct fault_site) sites;
	STREAM_VEC(struct fault_chain) chains;
	struct u64map row_of, region_of, site_of, chain_of;
	struct fault_tally tally; /* of all but our own */
	struct spread cost[FAULT_CLASSES];
	uint64_t durations[FAULT_CLASSES][DURATIONS];
	uint64_t told; /* every fault, our own too */
	uint64_t newest[256]; /* times of the last ones, .told modulo their number */
	uint64_t gup; /* of .told, taken by get_user_pages() */
	uint64_t gup_counted; /* … that no event told, as tasks counted them; our own too */
	uint64_t gup_unknown; /* processes of which that is not known */
	struct fault_ended ended[FAULTS_ENDED];
	STREAM_VEC(struct fault_pending) pending;
	uint32_t wonder[FAULTS_WONDER]; /* processes that more should be known of */
	size_t n_wonder;
	uint32_t scanned; /* of this one a look at /proc is being told, */
	uint64_t scan_time; /* … which is of then; 0: of none */
	bool rows_full, names_full, regions_full, sites_full;
	struct vmstat_look start, end;
	uint64_t steps[FAULT_CLASSES][FAULTS_STEPS]; /* faults a step of time */
	uint64_t step_ns;
};

void faults_init(struct faults *f, enum ledger_by by);
void faults_free(struct faults *f);
/* Whether @p is not selected: that has a row, or is the only one whose counts were read. */
bool faults_is_nobodys(const struct faults *f, const struct process *p);
/* See analyzer_ops.wonder. */
uint32_t faults_wonder(struct faults *f);
/* The region @object of row @row, made if need be; valid until the next one is made. NULL: no memory. */
struct fault_region *faults_region(struct faults *f, uint32_t row, uint32_t object,
				   enum region_kind kind);
void faults_consume(struct faults *f, const struct event_header *const *records, size_t n);

#endif
