// SPDX-License-Identifier: GPL-2.0
#include "source/sideband_queue.h"

#include <assert.h>
#include <string.h>

#include "base/vec.h"

#define CHUNK ((size_t)64 << 10) /* aligned to its size, so that a record leads to it */
#define KEPT  4096 /* entries for which room is kept while nothing waits */

#define THREADS_MAX (1u << 20) /* beyond, processes are not seen ending */

/* Memory of many records, freed with the last of them. */
struct sideband_chunk {
	size_t used, records;
};

static_assert(sizeof(union sideband_record) + sizeof(struct sideband_chunk) <= CHUNK, "CHUNK");

/* --- memory ------------------------------------------------------------------------------------- */

static size_t cost(size_t size)
{
	return size + sizeof(struct sideband_entry);
}

static void *chunk_take(struct sideband_queue *q, size_t size)
{
	struct sideband_chunk *c = q->filling;

	if (!c || CHUNK - c->used < size) {
		c = aligned_alloc(CHUNK, CHUNK);
		if (!c)
			return NULL;
		*c = (struct sideband_chunk){ .used = sizeof(*c) };
		if (q->filling && !q->filling->records)
			free(q->filling);
		q->filling = c;
	}
	c->records++;
	c->used += size;
	return (char *)c + c->used - size;
}

static void chunk_give(struct sideband_queue *q, struct event_header *record)
{
	struct sideband_chunk *c = (void *)((uintptr_t)record & ~(uintptr_t)(CHUNK - 1));

	q->bytes -= cost((sideband_size(record) + 7) & ~(size_t)7);
	if (--c->records)
		return;
	if (c == q->filling)
		c->used = sizeof(*c);
	else
		free(c);
}

static void give_last(struct sideband_queue *q)
{
	if (q->out)
		chunk_give(q, q->out);
	q->out = NULL;
}

void sideband_queue_lost(struct sideband_queue *q, uint64_t time, uint64_t n)
{
	q->lost_since = q->lost ? MIN(q->lost_since, time) : time;
	q->lost += n;
}

void sideband_queue_put(struct sideband_queue *q, const struct event_header *record)
{
	const size_t used = sideband_size(record), size = (used + 7) & ~(size_t)7;
	const size_t max = q->max_bytes ? q->max_bytes : SIDEBAND_QUEUE_MAX;
	struct sideband_entry *e = q->bytes + cost(size) <= max ? vec_add(q) : NULL;
	void *to = e ? chunk_take(q, size) : NULL;

	if (!to) {
		q->n -= e ? 1 : 0;
		sideband_queue_lost(q, record->time,
				    record->kind == EVENT_MAPS_LOST
					    ? ((const struct event_maps_lost *)record)->records
					    : 1);
		return;
	}
	memcpy(to, record, used);
	*e = (struct sideband_entry){ .time = record->time, .order = q->order++, .record = to };
	q->bytes += cost(size);
}

void sideband_queue_free(struct sideband_queue *q)
{
	give_last(q);
	for (; q->next < q->n; q->next++)
		chunk_give(q, q->items[q->next].record);
	free(q->filling);
	free(q->items);
	u64map_free(&q->threads);
	memset(q, 0, sizeof(*q));
}

