// SPDX-License-Identifier: GPL-2.0
#include "analyze/registers.h"

#include <stdio.h>
#include <string.h>

#include "base/vec.h"

#define GPIO_OWNER UINT32_MAX /* of pins that are known by their line's number */

void registers_init(struct registers *r, bool trace)
{
	memset(r, 0, sizeof(*r));
	pins_init(&r->pins);
	r->trace = trace;
}

void registers_free(struct registers *r)
{
	free(r->devices.items);
	free(r->rows.items);
	free(r->traced.items);
	u64map_free(&r->device_of);
	u64map_free(&r->row_of);
	pins_free(&r->pins);
	memset(r, 0, sizeof(*r));
}

/* --- devices and rows ---------------------------------------------------------------------------------- */

static uint64_t name_hash(const char name[REGISTER_NAME_LEN])
{
	uint64_t words[REGISTER_NAME_LEN / 8], hash = 0;
	size_t i;

	memcpy(words, name, sizeof(words));
	for (i = 0; i < ARRAY_SIZE(words); i++)
		hash = stream_mix(hash, words[i]);
	return hash;
}

static uint32_t device_get(struct registers *r, struct stream *s,
			   const struct register_device *like)
{
	uint64_t key = stream_mix(name_hash(like->name), like->place << 4 | like->source);
	struct register_device *d;
	uint32_t found;

	while ((found = u64map_get(&r->device_of, key)) != U64MAP_NONE) {
		d = &r->devices.items[found];
		if (d->source == like->source && d->place == like->place &&
		    d->has_phys == like->has_phys && !memcmp(d->name, like->name, sizeof(d->name)))
			return found;
		key++;
	}
	d = vec_add(&r->devices);
	if (!d || u64map_set(&r->device_of, key, (uint32_t)(r->devices.n - 1))) {
		s->oom = true;
		return STREAM_NONE;
	}
	*d = *like;
	return (uint32_t)(r->devices.n - 1);
}

static struct register_row *row_get(struct registers *r, struct stream *s, uint32_t device,
				    uint32_t offset, uint64_t address)
{
	uint64_t key = stream_mix((uint64_t)device << 32 | offset, address);
	struct register_row *row;
	uint32_t found;

	while ((found = u64map_get(&r->row_of, key)) != U64MAP_NONE) {
		row = &r->rows.items[found];
		if (row->device == device && row->offset == offset && row->address == address)
			return row;
		key++;
	}
	if (r->rows.n >= REGISTERS_MAX) {
		r->untold++;
		return NULL;
	}
	row = vec_add(&r->rows);
	if (!row || u64map_set(&r->row_of, key, (uint32_t)(r->rows.n - 1))) {
		s->oom = true;
		return NULL;
	}
	row->device = device;
	row->offset = offset;
	row->address = address;
	return row;
}

/* What the tables call a register: by the event's name of the device, its address, and what /sys knows. */
static const struct register_name *find_name(const struct places *p,
					     const struct register_names *names,
					     const struct register_device *d, uint32_t offset)
{
	const struct place *place = d->has_phys ? places_find(p, d->place) : NULL;
	struct register_keys keys = { .has_address = d->has_phys, .address = d->place };

	if (d->source == REGISTER_GPIO)
		return NULL;
	if (d->name[0])
		keys.names[0] = d->name;
	if (!place && d->name[0])
		place = places_named(p, d->name);
	if (place) {
		keys.names[1] = place->name;
		keys.names[2] = place->driver;
		keys.compatible = place->compatible;
	}
	return register_names_find(names, &keys, offset);
}

/* --- pins ---------------------------------------------------------------------------------------------- */

/* Levels of the pins in @mask; those that are not known yet only if they differ from @before. */
static void enter_levels(struct registers *r, uint64_t time, uint32_t device, uint64_t mask,
			 uint64_t levels, uint64_t differ)
{
	uint32_t pin;

	for (pin = 0; pin < 32; pin++)
		if (mask >> pin & 1)
			pins_level(&r->pins, time, device, pin, levels >> pin & 1,
				   !(differ >> pin & 1));
}

static void enter_role(struct registers *r, const struct register_row *row, uint32_t device,
		       const struct event_register *e)
{
	uint64_t before = row->has_value ? row->last_value : e->value, mask;
	bool write = e->access == REGISTER_WRITE;

	switch (row->name ? row->name->role : ROLE_NONE) {
	case ROLE_SET:
		if (write)
			enter_levels(r, e->h.time, device, e->value, UINT64_MAX, UINT64_MAX);
		break;
	case ROLE_CLEAR:
		if (write)
			enter_levels(r, e->h.time, device, e->value, 0, UINT64_MAX);
		break;
	case ROLE_OUT:
	case ROLE_IN:
		enter_levels(r, e->h.time, device, UINT32_MAX, e->value, before ^ e->value);
		break;
	case ROLE_MASKED:
		mask = row->offset >> 2 & 0xff;
		enter_levels(r, e->h.time, device, mask, e->value, write ? mask : 0);
		break;
	default:
		break;
	}
}

/* --- accesses ------------------------------------------------------------------------------------------ */

static void enter_value(struct register_row *row, const struct event_register *e)
{
	uint64_t before = row->has_value ? row->last_value : 0;

	row->set |= e->value & ~before;
	if (row->has_value)
		row->cleared |= before & ~e->value;
	row->last_value = e->value;
	row->has_value = true;
}

