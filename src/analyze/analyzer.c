// SPDX-License-Identifier: GPL-2.0
#include "analyze/analyzer.h"

#include <string.h>

const struct analyzer_ops *const analyzers[] = {
	&slab_analyzer, &leaks_analyzer,  &buddy_analyzer,  &vmalloc_analyzer,
	&mmio_analyzer, &faults_analyzer, &tracks_analyzer, NULL,
};

const struct analyzer_ops *analyzer_find(const char *name)
{
	const struct analyzer_ops *const *a;

	for (a = analyzers; *a; a++)
		if (!strcmp((*a)->name, name))
			return *a;
	return NULL;
}

struct analyzer *ledger_analyzer_create(const struct analyzer_ops *ops,
					const struct analyzer_options *o)
{
	struct ledger_analyzer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->analyzer.ops = ops;
	a->options = *o;
	if (ledger_init(&a->ledger, o->by)) {
		ledger_analyzer_free(&a->analyzer);
		return NULL;
	}
	return &a->analyzer;
}

void ledger_analyzer_consume(struct analyzer *a, const struct event_header *const *records,
			     size_t n)
{
	ledger_consume(&((struct ledger_analyzer *)a)->ledger, records, n);
}

void ledger_analyzer_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t ptr),
			       void *ctx)
{
	ledger_each_live(&((const struct ledger_analyzer *)a)->ledger, visit, ctx);
}

void ledger_analyzer_free(struct analyzer *a)
{
	ledger_free(&((struct ledger_analyzer *)a)->ledger);
	free(a);
}
