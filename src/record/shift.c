// SPDX-License-Identifier: GPL-2.0
#include "record/shift.h"

#include <errno.h>

#include "base/u64map.h"
#include "base/vec.h"

#define GRANULE_BITS	  21
#define GRANULE_BITS_HIGH 32 /* user addresses above 4 GiB */
#define LIMIT		  (1ull << 32)
#define LOWEST		  4096 /* below it is none */
#define KERNEL_LOWEST	  (0 - (1ull << 48)) /* in reports, code below it is taken for user code */
#define HIGHEST		  (0 - (16ull << 20)) /* from here on there are none */
#define HIGHEST_32	  (LIMIT - (8ull << 20))
#define RANGE_MAX	  65536 /* granules; what is larger is noted by its ends */
#define GIBIBYTE	  (1ull << (30 - GRANULE_BITS)) /* granules */

struct granule {
	uint64_t number; /* address >> bits */
	uint64_t delta; /* what is added to addresses in it */
	uint8_t kind;
	bool joined; /* with the next one: something lies across */
};

/* A part of the address space in which pieces are put somewhere else. */
struct arena {
	unsigned int bits; /* of a granule */
	uint64_t low, high; /* granules: there is room from .low to below .high */
	uint64_t gap; /* granules that stay free between pieces, if they are now */
	struct {
		struct granule *items;
		size_t n, capacity;
	} granules;
	struct u64map granule_of; /* by number */
	size_t last; /* the granule that was used last */
};

enum {
	ARENA_LOW, /* user addresses below 4 GiB */
	ARENA_HIGH, /* above */
	ARENA_KERNEL_57, /* of a kernel with five levels of page tables, but for its code */
	ARENA_KERNEL,
	ARENA_KERNEL_32, /* kernel addresses below 4 GiB */
	ARENAS,
};

/* Granules that belong together. */
struct piece {
	size_t first, end; /* of arena.granules */
	uint8_t kind;
};

struct pieces {
	struct piece *items;
	size_t n, capacity;
};

struct shifts {
	unsigned int word_size;
	struct arena arenas[ARENAS];
	bool oom;
};

/* How many free granules pieces of one kind may have in them. */
static const uint64_t reach[SHIFT_KINDS] = {
	[SHIFT_OBJECT] = UINT64_MAX,   [SHIFT_AREA] = GIBIBYTE,	    [SHIFT_CODE] = GIBIBYTE / 16,
	[SHIFT_MODULE] = 2 * GIBIBYTE, [SHIFT_KERNEL] = UINT64_MAX,
};

struct shifts *shifts_new(unsigned int word_size)
{
	struct shifts *s = calloc(1, sizeof(*s));
	size_t i;

	if (!s)
		return NULL;
	s->word_size = word_size;
	for (i = 0; i < ARENAS; i++)
		s->arenas[i].bits = i == ARENA_HIGH ? GRANULE_BITS_HIGH : GRANULE_BITS;
	return s;
}

void shifts_free(struct shifts **ps)
{
	struct shifts *s = *ps;
	size_t i;

	if (!s)
		return;
	for (i = 0; i < ARENAS; i++) {
		free(s->arenas[i].granules.items);
		u64map_free(&s->arenas[i].granule_of);
	}
	freep(ps);
}

/* --- what there is ---------------------------------------------------------------------------------- */

static bool is_constant(const struct shifts *s, uint64_t address)
{
	return address < LOWEST || address >= HIGHEST ||
	       (s->word_size == 4 && address >= HIGHEST_32 && address < LIMIT);
}

static struct granule *arena_find(struct arena *a, uint64_t number)
{
	uint32_t i;

	if (likely(a->last < a->granules.n && a->granules.items[a->last].number == number))
		return &a->granules.items[a->last];
	i = u64map_get(&a->granule_of, number);
	if (i == U64MAP_NONE)
		return NULL;
	a->last = i;
	return &a->granules.items[i];
}

static bool arena_note(struct arena *a, uint64_t number, enum shift_kind kind, bool joined)
{
	struct granule *g = arena_find(a, number);

	if (!g) {
		g = vec_add(&a->granules);
		if (!g || u64map_set(&a->granule_of, number, (uint32_t)(a->granules.n - 1)))
			return false;
		g->number = number;
	}
	g->kind = MAX(g->kind, (uint8_t)kind);
	g->joined |= joined;
	return true;
}

static struct arena *arena_of(struct shifts *s, uint64_t address, enum shift_kind kind)
{
	if (address >> 63)
		return &s->arenas[address >= KERNEL_LOWEST ? ARENA_KERNEL : ARENA_KERNEL_57];
	if (address >= LIMIT)
		return &s->arenas[ARENA_HIGH];
	return &s->arenas[s->word_size == 4 && kind != SHIFT_USER ? ARENA_KERNEL_32 : ARENA_LOW];
}

