// SPDX-License-Identifier: GPL-2.0
#include "probe/select.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

const struct capability_info capabilities[CAPABILITY_MAX] = {
	[CAPABILITY_KMALLOC] = { "kmalloc", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_KMALLOC_NODE] = { "kmalloc_node", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_CACHE_ALLOC] = { "kmem_cache_alloc", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_CACHE_ALLOC_NODE] = { "kmem_cache_alloc_node", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_KFREE] = { "kfree", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_CACHE_FREE] = { "kmem_cache_free", AREA_SLAB, AREA_SLAB, true },
	[CAPABILITY_PAGE_ALLOC] = { "page_alloc", AREA_PAGES, AREA_PAGES, false },
	[CAPABILITY_PAGE_FREE] = { "page_free", AREA_PAGES, AREA_PAGES, false },
	[CAPABILITY_PAGE_FALLBACK] = { "page_fallback", AREA_PAGES, 0, false },
	[CAPABILITY_PAGE_REFILL] = { "page_refill", AREA_FRAMES, 0, false },
	[CAPABILITY_PAGE_DRAIN] = { "page_drain", AREA_FRAMES, 0, false },
	[CAPABILITY_PAGE_BULK] = { "page_bulk", AREA_PAGES, 0, false },
	[CAPABILITY_COMPACTION] = { "compaction", AREA_PAGES, 0, false },
	[CAPABILITY_RECLAIM] = { "reclaim", AREA_PAGES, 0, false },
	[CAPABILITY_AREA_ALLOC] = { "area_alloc", AREA_VMALLOC, AREA_VMALLOC, false },
	[CAPABILITY_AREA_FREE] = { "area_free", AREA_VMALLOC | AREA_IOREMAP, AREA_VMALLOC, false },
	[CAPABILITY_AREA_PURGE] = { "area_purge", AREA_VMALLOC, 0, false },
	[CAPABILITY_AREA_PAGES] = { "area_pages", AREA_VMALLOC, 0, false },
	[CAPABILITY_VMALLOC] = { "vmalloc", AREA_VMALLOC, 0, false },
	[CAPABILITY_VMALLOC_OUTER] = { "vmalloc_outer", AREA_VMALLOC, 0, false },
	[CAPABILITY_IOREMAP] = { "ioremap", AREA_IOREMAP, 0, false },
	[CAPABILITY_IOUNMAP] = { "iounmap", AREA_IOREMAP, 0, false },
	[CAPABILITY_REGMAP] = { "regmap", AREA_REGISTERS, 0, false },
	[CAPABILITY_REGMAP_BULK] = { "regmap_bulk", AREA_REGISTERS, 0, false },
	[CAPABILITY_GPIO] = { "gpio", AREA_REGISTERS, 0, false },
	[CAPABILITY_RWMMIO] = { "rwmmio", AREA_REGISTERS, 0, false },
	[CAPABILITY_GPIO_MODULE] = { "gpio_module", AREA_REGISTERS, 0, false },
	[CAPABILITY_FAULT_MINOR] = { "fault_minor", AREA_FAULTS, AREA_FAULTS, false },
	[CAPABILITY_FAULT_MAJOR] = { "fault_major", AREA_FAULTS, AREA_FAULTS, false },
	[CAPABILITY_FAULT_BEGIN] = { "fault_begin", AREA_FAULTS, 0, false },
	[CAPABILITY_FAULT_COPIED] = { "fault_copied", AREA_FAULTS, 0, false },
	[CAPABILITY_FAULT_AROUND] = { "fault_around", AREA_FAULTS, 0, false },
	[CAPABILITY_FAULT_HUGE] = { "fault_huge", AREA_FAULTS, 0, false },
	[CAPABILITY_FAULT_SWAP] = { "fault_swap", AREA_FAULTS, 0, false },
	[CAPABILITY_GUP] = { "gup", AREA_FAULTS, 0, false },
	[CAPABILITY_CHILDREN] = { "children", AREA_TASKS, 0, false },
};

const char *const area_names[] = { "slab",    "pages",	 "tasks",     "frames",
				   "vmalloc", "ioremap", "registers", "faults" };

const char *const method_names[METHOD_MAX] = {
	[METHOD_RAW] = "raw",	    [METHOD_CLASSIC] = "classic",
	[METHOD_KPROBE] = "kprobe", [METHOD_KRETPROBE] = "kretprobe",
	[METHOD_PERF] = "perf",
};

