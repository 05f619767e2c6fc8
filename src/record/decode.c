// SPDX-License-Identifier: GPL-2.0
#include "record/decode.h"

#include <errno.h>

#include "base/vec.h"

#define BATCH_ROOM (DECODER_BATCH * RECORD_BODY_MAX)

struct template
{
	_Alignas(8) uint8_t body[RECORD_BODY_MAX];
	uint64_t last[RECORD_FIELDS];
	const struct record_kind *kind;
	const uint8_t *shared; /* tail */
	uint32_t n_tail;
};

struct place {
	uint16_t cpu;
	uint32_t pid;
};

struct decoder {
	struct record_cursor columns[COLUMNS];
	struct {
		struct template *items;
		size_t n, capacity;
	} templates;
	struct {
		struct place *items;
		size_t n, capacity;
	} places;
	struct place place;
	uint64_t table[RECORD_TABLE];
	uint64_t time;
	uint64_t n, n_preamble; /* still to come */
	uint8_t *room; /* of a batch */
	size_t capacity;
	const struct event_header *batch[DECODER_BATCH];
};

struct decoder *decoder_new(void)
{
	struct decoder *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->capacity = BATCH_ROOM;
	d->room = malloc(d->capacity);
	if (!d->room)
		decoder_free(&d);
	return d;
}

void decoder_free(struct decoder **pd)
{
	struct decoder *d = *pd;

	if (!d)
		return;
	free(d->templates.items);
	free(d->places.items);
	free(d->room);
	freep(pd);
}

/* --- numbers -------------------------------------------------------------------------------------- */

static bool get_bytes(struct record_cursor *c, size_t n, const uint8_t **ret)
{
	if ((size_t)(c->end - c->p) < n)
		return false;
	*ret = c->p;
	c->p += n;
	return true;
}

int decoder_begin(struct decoder *d, const uint8_t *payload, size_t n)
{
	struct record_cursor head = { payload, payload + n };
	const uint8_t *base;
	uint64_t lengths[COLUMNS];
	size_t i;

	d->templates.n = d->places.n = 0;
	d->place = (struct place){ 0 };
	memset(d->table, 0, sizeof(d->table));
	d->n = d->n_preamble = 0;
	if (!record_take_varint(&head, &d->n_preamble) || !record_take_varint(&head, &d->n) ||
	    !get_bytes(&head, 8, &base))
		return -EBADMSG;
	d->time = record_get(base, 8);
	for (i = 0; i < COLUMNS; i++)
		if (!record_take_varint(&head, &lengths[i]))
			return -EBADMSG;
	for (i = 0; i < COLUMNS; i++) {
		if (lengths[i] > (size_t)(head.end - head.p))
			return -EBADMSG;
		d->columns[i] = (struct record_cursor){ head.p, head.p + lengths[i] };
		head.p += lengths[i];
	}
	/* this bounds templates and places, too */
	if (d->n > RECORD_BLOCK_RECORDS || d->n_preamble > RECORD_PREAMBLE_MAX)
		return -EBADMSG;
	return 0;
}

/* --- templates ------------------------------------------------------------------------------------ */

static bool get_body(struct record_cursor *c, uint8_t *body, size_t n)
{
	size_t i, k;

	for (i = 0; i < n; i += 8) {
		uint8_t mask;

		if (c->p == c->end)
			return false;
		mask = *c->p++;
		for (k = i; k < MIN(i + 8, n); k++)
			if (mask & 1u << (k - i)) {
				if (c->p == c->end)
					return false;
				body[k] = *c->p++;
			}
	}
	return true;
}

/* The length of the tail of a record with this body; false for one that can't be. */
static bool tail_length(const struct template *t, uint32_t *ret)
{
	const struct event_header *h = (const struct event_header *)t->body;

	*ret = 0;
	if (h->kind == EVENT_STACK) {
		uint32_t n = ((const struct event_stack *)h)->n;

		*ret = n * 8;
		return n <= EVENT_STACK_DEPTH;
	}
	if (h->kind == EVENT_SNAPSHOT)
		*ret = ((const struct event_snapshot *)h)->size;
	else if (h->kind == EVENT_MAP)
		*ret = ((const struct event_map *)h)->size;
	return *ret <= RECORD_PAYLOAD_MAX;
}

static int add_template(struct decoder *d)
{
	struct record_cursor *c = &d->columns[COLUMN_TEMPLATES];
	struct template *t = vec_add(&d->templates);
	struct event_header *h;
	const uint8_t *start;

	if (!t)
		return -ENOMEM;
	if (!get_bytes(c, 2, &start))
		return -EBADMSG;
	t->kind = record_kind_of(start[0]);
	if (!t->kind)
		return -EBADMSG;
	h = (struct event_header *)t->body;
	h->kind = start[0];
	h->flags = start[1];
	if (!get_body(c, t->body + sizeof(*h), t->kind->size - sizeof(*h)) ||
	    !tail_length(t, &t->n_tail))
		return -EBADMSG;
	if (t->kind->tail == TAIL_SHARED && !get_bytes(c, t->n_tail, &t->shared))
		return -EBADMSG;
	/* what has no tail is as valid as its template: values can be anything */
	if (!t->kind->tail && !event_valid(h, t->kind->size))
		return -EBADMSG;
	return 0;
}

/* --- records -------------------------------------------------------------------------------------- */

static bool get_place(struct decoder *d)
{
	struct record_cursor *c = &d->columns[COLUMN_PLACES];
	uint64_t number, cpu, pid;
	struct place *p;

	if (!record_take_varint(c, &number))
		return false;
	if (number) {
		if (number > d->places.n)
			return false;
		d->place = d->places.items[number - 1];
		return true;
	}
	if (!record_take_varint(c, &cpu) || !record_take_varint(c, &pid) || cpu >= EVENT_CPUS_MAX ||
	    pid > UINT32_MAX)
		return false;
	p = vec_add(&d->places);
	if (!p)
		return false;
	*p = d->place = (struct place){ (uint16_t)cpu, (uint32_t)pid };
	return true;
}

