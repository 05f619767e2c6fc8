// SPDX-License-Identifier: GPL-2.0
#include "sym/user.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "sym/user_file.h"
#include "sym/user_image.h"
#include "sym/user_memo.h"
#include "sym/user_table.h"

#define OBJECTS_MAX 512
#define BYTES_MAX   (256u << 20) /* of all tables; a single one may have more */

/* What is known of an object, which may be nothing. */
struct known {
	struct report_object object; /* .path is owned; NULL: a free place */
	struct user_table table;
	bool found;
	uint64_t used; /* clock of user_symbols when it last was */
};

struct user_symbols {
	struct known known[OBJECTS_MAX];
	struct known *last; /* most lookups are of the same object as the one before */
	size_t bytes;
	uint64_t clock;
	bool files; /* they are asked */
	bool remember; /* what they say */
	struct user_memo memo;
};

int user_symbols_new(struct user_symbols **ret)
{
	struct user_symbols *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->files = true;
	*ret = s;
	return 0;
}

void user_symbols_remember(struct user_symbols *s, bool files)
{
	s->remember = true;
	s->files = files;
}

const struct user_memo *user_symbols_memo(const struct user_symbols *s)
{
	return &s->memo;
}

int user_symbols_learn(struct user_symbols *s, const struct report_object *o, uint64_t offset,
		       const char *name, uint64_t into)
{
	return user_memo_learn(&s->memo, o, offset, name, into);
}

static void forget(struct user_symbols *s, struct known *k)
{
	s->bytes -= user_table_size(&k->table);
	user_table_free(&k->table);
	free(k->object.path);
	memset(k, 0, sizeof(*k));
	if (s->last == k)
		s->last = NULL;
}

