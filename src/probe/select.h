/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_SELECT_H
#define KMSCOPE_PROBE_SELECT_H
/*
 * Which program serves which capability on which kernel: one table, and a pure function over a
 * capability set that picks at most one row a capability.
 */
#include "base/base.h"
#include "base/failure.h"
#include "probe/capset.h"

enum capability {
	CAPABILITY_KMALLOC,
	CAPABILITY_KMALLOC_NODE,
	CAPABILITY_CACHE_ALLOC,
	CAPABILITY_CACHE_ALLOC_NODE,
	CAPABILITY_KFREE,
	CAPABILITY_CACHE_FREE,
	CAPABILITY_PAGE_ALLOC,
	CAPABILITY_PAGE_FREE,
	CAPABILITY_PAGE_FALLBACK,
	CAPABILITY_PAGE_REFILL,
	CAPABILITY_PAGE_DRAIN,
	CAPABILITY_PAGE_BULK,
	CAPABILITY_COMPACTION,
	CAPABILITY_RECLAIM,
	CAPABILITY_AREA_ALLOC, /* before what frees, which is attached first: see attachment_attach() */
	CAPABILITY_AREA_FREE,
	CAPABILITY_AREA_PURGE,
	CAPABILITY_AREA_PAGES,
	CAPABILITY_VMALLOC,
	CAPABILITY_VMALLOC_OUTER,
	CAPABILITY_IOREMAP,
	CAPABILITY_IOUNMAP,
	CAPABILITY_REGMAP,
	CAPABILITY_REGMAP_BULK,
	CAPABILITY_GPIO,
	CAPABILITY_RWMMIO,
	CAPABILITY_GPIO_MODULE,
	CAPABILITY_FAULT_MINOR,
	CAPABILITY_FAULT_MAJOR,
	CAPABILITY_FAULT_BEGIN, /* attached before the two */
	CAPABILITY_FAULT_COPIED,
	CAPABILITY_FAULT_AROUND,
	CAPABILITY_FAULT_HUGE,
	CAPABILITY_FAULT_SWAP,
	CAPABILITY_GUP,
	CAPABILITY_CHILDREN,
	CAPABILITY_MAX,
};

enum probe_method {
	METHOD_RAW,
	METHOD_CLASSIC,
	METHOD_KPROBE,
	METHOD_KRETPROBE,
	METHOD_PERF, /* a perf software event, on every CPU */
	METHOD_MAX
};

/* What belongs together: a command wants one area, --child the tasks too. */
enum probe_area {
	AREA_SLAB = 1 << 0,
	AREA_PAGES = 1 << 1,
	AREA_TASKS = 1 << 2,
	AREA_FRAMES =
		1 << 3, /* with AREA_PAGES: what moves between the free lists and the per-CPU ones */
	AREA_VMALLOC = 1 << 4,
	AREA_IOREMAP = 1 << 5,
	AREA_REGISTERS = 1 << 6,
	AREA_FAULTS = 1 << 7,
};

struct capability_info {
	const char *name;
	unsigned int areas; /* of enum probe_area; the lowest is what doctor lists it under */
	unsigned int
		needed; /* areas that can't do without; the reports of others say what is missing */
	bool both_methods; /* raw and classic programs serve it: --probe chooses */
};
extern const struct capability_info capabilities[CAPABILITY_MAX];
extern const char *const area_names[]; /* by bit number */

/* --probe: which methods may be used. */
enum probe_choice { PROBE_AUTO, PROBE_RAW, PROBE_CLASSIC };

struct probe_row {
	enum capability capability;
	unsigned int preference; /* 1 is tried first */
	enum probe_method method;
	enum trace_event event; /* raw and classic tracepoints */
	enum kernel_function function; /* METHOD_KPROBE, METHOD_KRETPROBE */
	uint64_t software; /* METHOD_PERF: PERF_COUNT_SW_… */
	const char *program; /* its name in the method's BPF object */
	/* Other programs that it needs: on tracepoints, or, of a return probe, on its function's entry. */
	struct {
		const char *program; /* NULL: no more */
		enum trace_event event;
	} companions[4]; /* the last one is none */
	const char *why; /* why the row stands where it does, in words */
};

extern const char *const method_names[METHOD_MAX];
extern const struct probe_row probe_rows[];
extern const size_t n_probe_rows;

struct probe_verdict {
	bool present; /* what the row requires is there */
	bool chosen;
	char requirement[80];
	char reason[120];
};

struct probe_plan {
	const struct probe_row *chosen[CAPABILITY_MAX]; /* NULL: not served */
	struct probe_verdict *verdicts; /* one a row of the table */
};

void probe_plan_free(struct probe_plan *p);

/*
 * Judge every row on @c and choose. Never fails for what a kernel lacks: probe_plan_check() does.
 * -ENOMEM.
 */
int probe_plan_make(const struct capset *c, enum probe_choice choice, struct probe_plan *ret);

/*
 * Whether all that @areas (of enum probe_area) can't do without is served; otherwise says what is
 * missing.
 */
int probe_plan_check(const struct probe_plan *p, const struct capset *c, unsigned int areas,
		     struct failure *f);

/* Whether a run of @areas may probe functions. */
bool probe_uses_functions(unsigned int areas);

/* Whether @row is what a run of @areas attaches for its capability. */
static inline bool probe_row_wanted(const struct probe_row *row, unsigned int areas)
{
	return row && capabilities[row->capability].areas & areas;
}

#endif
