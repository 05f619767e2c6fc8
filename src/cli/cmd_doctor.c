// SPDX-License-Identifier: GPL-2.0
/* kmscope doctor: the probe table as it was judged on this kernel, and the facts behind it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "probe/select.h"
#include "probe/survey.h"
#include "source/live.h"
#include "sym/symbolizer.h"

static const struct column capability_columns[] = {
	{ "capability", "CAPABILITY", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "area", "AREA", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "chosen", "CHOSEN", CELL_BOOL, 0, 0 },
	{ "preference", "PREF", CELL_COUNT, 0, 2 },
	{ "method", "METHOD", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "requirement", "NEEDS", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "present", "PRESENT", CELL_BOOL, 0, 1 },
	{ "reason", "REASON", CELL_TEXT, COLUMN_LEFT, 0 },
};

static const struct column fact_columns[] = {
	{ "name", "FACT", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "value", "VALUE", CELL_TEXT, COLUMN_LEFT, 0 },
};

static void add_fact(struct report *r, struct table *t, const char *name, const char *value)
{
	size_t at = report_add_row(r, t);

	report_set_text(r, t, at, "name", name);
	report_set_text(r, t, at, "value", value);
	if (t)
		t->rows_total = t->n_rows;
}

static void report_capabilities(const struct probe_plan *plan, struct report *r)
{
	struct table *t = report_add_table(r, "capabilities", "What can be traced, and how",
					   capability_columns, ARRAY_SIZE(capability_columns));
	size_t i;

	for (i = 0; t && i < n_probe_rows; i++) {
		const struct probe_row *row = &probe_rows[i];
		const struct probe_verdict *v = &plan->verdicts[i];
		size_t at = report_add_row(r, t);

		report_set_text(r, t, at, "capability", capabilities[row->capability].name);
		report_set_text(r, t, at, "area",
				area_names[__builtin_ctz(capabilities[row->capability].areas)]);
		report_set_u64(r, t, at, "chosen", v->chosen);
		report_set_u64(r, t, at, "preference", row->preference);
		report_set_text(r, t, at, "method", method_names[row->method]);
		report_set_text(r, t, at, "requirement", v->requirement);
		report_set_u64(r, t, at, "present", v->present);
		report_set_text(r, t, at, "reason", v->reason);
		t->rows_total = t->n_rows;
	}
}

static void report_facts(const struct capset *c, const char *tracefs, struct report *r)
{
	struct table *t =
		report_add_table(r, "facts", "This kernel", fact_columns, ARRAY_SIZE(fact_columns));
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	struct failure why = { 0 };
	char text[64];

	add_fact(r, t, "kernel", c->kernel);
	add_fact(r, t, "architecture", c->arch);
	add_fact(r, t, "BTF", c->btf ? "yes" : "no: classic tracepoints are used");
	add_fact(r, t, "tracefs", tracefs ? tracefs : "not readable");
	add_fact(r, t, "BPF ring buffers",
		 c->ringbuf	 ? "yes"
		 : c->privileged ? "no (Linux 5.8)"
				 : "unknown without root");
	add_fact(r, t, "BPF programs for tracepoints",
		 c->bpf_events	 ? "yes"
		 : c->privileged ? "no (CONFIG_BPF_EVENTS)"
				 : "unknown without root");
	add_fact(r, t, "BPF JIT",
		 c->jit > 0   ? "on"
		 : c->jit < 0 ? "unknown without root"
			      : "off: programs are interpreted, tracing costs more");
	add_fact(r, t, "kernel stacks",
		 c->stack_traces ? "yes" : "junk from tracepoints here: off");
	if (kallsyms_open("/proc/kallsyms", &s, &why))
		report_add_note(r, "addresses have no names: %s", why.text);
	add_fact(r, t, "symbols", s ? "yes" : "no: see the note");
	add_fact(r, t, "nested runs of classic probes",
		 c->classic_misses ? "counted" : "not counted by this kernel, or not known");
	snprintf(text, sizeof(text), "%u bytes", c->page_size);
	add_fact(r, t, "page size", text);
	snprintf(text, sizeof(text), "%u bytes", c->kmalloc_max);
	add_fact(r, t, "largest kmalloc class", text);
	snprintf(text, sizeof(text), "%zu KiB a CPU", live_default_ring_size() / 1024);
	add_fact(r, t, "default event buffer", text);
}

static void report_privileges(const struct capset *c, struct report *r)
{
	struct table *t = report_add_table(r, "privileges", "Privileges", fact_columns,
					   ARRAY_SIZE(fact_columns));

	add_fact(r, t, "tracing", c->privileged ? "allowed" : "not allowed: run it with sudo");
}

static int doctor_report(const struct capset *c, const char *tracefs, const struct options *o,
			 struct failure *f)
{
	_cleanup_(report_free) struct report *r = report_new("doctor");
	struct probe_plan plan = { 0 };
	/* what else may be impossible where slab and leaks are not */
	static const struct {
		const char *command;
		enum probe_area area;
	} others[] = { { "buddy", AREA_PAGES }, { "vmalloc", AREA_VMALLOC } };
	struct failure missing = { 0 };
	size_t i;
	int err = r ? probe_plan_make(c, (enum probe_choice)o->probe, &plan) : -ENOMEM;

	if (!err) {
		snprintf(r->kernel, sizeof(r->kernel), "%s", c->kernel);
		snprintf(r->arch, sizeof(r->arch), "%s", c->arch);
		r->subject = strdup("what kmscope can trace on this kernel");
		r->interval = 1;
		r->final = true;
		report_capabilities(&plan, r);
		report_facts(c, tracefs, r);
		report_privileges(c, r);
		/* people read it on standard error */
		if (probe_plan_check(&plan, c, AREA_SLAB, &missing) && o->json)
			report_add_note(r, "%s", missing.text);
		for (i = 0; !missing.text[0] && i < ARRAY_SIZE(others); i++) {
			struct failure other = { 0 };

			if (probe_plan_check(&plan, c, others[i].area, &other))
				report_add_note(r, "%s: %s", others[i].command, other.text);
		}
		err = r->oom ? -ENOMEM : output_report(r, o->json, f);
	}
	if (!err && missing.text[0]) {
		*f = missing;
		err = -ENOTSUP;
	}
	probe_plan_free(&plan);
	return err;
}

int cmd_doctor(const struct command *cmd, const struct options *o, struct failure *f)
{
	struct capset c;
	const char *tracefs;

	(void)cmd;
	survey_kernel(~0u, &c, &tracefs);
	if (!o->capabilities)
		return doctor_report(&c, tracefs, o, f);
	capset_write(&c, stdout);
	return fflush(stdout)
		       ? fail(f, FAILURE_INTERNAL, -errno, "can't write: %s", strerror(errno))
		       : 0;
}
