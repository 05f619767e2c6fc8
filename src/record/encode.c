// SPDX-License-Identifier: GPL-2.0
/*
 * A record is what it has in common with others (its template), where it comes from (its place: CPU
 * and process), its time, and a few values. Templates and places get numbers in the order of their
 * first use in a block.
 */
#include "record/encode.h"

#include <errno.h>

#include "base/vec.h"

#define SLOTS	 (2 * RECORD_TEMPLATES) /* of the hash table of templates; a power of two */
#define PLACES	 1024 /* that are remembered; a power of two */
#define ROOM	 256 /* bytes that a record takes in a column at most, but for tails */
#define NO_PLACE UINT32_MAX

struct template
{
	_Alignas(8) uint8_t body[RECORD_BODY_MAX]; /* without time, place and fields */
	uint64_t last[RECORD_FIELDS];
	uint32_t after; /* the one that followed it last */
	uint32_t tail; /* where its shared tail begins in .tails, */
	uint32_t n_tail; /* … and how long it is */
	uint32_t hash;
	const struct record_kind *kind;
};

struct place {
	uint32_t cpu, pid, number; /* NO_PLACE: free */
};

struct encoder {
	struct record_bytes columns[COLUMNS];
	struct record_bytes payload;
	struct {
		struct template *items;
		size_t n, capacity;
	} templates;
	struct record_bytes tails; /* of templates */
	uint32_t *slots; /* number of a template + 1; 0: free */
	struct place places[PLACES];
	struct place place; /* of the record before */
	uint32_t n_places;
	uint32_t before; /* template of the record before */
	uint64_t table[RECORD_TABLE];
	uint64_t time; /* of the record before */
	uint64_t base; /* of the first */
	uint64_t first, last;
	uint32_t n, n_preamble;
	size_t preamble_bytes;
};

struct encoder *encoder_new(void)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->slots = calloc(SLOTS, sizeof(*e->slots));
	if (!e->slots)
		encoder_free(&e);
	else
		encoder_reset(e);
	return e;
}

void encoder_free(struct encoder **pe)
{
	struct encoder *e = *pe;
	size_t i;

	if (!e)
		return;
	for (i = 0; i < COLUMNS; i++)
		free(e->columns[i].items);
	free(e->payload.items);
	free(e->templates.items);
	free(e->tails.items);
	free(e->slots);
	freep(pe);
}

void encoder_reset(struct encoder *e)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		e->columns[i].n = 0;
	e->templates.n = e->tails.n = 0;
	memset(e->slots, 0, SLOTS * sizeof(*e->slots));
	for (i = 0; i < PLACES; i++)
		e->places[i].number = NO_PLACE;
	e->place = (struct place){ .number = NO_PLACE };
	memset(e->table, 0, sizeof(e->table));
	e->n_places = e->before = 0;
	e->time = e->base = e->first = e->last = 0;
	e->n = e->n_preamble = 0;
	e->preamble_bytes = 0;
}

static inline void put_varint(struct record_bytes *b, uint64_t v)
{
	b->n = (size_t)(record_put_varint(b->items + b->n, v) - b->items);
}

/* --- templates ------------------------------------------------------------------------------------ */

/* What a template has of a record. */
static void take_body(const struct event_header *h, const struct record_kind *k, uint8_t *body)
{
	struct event_header *to = (struct event_header *)body;
	size_t i;

	/* most are allocations and frees: copied inline */
	if (k->size == sizeof(struct event_alloc))
		memcpy(body, h, sizeof(struct event_alloc));
	else if (k->size == sizeof(struct event_free))
		memcpy(body, h, sizeof(struct event_free));
	else
		memcpy(body, h, k->size);
	to->time = 0;
	to->cpu = 0;
	to->pid = 0;
	for (i = 0; i < RECORD_FIELDS && k->fields[i].codec; i++) {
		const struct record_field *f = &k->fields[i];
		void *p = body + f->offset;

		record_store(p, f->codec == CODEC_BLOCK ? record_load(p, 8) & ~EVENT_NO_PFN : 0,
			     f->size);
	}
}

