// SPDX-License-Identifier: GPL-2.0
#include "probe/select.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const capability_names[CAPABILITY_MAX] = {
	[CAPABILITY_KMALLOC] = "kmalloc",
	[CAPABILITY_KMALLOC_NODE] = "kmalloc_node",
	[CAPABILITY_CACHE_ALLOC] = "kmem_cache_alloc",
	[CAPABILITY_CACHE_ALLOC_NODE] = "kmem_cache_alloc_node",
	[CAPABILITY_KFREE] = "kfree",
	[CAPABILITY_CACHE_FREE] = "kmem_cache_free",
	[CAPABILITY_CHILDREN] = "children",
};

const char *const method_names[] = {
	[METHOD_RAW] = "raw",
	[METHOD_CLASSIC] = "classic",
};

#define WHY_RAW	    "the cheapest hook"
#define WHY_CLASSIC "needs no BTF"

#define ROW(cap, pref, meth, prog, text)                                                     \
	{                                                                                    \
		.capability = CAPABILITY_##cap, .preference = pref, .method = METHOD_##meth, \
		.event = TRACE_##cap, .program = prog, .why = text,                          \
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
	else if (!e->classic_fields)
		snprintf(v->reason, sizeof(v->reason), "its record lacks expected fields");
	else
		v->present = true;
}

void probe_plan_free(struct probe_plan *p)
{
	free(p->verdicts);
	memset(p, 0, sizeof(*p));
}

static bool method_allowed(const struct probe_row *row, enum probe_choice choice)
{
	/* following children has one method only and is not what --probe is about */
	if (row->capability == CAPABILITY_CHILDREN || choice == PROBE_AUTO)
		return true;
	return row->method == (choice == PROBE_RAW ? METHOD_RAW : METHOD_CLASSIC);
}

int probe_plan_make(const struct capset *c, enum probe_choice choice, struct probe_plan *ret)
{
	struct probe_plan p = { .verdicts = calloc(n_probe_rows, sizeof(*p.verdicts)) };
	size_t i;

	if (!p.verdicts)
		return -ENOMEM;
	/* the table lists the rows of a capability by preference */
	for (i = 0; i < n_probe_rows; i++) {
		const struct probe_row *row = &probe_rows[i];
		struct probe_verdict *v = &p.verdicts[i];

		if (row->method == METHOD_RAW)
			judge_raw(c, row, v);
		else
			judge_classic(c, row, v);
		if (!v->present)
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
			snprintf(v->reason, sizeof(v->reason), "second choice: %s", row->why);
		} else {
			p.chosen[row->capability] = row;
			v->chosen = true;
			snprintf(v->reason, sizeof(v->reason), "%s", row->why);
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

int probe_plan_check(const struct probe_plan *p, const struct capset *c, struct failure *f)
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

		if (row->capability == CAPABILITY_CHILDREN || event_dispensable(c, row->event) ||
		    p->chosen[row->capability])
			continue;
		capability_reasons(p, row->capability, reasons, sizeof(reasons));
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "%s can't be traced on this kernel: %s; «kmscope doctor» shows all",
			    capability_names[row->capability], reasons);
	}
	return 0;
}
