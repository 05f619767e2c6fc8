/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_STREAM_H
#define KMSCOPE_ANALYZE_STREAM_H
/*
 * What every analyzer reads from the stream beside the events of its own area: facts about the
 * machine, who runs on which CPU, call chains, what was lost, and the passing of time.
 */
#include "base/base.h"
#include "base/u64map.h"
#include "bpf/events.h"
#include "report/report.h"

#define STREAM_NONE UINT32_MAX

#define STREAM_VEC(type)            \
	struct {                    \
		type *items;        \
		size_t n, capacity; \
	}

struct stream_task {
	uint32_t pid;
	uint64_t cgroup;
	char comm[16];
};

struct stream_stack {
	uint32_t n;
	uint64_t site; /* the call site that it was taken for; 0: not known yet */
	uint32_t first; /* frame of the call site: those before are the allocator's and ours */
	uint32_t same_as; /* the first stack that is the same from there on */
	uint64_t *frames; /* owned */
};

struct stream {
	struct event_start start; /* facts; zero until the record came */
	uint64_t end; /* time of the newest tick or end */
	uint64_t last_time;
	bool ended, oom;
	struct quality quality; /* what is counted event by event; see stream_describe() */
	bool sampled_otherwise; /* stream_describe() says nothing of sampling: it is not allocations */
	bool frees_null; /* frees of NULL, which are no events but counted, are of this analyzer's area */
	uint64_t misses, after_end;
	STREAM_VEC(struct stream_task) tasks;
	STREAM_VEC(struct stream_stack) stacks;
	STREAM_VEC(struct event_counters) counters; /* newest by CPU */
	struct u64map task_of, stack_of;
	struct u64map pid_task; /* the newest task of a process */
	uint32_t *cpu_task; /* by CPU: whom the newest task record named */
	size_t n_cpu_task;
};

/* A hash of two words, for keys of u64map. */
static inline uint64_t stream_mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ b * 0x9e3779b97f4a7c15ull) * 0xff51afd7ed558ccdull;

	return x ^ x >> 32;
}

void stream_init(struct stream *s);
void stream_free(struct stream *s);

/*
 * Enter a record that is not of the analyzer's own area. Events of areas that nobody here knows are
 * passed over. Memory that runs short sets .oom.
 */
void stream_enter(struct stream *s, const struct event_header *h);

/* Note the time of a record from a probe: one that is older than what came before is late. */
static inline void stream_order(struct stream *s, const struct event_header *h)
{
	if (unlikely(h->time < s->last_time))
		s->quality.late++;
	else
		s->last_time = h->time;
}

/* The number of the task that runs where @h happened; STREAM_NONE: not known. */
static inline uint32_t stream_task(const struct stream *s, const struct event_header *h)
{
	return h->cpu < s->n_cpu_task ? s->cpu_task[h->cpu] : STREAM_NONE;
}

/* Whether tasks @a and @b have the same name; one that is not known has none. */
bool stream_same_comm(const struct stream *s, uint32_t a, uint32_t b);

/* The name of task number @task; NULL if it is not known. */
const char *stream_comm(const struct stream *s, uint32_t task, char buf[64]);

/*
 * The number of call chain @stack (an event's), taken at call site @site, the same for chains that are
 * the same from there on; @site 0: the whole chain counts. What is negative or unknown is returned as
 * it is.
 */
int32_t stream_stack(struct stream *s, int32_t stack, uint64_t site);

/* Fill in the parts of @r that come from the stream: times, quality. 0 or -ENOMEM. */
int stream_describe(const struct stream *s, struct report *r);

#endif
