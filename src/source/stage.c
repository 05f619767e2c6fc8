// SPDX-License-Identifier: GPL-2.0
#include "source/stage.h"

#include <string.h>

#include "base/vec.h"

#define STAGE_ROOM 8192 /* bytes, unless a record needs more */

void stage_init(struct stage *s, const struct event_sink *out)
{
	memset(s, 0, sizeof(*s));
	s->out = *out;
}

void stage_free(struct stage *s)
{
	free(s->room);
	memset(s, 0, sizeof(*s));
}

void stage_flush(struct stage *s)
{
	size_t n = s->n;

	s->n = 0;
	s->used = 0;
	if (n)
		s->out.consume(s->out.arg, s->records, n);
}

void *stage_copy(struct stage *s, const void *record, size_t size)
{
	size_t room = (size + 7) / 8 * 8; /* records are aligned */
	void *copy;

	if (s->used + room > s->capacity || s->n == STAGE_RECORDS)
		stage_flush(s);
	/* nothing points to it any more: it may move */
	if (room > s->capacity) {
		char *more =
			vec_reserve(s->room, 0, &s->capacity, MAX(room, (size_t)STAGE_ROOM), 1);

		if (!more) {
			s->oom = true;
			return NULL;
		}
		s->room = more;
	}
	copy = s->room + s->used;
	memcpy(copy, record, size);
	s->used += room;
	s->records[s->n++] = copy;
	return copy;
}
