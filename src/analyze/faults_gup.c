// SPDX-License-Identifier: GPL-2.0
#include "analyze/faults_gup.h"

#include <errno.h>
#include <stdlib.h>

#include "base/digits.h"

#define LOST_SHARE 10 /* a tenth */

static uint64_t lost_of(const struct report *r)
{
	uint64_t misses = r->quality.recursion_misses;

	return r->quality.lost + (misses == QUALITY_UNKNOWN ? 0 : misses);
}

static bool is_drowned(const struct faults_gup *g, const struct faults *f)
{
	return g->lost && g->lost * LOST_SHARE > f->tally.gup[0] + f->tally.gup[1];
}

/* *ret_any: whether there are any. */
static int find_open(struct faults_gup *g, const struct faults *f, bool *ret_any)
{
	size_t i;

	*ret_any = false;
	g->open = calloc(MAX(f->rows.n, (size_t)1), sizeof(*g->open));
	if (!g->open)
		return -ENOMEM;
	for (i = 0; i < f->spaces.processes.n; i++) {
		const struct process *p = &f->spaces.processes.items[i];

		if (!p->pid || !p->counted || p->own || faults_is_nobodys(f, p))
			continue;
		*ret_any = true;
		if (p->row != SPACES_NONE)
			g->open[p->row] = true;
	}
	return 0;
}

int faults_gup_look(struct faults_gup *ret, const struct faults *f, const struct report *r)
{
	uint32_t hooked = f->stream.start.hooked;
	bool any = false;
	int err = 0;

	*ret = (struct faults_gup){
		.hooked = hooked & HOOKED_GUP ||
			  (hooked & HOOKED_COUNTS && f->stream.start.sample <= 1),
		.differs = !(hooked & HOOKED_GUP),
		.lost = lost_of(r),
	};
	if (ret->hooked && ret->differs) {
		ret->drowned = is_drowned(ret, f);
		err = find_open(ret, f, &any);
	}
	ret->known = ret->hooked && !ret->drowned && (r->final || !any);
	return err;
}

void faults_gup_free(struct faults_gup *g)
{
	free(g->open);
	*g = (struct faults_gup){ 0 };
}

bool faults_gup_of_row(const struct faults_gup *g, size_t row)
{
	return g->hooked && !g->drowned && !(g->open && g->open[row]);
}

static const char *why_unknown(const struct faults *f)
{
	if (f->stream.start.hooked & HOOKED_COUNTS)
		return " when sampling";
	if (f->stream.start.hooked & HOOKED_COUNTS_CUT)
		return " of a part of a recording";
	return f->stream.start.selected
		       ? " here, or not with this selection: see «kmscope doctor», gup"
		       : ": see «kmscope doctor», gup";
}

void faults_gup_note(const struct faults_gup *g, const struct faults *f, struct report *r)
{
	if (!g->hooked)
		report_add_note(r, "what get_user_pages() took is not known%s", why_unknown(f));
	else if (g->drowned)
		report_add_note(
			r,
			"what get_user_pages() took is not known: it is what was counted and "
			"not told, and %s events were lost",
			digits_grouped(g->lost).s);
	else if (g->differs && g->lost)
		report_add_note(
			r, "up to %s of what get_user_pages() took may be events that were lost",
			digits_grouped(g->lost).s);
	if (g->known && f->gup_unknown)
		report_add_note(
			r,
			"what get_user_pages() took is not known of %s of them, which began "
			"while probes were being attached or whose end was not told",
			digits_grouped(f->gup_unknown).s);
}
