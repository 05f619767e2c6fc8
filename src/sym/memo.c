// SPDX-License-Identifier: GPL-2.0
#include "sym/memo.h"

#include <errno.h>
#include <string.h>

#include "base/u64map.h"
#include "base/vec.h"

struct memo {
	struct symbolizer base;
	struct symbolizer *inner; /* NULL: none */
	struct {
		struct memo_entry *items;
		size_t n, capacity;
	} entries;
	struct u64map entry_of; /* by address */
	struct {
		char **items; /* each owned; entries share them */
		size_t n, capacity;
	} texts;
	struct u64map text_of; /* by hash */
};

static uint64_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h;
}

/* A copy of @s that stays as long as the memo; NULL: no memory. */
static const char *keep(struct memo *m, const char *s)
{
	uint64_t key = hash(s);
	uint32_t found;
	char **to;

	while ((found = u64map_get(&m->text_of, key)) != U64MAP_NONE) {
		if (!strcmp(m->texts.items[found], s))
			return m->texts.items[found];
		key++;
	}
	to = vec_add(&m->texts);
	if (!to)
		return NULL;
	*to = strdup(s);
	if (!*to || u64map_set(&m->text_of, key, (uint32_t)(m->texts.n - 1))) {
		free(*to);
		m->texts.n--;
		return NULL;
	}
	return *to;
}

int memo_learn(struct symbolizer *s, const struct memo_entry *e)
{
	struct memo *m = (struct memo *)s;
	struct memo_entry *to;
	const char *name, *module;

	if (u64map_get(&m->entry_of, e->address) != U64MAP_NONE)
		return 0;
	name = keep(m, e->name);
	module = name ? keep(m, e->module) : NULL;
	to = module ? vec_add(&m->entries) : NULL;
	if (!to)
		return -ENOMEM;
	*to = *e;
	to->name = name;
	to->module = module;
	if (!u64map_set(&m->entry_of, e->address, (uint32_t)(m->entries.n - 1)))
		return 0;
	m->entries.n--;
	return -ENOMEM;
}

static int memo_lookup(struct symbolizer *s, uint64_t address, struct symbol *ret)
{
	struct memo *m = (struct memo *)s;
	uint32_t i = u64map_get(&m->entry_of, address);
	const struct memo_entry *e;
	struct symbol sym;

	if (i == U64MAP_NONE) {
		if (!m->inner || m->inner->ops->lookup(m->inner, address, &sym))
			return -ENOENT;
		if (memo_learn(s, &(struct memo_entry){ address, sym.start, sym.size, sym.name,
							sym.module }))
			return -ENOENT;
		i = (uint32_t)(m->entries.n - 1);
	}
	e = &m->entries.items[i];
	*ret = (struct symbol){
		.name = e->name, .module = e->module, .start = e->start, .size = e->size
	};
	return 0;
}

static int memo_find(struct symbolizer *s, const char *name,
		     int (*visit)(const struct symbol *sym, void *arg), void *arg)
{
	struct memo *m = (struct memo *)s;
	const struct memo_entry *e;
	struct u64map seen = { 0 };
	int err = -ENOENT;

	if (m->inner)
		return m->inner->ops->find(m->inner, name, visit, arg);
	vec_for_each(&m->entries, e) {
		struct symbol sym = { e->name, e->module, e->start, e->size };

		if (strcmp(e->name, name) || u64map_get(&seen, e->start) != U64MAP_NONE)
			continue;
		err = u64map_set(&seen, e->start, 1);
		if (!err)
			err = visit(&sym, arg);
		if (err)
			break;
	}
	u64map_free(&seen);
	return err;
}

static int memo_module_range(struct symbolizer *s, const char *name, uint64_t *ret_start,
			     uint64_t *ret_end)
{
	struct memo *m = (struct memo *)s;
	uint64_t start = UINT64_MAX, end = 0;
	const struct memo_entry *e;

	if (m->inner)
		return m->inner->ops->module_range(m->inner, name, ret_start, ret_end);
	vec_for_each(&m->entries, e)
		if (!strcmp(e->module, name)) {
			start = MIN(start, e->start);
			end = MAX(end, e->start + MAX(e->size, (uint64_t)1));
		}
	if (start > end)
		return -ENOENT;
	*ret_start = start;
	*ret_end = end;
	return 0;
}

static void memo_free(struct symbolizer *s)
{
	struct memo *m = (struct memo *)s;
	size_t i;

	symbolizer_free(&m->inner);
	for (i = 0; i < m->texts.n; i++)
		free(m->texts.items[i]);
	free(m->texts.items);
	free(m->entries.items);
	u64map_free(&m->entry_of);
	u64map_free(&m->text_of);
	free(m);
}

static const struct symbolizer_ops memo_ops = {
	.lookup = memo_lookup,
	.find = memo_find,
	.module_range = memo_module_range,
	.free = memo_free,
};

int memo_new(struct symbolizer *inner, struct symbolizer **ret)
{
	struct memo *m = calloc(1, sizeof(*m));

	if (!m) {
		symbolizer_free(&inner);
		return -ENOMEM;
	}
	m->base.ops = &memo_ops;
	m->inner = inner;
	*ret = &m->base;
	return 0;
}

void memo_renew(struct symbolizer *memo, struct symbolizer *inner)
{
	struct memo *m = (struct memo *)memo;

	symbolizer_free(&m->inner);
	m->inner = inner;
}

size_t memo_count(const struct symbolizer *memo)
{
	return ((const struct memo *)memo)->entries.n;
}

const struct memo_entry *memo_entry(const struct symbolizer *memo, size_t i)
{
	return &((const struct memo *)memo)->entries.items[i];
}