/* Of all but the time; sizes are multiples of 8. */
static uint32_t hash_body(const uint8_t *body, size_t size)
{
	uint64_t x = 0;
	size_t i;

	for (i = 8; i < size; i += 8) {
		x = (x ^ record_load(body + i, 8)) * 0x9e3779b97f4a7c15ull;
		x ^= x >> 29;
	}
	return (uint32_t)(x >> 32 ^ x);
}

static size_t tail_of(const struct event_header *h, const struct record_kind *k,
		      const uint8_t **ret)
{
	*ret = (const uint8_t *)h + k->size;
	switch (h->kind) {
	case EVENT_STACK:
		return ((const struct event_stack *)h)->n * sizeof(uint64_t);
	case EVENT_SNAPSHOT:
		return ((const struct event_snapshot *)h)->size;
	case EVENT_MAP:
		return ((const struct event_map *)h)->size;
	}
	return 0;
}

static inline bool same_bytes(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t difference = 0;
	size_t i;

	for (i = 0; i < n; i += 8)
		difference |= record_load(a + i, 8) ^ record_load(b + i, 8);
	return !difference;
}

static bool same(const struct encoder *e, const struct template *t, const uint8_t *body,
		 const struct record_kind *k, const uint8_t *tail, size_t n_tail)
{
	return t->kind == k && same_bytes(t->body + 8, body + 8, k->size - 8u) &&
	       t->n_tail == n_tail && (!n_tail || !memcmp(e->tails.items + t->tail, tail, n_tail));
}

/* A body in the file: eight bytes at a time, a byte that says which of them are not 0, and those. */
static void put_body(struct record_bytes *b, const uint8_t *body, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i += 8) {
		uint8_t *mask = b->items + b->n++;

		*mask = 0;
		for (k = i; k < MIN(i + 8, n); k++)
			if (body[k]) {
				*mask |= (uint8_t)(1u << (k - i));
				b->items[b->n++] = body[k];
			}
	}
}

static int add_template(struct encoder *e, const struct record_kind *k, const uint8_t *body,
			const uint8_t *tail, size_t n_tail, uint32_t hash, uint32_t *ret)
{
	struct record_bytes *to = &e->columns[COLUMN_TEMPLATES];
	struct template *t;

	if (!record_reserve(to, ROOM + n_tail) || (n_tail && !record_reserve(&e->tails, n_tail)))
		return -ENOMEM;
	t = vec_add(&e->templates);
	if (!t)
		return -ENOMEM;
	memcpy(t->body, body, k->size);
	t->kind = k;
	t->hash = hash;
	t->tail = (uint32_t)e->tails.n;
	t->n_tail = (uint32_t)n_tail;
	if (n_tail) {
		memcpy(e->tails.items + e->tails.n, tail, n_tail);
		e->tails.n += n_tail;
	}
	to->items[to->n++] = ((const struct event_header *)body)->kind;
	to->items[to->n++] = ((const struct event_header *)body)->flags;
	put_body(to, body + sizeof(struct event_header), k->size - sizeof(struct event_header));
	if (k->tail == TAIL_SHARED) {
		memcpy(to->items + to->n, tail, n_tail);
		to->n += n_tail;
	}
	*ret = (uint32_t)(e->templates.n - 1);
	return 0;
}

