// SPDX-License-Identifier: GPL-2.0
#include "analyze/stream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

void stream_init(struct stream *s)
{
	memset(s, 0, sizeof(*s));
	s->misses = EVENT_MISSES_UNKNOWN;
	s->quality.sample = 1;
}

void stream_free(struct stream *s)
{
	size_t i;

	for (i = 0; i < s->stacks.n; i++)
		free(s->stacks.items[i].frames);
	free(s->tasks.items);
	free(s->stacks.items);
	free(s->counters.items);
	free(s->cpu_task);
	u64map_free(&s->task_of);
	u64map_free(&s->stack_of);
	u64map_free(&s->pid_task);
	memset(s, 0, sizeof(*s));
}

/* --- tasks ---------------------------------------------------------------------------------------- */

/* The number of the task that @e names; a hash is its key, so step on until it is the one meant. */
static uint32_t task_get(struct stream *s, const struct event_task *e)
{
	uint64_t words[2], key;
	struct stream_task *t;
	uint32_t found;

	memcpy(words, e->comm, sizeof(words));
	key = stream_mix(stream_mix(words[0], words[1]), stream_mix(e->h.pid, e->cgroup));
	while ((found = u64map_get(&s->task_of, key)) != U64MAP_NONE) {
		t = &s->tasks.items[found];
		if (t->pid == e->h.pid && t->cgroup == e->cgroup &&
		    !memcmp(t->comm, e->comm, sizeof(t->comm)))
			return found;
		key++;
	}
	t = vec_add(&s->tasks);
	if (!t || u64map_set(&s->task_of, key, (uint32_t)(s->tasks.n - 1))) {
		s->oom = true;
		return STREAM_NONE;
	}
	t->pid = e->h.pid;
	t->cgroup = e->cgroup;
	memcpy(t->comm, e->comm, sizeof(t->comm));
	if (u64map_set(&s->pid_task, e->h.pid, (uint32_t)(s->tasks.n - 1)))
		s->oom = true;
	return (uint32_t)(s->tasks.n - 1);
}

static void enter_task(struct stream *s, const struct event_task *e)
{
	if (e->h.cpu >= s->n_cpu_task) {
		size_t i, n = e->h.cpu + 1u;
		uint32_t *more = reallocarray(s->cpu_task, n, sizeof(*more));

		if (!more) {
			s->oom = true;
			return;
		}
		for (i = s->n_cpu_task; i < n; i++)
			more[i] = STREAM_NONE;
		s->cpu_task = more;
		s->n_cpu_task = n;
	}
	s->cpu_task[e->h.cpu] = task_get(s, e);
}

bool stream_same_comm(const struct stream *s, uint32_t a, uint32_t b)
{
	if (a == STREAM_NONE || b == STREAM_NONE)
		return a == b;
	return !memcmp(s->tasks.items[a].comm, s->tasks.items[b].comm,
		       sizeof(s->tasks.items[a].comm));
}

const char *stream_comm(const struct stream *s, uint32_t task, char buf[64])
{
	if (task >= s->tasks.n)
		return NULL;
	snprintf(buf, 64, "%.16s", s->tasks.items[task].comm);
	return buf;
}

/* --- call chains ------------------------------------------------------------------------------------ */

static void enter_stack(struct stream *s, const struct event_stack *e)
{
	struct stream_stack *stack;

	while (e->id >= 0 && s->stacks.n <= (size_t)e->id)
		if (!vec_add(&s->stacks)) {
			s->oom = true;
			return;
		}
	if (e->id < 0)
		return;
	stack = &s->stacks.items[e->id];
	free(stack->frames);
	*stack = (struct stream_stack){ .same_as = STREAM_NONE };
	stack->frames = calloc(MAX(e->n, 1u), sizeof(*stack->frames));
	if (!stack->frames) {
		s->oom = true;
		return;
	}
	memcpy(stack->frames, e->frames, e->n * sizeof(*stack->frames));
	stack->n = e->n;
}

static bool stacks_equal(const struct stream_stack *a, const struct stream_stack *b)
{
	return a->n - a->first == b->n - b->first &&
	       !memcmp(a->frames + a->first, b->frames + b->first,
		       (a->n - a->first) * sizeof(*a->frames));
}

