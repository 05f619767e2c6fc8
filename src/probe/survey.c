// SPDX-License-Identifier: GPL-2.0
#include "probe/survey.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "probe/format.h"
#include "probe/select.h"
#include "probe/tracefs.h"
#include "procfs/symbols.h"

static bool has_capability(unsigned int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective & 1u << capability % 32;
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long n = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &n) != 1)
		n = -1;
	fclose(file);
	return n;
}

/* --- BTF ------------------------------------------------------------------------------------------ */

/* Whether @id is a pointer to @name, const or not; an empty name means void. */
static bool points_to(const struct btf *btf, uint32_t id, const char *name)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	if (!t || !btf_is_ptr(t))
		return false;
	for (id = t->type; (t = btf__type_by_id(btf, id)) && btf_is_const(t); id = t->type)
		continue;
	if (!*name)
		return id == 0;
	return t && btf_is_struct(t) && !strcmp(btf__name_by_offset(btf, t->name_off), name);
}

/* Function pointers carry no argument names in BTF: the types tell the arguments apart. */
static void prototype_args(const struct btf *btf, const struct btf_type *proto,
			   struct raw_args *args)
{
	const struct btf_param *params = btf_params(proto);
	unsigned int i;

	for (i = 1; i < btf_vlen(proto); i++) { /* the first is the tracepoint's own */
		const struct btf_type *t = btf__type_by_id(btf, params[i].type);
		const char *name = t ? btf__name_by_offset(btf, t->name_off) : "";
		uint8_t *arg = NULL;

		if (points_to(btf, params[i].type, ""))
			arg = &args->ptr;
		else if (points_to(btf, params[i].type, "kmem_cache"))
			arg = &args->cache;
		else if (!strcmp(name, "size_t"))
			arg = args->requested == CONFIG_NO_ARG ? &args->requested : &args->given;
		else if (!strcmp(name, "gfp_t"))
			arg = &args->gfp;
		else if (!strcmp(name, "long unsigned int"))
			arg = &args->site;
		if (arg && *arg == CONFIG_NO_ARG)
			*arg = (uint8_t)(i - 1);
	}
}

static void survey_prototype(struct capset *c, const struct btf *btf, const struct btf_type *t,
			     const char *event)
{
	const struct btf_type *proto = btf__type_by_id(btf, t->type);
	size_t i;

	if (proto && btf_is_ptr(proto))
		proto = btf__type_by_id(btf, proto->type);
	if (!proto || !btf_is_func_proto(proto))
		return;
	for (i = 0; i < TRACE_EVENT_MAX; i++) {
		if (strcmp(trace_event_names[i].name, event))
			continue;
		c->events[i].prototype = true;
		if (i < RAW_EVENT_MAX)
			prototype_args(btf, proto, &c->events[i].args);
	}
}

static void survey_kmem_cache(struct capset *c, const struct btf *btf, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	unsigned int i, found = 0;

	for (i = 0; i < btf_vlen(t); i++, m++) {
		const char *name = btf__name_by_offset(btf, m->name_off);
		uint32_t offset = btf_member_bit_offset(t, i) / 8;

		if (!strcmp(name, "name"))
			c->cache_name_offset = offset, found |= 1;
		else if (!strcmp(name, "object_size"))
			c->cache_object_size_offset = offset, found |= 2;
		else if (!strcmp(name, "size"))
			c->cache_size_offset = offset, found |= 4;
	}
	if (found == 7)
		c->cache_offsets = true;
}

/* Where a task counts the faults that it took; see bpf/fault.bpf.c. */
static void survey_task(struct capset *c, const struct btf *btf, const struct btf_type *t)
{
	const struct btf_member *m = btf_members(t);
	unsigned int i, found = 0;

	for (i = 0; i < btf_vlen(t); i++, m++) {
		const char *name = btf__name_by_offset(btf, m->name_off);
		uint32_t offset = btf_member_bit_offset(t, i) / 8;

		if (!strcmp(name, "min_flt"))
			c->task_minor_offset = offset, found |= 1;
		else if (!strcmp(name, "maj_flt"))
			c->task_major_offset = offset, found |= 2;
	}
	c->task_counts = found == 3;
}

