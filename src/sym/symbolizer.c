// SPDX-License-Identifier: GPL-2.0
#include "sym/symbolizer.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

void symbolizer_free(struct symbolizer **s)
{
	if (*s)
		(*s)->ops->free(*s);
	*s = NULL;
}

/*
 * Assembly that is returned to at its first byte, never called from the byte before it. On ARM32
 * that is the end of every system call's chain.
 */
static bool is_return_target(const char *name)
{
	static const char *const names[] = {
		"ret_fast_syscall",	  "__ret_fast_syscall",	     "ret_from_fork",
		"ret_from_exception",	  "return_to_handler",	     "kretprobe_trampoline",
		"__kretprobe_trampoline", "arch_rethook_trampoline",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

int symbolizer_lookup_return(struct symbolizer *s, uint64_t address, struct symbol *ret)
{
	struct symbol here = { 0 }, before;
	int at = s->ops->lookup(s, address, &here);

	if (!address)
		return -ENOENT;
	if (!at && (address != here.start || is_return_target(here.name))) {
		*ret = here;
		return 0;
	}
	/* The call was the last instruction of the function before. */
	if (!s->ops->lookup(s, address - 1, &before)) {
		*ret = before;
		return 0;
	}
	if (!at)
		*ret = here;
	return at;
}

/* What resolving needs, and where to. */
struct resolver {
	struct symbolizer *kernel; /* NULL: none */
	struct user_symbols *user; /* NULL: none */
	const struct report *report;
};

/*
 * The function that user code belongs to. With @is_return the address may be the first byte after the
 * function that made the call, as in symbolizer_lookup_return().
 */
static int lookup_user(struct resolver *v, const struct report_object *o, uint64_t code,
		       bool is_return, const char **ret_name, uint64_t *ret_offset)
{
	uint64_t offset = report_code_offset(code);
	int err;

	if (!v->user)
		return -ENOENT;
	err = user_symbols_lookup(v->user, o, offset, ret_name, ret_offset);
	if (is_return && offset && (err == -ENOENT || (!err && !*ret_offset)) &&
	    !user_symbols_lookup(v->user, o, offset - 1, ret_name, ret_offset)) {
		++*ret_offset;
		err = 0;
	}
	return err;
}

/* «name+0x12», or «file+0x1234» where no function is known. */
static int resolve_user_site(struct resolver *v, const struct report_object *o, struct cell *c)
{
	uint64_t offset = report_code_offset(c->u64);
	const char *name;
	char *text;
	size_t n;
	int err;

	/* it is where the CPU stood, unlike a kernel site */
	err = lookup_user(v, o, c->u64, false, &name, &offset);
	if (err == -ENOMEM)
		return err;
	if (err)
		name = report_base_name(o->path, &n);
	else
		n = strlen(name);
	if (asprintf(&text, "%.*s+0x%" PRIx64, (int)MIN(n, (size_t)INT_MAX), name, offset) < 0)
		return -ENOMEM;
	c->text = text;
	return 0;
}

static int resolve_site(struct resolver *v, struct cell *c)
{
	const struct report_object *o = report_object_of(v->report, c->u64);
	struct symbol sym;
	char *text;

	if (o)
		return resolve_user_site(v, o, c);
	if (!v->kernel || report_code_object(c->u64) ||
	    symbolizer_lookup_return(v->kernel, c->u64, &sym))
		return 0;
	if (asprintf(&text, "%s+0x%" PRIx64, sym.name, c->u64 - sym.start) < 0)
		return -ENOMEM;
	c->text = text;
	return 0;
}

static int resolve_module(struct resolver *v, struct cell *c)
{
	const struct report_object *o = report_object_of(v->report, c->u64);
	struct symbol sym;

	if (!o && (!v->kernel || report_code_object(c->u64) ||
		   symbolizer_lookup_return(v->kernel, c->u64, &sym)))
		return 0;
	c->text = strdup(o ? o->path : sym.module);
	return c->text ? 0 : -ENOMEM;
}

static int resolve_table(struct resolver *v, struct table *t)
{
	size_t i;
	int err = 0;

	for (i = 0; i < t->n_rows * t->n_columns && !err; i++) {
		struct cell *c = &t->cells[i];

		if (c->text)
			continue;
		if (c->type == CELL_SITE)
			err = resolve_site(v, c);
		else if (c->type == CELL_MODULE)
			err = resolve_module(v, c);
	}
	return err;
}

static int resolve_user_frame(struct resolver *v, const struct report_object *o, struct frame *f,
			      bool is_return)
{
	const char *name;
	uint64_t offset;
	int err;

	if (!f->module)
		f->module = strdup(o->path);
	if (!f->module)
		return -ENOMEM;
	err = lookup_user(v, o, f->address, is_return, &name, &offset);
	if (err)
		return err == -ENOMEM ? err : 0;
	f->symbol = strdup(name);
	if (!f->symbol)
		return -ENOMEM;
	f->offset = offset;
	return 0;
}

static int resolve_kernel_frame(struct resolver *v, struct frame *f, bool is_return)
{
	_cleanup_free_ char *symbol = NULL, *module = NULL;
	struct symbol sym;
	int err;

	if (!v->kernel || report_code_object(f->address))
		return 0;
	err = is_return ? symbolizer_lookup_return(v->kernel, f->address, &sym)
			: v->kernel->ops->lookup(v->kernel, f->address, &sym);
	if (err)
		return 0;
	symbol = strdup(sym.name);
	module = strdup(sym.module);
	if (!symbol || !module)
		return -ENOMEM;
	free(f->module);
	f->symbol = TAKE_PTR(symbol);
	f->module = TAKE_PTR(module);
	f->offset = f->address - sym.start;
	return 0;
}

static int resolve_stack(struct resolver *v, struct report_stack *stack)
{
	bool was_user = false; /* the frame before */
	size_t i;
	int err = 0;

	for (i = 0; i < stack->n_frames && !err; i++) {
		struct frame *f = &stack->frames[i];
		const struct report_object *o = report_object_of(v->report, f->address);
		bool is_user = report_code_object(f->address) != 0;

		/*
		 * The innermost is where the CPU stood, in the kernel or in user code that went into
		 * the kernel there; the others are where it will return to.
		 */
		if (!f->symbol && o)
			err = resolve_user_frame(v, o, f, i > 0 && was_user);
		else if (!f->symbol)
			err = resolve_kernel_frame(v, f, i > 0);
		was_user = is_user;
	}
	return err;
}

int symbolize_report(struct symbolizer *kernel, struct user_symbols *user, struct report *r)
{
	struct resolver v = { .kernel = kernel, .user = user, .report = r };
	size_t i;
	int err = 0;

	if (!kernel && !r->n_objects)
		return 0;
	for (i = 0; i < r->n_tables && !err; i++)
		err = resolve_table(&v, &r->tables[i]);
	for (i = 0; i < r->n_stacks && !err; i++)
		err = resolve_stack(&v, &r->stacks[i]);
	return err;
}