/* What follows the last address that @a is for. */
static uint64_t arena_end(const struct shifts *s, const struct arena *a)
{
	if (a == &s->arenas[ARENA_KERNEL])
		return HIGHEST;
	if (a == &s->arenas[ARENA_KERNEL_57])
		return KERNEL_LOWEST;
	if (a == &s->arenas[ARENA_HIGH])
		return 1ull << 63;
	return s->word_size == 4 ? HIGHEST_32 : LIMIT;
}

void shifts_note(struct shifts *s, uint64_t start, uint64_t bytes, enum shift_kind kind)
{
	while (!is_constant(s, start)) {
		struct arena *a = arena_of(s, start, kind);
		uint64_t end = arena_end(s, a), here = end - start, i;
		uint64_t n = MIN(MAX(bytes, (uint64_t)1), here);
		uint64_t first = start >> a->bits, last = (start + (n - 1)) >> a->bits;

		if (last - first >= RANGE_MAX)
			s->oom |= !arena_note(a, first, kind, false) ||
				  !arena_note(a, last, kind, false);
		for (i = first; last - first < RANGE_MAX && i <= last && !s->oom; i++)
			s->oom |= !arena_note(a, i, kind, i < last);
		if (bytes <= here)
			return;
		bytes -= here;
		start = end;
	}
}

/* --- pieces ------------------------------------------------------------------------------------------- */

static int compare_granules(const void *a, const void *b)
{
	const struct granule *x = a, *y = b;

	return CMP(x->number, y->number);
}

static int arena_sort(struct arena *a)
{
	size_t i;

	if (!a->granules.n)
		return 0;
	qsort(a->granules.items, a->granules.n, sizeof(*a->granules.items), compare_granules);
	for (i = 0; i < a->granules.n; i++)
		if (u64map_set(&a->granule_of, a->granules.items[i].number, (uint32_t)i))
			return -ENOMEM;
	a->last = 0;
	return 0;
}

/* Whether @next belongs to piece @p, whose last granule is @before. */
static bool belongs(const struct piece *p, const struct granule *before, const struct granule *next,
		    uint64_t gap)
{
	uint64_t between = next->number - before->number - 1;

	if (before->joined)
		return true;
	if (p->kind == SHIFT_USER || next->kind == SHIFT_USER)
		return between < MAX(gap, (uint64_t)1);
	if (p->kind == next->kind)
		return between <= reach[p->kind];
	/* code without a name is of whatever code is near */
	return MIN(p->kind, next->kind) == SHIFT_CODE && between <= reach[SHIFT_CODE];
}

static int find_pieces(const struct arena *a, struct pieces *ret)
{
	struct piece *p = NULL;
	size_t i;

	for (i = 0; i < a->granules.n; i++) {
		const struct granule *g = &a->granules.items[i];

		if (!p || !belongs(p, g - 1, g, a->gap)) {
			p = vec_add(ret);
			if (!p)
				return -ENOMEM;
			p->first = i;
		}
		p->kind = MAX(p->kind, g->kind);
		p->end = i + 1;
	}
	return 0;
}

static uint64_t first_of(const struct arena *a, const struct piece *p)
{
	return a->granules.items[p->first].number;
}

static uint64_t end_of(const struct arena *a, const struct piece *p)
{
	return a->granules.items[p->end - 1].number + 1;
}

/* Granules that stay free before piece @p. */
static uint64_t gap_before(const struct arena *a, const struct pieces *pieces,
			   const struct piece *p)
{
	return p == pieces->items ? 0 : MIN(a->gap, first_of(a, p) - end_of(a, p - 1));
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return CMP(x, y);
}

/* Divide the room that is left at random: @cuts[i] of it is below piece i. */
static int draw_cuts(const struct arena *a, const struct pieces *pieces,
		     const struct shift_random *random, uint64_t *cuts)
{
	uint64_t room = a->high - a->low;
	const struct piece *p;
	size_t i;
	int err;

	vec_for_each(pieces, p)
		room -= gap_before(a, pieces, p) + end_of(a, p) - first_of(a, p);
	for (i = 0; i < pieces->n; i++) {
		err = random->draw(random->arg, &cuts[i]);
		if (err)
			return err;
		cuts[i] %= room + 1;
	}
	qsort(cuts, pieces->n, sizeof(*cuts), compare_numbers);
	return 0;
}

/* @keep_first, @keep_last: what is mapped goes on in the arena before or behind. */
static int arena_plan(struct arena *a, const struct shift_random *random, bool keep_first,
		      bool keep_last)
{
	struct pieces pieces = { 0 };
	_cleanup_free_ struct piece *items = NULL;
	_cleanup_free_ uint64_t *cuts = NULL;
	uint64_t at = a->low;
	size_t i, k;
	int err = find_pieces(a, &pieces);

	items = pieces.items;
	if (err || !pieces.n)
		return err;
	cuts = calloc(pieces.n, sizeof(*cuts));
	if (!cuts)
		return -ENOMEM;
	err = draw_cuts(a, &pieces, random, cuts);
	if (err)
		return err;
	if (keep_first)
		cuts[0] = 0;
	for (i = 0; i < pieces.n; i++) {
		const struct piece *p = &items[i];
		uint64_t size = end_of(a, p) - first_of(a, p), to;

		at += gap_before(a, &pieces, p);
		to = at + cuts[i];
		if (keep_last && i == pieces.n - 1)
			to = a->high - size;
		for (k = p->first; k < p->end; k++)
			a->granules.items[k].delta = (to - first_of(a, p)) << a->bits;
		at += size;
	}
	return 0;
}