/* Find the call site in stack @i, and whether another one is the same from there on. */
static void stack_settle(struct stream *s, uint32_t i, uint64_t site)
{
	struct stream_stack *stack = &s->stacks.items[i];
	uint64_t key = site;
	uint32_t found, k;

	stack->site = site;
	while (stack->first < stack->n && stack->frames[stack->first] != site)
		stack->first++;
	if (stack->first == stack->n)
		stack->first = 0;
	for (k = stack->first; k < stack->n; k++)
		key = stream_mix(key, stack->frames[k]);
	while ((found = u64map_get(&s->stack_of, key)) != U64MAP_NONE) {
		if (stacks_equal(&s->stacks.items[found], stack)) {
			stack->same_as = found;
			return;
		}
		key++;
	}
	stack->same_as = i;
	if (u64map_set(&s->stack_of, key, i))
		s->oom = true;
}

int32_t stream_stack(struct stream *s, int32_t stack, uint64_t site)
{
	if (stack < 0 || (size_t)stack >= s->stacks.n || !s->stacks.items[stack].frames)
		return stack;
	if (s->stacks.items[stack].same_as == STREAM_NONE)
		stack_settle(s, (uint32_t)stack, site);
	return (int32_t)s->stacks.items[stack].same_as;
}

/* --- the other records ------------------------------------------------------------------------------ */

static void enter_counters(struct stream *s, const struct event_counters *e)
{
	while (s->counters.n <= e->h.cpu)
		if (!vec_add(&s->counters)) {
			s->oom = true;
			return;
		}
	s->counters.items[e->h.cpu] = *e;
}

void stream_enter(struct stream *s, const struct event_header *h)
{
	switch (h->kind) {
	case EVENT_TASK:
		enter_task(s, (const struct event_task *)h);
		break;
	case EVENT_STACK:
		enter_stack(s, (const struct event_stack *)h);
		return;
	case EVENT_COUNTERS:
		enter_counters(s, (const struct event_counters *)h);
		return;
	case EVENT_MISSES:
		s->misses = ((const struct event_misses *)h)->misses;
		s->after_end = ((const struct event_misses *)h)->after_end;
		return;
	case EVENT_SNAPSHOT: /* some were read before the start */
	case EVENT_PROCESS:
	case EVENT_MAP:
	case EVENT_MAPS_LOST:
		return;
	case EVENT_START:
		s->start = *(const struct event_start *)h;
		break;
	case EVENT_TICK:
		s->end = h->time;
		break;
	case EVENT_END:
		s->ended = true;
		s->end = h->time;
		break;
	}
	stream_order(s, h);
}

int stream_describe(const struct stream *s, struct report *r)
{
	struct quality *q = &r->quality;
	size_t i;

	r->start_ns = s->start.h.time;
	r->end_ns = s->end ? s->end : s->last_time;
	r->start_wall_ns = s->start.wall_ns;
	r->final = s->ended;
	r->has_quality = true;
	free(q->lost_by_cpu);
	*q = s->quality;
	/* no event can name more of them */
	q->n_cpus = MIN(MAX((size_t)s->start.n_cpus, s->counters.n), (size_t)UINT16_MAX + 1);
	q->lost_by_cpu = calloc(MAX(q->n_cpus, (size_t)1), sizeof(*q->lost_by_cpu));
	if (!q->lost_by_cpu)
		return -ENOMEM;
	for (i = 0; i < s->counters.n; i++) {
		const struct event_counters *c = &s->counters.items[i];

		q->lost_by_cpu[i] = c->lost[0] + c->lost[1];
		q->lost += q->lost_by_cpu[i];
		q->filtered += c->filtered;
		q->frees_null += s->frees_null ? c->nulls : 0;
		q->map_full += c->map_full;
	}
	q->analysed += q->frees_null;
	q->recursion_misses = s->misses == EVENT_MISSES_UNKNOWN ? QUALITY_UNKNOWN : s->misses;
	q->after_end = s->after_end;
	q->frees_implied_page = q->frees_implied_rcu = QUALITY_UNKNOWN;
	q->gup = q->faults_unexplained = q->maps_lost = QUALITY_UNKNOWN;
	q->pages_unexplained = q->bulk_pages = q->model_off_pages = QUALITY_UNKNOWN;
	q->sample = MAX(s->start.sample, 1u);
	q->events = q->analysed + q->lost + q->filtered + q->own;
	if (q->recursion_misses != QUALITY_UNKNOWN)
		q->events += q->recursion_misses;
	if (q->sample > 1 && !s->sampled_otherwise)
		report_add_note(
			r,
			"one allocation in %llu was followed: counts and bytes are estimates, "
			"with their standard errors in column ±",
			(unsigned long long)q->sample);
	if (s->oom)
		r->oom = true;
	return 0;
}