/* --- order -------------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct sideband_entry *x = a, *y = b;

	return x->time != y->time ? CMP(x->time, y->time) : CMP(x->order, y->order);
}

/* The first of the sorted ones that is younger than @time. */
static size_t younger(const struct sideband_queue *q, uint64_t time)
{
	size_t from = q->next, to = q->sorted;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (q->items[middle].time <= time)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* What waits from earlier is mostly older than what came since, and stays where it is. */
static void sort(struct sideband_queue *q)
{
	size_t from;

	if (q->sorted == q->n)
		return;
	qsort(q->items + q->sorted, q->n - q->sorted, sizeof(*q->items), compare);
	from = younger(q, q->items[q->sorted].time);
	if (from < q->sorted)
		qsort(q->items + from, q->n - from, sizeof(*q->items), compare);
	q->sorted = q->n;
}

/* The front of the array is empty: move the rest there now and then. */
static void compact(struct sideband_queue *q)
{
	if (q->next == q->n && q->capacity > KEPT) {
		freep(&q->items);
		q->capacity = 0;
	}
	if (q->next != q->n && (q->next < KEPT || q->next < q->n / 2))
		return;
	if (q->next < q->n)
		memmove(q->items, q->items + q->next, (q->n - q->next) * sizeof(*q->items));
	q->n -= q->next;
	q->sorted -= q->next;
	q->next = 0;
}

/* --- threads ------------------------------------------------------------------------------------ */

static uint64_t thread_key(uint32_t pid, uint32_t tid)
{
	return (uint64_t)pid << 32 | tid;
}

static void thread_begins(struct sideband_queue *q, uint32_t pid, uint32_t tid)
{
	uint32_t n = u64map_get(&q->threads, thread_key(pid, 0));

	if (u64map_get(&q->threads, thread_key(pid, tid)) != U64MAP_NONE ||
	    q->threads.n >= 2 * THREADS_MAX)
		return;
	if (u64map_set(&q->threads, thread_key(pid, tid), 1))
		return;
	if (u64map_set(&q->threads, thread_key(pid, 0), n == U64MAP_NONE ? 1 : n + 1))
		u64map_remove(&q->threads, thread_key(pid, tid));
}

/* Whether it was the last one. */
static bool thread_ends(struct sideband_queue *q, uint32_t pid, uint32_t tid)
{
	uint32_t n = u64map_get(&q->threads, thread_key(pid, 0));

	/* it began untold: threads of such a process are not known, its first one has to do */
	if (n == U64MAP_NONE)
		return pid == tid;
	if (u64map_remove(&q->threads, thread_key(pid, tid)) == U64MAP_NONE)
		return false;
	u64map_remove(&q->threads, thread_key(pid, 0));
	/* there is room: two have just been removed */
	return n <= 1 || u64map_set(&q->threads, thread_key(pid, 0), n - 1);
}

/* All of its threads; that takes long, and is hardly ever needed. */
static void threads_forget(struct sideband_queue *q, uint32_t pid)
{
	size_t i;

	for (i = 0; q->threads.n && i < (size_t)1 << q->threads.bits;) {
		const struct u64map_slot *slot = &q->threads.slots[i];

		/* what is moved back into the slot is looked at, too */
		if (slot->value != U64MAP_NONE && slot->key >> 32 == pid)
			u64map_remove(&q->threads, slot->key);
		else
			i++;
	}
}

/*
 * From here on it has its first thread and no other: the kernel has told of the others' ends, but when
 * another one than the first called execve(), that one took the first one's number.
 */
static void threads_begin_anew(struct sideband_queue *q, uint32_t pid)
{
	uint32_t n = u64map_get(&q->threads, thread_key(pid, 0));

	if (n == 1 && u64map_get(&q->threads, thread_key(pid, pid)) != U64MAP_NONE)
		return;
	if (n != U64MAP_NONE)
		threads_forget(q, pid);
	thread_begins(q, pid, pid);
}

/* The record that is to be told for @record, or NULL. */
static struct event_header *turn(struct sideband_queue *q, struct event_header *record)
{
	const struct event_process *process = (const struct event_process *)record;
	const struct sideband_thread *thread = (const struct sideband_thread *)record;

	switch (record->kind) {
	case EVENT_PROCESS:
		if (process->what == PROCESS_FORK || process->what == PROCESS_EXEC)
			threads_begin_anew(q, record->pid);
		return record;
	case SIDEBAND_THREAD:
		thread_begins(q, record->pid, thread->tid);
		return NULL;
	case SIDEBAND_THREAD_EXIT:
		if (!thread_ends(q, record->pid, thread->tid))
			return NULL;
		q->made.process = (struct event_process){ .h = *record, .what = PROCESS_EXIT };
		q->made.process.h.kind = EVENT_PROCESS;
		return &q->made.process.h;
	}
	return record;
}

/* --- what leaves -------------------------------------------------------------------------------- */

static const struct event_header *leave(struct sideband_queue *q, struct event_header *h)
{
	h->time = q->floor = MAX(q->floor, h->time);
	return h;
}

static const struct event_header *tell_lost(struct sideband_queue *q)
{
	q->made.lost = (struct event_maps_lost){
		.h = { .time = q->lost_since, .kind = EVENT_MAPS_LOST },
		.records = q->lost,
	};
	q->lost = 0;
	return leave(q, &q->made.lost.h);
}

const struct event_header *sideband_queue_next(struct sideband_queue *q, uint64_t time)
{
	give_last(q);
	sort(q);
	for (;;) {
		uint64_t first = q->next < q->n ? q->items[q->next].time : UINT64_MAX;
		struct event_header *told;

		if (q->lost && q->lost_since <= MIN(first, time))
			return tell_lost(q);
		if (q->next == q->n || first > time)
			break;
		q->out = q->items[q->next++].record;
		told = turn(q, q->out);
		if (told)
			return leave(q, told);
		give_last(q);
	}
	compact(q);
	if (time != UINT64_MAX)
		q->floor = MAX(q->floor, time);
	return NULL;
}
