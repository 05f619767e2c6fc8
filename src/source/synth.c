// SPDX-License-Identifier: GPL-2.0
#include "source/synth.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "event/merge.h"
#include "source/synth_script.h"

/* Places in .bytes of one CPU's records, in the order of its ring. */
struct synth_lane {
	size_t *items;
	size_t n, capacity;
	size_t next; /* to be pushed into the merge */
};

struct synth {
	struct source source;
	char *bytes; /* all records, one after the other */
	size_t n_bytes, capacity_bytes;
	struct {
		size_t *items;
		size_t n, capacity;
	} made; /* places of the records that user space makes */
	size_t next_made;
	struct synth_lane *lanes;
	size_t n_lanes;
	struct merge *merge;
	uint64_t newest; /* time of anything delivered so far */
	bool stopped, ended;
	const struct event_sink *sink; /* during read() */
};

/* --- what was read -------------------------------------------------------------------------------- */

static struct synth_lane *lane_get(struct synth *s, size_t cpu)
{
	struct synth_lane *more;

	if (cpu < s->n_lanes)
		return &s->lanes[cpu];
	more = reallocarray(s->lanes, cpu + 1, sizeof(*more));
	if (!more)
		return NULL;
	memset(more + s->n_lanes, 0, (cpu + 1 - s->n_lanes) * sizeof(*more));
	s->lanes = more;
	s->n_lanes = cpu + 1;
	return &s->lanes[cpu];
}

/* See struct synth_taker. */
static int synth_take(void *arg, const struct event_header *record, bool made)
{
	struct synth *s = arg;
	size_t size = event_size(record), room = (size + 7) / 8 * 8; /* records are aligned */
	struct synth_lane *lane;
	size_t *place;
	char *bytes = vec_reserve(s->bytes, s->n_bytes, &s->capacity_bytes, room, 1);

	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	if (made) {
		place = vec_add(&s->made);
	} else {
		lane = lane_get(s, record->cpu);
		place = lane ? vec_add(lane) : NULL;
	}
	if (!place)
		return -ENOMEM;
	*place = s->n_bytes;
	memcpy(bytes + s->n_bytes, record, size);
	s->n_bytes += room;
	return 0;
}

/* --- playing -------------------------------------------------------------------------------------- */

static const struct event_header *record_at(const struct synth *s, size_t place)
{
	return (const void *)(s->bytes + place);
}

static void synth_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct synth *s = arg;

	s->sink->consume(s->sink->arg, records, n);
	s->newest = MAX(s->newest, records[n - 1]->time);
}

/*
 * Push what stands before place @end into the merge. Returns up to which time the stream is
 * complete; *ret_more is set when a lane was full before. See live_fill().
 */
static uint64_t synth_fill(struct synth *s, size_t end, bool *ret_more)
{
	uint64_t complete = UINT64_MAX;
	size_t i;

	*ret_more = false;
	for (i = 0; i < s->n_lanes; i++) {
		struct synth_lane *lane = &s->lanes[i];

		while (lane->next < lane->n && lane->items[lane->next] < end &&
		       merge_push(s->merge, i, lane->next, record_at(s, lane->items[lane->next])))
			lane->next++;
		if (lane->next == lane->n || lane->items[lane->next] >= end)
			continue;
		*ret_more = true;
		complete = MIN(complete, merge_lane_complete(s->merge, i));
	}
	return complete;
}

static int synth_end(struct synth *s)
{
	struct event_sink merged = { .consume = synth_consume, .arg = s };
	struct event_header h = { .time = s->newest, .kind = EVENT_END };
	const struct event_header *record = &h;

	merge_emit(s->merge, UINT64_MAX, &merged);
	h.time = s->newest;
	synth_consume(s, &record, 1);
	s->ended = true;
	return 0;
}

static int synth_read(struct source *source, const struct event_sink *sink)
{
	struct synth *s = (struct synth *)source;
	struct event_sink merged = { .consume = synth_consume, .arg = s };
	const struct event_header *record;
	bool more = true;

	s->sink = sink;
	if (s->ended)
		return 0;
	if (s->stopped && s->next_made)
		return synth_end(s);
	record = record_at(s, s->made.items[s->next_made]);
	while (more) {
		uint64_t complete = synth_fill(s, s->made.items[s->next_made], &more);

		if (more)
			merge_emit(s->merge, complete, &merged);
	}
	s->ended = record->kind == EVENT_END;
	merge_emit(s->merge, s->ended ? UINT64_MAX : record->time, &merged);
	synth_consume(s, &record, 1);
	s->next_made++;
	return !s->ended;
}

static int synth_start(struct source *source _unused_, struct failure *f _unused_)
{
	return 0;
}

static int synth_fd(const struct source *source _unused_)
{
	return -1;
}

static void synth_stop(struct source *source)
{
	((struct synth *)source)->stopped = true;
}

static void synth_free(struct source *source)
{
	struct synth *s = (struct synth *)source;
	size_t i;

	for (i = 0; i < s->n_lanes; i++)
		free(s->lanes[i].items);
	free(s->lanes);
	free(s->made.items);
	free(s->bytes);
	merge_free(&s->merge);
	free(s);
}

static const struct source_ops synth_ops = {
	.start = synth_start,
	.fd = synth_fd,
	.read = synth_read,
	.stop = synth_stop,
	.free = synth_free,
};

int synth_open(const char *text, struct source **ret, struct failure *f)
{
	_cleanup_free_ char *copy = strdup(text);
	struct synth *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!copy || !s)
		goto error;
	s->source.ops = &synth_ops;
	err = synth_script_read(copy, &(struct synth_taker){ synth_take, s }, f);
	if (err)
		goto error;
	s->merge = merge_new(MAX(s->n_lanes, (size_t)1));
	if (!s->merge) {
		err = -ENOMEM;
		goto error;
	}
	*ret = &s->source;
	return 0;
error:
	if (s)
		synth_free(&s->source);
	return err;
}