static bool get_address(struct decoder *d, uint64_t *last, uint64_t *ret)
{
	struct record_cursor *c = &d->columns[COLUMN_VALUES];
	const uint8_t *bytes;
	uint64_t v, address;

	if (!record_take_varint(c, &v))
		return false;
	switch (v & 3) {
	case 0:
		address = *last + (record_unzigzag(v >> 2) << 3);
		break;
	case 1:
		if (v >> 2 >= RECORD_TABLE)
			return false;
		address = d->table[v >> 2];
		break;
	case 2:
		address = *last + record_unzigzag(v >> 2);
		break;
	default:
		if (!get_bytes(c, 8, &bytes))
			return false;
		address = record_get(bytes, 8);
	}
	d->table[record_address_slot(address)] = address;
	*last = *ret = address;
	return true;
}

static bool get_values(struct decoder *d, struct template *t, struct event_header *h)
{
	struct record_cursor *c = &d->columns[COLUMN_VALUES];
	size_t i;

	for (i = 0; i < RECORD_FIELDS && t->kind->fields[i].codec; i++) {
		const struct record_field *f = &t->kind->fields[i];
		void *p = (char *)h + f->offset;
		uint64_t v;

		if (f->codec == CODEC_ADDRESS || f->codec == CODEC_BLOCK) {
			if (!get_address(d, &t->last[i], &v))
				return false;
			if (f->codec == CODEC_BLOCK)
				v = (v & EVENT_NO_PFN) | record_load(p, 8);
		} else if (!record_take_varint(c, &v)) {
			return false;
		} else if (f->codec == CODEC_DELTA) {
			v = t->last[i] += record_unzigzag(v);
		} else if (f->codec == CODEC_BEFORE) {
			v = h->time - record_unzigzag(v);
		}
		record_store(p, v, f->size);
	}
	return true;
}

/* What comes behind the fixed part, up to @size bytes, and whether that makes a whole record. */
static bool get_tail(struct decoder *d, const struct template *t, struct event_header *h,
		     size_t size)
{
	const uint8_t *tail = t->shared;

	if (t->kind->tail == TAIL_OWN && !get_bytes(&d->columns[COLUMN_TAILS], t->n_tail, &tail))
		return false;
	if (t->n_tail)
		memcpy((uint8_t *)h + t->kind->size, tail, t->n_tail);
	memset((uint8_t *)h + t->kind->size + t->n_tail, 0, size - t->kind->size - t->n_tail);
	return event_valid(h, size);
}

/* Bytes that a record takes in a batch. */
static size_t record_size(const struct template *t)
{
	if (((const struct event_header *)t->body)->kind == EVENT_STACK)
		return sizeof(struct event_stack);
	return (t->kind->size + (size_t)t->n_tail + 7) / 8 * 8;
}

static bool get_record(struct decoder *d, struct template *t, uint8_t *to, size_t size)
{
	struct event_header *h = (struct event_header *)to;
	uint64_t time;

	if (!record_take_varint(&d->columns[COLUMN_TIMES], &time))
		return false;
	memcpy(to, t->body, RECORD_BODY_MAX); /* there is room, and a constant size is faster */
	h->time = d->time += record_unzigzag(time);
	h->cpu = d->place.cpu;
	h->pid = d->place.pid;
	if (!get_values(d, t, h))
		return false;
	return likely(!t->kind->tail) || get_tail(d, t, h, size);
}

/* The template of the next record; its place is taken. */
static int get_template(struct decoder *d, struct template **ret)
{
	uint64_t key;
	int err = 0;

	if (!record_take_varint(&d->columns[COLUMN_KEYS], &key))
		return -EBADMSG;
	if (key >> 1 == d->templates.n)
		err = add_template(d);
	if (err)
		return err;
	if (key >> 1 >= d->templates.n || (key & 1 && !get_place(d)))
		return -EBADMSG;
	*ret = &d->templates.items[key >> 1];
	return 0;
}

static int reserve(struct decoder *d, size_t size)
{
	uint8_t *more;

	if (size <= d->capacity)
		return 0;
	more = realloc(d->room, size);
	if (!more)
		return -ENOMEM;
	d->room = more;
	d->capacity = size;
	return 0;
}

int decoder_next(struct decoder *d, const struct event_header *const **ret, size_t *ret_n,
		 bool *ret_preamble)
{
	uint64_t *left = d->n_preamble ? &d->n_preamble : &d->n;
	size_t used = 0, n = 0;
	int err = 0;

	*ret = d->batch;
	*ret_n = 0;
	*ret_preamble = left == &d->n_preamble;
	while (n < DECODER_BATCH && *left && !err) {
		struct template *t;
		size_t size;

		/* one that is large comes alone */
		if (d->capacity - used < RECORD_BODY_MAX)
			break;
		err = get_template(d, &t);
		if (err)
			break;
		size = record_size(t);
		if (size > d->capacity - used) {
			err = reserve(d, used + size);
			if (err)
				break;
			/* what was decoded has moved */
			for (size_t i = 0, at = 0; i < n; i++) {
				d->batch[i] = (const struct event_header *)(d->room + at);
				at += (event_size(d->batch[i]) + 7) / 8 * 8;
			}
		}
		if (!get_record(d, t, d->room + used, size)) {
			err = -EBADMSG;
			break;
		}
		d->batch[n++] = (const struct event_header *)(d->room + used);
		used += size;
		--*left;
	}
	*ret_n = n;
	return err;
}