/* --- where things can go -------------------------------------------------------------------------------- */

static uint64_t lowest(const struct arena *a)
{
	return a->granules.n ? a->granules.items[0].number : UINT64_MAX;
}

static uint64_t highest(const struct arena *a)
{
	return a->granules.n ? a->granules.items[a->granules.n - 1].number : 0;
}

/* With 32 bits, what is above the lowest kernel address that is known for one is the kernel's, too. */
static int divide_32(struct shifts *s)
{
	struct arena *low = &s->arenas[ARENA_LOW], *kernel = &s->arenas[ARENA_KERNEL_32];
	uint64_t border = LIMIT >> GRANULE_BITS;
	size_t i, n = 0;
	int err;

	for (i = 0; i < kernel->granules.n; i++)
		border = MIN(border, kernel->granules.items[i].number);
	for (i = 0; i < low->granules.n; i++) {
		struct granule g = low->granules.items[i];

		if (g.number < border)
			low->granules.items[n++] = g;
		else if (!arena_note(kernel, g.number, SHIFT_CODE, g.joined))
			return -ENOMEM;
	}
	low->granules.n = n;
	low->last = 0;
	u64map_free(&low->granule_of);
	err = arena_sort(low);
	kernel->low = low->high = border;
	kernel->high = HIGHEST_32 >> GRANULE_BITS;
	return err ? err : arena_sort(kernel);
}

/* User space is as large as the first of these in which all addresses fit; the kernel's likewise. */
static void set_limits(struct shifts *s)
{
	static const unsigned int bits[] = { 47, 48, 52, 56, 63 };
	struct arena *high = &s->arenas[ARENA_HIGH], *kernel = &s->arenas[ARENA_KERNEL];
	struct arena *kernel_57 = &s->arenas[ARENA_KERNEL_57];
	size_t i;

	high->low = LIMIT >> high->bits;
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		high->high = 1ull << (bits[i] - high->bits);
		if (highest(high) < high->high)
			break;
	}
	high->gap = 1;
	s->arenas[ARENA_LOW].gap = GIBIBYTE;
	kernel->low = (0 - (1ull << 47)) >> kernel->bits;
	if (lowest(kernel) < kernel->low)
		kernel->low = KERNEL_LOWEST >> kernel->bits;
	kernel->high = HIGHEST >> kernel->bits;
	kernel_57->low = (0 - (1ull << 56)) >> kernel->bits;
	if (lowest(kernel_57) < kernel_57->low)
		kernel_57->low = 1ull << (63 - kernel->bits);
	kernel_57->high = KERNEL_LOWEST >> kernel->bits;
}

int shifts_plan(struct shifts *s, const struct shift_random *random)
{
	struct arena *low = &s->arenas[ARENA_LOW], *high = &s->arenas[ARENA_HIGH], *a;
	bool across;
	int err = s->oom ? -ENOMEM : divide_32(s);

	for (a = high; a <= &s->arenas[ARENA_KERNEL] && !err; a++)
		err = arena_sort(a);
	if (err)
		return err;
	set_limits(s);
	across = high->granules.n && lowest(high) == high->low && low->granules.n &&
		 highest(low) == (LIMIT >> GRANULE_BITS) - 1;
	for (a = s->arenas; a < s->arenas + ARENAS && !err; a++)
		err = arena_plan(a, random, across && a == high, across && a == low);
	return err;
}

/* --- moving --------------------------------------------------------------------------------------------- */

/* How far granule @number, which was not told, is moved: as far as the one below it. */
static uint64_t delta_below(const struct arena *a, uint64_t number)
{
	size_t low = 0, high = a->granules.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->granules.items[middle].number <= number)
			low = middle + 1;
		else
			high = middle;
	}
	return a->granules.n ? a->granules.items[low ? low - 1 : 0].delta : 0;
}

uint64_t shifts_move(const struct shifts *shifts, uint64_t address)
{
	struct shifts *s = (struct shifts *)shifts; /* what was used last is remembered */
	const struct arena *kernel = &s->arenas[ARENA_KERNEL_32];
	const struct granule *g;
	struct arena *a;
	bool is_kernel;

	if (is_constant(s, address))
		return address;
	is_kernel = kernel->granules.n && address >> GRANULE_BITS >= kernel->low;
	a = arena_of(s, address, is_kernel ? SHIFT_CODE : SHIFT_USER);
	g = arena_find(a, address >> a->bits);
	return address + (g ? g->delta : delta_below(a, address >> a->bits));
}

uint64_t shifts_move_end(const struct shifts *s, uint64_t end)
{
	if (is_constant(s, end) || is_constant(s, end - 1))
		return end;
	return shifts_move(s, end - 1) + 1;
}