/* The number of the template of @body, which is made if there is none. */
static int find_template(struct encoder *e, const struct record_kind *k, const uint8_t *body,
			 const uint8_t *tail, size_t n_tail, uint32_t *ret)
{
	uint32_t guess = e->templates.n ? e->templates.items[e->before].after : 0, hash, i;
	int err;

	/* loops do the same things in the same order */
	if (guess < e->templates.n && same(e, &e->templates.items[guess], body, k, tail, n_tail)) {
		*ret = guess;
		return 0;
	}
	hash = hash_body(body, k->size);
	/* a machine with ten thousands of CPUs has a preamble that would fill the table */
	if (unlikely(e->templates.n >= SLOTS / 2))
		return add_template(e, k, body, tail, n_tail, hash, ret);
	for (i = hash & (SLOTS - 1); e->slots[i]; i = (i + 1) & (SLOTS - 1)) {
		const struct template *t = &e->templates.items[e->slots[i] - 1];

		if (t->hash == hash && same(e, t, body, k, tail, n_tail)) {
			*ret = e->slots[i] - 1;
			return 0;
		}
	}
	err = add_template(e, k, body, tail, n_tail, hash, ret);
	if (!err)
		e->slots[i] = *ret + 1;
	return err;
}

/* --- places --------------------------------------------------------------------------------------- */

/* Write where @h comes from if that is not where the record before did; whether it was written. */
static bool put_place(struct encoder *e, const struct event_header *h)
{
	struct record_bytes *to = &e->columns[COLUMN_PLACES];
	struct place *p;

	if (e->place.number != NO_PLACE && e->place.cpu == h->cpu && e->place.pid == h->pid)
		return false;
	p = &e->places[(h->cpu * 0x9e3779b1u ^ h->pid * 0x85ebca6bu) >> 22 & (PLACES - 1)];
	if (p->number != NO_PLACE && p->cpu == h->cpu && p->pid == h->pid) {
		put_varint(to, p->number + 1);
	} else {
		/* one whose place here another one took gets a number again */
		*p = (struct place){ h->cpu, h->pid, e->n_places++ };
		put_varint(to, 0);
		put_varint(to, h->cpu);
		put_varint(to, h->pid);
	}
	e->place = *p;
	return true;
}

/* --- values --------------------------------------------------------------------------------------- */

/*
 * An address: one of those remembered by its slot (tag 1), by its difference to the last one of its
 * template, in steps of eight bytes (0) or of one (2), or in full (3).
 */
static void put_address(struct encoder *e, struct record_bytes *to, uint64_t address,
			uint64_t *last)
{
	uint64_t difference = address - *last, v = record_zigzag(difference);
	uint32_t slot = record_address_slot(address);

	if (!difference)
		put_varint(to, 0);
	else if (e->table[slot] == address)
		put_varint(to, (uint64_t)slot << 2 | 1);
	else if (!(difference & 7))
		put_varint(to, record_zigzag((uint64_t)((int64_t)difference >> 3)) << 2);
	else if (v < 1ull << 62)
		put_varint(to, v << 2 | 2);
	else {
		put_varint(to, 3);
		record_put(to->items + to->n, address, 8);
		to->n += 8;
	}
	e->table[slot] = address;
	*last = address;
}

static void put_values(struct encoder *e, const struct event_header *h, struct template *t)
{
	struct record_bytes *to = &e->columns[COLUMN_VALUES];
	const struct record_kind *k = t->kind;
	size_t i;

	for (i = 0; i < RECORD_FIELDS && k->fields[i].codec; i++) {
		const struct record_field *f = &k->fields[i];
		uint64_t v = record_load((const char *)h + f->offset, f->size);

		switch (f->codec) {
		case CODEC_ADDRESS:
			put_address(e, to, v, &t->last[i]);
			break;
		case CODEC_BLOCK:
			put_address(e, to, v & EVENT_NO_PFN, &t->last[i]);
			break;
		case CODEC_DELTA:
			put_varint(to, record_zigzag(v - t->last[i]));
			t->last[i] = v;
			break;
		case CODEC_BEFORE:
			put_varint(to, record_zigzag(h->time - v));
			break;
		default:
			put_varint(to, v);
		}
	}
}

/* --- records -------------------------------------------------------------------------------------- */

static bool reserve_all(struct encoder *e, size_t tail)
{
	size_t i;

	for (i = 0; i < COLUMNS; i++)
		if (e->columns[i].capacity - e->columns[i].n < ROOM &&
		    !record_reserve(&e->columns[i], ROOM))
			return false;
	return !tail || record_reserve(&e->columns[COLUMN_TAILS], tail);
}