/* Kernels from 6.7 on have struct bpf_link_info.kprobe_multi.missed: they count classic's misses. */
static bool has_missed_member(const struct btf *btf, const struct btf_type *t, int depth)
{
	const struct btf_member *m = btf_members(t);
	unsigned int i;

	for (i = 0; i < btf_vlen(t); i++) {
		const struct btf_type *inner = btf__type_by_id(btf, m[i].type);

		if (!strcmp(btf__name_by_offset(btf, m[i].name_off), "missed"))
			return true;
		if (depth < 3 && inner && btf_is_composite(inner) &&
		    has_missed_member(btf, inner, depth + 1))
			return true;
	}
	return false;
}

/* One pass over all types: finding them by name one after the other would take a pass each. */
static void survey_btf(struct capset *c)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL); /* having none is no error here */
	struct btf *btf = btf__load_vmlinux_btf();
	uint32_t id, n;

	libbpf_set_print(print);
	if (!btf)
		return;
	c->btf = true;
	n = btf__type_cnt(btf);
	for (id = 1; id < n; id++) {
		const struct btf_type *t = btf__type_by_id(btf, id);
		const char *name;

		if (!btf_is_typedef(t) && !btf_is_struct(t))
			continue;
		name = btf__name_by_offset(btf, t->name_off);
		if (btf_is_typedef(t)) {
			if (!strncmp(name, "btf_trace_", 10))
				survey_prototype(c, btf, t, name + 10);
			/* what guards tracepoints instead of disabled preemption, since 7.0 */
			else if (!strcmp(name, "class_srcu_fast_notrace_t"))
				c->preemptible = true;
		} else if (!strcmp(name, "kmem_cache")) {
			survey_kmem_cache(c, btf, t);
		} else if (!strcmp(name, "task_struct")) {
			survey_task(c, btf, t);
		} else if (!strcmp(name, "page")) {
			c->page_struct = t->size;
		} else if (!strcmp(name, "bpf_link_info")) {
			c->classic_misses = has_missed_member(btf, t, 0);
		}
	}
	btf__free(btf);
}

/* --- tracefs ---------------------------------------------------------------------------------------- */

