// SPDX-License-Identifier: GPL-2.0
#include "sym/user_memo.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

bool user_same_object(const struct report_object *a, const struct report_object *b)
{
	return a->inode == b->inode && a->major == b->major && a->minor == b->minor &&
	       !strcmp(a->path, b->path) &&
	       (a->inode ||
		(a->end - a->start == b->end - b->start && !(a->end >> 32) == !(b->end >> 32) &&
		 (a->path[0] != '/' || a->pid == b->pid)));
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return x ^ x >> 32;
}

static uint64_t hash_object(const struct report_object *o)
{
	uint64_t h = mix(o->inode, (uint64_t)o->major << 32 | o->minor);
	const char *s;

	for (s = o->path; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h;
}

/* The number of object @o; U64MAP_NONE: it is not known. *@ret_key is where it belongs. */
static uint32_t find_object(const struct user_memo *m, const struct report_object *o,
			    uint64_t *ret_key)
{
	uint64_t key = hash_object(o);
	uint32_t found;

	while ((found = u64map_get(&m->object_of, key)) != U64MAP_NONE &&
	       !user_same_object(&m->objects.items[found], o))
		key++;
	*ret_key = key;
	return found;
}

static uint32_t find_entry(const struct user_memo *m, uint32_t object, uint64_t offset,
			   uint64_t *ret_key)
{
	uint64_t key = mix(object, offset);
	uint32_t found;

	while ((found = u64map_get(&m->entry_of, key)) != U64MAP_NONE &&
	       (m->entries.items[found].object != object ||
		m->entries.items[found].offset != offset))
		key++;
	*ret_key = key;
	return found;
}

const struct user_memo_entry *user_memo_find(const struct user_memo *m,
					     const struct report_object *o, uint64_t offset)
{
	uint64_t key;
	uint32_t object = find_object(m, o, &key), entry;

	if (object == U64MAP_NONE)
		return NULL;
	entry = find_entry(m, object, offset, &key);
	return entry == U64MAP_NONE ? NULL : &m->entries.items[entry];
}

static int add_object(struct user_memo *m, const struct report_object *o, uint64_t key)
{
	struct report_object *to = vec_add(&m->objects);

	if (!to)
		return -ENOMEM;
	*to = *o;
	to->path = strdup(o->path);
	if (to->path && !u64map_set(&m->object_of, key, (uint32_t)(m->objects.n - 1)))
		return 0;
	free(to->path);
	m->objects.n--;
	return -ENOMEM;
}

int user_memo_learn(struct user_memo *m, const struct report_object *o, uint64_t offset,
		    const char *name, uint64_t into)
{
	struct user_memo_entry *e;
	uint64_t key;
	uint32_t object = find_object(m, o, &key);

	if (object == U64MAP_NONE) {
		object = (uint32_t)m->objects.n;
		if (add_object(m, o, key))
			return -ENOMEM;
	}
	if (find_entry(m, object, offset, &key) != U64MAP_NONE)
		return 0;
	e = vec_add(&m->entries);
	if (!e)
		return -ENOMEM;
	*e = (struct user_memo_entry){ object, offset, strdup(name), into };
	if (e->name && !u64map_set(&m->entry_of, key, (uint32_t)(m->entries.n - 1)))
		return 0;
	free(e->name);
	m->entries.n--;
	return -ENOMEM;
}

void user_memo_free(struct user_memo *m)
{
	size_t i;

	for (i = 0; i < m->objects.n; i++)
		free(m->objects.items[i].path);
	for (i = 0; i < m->entries.n; i++)
		free(m->entries.items[i].name);
	free(m->objects.items);
	free(m->entries.items);
	u64map_free(&m->object_of);
	u64map_free(&m->entry_of);
	memset(m, 0, sizeof(*m));
}
