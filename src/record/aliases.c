// SPDX-License-Identifier: GPL-2.0
#include "record/aliases.h"

#include <stdio.h>
#include <string.h>

#include "base/vec.h"

static uint64_t hash(const char *s, size_t n)
{
	uint64_t h = 0xcbf29ce484222325ull;

	while (n--)
		h = (h ^ (uint8_t)*s++) * 0x100000001b3ull;
	return h;
}

/* NULL: it has none; *@ret_key is where it belongs. */
static const char *find(const struct aliases *a, const char *name, size_t n, uint64_t *ret_key)
{
	uint64_t key = hash(name, n);
	const struct alias *one;
	uint32_t found;

	for (; (found = u64map_get(&a->alias_of, key)) != U64MAP_NONE; key++) {
		one = &a->all.items[found];
		if (!strncmp(one->name, name, n) && !one->name[n])
			return one->alias;
	}
	*ret_key = key;
	return NULL;
}

static const char *add(struct aliases *a, const char *name, size_t n, uint64_t key, char *alias)
{
	struct alias *to = alias ? vec_add(&a->all) : NULL;

	if (to)
		to->name = strndup(name, n);
	if (to && to->name && !u64map_set(&a->alias_of, key, (uint32_t)(a->all.n - 1)))
		return to->alias = alias;
	if (to) {
		free(to->name);
		a->all.n--;
	}
	free(alias);
	return NULL;
}

const char *aliases_get(struct aliases *a, const char *name, size_t n)
{
	uint64_t key;
	const char *known = find(a, name, n, &key);
	char *alias;

	if (known)
		return known;
	if (asprintf(&alias, "%s-%zu", a->prefix, a->all.n + 1) < 0)
		return NULL;
	return add(a, name, n, key, alias);
}

const char *aliases_known(const struct aliases *a, const char *name)
{
	uint64_t key;

	return find(a, name, strlen(name), &key);
}

const char *aliases_set(struct aliases *a, const char *name, char *alias)
{
	size_t n = strlen(name);
	uint64_t key = 0;

	find(a, name, n, &key);
	return add(a, name, n, key, alias);
}

void aliases_free(struct aliases *a)
{
	struct alias *one;

	vec_for_each(&a->all, one) {
		free(one->name);
		free(one->alias);
	}
	free(a->all.items);
	u64map_free(&a->alias_of);
	memset(a, 0, sizeof(*a));
}

uint32_t aliases_number(struct u64map *m, uint64_t number)
{
	uint32_t found = number ? u64map_get(m, number) : 0;

	if (found != U64MAP_NONE)
		return found;
	found = (uint32_t)m->n + 1;
	return u64map_set(m, number, found) ? 0 : found;
}
