// SPDX-License-Identifier: GPL-2.0
#include "sym/user_memo.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

/* … or may be: of files that have had an inode by turns both are. */
static bool same_place(const struct report_object *a, const struct report_object *b)
{
	return a->inode == b->inode && a->major == b->major && a->minor == b->minor &&
	       !strcmp(a->path, b->path) &&
	       (a->inode ||
		(a->end - a->start == b->end - b->start && !(a->end >> 32) == !(b->end >> 32) &&
		 (a->path[0] != '/' || a->pid == b->pid)));
}

bool user_same_object(const struct report_object *a, const struct report_object *b)
{
	return a->generation == b->generation && same_place(a, b);
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
	       !user_same_object(&m->objects.items[found].is, o))
		key++;
	*ret_key = key;
	return found;
}

uint32_t user_memo_generation(const struct user_memo *m, const struct report_object *o)
{
	uint64_t key = hash_object(o);
	uint32_t found, generation = 0;
	size_t n = 0;

	for (; (found = u64map_get(&m->object_of, key)) != U64MAP_NONE; key++) {
		if (!same_place(&m->objects.items[found].is, o))
			continue;
		if (!m->objects.items[found].is.generation)
			return 0;
		generation = m->objects.items[found].is.generation;
		n++;
	}
	return n == 1 ? generation : 0;
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

struct user_memo_object *user_memo_object(const struct user_memo *m, const struct report_object *o)
{
	uint64_t key;
	uint32_t object = find_object(m, o, &key);

	return object == U64MAP_NONE ? NULL : &m->objects.items[object];
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
	struct user_memo_object *to = vec_add(&m->objects);

	if (!to)
		return -ENOMEM;
	to->is = *o;
	to->is.path = strdup(o->path);
	if (to->is.path && !u64map_set(&m->object_of, key, (uint32_t)(m->objects.n - 1)))
		return 0;
	free(to->is.path);
	m->objects.n--;
	return -ENOMEM;
}

static int add_entry(struct user_memo *m, struct user_memo_entry e, const char *name, uint64_t key)
{
	struct user_memo_entry *to = vec_add(&m->entries);

	if (!to)
		return -ENOMEM;
	*to = e;
	to->name = strdup(name);
	if (to->name && !u64map_set(&m->entry_of, key, (uint32_t)(m->entries.n - 1)))
		return 0;
	free(to->name);
	m->entries.n--;
	return -ENOMEM;
}

int user_memo_learn(struct user_memo *m, const struct report_object *o, uint64_t offset,
		    const char *name, uint64_t into)
{
	uint64_t key;
	uint32_t object = find_object(m, o, &key), entry;

	if (object == U64MAP_NONE) {
		object = (uint32_t)m->objects.n;
		if (add_object(m, o, key))
			return -ENOMEM;
	}
	entry = find_entry(m, object, offset, &key);
	if (entry != U64MAP_NONE && (*name || !*m->entries.items[entry].name))
		return 0;
	return add_entry(m, (struct user_memo_entry){ object, offset, NULL, into }, name, key);
}

/* Say all names of @o once more, by new entries; or that there are none. */
static int say_again(struct user_memo *m, struct user_memo_object *o, bool none)
{
	uint32_t object = (uint32_t)(o - m->objects.items);
	size_t i, n = m->entries.n;
	uint64_t key;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		struct user_memo_entry e = m->entries.items[i];

		/* what was taken back stays so */
		if (e.object != object || !*e.name || find_entry(m, object, e.offset, &key) != i)
			continue;
		if (none)
			e.into = 0;
		err = add_entry(m, e, none ? "" : e.name, key);
	}
	return err;
}

int user_memo_withdraw(struct user_memo *m, struct user_memo_object *o)
{
	o->changed = true;
	return say_again(m, o, true);
}

int user_memo_know(struct user_memo *m, struct user_memo_object *o, uint32_t generation)
{
	if (!generation || o->is.known_generation == generation)
		return 0;
	o->is.known_generation = generation;
	return o->changed ? 0 : say_again(m, o, false);
}

void user_memo_free(struct user_memo *m)
{
	size_t i;

	for (i = 0; i < m->objects.n; i++)
		free(m->objects.items[i].is.path);
	for (i = 0; i < m->entries.n; i++)
		free(m->entries.items[i].name);
	free(m->objects.items);
	free(m->entries.items);
	u64map_free(&m->object_of);
	u64map_free(&m->entry_of);
	memset(m, 0, sizeof(*m));
}