#define WHY_RAW	     "the cheapest hook"
#define WHY_CLASSIC  "needs no BTF"
#define WHY_NO_EVENT "no event tells it"
#define WHY_CALL     "tells size, caller and time"
#define WHY_INLINED  "where that is inlined into it"
#define WHY_RUNS     "tells which pages"
#define WHY_MISSES   "preempted programs miss other tasks' events here"

#define ROW(cap, pref, meth, prog, text)                                                     \
	{                                                                                    \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_##meth, \
		.event = TRACE_##cap, .program = prog, .why = text,                          \
	}

/* A tracepoint that not every kernel has. */
#define EVENT_ROW(cap, pref, trace, prog, text)                                               \
	{                                                                                     \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_CLASSIC, \
		.event = TRACE_##trace, .program = prog, .why = text,                         \
	}
/* What has one method only. */
#define ONLY_ROW(cap, trace, prog, text)                                                   \
	{                                                                                  \
		.capability = CAPABILITY_##cap, .preference = 1, .method = METHOD_CLASSIC, \
		.event = TRACE_##trace, .program = prog, .why = text,                      \
	}
#define PAIR_ROW(cap, trace, first, other_trace, second, text)                             \
	{                                                                                  \
		.capability = CAPABILITY_##cap, .preference = 1, .method = METHOD_CLASSIC, \
		.event = TRACE_##trace, .program = first,                                  \
		.companions = { { second, TRACE_##other_trace } }, .why = text,            \
	}
#define FUNCTION_ROW(cap, pref, name, prog, text)                                               \
	{                                                                                       \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_KRETPROBE, \
		.function = FUNCTION_##name, .program = prog, .why = text,                      \
	}

/* A function's entry; and both its entry and its return, by programs named alike. */
#define ENTRY_ROW(cap, pref, name, prog, text)                                               \
	{                                                                                    \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_KPROBE, \
		.function = FUNCTION_##name, .program = prog, .why = text,                   \
	}
#define CALL_ROW(cap, pref, name, prog, text)                                                   \
	{                                                                                       \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_KRETPROBE, \
		.function = FUNCTION_##name, .program = "kretprobe_" prog,                      \
		.companions = { { .program = "kprobe_" prog } }, .why = text,                   \
	}

#define PERF_ROW(cap, pref, count, prog, text)                                             \
	{                                                                                  \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_PERF, \
		.software = PERF_COUNT_SW_##count, .program = prog, .why = text,           \
	}

const struct probe_row probe_rows[] = {
	ROW(KMALLOC, 1, RAW, "raw_tp_kmalloc", WHY_RAW),
	ROW(KMALLOC, 2, CLASSIC, "tp_kmalloc", WHY_CLASSIC),
	ROW(KMALLOC_NODE, 1, RAW, "raw_tp_kmalloc_node", WHY_RAW),
	ROW(KMALLOC_NODE, 2, CLASSIC, "tp_kmalloc_node", WHY_CLASSIC),
	ROW(CACHE_ALLOC, 1, RAW, "raw_tp_kmem_cache_alloc", WHY_RAW),
	ROW(CACHE_ALLOC, 2, CLASSIC, "tp_kmem_cache_alloc", WHY_CLASSIC),
	ROW(CACHE_ALLOC_NODE, 1, RAW, "raw_tp_kmem_cache_alloc_node", WHY_RAW),
	ROW(CACHE_ALLOC_NODE, 2, CLASSIC, "tp_kmem_cache_alloc_node", WHY_CLASSIC),
	ROW(KFREE, 1, RAW, "raw_tp_kfree", WHY_RAW),
	ROW(KFREE, 2, CLASSIC, "tp_kfree", WHY_CLASSIC),
	ROW(CACHE_FREE, 1, RAW, "raw_tp_kmem_cache_free", WHY_RAW),
	ROW(CACHE_FREE, 2, CLASSIC, "tp_kmem_cache_free", WHY_CLASSIC),
	ONLY_ROW(PAGE_ALLOC, PAGE_ALLOC, "tp_mm_page_alloc", "tells the frame number"),
	ONLY_ROW(PAGE_FREE, PAGE_FREE, "tp_mm_page_free", "tells the frame number"),
	ONLY_ROW(PAGE_FALLBACK, PAGE_FALLBACK, "tp_mm_page_alloc_extfrag",
		 "fallbacks, their causes"),
	ONLY_ROW(PAGE_REFILL, PAGE_REFILL, "tp_mm_page_alloc_zone_locked",
		 "what leaves the free lists"),
	ONLY_ROW(PAGE_DRAIN, PAGE_DRAIN, "tp_mm_page_pcpu_drain", "what per-CPU lists give back"),
	FUNCTION_ROW(PAGE_BULK, 1, PAGES_BULK_NOPROF, "kretprobe_alloc_pages_bulk",
		     "fires no event"),
	FUNCTION_ROW(PAGE_BULK, 2, PAGES_BULK, "kretprobe_alloc_pages_bulk", "fires no event"),
	PAIR_ROW(COMPACTION, COMPACTION_BEGIN, "tp_mm_compaction_begin", COMPACTION_END,
		 "tp_mm_compaction_end", "pages are moved"),
	PAIR_ROW(RECLAIM, RECLAIM_BEGIN, "tp_direct_reclaim_begin", RECLAIM_END,
		 "tp_direct_reclaim_end", "allocations wait for memory"),
	EVENT_ROW(AREA_ALLOC, 1, AREA_ALLOC, "tp_alloc_vmap_area", "since 6.2"),
	CALL_ROW(AREA_ALLOC, 2, AREA_ALLOC, "alloc_vmap_area", WHY_NO_EVENT),
	EVENT_ROW(AREA_FREE, 1, AREA_FREE, "tp_free_vmap_area_noflush", "since 6.2"),
	ENTRY_ROW(AREA_FREE, 2, AREA_FREE, "kprobe_free_vmap_area_noflush", WHY_NO_EVENT),
	EVENT_ROW(AREA_PURGE, 1, AREA_PURGE, "tp_purge_vmap_area_lazy", "when areas are unmapped"),
	ENTRY_ROW(AREA_PURGE, 2, AREA_PURGE, "kprobe_purge_vmap_area_lazy", WHY_NO_EVENT),
	ENTRY_ROW(AREA_PAGES, 1, MAP_PAGES_INNER, "kprobe_vmap_pages_range", WHY_RUNS),
	ENTRY_ROW(AREA_PAGES, 2, MAP_PAGES, "kprobe_vmap_pages_range", WHY_RUNS),
	ENTRY_ROW(AREA_PAGES, 3, MAP_RANGE, "kprobe_map_kernel_range", WHY_RUNS),
	CALL_ROW(VMALLOC, 1, VMALLOC_NOPROF, "vmalloc", WHY_CALL),
	CALL_ROW(VMALLOC, 2, VMALLOC, "vmalloc", WHY_CALL),
	CALL_ROW(VMALLOC_OUTER, 1, VMALLOC_OUTER_NOPROF, "vmalloc_outer", WHY_INLINED),
	CALL_ROW(VMALLOC_OUTER, 2, VMALLOC_OUTER, "vmalloc_outer", WHY_INLINED),
	CALL_ROW(IOREMAP, 1, IOREMAP_X86, "ioremap", WHY_NO_EVENT),
	CALL_ROW(IOREMAP, 2, IOREMAP_ARM, "ioremap", WHY_NO_EVENT),
	CALL_ROW(IOREMAP, 3, IOREMAP_ARM64, "ioremap", WHY_NO_EVENT),
	CALL_ROW(IOREMAP, 4, IOREMAP_GENERIC, "ioremap", WHY_NO_EVENT),
	CALL_ROW(IOREMAP, 5, IOREMAP_PROT, "ioremap", WHY_NO_EVENT),
	{
		.capability = CAPABILITY_IOREMAP,
		.preference = 6,
		.method = METHOD_KRETPROBE,
		.function = FUNCTION_IOREMAP_OLD,
		.program = "kretprobe_ioremap_old",
		.companions = { { .program = "kprobe_ioremap" } },
		.why = WHY_NO_EVENT,
	},
	ENTRY_ROW(IOUNMAP, 1, IOUNMAP, "kprobe_iounmap", WHY_NO_EVENT),
	PAIR_ROW(REGMAP, REGMAP_READ, "tp_regmap_read", REGMAP_WRITE, "tp_regmap_write",
		 "drivers on regmap"),
	PAIR_ROW(REGMAP_BULK, REGMAP_BULK_READ, "tp_regmap_bulk_read", REGMAP_BULK_WRITE,
		 "tp_regmap_bulk_write", "several registers at once"),
	PAIR_ROW(GPIO, GPIO_VALUE, "tp_gpio_value", GPIO_DIRECTION, "tp_gpio_direction",
		 "drivers on gpiolib"),
	PAIR_ROW(RWMMIO, RWMMIO_WRITE, "tp_rwmmio_write", RWMMIO_READ, "tp_rwmmio_post_read",
		 "every readl() and writel()"),
	{
		.capability = CAPABILITY_GPIO_MODULE,
		.preference = 1,
		.method = METHOD_CLASSIC,
		.event = TRACE_MODULE_READ,
		.program = "tp_gpio_module_read",
		.companions = { { "tp_gpio_module_write", TRACE_MODULE_WRITE },
				{ "tp_gpio_module_map", TRACE_MODULE_MAP },
				{ "tp_gpio_module_unmap", TRACE_MODULE_UNMAP } },
		.why = "kmod/kmscope_gpio",
	},
	PERF_ROW(FAULT_MINOR, 1, PAGE_FAULTS_MIN, "perf_fault_minor", "on every architecture"),
	PERF_ROW(FAULT_MAJOR, 1, PAGE_FAULTS_MAJ, "perf_fault_major", "on every architecture"),
	PAIR_ROW(FAULT_BEGIN, FAULT_USER, "tp_page_fault_user", FAULT_KERNEL,
		 "tp_page_fault_kernel", "tells read, write, execute"),
	PERF_ROW(FAULT_BEGIN, 2, PAGE_FAULTS, "perf_fault_begin", "what a fault costs"),
	ENTRY_ROW(FAULT_COPIED, 1, FAULT_COPY, "kprobe_fault_copied", WHY_NO_EVENT),
	ENTRY_ROW(FAULT_COPIED, 2, FAULT_WP, "kprobe_fault_copied", WHY_INLINED),
	ENTRY_ROW(FAULT_AROUND, 1, FAULT_AROUND, "kprobe_fault_around", WHY_NO_EVENT),
	FUNCTION_ROW(FAULT_HUGE, 1, FAULT_HUGE, "kretprobe_fault_huge", WHY_NO_EVENT),
	ENTRY_ROW(FAULT_SWAP, 1, FAULT_SWAP, "kprobe_fault_swap", WHY_NO_EVENT),
	ONLY_ROW(GUP, EXIT, "tp_fault_counts", "what tasks have counted themselves"),
	CALL_ROW(GUP, 2, HANDLE_FAULT, "gup", "needs no BTF"),
	{
		.capability = CAPABILITY_CHILDREN,
		.preference = 1,
		.method = METHOD_CLASSIC,
		.event = TRACE_FORK,
		.program = "tp_sched_process_fork",
		.companions = { { "tp_sched_process_exit", TRACE_EXIT },
				{ "tp_sched_process_exec", TRACE_EXEC } },
		.why = "for --child",
	},
};
const size_t n_probe_rows = ARRAY_SIZE(probe_rows);

/* Removed in 6.1 (kernel commit 11e9734bcb6a): their events come as kmalloc and kmem_cache_alloc. */
static bool event_dispensable(const struct capset *c, enum trace_event event)
{
	const struct capset_event *e = &c->events[event];

	return (event == TRACE_KMALLOC_NODE || event == TRACE_CACHE_ALLOC_NODE) && !e->prototype &&
	       !e->classic;
}

static bool has_arg(uint8_t arg)
{
	return arg != CONFIG_NO_ARG;
}

/* What a raw program reads must be among the prototype's arguments. */
static bool raw_args_complete(const struct capset *c, enum trace_event event)
{
	const struct raw_args *a = &c->events[event].args;
	bool sizes = has_arg(a->requested) && has_arg(a->given);

	switch (event) {
	case TRACE_KMALLOC:
	case TRACE_KMALLOC_NODE:
		return has_arg(a->site) && has_arg(a->ptr) && has_arg(a->gfp) && sizes;
	case TRACE_CACHE_ALLOC:
	case TRACE_CACHE_ALLOC_NODE:
		return has_arg(a->site) && has_arg(a->ptr) && has_arg(a->gfp) &&
		       (sizes || (has_arg(a->cache) && c->cache_offsets));
	default:
		return has_arg(a->ptr);
	}
}

/* Fills in everything of @v but .chosen. */
static void judge_raw(const struct capset *c, const struct probe_row *row, struct probe_verdict *v)
{
	const struct trace_event_name *name = &trace_event_names[row->event];
	const struct capset_event *e = &c->events[row->event];

	snprintf(v->requirement, sizeof(v->requirement), "BTF prototype of %s:%s", name->system,
		 name->name);
	if (!c->btf)
		snprintf(v->reason, sizeof(v->reason), "no kernel BTF (/sys/kernel/btf/vmlinux)");
	else if (!e->prototype)
		snprintf(v->reason, sizeof(v->reason), "this kernel has no such event");
	else if (!raw_args_complete(c, row->event))
		snprintf(v->reason, sizeof(v->reason), "its arguments are not the expected ones");
	else
		v->present = true;
}

/* What goes with the program of @row is there, too. */
static bool companions_complete(const struct capset *c, const struct probe_row *row)
{
	size_t k;

	for (k = 0; row->companions[k].program; k++)
		if (!c->events[row->companions[k].event].classic_fields)
			return false;
	return true;
}

static void judge_classic(const struct capset *c, const struct probe_row *row,
			  struct probe_verdict *v)
{
	const struct trace_event_name *name = &trace_event_names[row->event];
	const struct capset_event *e = &c->events[row->event];

	snprintf(v->requirement, sizeof(v->requirement), "tracefs format of %s:%s", name->system,
		 name->name);
	if (!c->tracefs)
		snprintf(v->reason, sizeof(v->reason), "tracefs is not available");
	else if (!e->classic)
		snprintf(v->reason, sizeof(v->reason), "this kernel has no such event");
	else if (row->capability == CAPABILITY_GUP && !c->task_counts)
		snprintf(v->reason, sizeof(v->reason), "no BTF that tells where tasks count");
	else if (!e->classic_fields || !companions_complete(c, row))
		snprintf(v->reason, sizeof(v->reason), "its record lacks expected fields");
	else
		v->present = true;
}

static void judge_function(const struct capset *c, const struct probe_row *row,
			   struct probe_verdict *v)
{
	snprintf(v->requirement, sizeof(v->requirement), "kprobes and the function %s",
		 kernel_function_names[row->function]);
	if (!c->kprobes)
		snprintf(v->reason, sizeof(v->reason), "no kprobes (CONFIG_KPROBE_EVENTS)");
	else if (!c->functions[row->function])
		snprintf(v->reason, sizeof(v->reason), "this kernel has no such function");
	else if (row->capability == CAPABILITY_AREA_PAGES && !c->page_struct)
		snprintf(v->reason, sizeof(v->reason), "no BTF that tells the size of struct page");
	else
		v->present = true;
}

static void judge_software(const struct capset *c, const struct probe_row *row,
			   struct probe_verdict *v)
{
	static const char *const names[] = {
		[PERF_COUNT_SW_PAGE_FAULTS] = "page-faults",
		[PERF_COUNT_SW_PAGE_FAULTS_MIN] = "minor-faults",
		[PERF_COUNT_SW_PAGE_FAULTS_MAJ] = "major-faults",
	};

	snprintf(v->requirement, sizeof(v->requirement), "perf's software event %s",
		 names[row->software]);
	if (!c->software_events)
		snprintf(v->reason, sizeof(v->reason),
			 "perf's software events can't be opened, or take no programs");
	else
		v->present = true;
}

static void (*const judges[METHOD_MAX])(const struct capset *c, const struct probe_row *row,
					struct probe_verdict *v) = {
	[METHOD_RAW] = judge_raw,	  [METHOD_CLASSIC] = judge_classic,
	[METHOD_KPROBE] = judge_function, [METHOD_KRETPROBE] = judge_function,
	[METHOD_PERF] = judge_software,
};

bool probe_uses_functions(unsigned int areas)
{
	size_t i;

	for (i = 0; i < n_probe_rows; i++)
		if (probe_row_wanted(&probe_rows[i], areas) &&
		    (probe_rows[i].method == METHOD_KPROBE ||
		     probe_rows[i].method == METHOD_KRETPROBE))
			return true;
	return false;
}

void probe_plan_free(struct probe_plan *p)
{
	free(p->verdicts);
	memset(p, 0, sizeof(*p));
}

static bool method_allowed(const struct probe_row *row, enum probe_choice choice)
{
	/* --probe is not about what has one method only */
	if (!capabilities[row->capability].both_methods || choice == PROBE_AUTO)
		return true;
	return row->method == (choice == PROBE_RAW ? METHOD_RAW : METHOD_CLASSIC);
}

/*
 * Newer kernels (7.0) run raw tracepoints' programs with preemption on, and skip a program that another
 * task on the CPU is in the middle of: while a task that was preempted there waits, everybody else's
 * events are missed (seen on 7.2: up to 15 % with four busy processes on two CPUs). Disabling
 * preemption from within a program does not help: it is when it is enabled again that the task is
 * preempted, still in the program. Classic tracepoints go through perf, which disables preemption first.
 */
static bool row_misses(const struct capset *c, const struct probe_row *row)
{
	return c->preemptible && row->method == METHOD_RAW;
}

int probe_plan_make(const struct capset *c, enum probe_choice choice, struct probe_plan *ret)
{
	struct probe_plan p = { .verdicts = calloc(n_probe_rows, sizeof(*p.verdicts)) };
	size_t i;

	if (!p.verdicts)
		return -ENOMEM;
	for (i = 0; i < n_probe_rows; i++)
		judges[probe_rows[i].method](c, &probe_rows[i], &p.verdicts[i]);
	/* the table lists the rows of a capability by preference; what misses events comes after all others */
	for (i = 0; i < 2 * n_probe_rows; i++) {
		const struct probe_row *row = &probe_rows[i % n_probe_rows];
		struct probe_verdict *v = &p.verdicts[i % n_probe_rows];

		if (!v->present || row_misses(c, row) != (i >= n_probe_rows))
			continue;
		if (!c->privileged) {
			snprintf(v->reason, sizeof(v->reason), "needs root");
		} else if (!c->ringbuf) {
			snprintf(v->reason, sizeof(v->reason), "no BPF ring buffers (Linux 5.8)");
		} else if (!c->bpf_events) {
			snprintf(v->reason, sizeof(v->reason), "no BPF programs for tracepoints");
		} else if (!method_allowed(row, choice)) {
			snprintf(v->reason, sizeof(v->reason), "excluded by --probe");
		} else if (p.chosen[row->capability]) {
			snprintf(v->reason, sizeof(v->reason), "second choice: %s",
				 row_misses(c, row) ? WHY_MISSES : row->why);
		} else {
			p.chosen[row->capability] = row;
			v->chosen = true;
			snprintf(v->reason, sizeof(v->reason), "%s",
				 row_misses(c, row) ? WHY_MISSES : row->why);
		}
	}
	*ret = p;
	return 0;
}

/* Why no row of @capability serves: «raw: …; classic: …». */
static void capability_reasons(const struct probe_plan *p, enum capability capability, char *buf,
			       size_t n)
{
	size_t i, len = 0;

	buf[0] = '\0';
	for (i = 0; i < n_probe_rows && len < n; i++)
		if (probe_rows[i].capability == capability)
			len += (size_t)snprintf(buf + len, n - len, "%s%s: %s", len ? "; " : "",
						method_names[probe_rows[i].method],
						p->verdicts[i].reason);
}

int probe_plan_check(const struct probe_plan *p, const struct capset *c, unsigned int areas,
		     struct failure *f)
{
	size_t i;

	if (!c->privileged)
		return fail(f, FAILURE_UNSUPPORTED, -EPERM,
			    "tracing the kernel needs root (or CAP_BPF and CAP_PERFMON): run it "
			    "with sudo");
	if (!c->ringbuf)
		return fail(
			f, FAILURE_UNSUPPORTED, -ENOTSUP,
			"this kernel (%s) has no BPF ring buffers: Linux 5.8 or later is needed",
			c->kernel);
	if (!c->bpf_events)
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "this kernel (%s) loads no BPF programs for tracepoints: one with "
			    "CONFIG_BPF_EVENTS is needed",
			    c->kernel);
	for (i = 0; i < n_probe_rows; i++) {
		const struct probe_row *row = &probe_rows[i];
		char reasons[300];

		if (!(capabilities[row->capability].needed & areas) ||
		    event_dispensable(c, row->event) || p->chosen[row->capability])
			continue;
		capability_reasons(p, row->capability, reasons, sizeof(reasons));
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "%s can't be traced on this kernel: %s; «kmscope doctor» shows all",
			    capabilities[row->capability].name, reasons);
	}
	return 0;
}
