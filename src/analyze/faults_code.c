// SPDX-License-Identifier: GPL-2.0
#include "analyze/faults_code.h"

#include <errno.h>
#include <string.h>

/* --- objects ---------------------------------------------------------------------------------------------- */

static struct report_object describe(const struct space_object *o, const struct report *r)
{
	const uint64_t wall = r->start_wall_ns - r->start_ns;

	return (struct report_object){
		.path = strcmp(o->path, "//anon") ? o->path : (char *)"[anon]",
		.major = o->major,
		.minor = o->minor,
		.inode = o->inode,
		.generation = o->generation,
		.known_generation = o->known,
		.pid = o->pid,
		.start = o->start,
		.end = o->end,
		.seen_wall_ns = wall + o->time,
		.first_wall_ns = wall + o->first,
		.last_wall_ns = wall + o->last,
	};
}

static uint32_t object_number(const struct faults *f, struct faults_named *names, uint32_t object,
			      struct report *r)
{
	uint32_t *number = object == SPACES_NONE ? &names->unknown : &names->numbers[object];
	struct report_object named = { .path = (char *)"[unknown]" };

	if (*number)
		return *number;
	if (object != SPACES_NONE)
		named = describe(&f->spaces.objects.items[object], r);
	*number = report_add_object(r, &named);
	return *number;
}

uint64_t faults_code_of(const struct faults *f, struct faults_named *names, uint32_t object,
			uint64_t ip, struct report *r)
{
	return object == FAULT_SITE_KERNEL ? ip
					   : report_code(object_number(f, names, object, r), ip);
}

/* --- names that can't wait ------------------------------------------------------------------------------ */

static const struct column columns[] = {
	{ "symbol", "SYMBOL", CELL_SITE, 0, 0 },
	{ 0 },
};

static bool takes(const bool *taken, uint32_t object)
{
	return object < FAULT_SITE_KERNEL && taken[object];
}

static void add_sites(const struct faults *f, struct faults_named *names, const bool *taken,
		      struct report *r)
{
	struct table *t = report_add_table(r, "sites", "", columns, 1);
	size_t i;

	for (i = 0; t && i < f->sites.n; i++) {
		const struct fault_site *s = &f->sites.items[i];

		if (takes(taken, s->object))
			report_set_u64(r, t, report_add_row(r, t), "symbol",
				       faults_code_of(f, names, s->object, s->ip, r));
	}
}

/* Chains stay whole, as it matters what calls what; the names of those that can wait are not looked up. */
static uint64_t frame_code(const struct faults *f, struct faults_named *names, const bool *taken,
			   struct fault_frame at, struct report *r)
{
	bool wait = at.object != FAULT_SITE_KERNEL && !takes(taken, at.object);

	return faults_code_of(f, names, wait ? SPACES_NONE : at.object, at.ip, r);
}

static void add_chains(const struct faults *f, struct faults_named *names, const bool *taken,
		       struct report *r)
{
	uint64_t frames[EVENT_STACK_DEPTH + 1];
	size_t i;

	for (i = 0; i < f->chains.n; i++) {
		const struct fault_chain *c = &f->chains.items[i];
		bool any = false;
		uint32_t k;

		for (k = 0; k < c->n && !any; k++)
			any = takes(taken, c->frames[k].object);
		for (k = 0; k < c->n && any; k++)
			frames[k] = frame_code(f, names, taken, c->frames[k], r);
		if (any)
			report_add_stack(r, frames, c->n);
	}
}

int faults_code(struct faults *f, bool (*wanted)(void *arg, const struct report_object *o),
		void *arg, struct report *r)
{
	_cleanup_free_ uint32_t *numbers = calloc(f->spaces.objects.n + 1, sizeof(*numbers));
	_cleanup_free_ bool *taken = calloc(f->spaces.objects.n + 1, sizeof(*taken));
	struct faults_named names = { .numbers = numbers };
	bool any = false;
	size_t i;

	if (!numbers || !taken)
		return -ENOMEM;
	r->start_ns = f->stream.start.h.time;
	r->start_wall_ns = f->stream.start.wall_ns;
	for (i = 0; i < f->spaces.objects.n; i++) {
		struct space_object *o = &f->spaces.objects.items[i];
		struct report_object named;

		if (!o->news)
			continue;
		named = describe(o, r);
		taken[i] = wanted(arg, &named);
		o->news = !taken[i];
		any |= taken[i];
	}
	if (any) {
		add_sites(f, &names, taken, r);
		add_chains(f, &names, taken, r);
	}
	return r->oom ? -ENOMEM : 0;
}
