// SPDX-License-Identifier: GPL-2.0
#include "analyze/faults_pending.h"

#include "base/vec.h"

#define TALLY_WORDS (sizeof(struct fault_tally) / sizeof(uint64_t))

static void tally_move(struct fault_tally *from, struct fault_tally *to,
		       const struct fault_tally *what)
{
	size_t i;

	for (i = 0; i < TALLY_WORDS; i++) {
		((uint64_t *)from)[i] -= ((const uint64_t *)what)[i];
		((uint64_t *)to)[i] += ((const uint64_t *)what)[i];
	}
}

struct fault_tally *pending_get(struct faults *f, struct process *p, uint32_t row, uint64_t address)
{
	struct fault_pending *e = p->pending < f->pending.n ? &f->pending.items[p->pending] : NULL;

	if (p->n_pending && e && e->birth == p->birth && e->row == row &&
	    e->first / FAULT_PIECE == address / FAULT_PIECE) {
		e->first = MIN(e->first, address);
		e->last = MAX(e->last, address);
		return &e->tally;
	}
	if (f->pending.n >= FAULTS_PENDING_MAX)
		return NULL;
	e = vec_add(&f->pending);
	if (!e) {
		f->stream.oom = true;
		return NULL;
	}
	e->birth = p->birth;
	e->row = row;
	e->first = e->last = address;
	p->pending = (uint32_t)(f->pending.n - 1);
	p->n_pending++;
	return &e->tally;
}

/* The piece is what is mapped there now, unless that is not known to be the same all over it. */
static void pending_settle(struct faults *f, struct process *p, const struct fault_pending *e)
{
	const struct space_map *map = spaces_find(p, e->first);
	enum region_kind kind = spaces_kind(&f->spaces, map);
	struct fault_region *from, *to;

	if (!map || e->last >= map->end || kind == REGION_UNKNOWN)
		return;
	to = faults_region(f, e->row, map->object, kind);
	/* after the other, which may have moved it */
	from = faults_region(f, e->row, SPACES_NONE, REGION_UNKNOWN);
	to = to && from ? faults_region(f, e->row, map->object, kind) : NULL;
	if (to)
		tally_move(&from->tally, &to->tally, &e->tally);
}

void pending_end(struct faults *f, struct process *p, uint64_t start, uint64_t end, bool settle)
{
	size_t i = 0;

	while (p->n_pending && i < f->pending.n) {
		struct fault_pending e = f->pending.items[i];

		if (e.birth != p->birth || e.first >= end || e.last < start) {
			i++;
			continue;
		}
		f->pending.items[i] = f->pending.items[--f->pending.n];
		p->n_pending--;
		if (settle)
			pending_settle(f, p, &e);
	}
}

void pending_ask(struct faults *f, struct process *p, uint64_t time)
{
	if (!(f->stream.start.hooked & HOOKED_MAPS) || f->n_wonder == FAULTS_WONDER ||
	    (p->asked && time < p->asked + FAULTS_ASK_NS))
		return;
	p->asked = time;
	f->wonder[f->n_wonder++] = p->pid;
}

uint32_t faults_wonder(struct faults *f)
{
	return f->n_wonder ? f->wonder[--f->n_wonder] : 0;
}

void pending_scanned(struct faults *f)
{
	struct process *p = spaces_known(&f->spaces, f->scanned);

	f->scan_time = 0;
	if (p)
		pending_end(f, p, 0, UINT64_MAX, true);
}

void pending_scan(struct faults *f, const struct event_header *there)
{
	f->scanned = there->pid;
	f->scan_time = there->time;
}