static const char *const classic_fields[TRACE_EVENT_MAX][7] = {
	[TRACE_KMALLOC] = { "call_site", "ptr", "bytes_req", "bytes_alloc", "gfp_flags" },
	[TRACE_KMALLOC_NODE] = { "call_site", "ptr", "bytes_req", "bytes_alloc", "gfp_flags" },
	[TRACE_CACHE_ALLOC] = { "call_site", "ptr", "bytes_req", "bytes_alloc", "gfp_flags" },
	[TRACE_CACHE_ALLOC_NODE] = { "call_site", "ptr", "bytes_req", "bytes_alloc", "gfp_flags" },
	[TRACE_KFREE] = { "ptr" },
	[TRACE_CACHE_FREE] = { "ptr" },
	[TRACE_FORK] = { "child_pid" },
	[TRACE_EXIT] = { NULL },
	[TRACE_EXEC] = { "pid", "old_pid" },
	[TRACE_PAGE_ALLOC] = { "pfn", "order", "gfp_flags", "migratetype" },
	[TRACE_PAGE_FREE] = { "pfn", "order" },
	[TRACE_PAGE_FALLBACK] = { "pfn", "alloc_order", "fallback_order", "alloc_migratetype",
				  "fallback_migratetype", "change_ownership" },
	[TRACE_PAGE_REFILL] = { "pfn", "order", "migratetype" },
	[TRACE_PAGE_DRAIN] = { "pfn", "order", "migratetype" },
	[TRACE_COMPACTION_BEGIN] = { "zone_start" },
	[TRACE_COMPACTION_END] = { "zone_start", "status" },
	[TRACE_RECLAIM_BEGIN] = { "order" },
	[TRACE_RECLAIM_END] = { "nr_reclaimed" },
	[TRACE_AREA_ALLOC] = { "addr", "size", "failed" },
	[TRACE_AREA_FREE] = { "va_start", "nr_lazy", "nr_lazy_max" },
	[TRACE_AREA_PURGE] = { "start", "end", "npurged" },
	[TRACE_REGMAP_READ] = { "name", "reg", "val" },
	[TRACE_REGMAP_WRITE] = { "name", "reg", "val" },
	[TRACE_REGMAP_BULK_READ] = { "name", "buf", "reg", "val_len" },
	[TRACE_REGMAP_BULK_WRITE] = { "name", "buf", "reg", "val_len" },
	[TRACE_GPIO_VALUE] = { "gpio", "get", "value" },
	[TRACE_GPIO_DIRECTION] = { "gpio", "in", "err" },
	[TRACE_RWMMIO_WRITE] = { "caller", "addr", "val", "width" },
	[TRACE_RWMMIO_READ] = { "caller", "addr", "val", "width" },
	[TRACE_MODULE_READ] = { "phys", "offset", "width", "value", "bank" },
	[TRACE_MODULE_WRITE] = { "phys", "offset", "width", "value", "bank" },
	[TRACE_MODULE_MAP] = { "phys", "size", "virt" },
	[TRACE_MODULE_UNMAP] = { "virt" },
	[TRACE_FAULT_USER] = { "address", "error_code" },
	[TRACE_FAULT_KERNEL] = { "address", "error_code" },
};

/* The bit values of allocation flags differ between kernels: the event's print format has them. */
static void survey_gfp(struct capset *c, const struct event_format *format)
{
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	uint64_t value;

	if (flag_names_parse(format, "gfp_flags", &names))
		return;
	if (!flag_names_value(names, "__GFP_DMA", &value) ||
	    !flag_names_value(names, "GFP_DMA", &value))
		c->gfp_dma = (uint32_t)value;
	if (!flag_names_value(names, "__GFP_RECLAIMABLE", &value))
		c->gfp_reclaimable = (uint32_t)value;
	if (!flag_names_value(names, "__GFP_ACCOUNT", &value))
		c->gfp_account = (uint32_t)value;
}

static void survey_tracefs(struct capset *c, const char **ret_tracefs)
{
	_cleanup_close_ int tracefs = -1;
	size_t i, k;

	if (tracefs_open(&tracefs, ret_tracefs, NULL))
		return;
	c->tracefs = true;
	for (i = 0; i < TRACE_EVENT_MAX; i++) {
		_cleanup_(format_free) struct event_format *format = NULL;
		struct capset_event *e = &c->events[i];

		if (tracefs_read_format(tracefs, &trace_event_names[i], &format))
			continue;
		e->classic = e->classic_fields = true;
		for (k = 0; classic_fields[i][k]; k++)
			if (!format_field(format, classic_fields[i][k]))
				e->classic_fields = false;
		e->classic_name = format_field(format, "name");
		if (i == TRACE_KMALLOC)
			survey_gfp(c, format);
	}
}

/* include/linux/proc_ns.h: PROC_PID_INIT_INO */
static bool has_initial_pids(void)
{
	char link[64];
	ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);

	if (n < 0)
		return true; /* a kernel without PID namespaces */
	link[n] = '\0';
	return !strcmp(link, "pid:[4026531836]");
}

/* --- functions -------------------------------------------------------------------------------------- */

