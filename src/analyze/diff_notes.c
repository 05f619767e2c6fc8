// SPDX-License-Identifier: GPL-2.0
#include "analyze/diff_notes.h"

#include <string.h>

#include "analyze/diff_rows.h"
#include "base/digits.h"

/* How much longer one run may be than the other, in per cent, and still count as equally long. */
#define EQUAL_PCT 1

#define SECONDS_LEAST 1 /* of a run: a shorter one says little of how much there is in a second */

/* --- the runs --------------------------------------------------------------------------------------- */

const char *diff_side_name(const struct diff_side *side, const char *otherwise)
{
	return side->name ? side->name : otherwise;
}

uint64_t diff_missing(const struct report *r)
{
	uint64_t misses = r->quality.recursion_misses;

	return diff_add(r->quality.lost, misses == QUALITY_UNKNOWN ? 0 : misses);
}

const struct report *diff_worst(const struct diff_side *side)
{
	const struct report *worst = side->n ? side->reports[0] : NULL;
	size_t i;

	for (i = 1; i < side->n; i++)
		if (diff_missing(side->reports[i]) > diff_missing(worst))
			worst = side->reports[i];
	return worst;
}

uint64_t diff_duration(const struct diff_side *side)
{
	uint64_t longest = 0;
	size_t i;

	for (i = 0; i < side->n; i++)
		if (side->reports[i]->end_ns > side->reports[i]->start_ns)
			longest =
				MAX(longest, side->reports[i]->end_ns - side->reports[i]->start_ns);
	return longest;
}

struct diff_times diff_times_of(const struct diff_side *before, const struct diff_side *after,
				const struct diff_options *o)
{
	struct diff_times t = {
		.before = (double)diff_duration(before) / (double)NSEC_PER_SEC,
		.after = (double)diff_duration(after) / (double)NSEC_PER_SEC,
		.factor = 1,
	};
	double longer = MAX(t.before, t.after), shorter = MIN(t.before, t.after);

	t.rates = shorter >= SECONDS_LEAST;
	t.scaled = t.rates && !o->as_measured && longer * 100 > shorter * (100 + EQUAL_PCT);
	if (t.scaled)
		t.factor = t.after / t.before;
	return t;
}

/* --- whether they can be compared -------------------------------------------------------------------- */

/* Both runs, with what to call them. */
struct sides {
	const struct diff_side *side[2];
	const char *name[2];
};

static void note_difference(const struct sides *s, const char *what, const char *before,
			    const char *after, struct report *r)
{
	if (strcmp(before, after))
		report_add_note(r, "%s: %s in %s, %s in %s", what, before, s->name[0], after,
				s->name[1]);
}

static void note_selection(const struct sides *s, struct report *r)
{
	const char *before = s->side[0]->selection, *after = s->side[1]->selection;

	if (strcmp(before ? before : "", after ? after : ""))
		report_add_note(
			r, "what was traced differs: %s in %s, %s in %s; what changed may be that",
			before ? before : "everything", s->name[0], after ? after : "everything",
			s->name[1]);
}

static void note_machines(const struct sides *s, struct report *r)
{
	uint64_t pages[2] = { diff_page_size(s->side[0]), diff_page_size(s->side[1]) };

	if (s->side[0]->n && s->side[1]->n) {
		const struct report *before = s->side[0]->reports[0],
				    *after = s->side[1]->reports[0];

		note_difference(s, "the kernels differ", before->kernel, after->kernel, r);
		note_difference(s, "the architectures differ", before->arch, after->arch, r);
	}
	if (pages[0] && pages[1] && pages[0] != pages[1])
		report_add_note(
			r,
			"pages differ: %s bytes in %s, %s in %s; what is in pages is compared in "
			"bytes, and a block of an order is not as large in one as in the other",
			digits_grouped(pages[0]).s, s->name[0], digits_grouped(pages[1]).s,
			s->name[1]);
}

/* Areas that only one of them has. */
static void note_areas(const struct sides *s, struct report *r)
{
	size_t which, i, common = 0;

	for (which = 0; which < 2; which++)
		for (i = 0; i < s->side[which]->n; i++) {
			const char *command = s->side[which]->reports[i]->command;

			if (diff_report_of(s->side[!which], command))
				common++;
			else
				report_add_note(r, "%s is in %s only: there is nothing to compare",
						command, s->name[which]);
		}
	if (!common)
		report_add_note(r, "the runs have nothing in common that could be compared");
}