void user_symbols_free(struct user_symbols **sp)
{
	struct user_symbols *s = *sp;

	if (!s)
		return;
	for (size_t i = 0; i < OBJECTS_MAX; i++)
		forget(s, &s->known[i]);
	user_memo_free(&s->memo);
	free(s);
	*sp = NULL;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* Take the symbols of @debug instead of those of @elf, unless it has none. */
static int add_debug(const struct report_object *o, int fd, Elf *elf, struct user_table *t)
{
	_cleanup_close_ int debug_fd = -1;
	Elf *debug = NULL;
	int err = user_file_open_debug(o, fd, elf, &debug_fd);

	if (!err)
		err = user_image_open(debug_fd, &debug);
	if (err)
		return err;
	if (user_image_has_symtab(debug)) {
		/* prelink moves a file, not its debug file */
		t->bias = user_lowest_address(elf) - user_lowest_address(debug);
		err = user_image_symbols(debug, t);
		t->bias = 0;
	}
	user_image_close(&debug);
	return err ? err : t->functions.n ? 0 : -ENOENT;
}

/* Fill @t from @elf, which is the file @fd of @o (-1: it is no file). */
static int read_image(const struct report_object *o, int fd, Elf *elf, struct user_table *t)
{
	int err = user_table_add_segments(t, elf);

	if (err)
		return err;
	err = -ENOENT;
	if (fd >= 0 && !user_image_has_symtab(elf))
		err = add_debug(o, fd, elf, t);
	if (err == -ENOENT)
		err = user_image_symbols(elf, t);
	if (!err)
		user_table_finish(t);
	return err;
}

static int read_object(const struct report_object *o, struct user_table *t)
{
	_cleanup_free_ char *vdso = NULL;
	_cleanup_close_ int fd = -1;
	Elf *elf = NULL;
	size_t n = 0;
	int err;

	if (!strcmp(o->path, "[vdso]")) {
		err = user_file_vdso(o, &vdso, &n);
		if (!err)
			err = user_image_memory(vdso, n, &elf);
	} else {
		err = user_file_open(o, &fd);
		if (!err)
			err = user_image_open(fd, &elf);
	}
	if (!err)
		err = read_image(o, fd, elf, t);
	user_image_close(&elf);
	if (err)
		user_table_free(t);
	log_debug("%s: %s%zu functions", o->path, err ? "not read, " : "", t->functions.n);
	return err;
}

/* --- what was read -------------------------------------------------------------------------------- */

/*
 * Whether what was read of @was, which is @o at an earlier time, still holds: where its code was at work
 * since, the file may have been written to before. What can't be found any more is believed to be as it was.
 */
static bool still_holds(const struct user_symbols *s, struct report_object *was,
			const struct report_object *o)
{
	_cleanup_close_ int fd = -1;

	if (!s->files || o->path[0] != '/' || o->last_wall_ns <= was->last_wall_ns)
		return true;
	was->last_wall_ns = o->last_wall_ns;
	return user_file_open(o, &fd) != -ESTALE;
}

/* What was not found by way of one process may be by way of another, or in a while. */
static bool worth_another_try(const struct known *k, const struct report_object *o)
{
	return !k->found && (k->object.pid != o->pid || k->object.start != o->start ||
			     k->object.seen_wall_ns != o->seen_wall_ns);
}

static struct known *find_known(struct user_symbols *s, const struct report_object *o)
{
	if (s->last && user_same_object(&s->last->object, o))
		return s->last;
	for (size_t i = 0; i < OBJECTS_MAX; i++)
		if (s->known[i].object.path && user_same_object(&s->known[i].object, o))
			return &s->known[i];
	return NULL;
}

/* A free place, if need be that of the object that was not asked for for the longest time. */
static struct known *oldest(struct user_symbols *s)
{
	struct known *k = NULL;

	for (size_t i = 0; i < OBJECTS_MAX; i++)
		if (!k || s->known[i].used < k->used)
			k = &s->known[i];
	return k;
}

/* Forget large tables that were not asked for for long, as long as all take too much. */
static void make_room(struct user_symbols *s, const struct known *but)
{
	while (s->bytes > BYTES_MAX) {
		struct known *k = NULL;

		for (size_t i = 0; i < OBJECTS_MAX; i++) {
			struct known *other = &s->known[i];

			if (other != but && other->table.functions.n &&
			    (!k || other->used < k->used))
				k = other;
		}
		if (!k)
			return;
		forget(s, k);
	}
}

static int learn(struct user_symbols *s, const struct report_object *o, struct known **ret)
{
	struct known *k = oldest(s);
	int err;

	forget(s, k);
	k->object = *o;
	k->object.path = strdup(o->path);
	if (!k->object.path)
		return -ENOMEM;
	err = read_object(o, &k->table);
	if (err == -ENOMEM) {
		forget(s, k);
		return err;
	}
	k->found = !err;
	s->bytes += user_table_size(&k->table);
	make_room(s, k);
	*ret = k;
	return 0;
}

/* Ask the file of @o, which is read if need be. */
static int ask_file(struct user_symbols *s, const struct report_object *o, uint64_t offset,
		    const char **ret_name, uint64_t *ret_offset)
{
	struct known *k = find_known(s, o);
	int err = 0;

	if (k && (worth_another_try(k, o) || (k->found && !still_holds(s, &k->object, o)))) {
		forget(s, k);
		k = NULL;
	}
	if (!k)
		err = learn(s, o, &k);
	if (err)
		return err;
	s->last = k;
	k->used = ++s->clock;
	return user_table_lookup(&k->table, offset, ret_name, ret_offset);
}

/* Forget what is remembered of a file that was written to since. 0, -ENOENT if so, -ENOMEM. */
static int check_memo(struct user_symbols *s, const struct report_object *o)
{
	struct user_memo_object *m = user_memo_object(&s->memo, o);
	int err = 0;

	if (m && s->files)
		err = user_memo_know(&s->memo, m, o->known_generation);
	if (!err && m && !m->changed && !still_holds(s, &m->is, o))
		err = user_memo_withdraw(&s->memo, m);
	return err ? err : m && m->changed ? -ENOENT : 0;
}

/*
 * As a recording knows @o: by what was known of its generation in the end. A part of a recording may not tell
 * that; then it is the only such file that there was.
 */
static struct report_object as_recorded(const struct user_symbols *s, const struct report_object *o)
{
	struct report_object told = *o;

	told.generation =
		o->known_generation ? o->known_generation : user_memo_generation(&s->memo, o);
	return told;
}

int user_symbols_lookup(struct user_symbols *s, const struct report_object *o, uint64_t offset,
			const char **ret_name, uint64_t *ret_offset)
{
	const struct user_memo_entry *e;
	struct report_object told;
	int err;

	if (!s->files) {
		told = as_recorded(s, o);
		o = &told;
	}
	err = check_memo(s, o);
	if (err)
		return err;
	e = user_memo_find(&s->memo, o, offset);
	if (e) {
		if (!*e->name)
			return -ENOENT;
		*ret_name = e->name;
		*ret_offset = e->into;
		return 0;
	}
	err = s->files ? ask_file(s, o, offset, ret_name, ret_offset) : -ENOENT;
	if (!err && s->remember)
		err = user_memo_learn(&s->memo, o, offset, *ret_name, *ret_offset);
	return err;
}

bool user_symbols_can_wait(const struct report_object *o)
{
	return o->path[0] != '/' || user_file_stays(o);
}