static void count_access(struct register_row *row, const struct event_register *e)
{
	switch ((enum register_access)e->access) {
	case REGISTER_READ:
		row->reads++;
		break;
	case REGISTER_WRITE:
		row->writes++;
		break;
	case REGISTER_INPUT:
		row->inputs++;
		break;
	default:
		row->outputs++;
		break;
	}
	row->width = MAX(row->width, e->bytes);
}

/* Several registers at once: the value of the first is not told apart from the others'. */
static bool is_bulk(const struct event_register *e)
{
	return e->source == REGISTER_REGMAP && e->bytes;
}

/*
 * An access to several registers may be carried out one by one, which regmap tells as well, before it
 * tells of the whole: then it is no more than that.
 */
static bool told_singly(const struct register_device *d, const struct register_row *row,
			const struct event_register *e)
{
	return row->single_time > d->bulk_time && row->single_pid == e->h.pid;
}

/* Whether an access has a value: becoming an input is none, nor is a read that failed. */
static bool has_value(const struct event_register *e)
{
	if (e->access != REGISTER_READ && e->access != REGISTER_WRITE)
		return false;
	return !is_bulk(e) && !(e->source == REGISTER_GPIO && (int64_t)e->value < 0);
}

static void trace_access(struct registers *r, struct stream *s, const struct register_row *row,
			 const struct event_register *e)
{
	struct register_trace *t = vec_add(&r->traced);

	if (!t) {
		s->oom = true;
		return;
	}
	*t = (struct register_trace){
		.time = e->h.time,
		.value = e->value,
		.row = (uint32_t)(row - r->rows.items),
		.bytes = e->bytes,
		.pid = e->h.pid,
		.task = stream_task(s, &e->h),
		.access = e->access,
	};
}

/* Which device an access is of; *@ret_address: a virtual address of which no more is known, or 0. */
static struct register_device device_of(const struct stream *s, const struct mappings *m,
					const struct places *p, const struct event_register *e,
					uint32_t *ret_offset, uint64_t *ret_address)
{
	struct register_device d = { .source = e->source };
	const struct mapping *mapping;
	const struct place *place;
	uint64_t phys;

	memcpy(d.name, e->name, sizeof(d.name));
	*ret_offset = e->offset;
	*ret_address = 0;
	if (e->source == REGISTER_GPIO_MODULE) {
		d.place = e->place;
		d.has_phys = true;
	} else if (e->source == REGISTER_RWMMIO) {
		mapping = mappings_at(m, MAX(s->start.page_size, 1u), e->place, &phys);
		if (!mapping) {
			*ret_address = e->place;
			return d;
		}
		place = places_find(p, phys);
		d.place = place ? place->start : mapping->phys;
		d.has_phys = true;
		*ret_offset = (uint32_t)(phys - d.place);
	} else if (e->source == REGISTER_REGMAP) {
		place = places_named(p, d.name);
		if (place) {
			d.place = place->start;
			d.has_phys = true;
		}
	}
	return d;
}

void registers_enter(struct registers *r, struct stream *s, const struct mappings *m,
		     const struct places *p, const struct register_names *names,
		     const struct event_register *e)
{
	uint32_t offset, device;
	uint64_t address;
	struct register_device like = device_of(s, m, p, e, &offset, &address);
	struct register_row *row;

	device = device_get(r, s, &like);
	if (device == STREAM_NONE)
		return;
	row = row_get(r, s, device, offset, address);
	if (!row)
		return;
	if (!row->name)
		row->name = find_name(p, names, &r->devices.items[device], offset);
	if (is_bulk(e)) {
		bool told = told_singly(&r->devices.items[device], row, e);

		r->devices.items[device].bulk_time = e->h.time;
		if (told)
			return;
	} else {
		row->single_time = e->h.time;
		row->single_pid = e->h.pid;
	}
	if (e->source == REGISTER_GPIO && has_value(e))
		pins_level(&r->pins, e->h.time, GPIO_OWNER, offset, e->value, false);
	else if (has_value(e))
		enter_role(r, row, device, e);
	count_access(row, e);
	if (has_value(e))
		enter_value(row, e);
	if (r->trace)
		trace_access(r, s, row, e);
	s->oom |= r->pins.oom;
}

/* --- names --------------------------------------------------------------------------------------------- */

bool register_row_phys(const struct registers *r, const struct register_row *row, uint64_t *ret)
{
	const struct register_device *d = &r->devices.items[row->device];

	if (!d->has_phys)
		return false;
	*ret = d->place + row->offset;
	return true;
}

const char *register_row_name(const struct registers *r, const struct register_row *row,
			      char buf[64])
{
	const struct register_device *d = &r->devices.items[row->device];

	if (d->source == REGISTER_GPIO)
		snprintf(buf, 64, "line %u", row->offset);
	else if (row->name)
		snprintf(buf, 64, "%s", row->name->name);
	else if (row->address)
		snprintf(buf, 64, "0x%llx", (unsigned long long)row->address);
	else
		snprintf(buf, 64, "0x%x", row->offset);
	return buf;
}

const char *register_row_device(const struct registers *r, const struct places *p,
				const struct register_row *row)
{
	const struct register_device *d = &r->devices.items[row->device];
	const struct gpio_chip *chip;
	const struct place *place;

	if (d->source == REGISTER_GPIO) {
		chip = places_chip(p, row->offset);
		return !chip ? NULL : chip->device ? chip->device : chip->label;
	}
	place = d->has_phys ? places_find(p, d->place) : NULL;
	if (place && place->name)
		return place->name;
	if (d->name[0])
		return d->name;
	return d->has_phys ? places_name(p, d->place) : NULL;
}
