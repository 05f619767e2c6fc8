/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_CAPSET_H
#define KMSCOPE_PROBE_CAPSET_H
/*
 * What a kernel offers, as plain facts: taken from the running kernel by survey.h, or read from a
 * recorded text in tests. The selector (select.h) sees nothing else.
 */
#include <stdio.h>

#include "base/base.h"
#include "base/failure.h"
#include "bpf/config.h"

/* The tracepoints that kmscope may use. The first RAW_EVENT_MAX are also numbered in config.h. */
enum trace_event {
	TRACE_KMALLOC = RAW_KMALLOC,
	TRACE_KMALLOC_NODE = RAW_KMALLOC_NODE,
	TRACE_CACHE_ALLOC = RAW_CACHE_ALLOC,
	TRACE_CACHE_ALLOC_NODE = RAW_CACHE_ALLOC_NODE,
	TRACE_KFREE = RAW_KFREE,
	TRACE_CACHE_FREE = RAW_CACHE_FREE,
	TRACE_FORK,
	TRACE_EXIT,
	TRACE_EXEC,
	TRACE_PAGE_ALLOC,
	TRACE_PAGE_FREE,
	TRACE_PAGE_FALLBACK,
	TRACE_PAGE_REFILL,
	TRACE_PAGE_DRAIN,
	TRACE_COMPACTION_BEGIN,
	TRACE_COMPACTION_END,
	TRACE_RECLAIM_BEGIN,
	TRACE_RECLAIM_END,
	TRACE_AREA_ALLOC,
	TRACE_AREA_FREE,
	TRACE_AREA_PURGE,
	TRACE_REGMAP_READ,
	TRACE_REGMAP_WRITE,
	TRACE_REGMAP_BULK_READ,
	TRACE_REGMAP_BULK_WRITE,
	TRACE_GPIO_VALUE,
	TRACE_GPIO_DIRECTION,
	TRACE_RWMMIO_WRITE,
	TRACE_RWMMIO_READ,
	TRACE_MODULE_READ,
	TRACE_MODULE_WRITE,
	TRACE_MODULE_MAP,
	TRACE_MODULE_UNMAP,
	TRACE_FAULT_USER, /* x86 */
	TRACE_FAULT_KERNEL,
	TRACE_EVENT_MAX,
};

/* «kmem» and «kmalloc» of kmem:kmalloc. */
struct trace_event_name {
	const char *system, *name;
};
extern const struct trace_event_name trace_event_names[TRACE_EVENT_MAX];

/* Kernel functions that are hooked where no event tells what they do, under each name they had. */
enum kernel_function {
	FUNCTION_PAGES_BULK_NOPROF, /* since 6.10, kernel commit b951aaff5035 */
	FUNCTION_PAGES_BULK, /* since 5.13, kernel commit 387ba26fb1cb */
	FUNCTION_AREA_ALLOC,
	FUNCTION_AREA_FREE,
	FUNCTION_AREA_PURGE,
	FUNCTION_VMALLOC_NOPROF, /* since 6.10 */
	FUNCTION_VMALLOC,
	FUNCTION_VMALLOC_OUTER_NOPROF, /* into which compilers may put the one before: seen in 5.10 */
	FUNCTION_VMALLOC_OUTER,
	FUNCTION_MAP_PAGES_INNER, /* as the next one, which may be inlined into its callers */
	FUNCTION_MAP_PAGES, /* since 5.13 */
	FUNCTION_MAP_RANGE, /* until 5.12 */
	FUNCTION_IOREMAP_X86,
	FUNCTION_IOREMAP_ARM,
	FUNCTION_IOREMAP_ARM64, /* since 6.12 */
	FUNCTION_IOREMAP_GENERIC, /* arm64 since 6.6 */
	FUNCTION_IOREMAP_PROT, /* arm64 from 6.0 to 6.5 */
	FUNCTION_IOREMAP_OLD, /* arm64 until 5.19 */
	FUNCTION_IOUNMAP,
	FUNCTION_HANDLE_FAULT,
	FUNCTION_FAULT_COPY, /* as the next one, less those that find themselves the only owner */
	FUNCTION_FAULT_WP,
	FUNCTION_FAULT_AROUND,
	FUNCTION_FAULT_HUGE,
	FUNCTION_FAULT_SWAP,
	FUNCTION_MAX,
};
extern const char *const kernel_function_names[FUNCTION_MAX];

struct capset_event {
	bool prototype; /* the kernel's BTF has its prototype */
	struct raw_args args; /* from that; CONFIG_NO_ARG for what it has not */
	bool classic; /* tracefs has its format */
	bool classic_fields; /* … with every field that kmscope reads */
	bool classic_name; /* … and a cache name */
};

struct capset {
	char kernel[128];
	char arch[32];
	bool initial_pids; /* process numbers are the kernel's: no PID namespace */
	bool privileged; /* may load and attach programs */
	bool btf; /* /sys/kernel/btf/vmlinux is readable */
	bool tracefs;
	bool ringbuf; /* BPF ring buffers, since 5.8 */
	bool bpf_events; /* programs for tracepoints can be loaded (CONFIG_BPF_EVENTS) */
	bool stack_traces; /* kernel stacks from tracepoints are right on this architecture */
	bool classic_misses; /* skipped runs of classic programs are counted (6.7) */
	int jit; /* programs are compiled; -1: unknown */
	int kptr_restrict; /* -1: unknown */
	bool cache_offsets; /* BTF has struct kmem_cache's name, object_size and size */
	uint32_t cache_name_offset, cache_object_size_offset, cache_size_offset;
	bool preemptible; /* raw tracepoints' programs run with preemption on, by BTF */
	bool kprobes; /* probes on functions can be set */
	bool software_events; /* programs can be set on perf's software events */
	bool task_counts; /* BTF has struct task_struct's min_flt and maj_flt */
	uint32_t task_minor_offset, task_major_offset;
	uint32_t page_size;
	uint32_t page_struct; /* size of struct page, by BTF; 0: unknown */
	uint32_t kmalloc_max; /* largest kmalloc size class, bytes */
	uint32_t gfp_dma, gfp_reclaimable, gfp_account; /* masks; 0: unknown */
	struct capset_event events[TRACE_EVENT_MAX];
	bool functions[FUNCTION_MAX]; /* there is a function of that name */
};

/* Write @c as text, a fact a line: what tests/unit/data/capset/ holds. */
void capset_write(const struct capset *c, FILE *out);
/* Read such a text. -EINVAL with the line that is wrong. */
int capset_read(const char *text, struct capset *ret, struct failure *f);

#endif
