// SPDX-License-Identifier: GPL-2.0
#include "sym/symbolizer.h"

#include <errno.h>
#include <inttypes.h>
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

static int resolve_site(struct symbolizer *s, struct cell *c)
{
	struct symbol sym;
	char *text;

	if (symbolizer_lookup_return(s, c->u64, &sym))
		return 0;
	if (asprintf(&text, "%s+0x%" PRIx64, sym.name, c->u64 - sym.start) < 0)
		return -ENOMEM;
	c->text = text;
	return 0;
}

static int resolve_module(struct symbolizer *s, struct cell *c)
{
	struct symbol sym;

	if (symbolizer_lookup_return(s, c->u64, &sym))
		return 0;
	c->text = strdup(sym.module);
	return c->text ? 0 : -ENOMEM;
}

static int resolve_table(struct symbolizer *s, struct table *t)
{
	size_t i;
	int err = 0;

	for (i = 0; i < t->n_rows * t->n_columns && !err; i++) {
		struct cell *c = &t->cells[i];

		if (c->text)
			continue;
		if (c->type == CELL_SITE)
			err = resolve_site(s, c);
		else if (c->type == CELL_MODULE)
			err = resolve_module(s, c);
	}
	return err;
}

static int resolve_stack(struct symbolizer *s, struct report_stack *stack)
{
	size_t i;

	for (i = 0; i < stack->n_frames; i++) {
		struct frame *f = &stack->frames[i];
		_cleanup_free_ char *symbol = NULL, *module = NULL;
		struct symbol sym;
		int err;

		if (f->symbol)
			continue;
		/* The innermost is where the CPU stood, the others are where it will return to. */
		err = i ? symbolizer_lookup_return(s, f->address, &sym)
			: s->ops->lookup(s, f->address, &sym);
		if (err)
			continue;
		symbol = strdup(sym.name);
		module = strdup(sym.module);
		if (!symbol || !module)
			return -ENOMEM;
		free(f->module);
		f->symbol = TAKE_PTR(symbol);
		f->module = TAKE_PTR(module);
		f->offset = f->address - sym.start;
	}
	return 0;
}

int symbolize_report(struct symbolizer *s, struct report *r)
{
	size_t i;
	int err = 0;

	if (!s)
		return 0;
	for (i = 0; i < r->n_tables && !err; i++)
		err = resolve_table(s, &r->tables[i]);
	for (i = 0; i < r->n_stacks && !err; i++)
		err = resolve_stack(s, &r->stacks[i]);
	return err;
}
