// SPDX-License-Identifier: GPL-2.0
#include "session/recording.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/u64map.h"
#include "base/vec.h"
#include "sym/memo.h"
#include "sym/user_memo.h"

#define RENEW_NS  (5 * NSEC_PER_SEC) /* at least between two looks at /proc/kallsyms */
#define CODE_PART 20 /* of the time, for names of user code */
#define NAMES_MAX 4096 /* in a block */

struct recording {
	struct record_writer *writer;
	char *path;
	struct {
		struct record_text *items; /* both owned */
		size_t n, capacity;
	} texts;
	struct symbolizer *memo;
	struct user_symbols *user;
	struct analyzer *code;
	struct u64map seen; /* code addresses */
	struct {
		uint64_t *items;
		size_t n, capacity;
	} unnamed; /* addresses without a name so far */
	size_t tried; /* of them, those that the newest look at kallsyms does not know */
	uint64_t renewed, next_code;
	size_t n_symbols, n_code; /* names that were written */
	bool oom;
	struct program_status program; /* the newest */
	bool begun; /* EVENT_START was written: nothing comes before it */
};

int recording_open(const struct record_options *o, struct recording **ret, struct failure *f)
{
	struct recording *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->path = strdup(o->path);
	err = r->path ? record_writer_open(o, &r->writer, f) : -ENOMEM;
	if (err)
		recording_free(&r);
	else
		*ret = r;
	return err;
}

void recording_free(struct recording **pr)
{
	struct recording *r = *pr;
	size_t i;

	if (!r)
		return;
	record_writer_free(&r->writer);
	for (i = 0; i < r->texts.n; i++) {
		free((char *)r->texts.items[i].key);
		free((char *)r->texts.items[i].value);
	}
	free(r->texts.items);
	free(r->unnamed.items);
	u64map_free(&r->seen);
	free(r->path);
	freep(pr);
}

int recording_describe(struct recording *r, const char *key, const char *value)
{
	struct record_text *t = vec_add(&r->texts);

	if (!t)
		return -ENOMEM;
	*t = (struct record_text){ strdup(key), strdup(value) };
	return t->key && t->value ? 0 : -ENOMEM;
}

/* --- names ------------------------------------------------------------------------------------------ */

static bool is_kernel(uint64_t address)
{
	return sizeof(long) == 8 ? address >> 63 : address >= 0x40000000;
}

/* A code address that reports may show. */
static void note_site(void *arg, uint64_t address)
{
	struct recording *r = arg;
	uint64_t *to;

	if (!is_kernel(address) || u64map_get(&r->seen, address) != U64MAP_NONE)
		return;
	to = vec_add(&r->unnamed);
	if (!to || u64map_set(&r->seen, address, 0))
		r->oom = true;
	else
		*to = address;
}

static void note_stack(struct recording *r, const struct event_stack *e)
{
	uint32_t i;

	for (i = 0; i < e->n; i++)
		note_site(r, e->frames[i]);
}

static void try_names(struct recording *r)
{
	struct symbol sym;
	size_t i, left = 0;

	for (i = 0; i < r->unnamed.n; i++)
		if (symbolizer_lookup_return(r->memo, r->unnamed.items[i], &sym))
			r->unnamed.items[left++] = r->unnamed.items[i];
	r->unnamed.n = left;
}

/* What is new since the last look may be of a module that was loaded meanwhile. */
static void learn_kernel(struct recording *r, bool last)
{
	struct symbolizer *fresh = NULL;
	uint64_t now = clock_monotonic_ns();

	if (!r->memo)
		return;
	try_names(r);
	if (r->unnamed.n <= r->tried || (!last && now < r->renewed + RENEW_NS))
		return;
	r->renewed = now;
	if (!kallsyms_open("/proc/kallsyms", &fresh, NULL)) {
		memo_renew(r->memo, fresh);
		try_names(r);
	}
	r->tried = r->unnamed.n;
}

/* User code: a report that has all of it is made, and asks for the names. */
static void learn_code(struct recording *r, bool last)
{
	_cleanup_(report_free) struct report *report = NULL;
	uint64_t began = clock_monotonic_ns(), now;

	if (!r->code || (!last && began < r->next_code))
		return;
	report = report_new(r->code->ops->name);
	if (!report || r->code->ops->report(r->code, report) || report->oom ||
	    symbolize_report(r->memo, r->user, report))
		r->oom = true;
	now = clock_monotonic_ns();
	r->next_code = now + CODE_PART * (now - began);
}

static void write_symbols(struct recording *r)
{
	struct record_symbol some[64];
	size_t n = 0, end = r->memo ? memo_count(r->memo) : 0;

	while (r->n_symbols < end) {
		const struct memo_entry *e = memo_entry(r->memo, r->n_symbols++);

		some[n++] =
			(struct record_symbol){ e->address, e->start, e->size, e->name, e->module };
		if (n < ARRAY_SIZE(some) && r->n_symbols < end)
			continue;
		record_writer_names(r->writer, some, n, NULL, 0);
		n = 0;
	}
}

