// SPDX-License-Identifier: GPL-2.0
#include "analyze/several.h"

#include <string.h>

struct several {
	struct analyzer analyzer;
	struct analyzer *items[SEVERAL_MAX];
	size_t n;
};

static void several_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	struct several *s = (struct several *)a;
	size_t i;

	for (i = 0; i < s->n; i++)
		s->items[i]->ops->consume(s->items[i], records, n);
}

static int several_report(struct analyzer *a _unused_, struct report *r _unused_)
{
	return 0;
}

static void several_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t ptr),
			      void *ctx)
{
	const struct several *s = (const struct several *)a;
	size_t i;

	for (i = 0; i < s->n; i++)
		s->items[i]->ops->each_live(s->items[i], visit, ctx);
}

static uint32_t several_wonder(struct analyzer *a)
{
	struct several *s = (struct several *)a;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct analyzer_ops *ops = s->items[i]->ops;
		uint32_t pid = ops->wonder ? ops->wonder(s->items[i]) : 0;

		if (pid)
			return pid;
	}
	return 0;
}

static void several_free(struct analyzer *a)
{
	struct several *s = (struct several *)a;
	size_t i;

	for (i = 0; i < s->n; i++)
		analyzer_free(&s->items[i]);
	free(s);
}

static const struct analyzer_ops several_ops = {
	.name = "several",
	.consume = several_consume,
	.report = several_report,
	.each_live = several_each_live,
	.wonder = several_wonder,
	.free = several_free,
};

struct analyzer *several_new(struct analyzer *const *parts, size_t n)
{
	struct several *s = calloc(1, sizeof(*s));
	size_t i;

	for (i = 0; i < n; i++) {
		struct analyzer *a = parts[i];

		if (s)
			s->items[i] = a;
		else
			analyzer_free(&a);
	}
	if (!s)
		return NULL;
	s->analyzer.ops = &several_ops;
	s->n = n;
	return &s->analyzer;
}

struct analyzer *several_find(struct analyzer *a, const char *name)
{
	struct several *s = (struct several *)a;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!strcmp(s->items[i]->ops->name, name))
			return s->items[i];
	return NULL;
}