/* Reading all symbols takes tens of milliseconds, a third of a second on a board: only if need be. */
static void survey_functions(unsigned int areas, struct capset *c)
{
	struct symbol_sieve sieve = { 0 };
	struct symbol_line symbol;
	FILE *file;
	char line[512];
	size_t i;

	for (i = 0; i < FUNCTION_MAX; i++)
		symbol_sieve_add(&sieve, kernel_function_names[i]);
	c->kprobes = !access("/sys/bus/event_source/devices/kprobe/type", F_OK);
	file = c->kprobes && probe_uses_functions(areas) ? fopen("/proc/kallsyms", "re") : NULL;
	while (file && fgets(line, sizeof(line), file)) {
		if (!symbol_line_parse(line, &symbol) || (symbol.type | 0x20) != 't' ||
		    !symbol_sieve_passes(&sieve, symbol.name))
			continue;
		for (i = 0; i < FUNCTION_MAX; i++)
			if (!strcmp(symbol.name, kernel_function_names[i]))
				c->functions[i] = true;
	}
	if (file)
		fclose(file);
}

/* --- the rest --------------------------------------------------------------------------------------- */

/* The largest kmalloc size class: two pages with SLUB; /proc/slabinfo knows better if readable. */
static uint32_t survey_kmalloc_max(uint32_t page_size)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	uint32_t largest = 0, n;
	char line[256], suffix;

	while (file && fgets(line, sizeof(line), file)) {
		int got = sscanf(line, "kmalloc-%u%c", &n, &suffix);

		if (got == 2 && suffix == 'k')
			n *= 1024;
		if (got == 2)
			largest = MAX(largest, n);
	}
	if (file)
		fclose(file);
	return largest ? largest : 2 * page_size;
}

/*
 * Whether the kernel compiles programs: it is asked about one, as net.core.bpf_jit_enable is not there
 * without CONFIG_BPF_JIT, and neither in a container's network namespace. -1: unknown.
 */
static int survey_jit(void)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	_cleanup_close_ int fd = bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, NULL, "GPL", nothing,
					       ARRAY_SIZE(nothing), NULL);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return -1;
	return info.jited_prog_len > 0;
}

/* Whether perf's software events can be opened and programs set on them. */
static bool survey_software_events(void)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS_MIN,
		.sample_period = 1,
		.disabled = 1,
	};
	_cleanup_close_ int fd =
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);

	return fd >= 0 && libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_PERF_EVENT, NULL) == 1;
}

void survey_kernel(unsigned int areas, struct capset *ret, const char **ret_tracefs)
{
	struct capset c = { 0 };
	struct utsname uts;
	size_t i;

	uname(&uts);
	snprintf(c.kernel, sizeof(c.kernel), "%.*s", (int)sizeof(c.kernel) - 1, uts.release);
	snprintf(c.arch, sizeof(c.arch), "%.*s", (int)sizeof(c.arch) - 1, uts.machine);
	for (i = 0; i < TRACE_EVENT_MAX; i++)
		memset(&c.events[i].args, CONFIG_NO_ARG, sizeof(c.events[i].args));
	c.initial_pids = has_initial_pids();
	c.privileged = has_capability(CAP_SYS_ADMIN) ||
		       (has_capability(CAP_BPF) && has_capability(CAP_PERFMON));
	c.page_size = (uint32_t)sysconf(_SC_PAGESIZE);
	c.kmalloc_max = survey_kmalloc_max(c.page_size);
	c.ringbuf = c.privileged && libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) == 1;
	c.bpf_events =
		c.privileged && libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_TRACEPOINT, NULL) == 1;
	c.software_events = c.privileged && survey_software_events();
	/* ARM32 unwinds from a tracepoint into junk: docs/known-issues.md */
	c.stack_traces = strncmp(c.arch, "arm", 3) || !strcmp(c.arch, "arm64");
	c.jit = c.privileged ? survey_jit() : -1;
	c.kptr_restrict = (int)read_number("/proc/sys/kernel/kptr_restrict");
	*ret_tracefs = NULL;
	survey_btf(&c);
	survey_tracefs(&c, ret_tracefs);
	survey_functions(areas, &c);
	*ret = c;
}