static void note_block(void *arg)
{
	struct recording *r = arg;

	record_writer_each_site(r->writer, note_site, r);
	/* before the block that needs them: whatever comes, what can be read has its names */
	if (r->memo && r->unnamed.n) {
		try_names(r);
		write_symbols(r);
	}
}

static void write_code(struct recording *r)
{
	const struct user_memo *m = r->user ? user_symbols_memo(r->user) : NULL;
	_cleanup_free_ struct record_code *some = NULL;
	size_t n = 0, end = m ? m->entries.n : 0;

	if (r->n_code == end)
		return;
	some = calloc(NAMES_MAX, sizeof(*some));
	if (!some) {
		r->oom = true;
		return;
	}
	while (r->n_code < end) {
		const struct user_memo_entry *e = &m->entries.items[r->n_code++];
		const struct report_object *o = &m->objects.items[e->object].is;

		some[n++] = (struct record_code){
			.path = o->path,
			.major = o->major,
			.minor = o->minor,
			.pid = o->pid,
			.inode = o->inode,
			.start = o->start,
			.end = o->end,
			.offset = e->offset,
			.name = e->name,
			.into = e->into,
			.generation = o->known_generation,
		};
		if (n < NAMES_MAX && r->n_code < end)
			continue;
		record_writer_names(r->writer, NULL, 0, some, n);
		n = 0;
	}
}

static void write_names(struct recording *r)
{
	if (record_writer_forgot(r->writer))
		r->n_symbols = r->n_code = 0;
	write_symbols(r);
	write_code(r);
}

/* --- the run ---------------------------------------------------------------------------------------- */

void recording_names(struct recording *r, struct symbolizer *memo, struct user_symbols *user,
		     struct analyzer *code)
{
	r->memo = memo;
	r->user = user;
	r->code = code;
	r->renewed = clock_monotonic_ns();
	record_writer_watch(r->writer, note_block, r);
}

static int fail_write(struct recording *r, int err, struct failure *f)
{
	struct record_totals t;

	record_writer_totals(r->writer, &t);
	return fail(f, FAILURE_INTERNAL, err,
		    "%.200s: %s; what was written until then, %llu bytes, can be read", r->path,
		    strerror(-err), (unsigned long long)t.bytes);
}

int recording_begin(struct recording *r, struct failure *f)
{
	int err = record_writer_begin(r->writer, r->texts.items, r->texts.n);

	return err ? fail(f, FAILURE_INTERNAL, err, "%.200s can't be written: %s", r->path,
			  strerror(-err))
		   : 0;
}

void recording_tick(struct recording *r, const struct event_header *tick, bool ending)
{
	struct event_header copy = *tick;
	const struct event_header *record = &copy;

	copy.flags |= ending ? EVENT_ENDING : 0;
	record_writer_add(r->writer, &record, 1);
	record_writer_flush(r->writer);
	learn_kernel(r, false);
	learn_code(r, false);
	write_names(r);
}

static void write_program(struct recording *r)
{
	struct event_program e = {
		.h = { .time = clock_monotonic_ns(),
		       .kind = EVENT_PROGRAM,
		       .pid = (uint32_t)r->program.pid },
		.exit_code = r->program.exit_code,
		.signal = r->program.signal,
	};
	const struct event_header *record = &e.h;

	record_writer_add(r->writer, &record, 1);
}

void recording_program(struct recording *r, const struct program_status *p)
{
	if (!p->present || (r->program.present && r->program.exit_code == p->exit_code &&
			    r->program.signal == p->signal))
		return;
	r->program = *p;
	if (r->begun)
		write_program(r);
}

void recording_consume(struct recording *r, const struct event_header *const *records, size_t n)
{
	record_writer_add(r->writer, records, n);
	/* at full rate a small ring is overwritten more than once a second */
	if (unlikely(record_writer_forgot(r->writer))) {
		r->n_symbols = r->n_code = 0;
		write_names(r);
	}
	/* what the source makes itself comes alone */
	if (unlikely(n == 1 && records[0]->kind == EVENT_STACK))
		note_stack(r, (const struct event_stack *)records[0]);
	if (unlikely(!r->begun)) {
		r->begun = true;
		if (r->program.present)
			write_program(r);
	}
}

void recording_settle(struct recording *r)
{
	record_writer_flush(r->writer);
	learn_kernel(r, true);
	learn_code(r, true);
}

int recording_end(struct recording *r, struct failure *f)
{
	int err;

	write_names(r);
	err = record_writer_end(r->writer);
	if (!err && r->oom)
		err = -ENOMEM;
	if (err)
		return fail_write(r, err, f);
	if (record_writer_removed(r->writer))
		return fail(f, FAILURE_INTERNAL, -ENOENT,
			    "%.300s was removed while it was being written: nothing is left of it",
			    r->path);
	return 0;
}

int recording_error(const struct recording *r)
{
	return record_writer_error(r->writer);
}

void recording_totals(const struct recording *r, struct record_totals *ret)
{
	record_writer_totals(r->writer, ret);
}
