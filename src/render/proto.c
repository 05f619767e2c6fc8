// SPDX-License-Identifier: GPL-2.0
#include "render/proto.h"

#include <string.h>

#include "base/vec.h"

enum { WIRE_VARINT = 0, WIRE_LENGTH = 2 };

#define VARINT_MAX 10 /* bytes */

static void add(struct proto *p, const void *bytes, size_t n)
{
	uint8_t *items;

	if (p->oom || !n)
		return;
	items = vec_reserve(p->items, p->n, &p->capacity, n, 1);
	if (!items) {
		p->oom = true;
		return;
	}
	p->items = items;
	memcpy(items + p->n, bytes, n);
	p->n += n;
}

/* Seven bits a byte, lowest first; the eighth says that there are more. */
static size_t encode(uint64_t v, uint8_t buf[VARINT_MAX])
{
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		buf[n++] = (uint8_t)(v | 0x80);
	buf[n++] = (uint8_t)v;
	return n;
}

static void add_varint(struct proto *p, uint64_t v)
{
	uint8_t buf[VARINT_MAX];

	add(p, buf, encode(v, buf));
}

static void add_tag(struct proto *p, uint32_t field, unsigned int wire)
{
	add_varint(p, (uint64_t)field << 3 | wire);
}

void proto_uint(struct proto *p, uint32_t field, uint64_t v)
{
	if (!v)
		return;
	add_tag(p, field, WIRE_VARINT);
	add_varint(p, v);
}

void proto_bytes(struct proto *p, uint32_t field, const void *bytes, size_t n)
{
	add_tag(p, field, WIRE_LENGTH);
	add_varint(p, n);
	add(p, bytes, n);
}

void proto_packed(struct proto *p, uint32_t field, const uint64_t *v, size_t n)
{
	uint8_t buf[VARINT_MAX];
	size_t i, length = 0;

	if (!n)
		return;
	for (i = 0; i < n; i++)
		length += encode(v[i], buf);
	add_tag(p, field, WIRE_LENGTH);
	add_varint(p, length);
	for (i = 0; i < n; i++)
		add_varint(p, v[i]);
}

void proto_message(struct proto *p, uint32_t field, struct proto *inner)
{
	proto_bytes(p, field, inner->items, inner->n);
	p->oom |= inner->oom;
	inner->n = 0;
}

void proto_append(struct proto *p, const struct proto *more)
{
	add(p, more->items, more->n);
	p->oom |= more->oom;
}