static void note_times(const struct sides *s, const struct diff_options *o,
		       const struct diff_times *t, struct report *r)
{
	if (!t->rates)
		report_add_note(
			r,
			"%s took %.3g s and %s %.3g s: less than a second says little of how much "
			"there is in a second; counts are compared as they are",
			s->name[0], t->before, s->name[1], t->after);
	else if (t->scaled)
		report_add_note(
			r,
			"%s took %.3g s and %s %.3g s: counts are compared per second, EXPECTED is "
			"BEFORE over as long as %s took; what is live or free at the end is "
			"compared as it is, though a longer run has had more time to gather it",
			s->name[0], t->before, s->name[1], t->after, s->name[1]);
	else if (o->as_measured)
		report_add_note(r, "%s took %.3g s and %s %.3g s: counts are compared as they are",
				s->name[0], t->before, s->name[1], t->after);
}

/* --- how far the numbers can be trusted --------------------------------------------------------------- */

static void note_quality(const struct sides *s, struct report *r)
{
	size_t which, i;

	for (which = 0; which < 2; which++) {
		const struct report *worst = diff_worst(s->side[which]);
		uint64_t sample = 1;

		if (worst && diff_missing(worst))
			report_add_note(
				r, "%s lost %s of %s events: what is less in it may be that%s",
				s->name[which], digits_grouped(diff_missing(worst)).s,
				digits_grouped(worst->quality.events).s,
				diff_report_of(s->side[which], "leaks")
					? ", and what seems to have leaked may have been freed"
					: "");
		for (i = 0; i < s->side[which]->n; i++)
			sample = MAX(sample, s->side[which]->reports[i]->quality.sample);
		if (sample > 1 && sample != QUALITY_UNKNOWN)
			report_add_note(r,
					"%s looked at one in %s: its numbers are estimates, and "
					"small changes may be chance",
					s->name[which], digits_grouped(sample).s);
	}
}

/* Whether two notes say the same, of whatever numbers. */
static bool same_note(const char *a, const char *b)
{
	static const char digits[] = "0123456789,.";

	for (;; a++, b++) {
		a += strspn(a, digits);
		b += strspn(b, digits);
		if (*a != *b)
			return false;
		if (!*a)
			return true;
	}
}

static bool has_note(const struct report *r, const char *note)
{
	size_t i;

	for (i = 0; i < r->n_notes; i++)
		if (same_note(r->notes[i], note))
			return true;
	return false;
}

/* What only one run could not see, or saw in another way, looks like a change. */
static void note_notes(const struct sides *s, struct report *r)
{
	size_t which, i, k;

	for (which = 0; which < 2; which++)
		for (i = 0; i < s->side[which]->n; i++) {
			const struct report *from = s->side[which]->reports[i];
			const struct report *other = diff_report_of(s->side[!which], from->command);

			for (k = 0; other && k < from->n_notes; k++)
				if (!has_note(other, from->notes[k]))
					report_add_note(r, "%s of %s: %s", from->command,
							s->name[which], from->notes[k]);
		}
}

static void note_findings(const struct diff_findings *f, struct report *r)
{
	if (f->moved)
		report_add_note(r,
				"rows that were found by their function's name, at another offset "
				"than before (another build?): %s",
				digits_grouped(f->moved).s);
	if (f->ambiguous)
		report_add_note(
			r,
			"functions with several call sites, none of them at the same offset "
			"in both runs: %s; their sites are listed as gone and new",
			digits_grouped(f->ambiguous).s);
	if (f->unnamed)
		report_add_note(r,
				"rows of call sites without a name: %s; they are compared by "
				"address, which "
				"means nothing if the kernel was booted anew or is another one",
				digits_grouped(f->unnamed).s);
	if (f->unplaced)
		report_add_note(r,
				"rows of registers and mappings of no known device: %s; they are "
				"compared by physical address",
				digits_grouped(f->unplaced).s);
	if (f->unknown)
		report_add_note(r,
				"values that are not known: %s; what is known of them is in the "
				"sums, they themselves are not",
				digits_grouped(f->unknown).s);
	if (f->same)
		report_add_note(r, "rows in which nothing changed are left out: %s",
				digits_grouped(f->same).s);
}

void diff_add_notes(const struct diff_side *before, const struct diff_side *after,
		    const struct diff_options *o, const struct diff_times *times,
		    const struct diff_findings *found, struct report *r)
{
	const struct sides s = {
		.side = { before, after },
		.name = { diff_side_name(before, "before"), diff_side_name(after, "after") },
	};

	note_machines(&s, r);
	note_selection(&s, r);
	note_areas(&s, r);
	if (before->n && after->n)
		note_times(&s, o, times, r);
	note_quality(&s, r);
	note_findings(found, r);
	note_notes(&s, r);
}