int encoder_add(struct encoder *e, const struct event_header *h)
{
	const struct record_kind *k = record_kind_of(h->kind);
	_Alignas(8) uint8_t body[RECORD_BODY_MAX];
	const uint8_t *tail = NULL;
	size_t n_tail = k->tail ? tail_of(h, k, &tail) : 0;
	size_t shared = k->tail == TAIL_SHARED ? n_tail : 0;
	struct record_bytes *tails = &e->columns[COLUMN_TAILS];
	uint32_t number;
	int err;

	if (!reserve_all(e, n_tail))
		return -ENOMEM;
	take_body(h, k, body);
	err = find_template(e, k, body, tail, shared, &number);
	if (err)
		return err;
	e->templates.items[e->before].after = number;
	e->before = number;
	if (!e->n && !e->n_preamble)
		e->base = e->time = h->time;
	put_varint(&e->columns[COLUMN_KEYS], (uint64_t)number << 1 | put_place(e, h));
	put_varint(&e->columns[COLUMN_TIMES], record_zigzag(h->time - e->time));
	e->time = h->time;
	put_values(e, h, &e->templates.items[number]);
	if (k->tail == TAIL_OWN) {
		memcpy(tails->items + tails->n, tail, n_tail);
		tails->n += n_tail;
	}
	e->first = e->n ? MIN(e->first, h->time) : h->time;
	e->last = e->n ? MAX(e->last, h->time) : h->time;
	e->n++;
	return 0;
}

static size_t all_bytes(const struct encoder *e)
{
	size_t i, n = 0;

	for (i = 0; i < COLUMNS; i++)
		n += e->columns[i].n;
	return n;
}

void encoder_begin(struct encoder *e)
{
	e->n_preamble = e->n;
	e->n = 0;
	e->preamble_bytes = all_bytes(e);
}

uint32_t encoder_records(const struct encoder *e)
{
	return e->n;
}

size_t encoder_bytes(const struct encoder *e)
{
	return all_bytes(e) - e->preamble_bytes;
}

void encoder_describe(const struct encoder *e, struct record_block *b)
{
	b->n = e->n;
	b->first = e->first;
	b->last = e->last;
}

const uint8_t *encoder_payload(struct encoder *e, size_t *ret_n)
{
	struct record_bytes *to = &e->payload;
	size_t i;

	to->n = 0;
	if (!record_reserve(to, all_bytes(e) + ROOM))
		return NULL;
	put_varint(to, e->n_preamble);
	put_varint(to, e->n);
	record_put(to->items + to->n, e->base, 8);
	to->n += 8;
	for (i = 0; i < COLUMNS; i++)
		put_varint(to, e->columns[i].n);
	for (i = 0; i < COLUMNS; i++) {
		if (e->columns[i].n)
			memcpy(to->items + to->n, e->columns[i].items, e->columns[i].n);
		to->n += e->columns[i].n;
	}
	*ret_n = to->n;
	return to->items;
}

void encoder_each_site(const struct encoder *e, void (*visit)(void *arg, uint64_t address),
		       void *arg)
{
	const struct template *t;

	vec_for_each(&e->templates, t) {
		const struct event_header *h = (const struct event_header *)t->body;
		uint64_t site = 0;

		switch (h->kind) {
		case EVENT_KMALLOC:
		case EVENT_CACHE_ALLOC:
			site = ((const struct event_alloc *)h)->site;
			break;
		case EVENT_VMALLOC:
			site = ((const struct event_vmalloc *)h)->site;
			break;
		case EVENT_IOREMAP:
			site = ((const struct event_ioremap *)h)->site;
			break;
		case EVENT_REGISTER:
			site = ((const struct event_register *)h)->site;
			break;
		}
		if (site)
			visit(arg, site);
	}
}
