/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RENDER_PROTO_H
#define KMSCOPE_RENDER_PROTO_H
/*
 * Protocol buffers, written field by field. A library and the code that it generates would be some
 * hundred KB and one more dependency, on boards too, for what are two rules: a field begins with its
 * number and the kind of what follows, which is a varint or a length and so many bytes.
 */
#include "base/base.h"

/* A message. Zero-initialise it; free .items. */
struct proto {
	uint8_t *items;
	size_t n, capacity;
	bool oom; /* memory ran short: it must not be used */
};

/* An integer of whatever width, not negative. 0 is the default, and left out. */
void proto_uint(struct proto *p, uint32_t field, uint64_t v);
void proto_bytes(struct proto *p, uint32_t field, const void *bytes, size_t n);
/* A repeated integer, packed; none: left out. */
void proto_packed(struct proto *p, uint32_t field, const uint64_t *v, size_t n);
/* @inner as a field of @p; it is empty then, and can be filled again. */
void proto_message(struct proto *p, uint32_t field, struct proto *inner);
/* The fields of @more, after those of @p. */
void proto_append(struct proto *p, const struct proto *more);

static inline void proto_free(struct proto *p)
{
	free(p->items);
}

#endif
