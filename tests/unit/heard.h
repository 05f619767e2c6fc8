/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_HEARD_H
#define KMSCOPE_TESTS_UNIT_HEARD_H
/*
 * A sink that writes down what it gets, for tests of what stands between sources and analyzers. Include
 * before cmocka.h.
 */
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "fixture.h"

/* The records, and a text of them: «NAME@TIME» and what heard_detail() tells, separated by spaces. */
struct heard {
	FILE *out, *out_bytes;
	char *text, *bytes;
	size_t n, n_bytes;
	size_t events; /* that are the kernel's */
};

static inline const char *heard_name(const struct event_header *h)
{
	static const char *const names[] = {
		[EVENT_KMALLOC] = "kmalloc",
		[EVENT_CACHE_ALLOC] = "cache_alloc",
		[EVENT_KFREE] = "kfree",
		[EVENT_CACHE_FREE] = "cache_free",
		[EVENT_CACHE] = "cache",
		[EVENT_TASK] = "task",
		[EVENT_PAGE_ALLOC] = "page_alloc",
		[EVENT_PAGE_FREE] = "page_free",
		[EVENT_PAGE_FALLBACK] = "page_fallback",
		[EVENT_PAGE_REFILL] = "page_refill",
		[EVENT_PAGE_DRAIN] = "page_drain",
		[EVENT_PAGE_BULK] = "page_bulk",
		[EVENT_COMPACTION] = "compaction",
		[EVENT_RECLAIM] = "reclaim",
		[EVENT_AREA_ALLOC] = "area_alloc",
		[EVENT_AREA_FREE] = "area_free",
		[EVENT_AREA_PURGE] = "area_purge",
		[EVENT_AREA_PAGES] = "area_pages",
		[EVENT_VMALLOC] = "vmalloc",
		[EVENT_IOREMAP] = "ioremap",
		[EVENT_IOUNMAP] = "iounmap",
		[EVENT_REGISTER] = "register",
		[EVENT_FAULT] = "fault",
		[EVENT_FAULT_COUNTS] = "fault_counts",
		[EVENT_TICK] = "tick",
		[EVENT_STACK] = "stack",
		[EVENT_COUNTERS] = "counters",
		[EVENT_MISSES] = "misses",
		[EVENT_START] = "start",
		[EVENT_END] = "end",
		[EVENT_SNAPSHOT] = "snapshot",
		[EVENT_PROCESS] = "process",
		[EVENT_MAP] = "map",
		[EVENT_MAPS_LOST] = "maps_lost",
	};

	return h->kind < ARRAY_SIZE(names) && names[h->kind] ? names[h->kind] : "?";
}

#define U(x) ((unsigned long long)(x))

/* What else is told of a record. */
static inline int heard_detail(const struct event_header *h, char *to, size_t n)
{
	const struct event_counters *c = (const void *)h;
	const struct event_misses *m = (const void *)h;
	const struct event_start *s = (const void *)h;

	switch (h->kind) {
	case EVENT_COUNTERS:
		return snprintf(to, n, "(cpu%u %llu,%llu %llu %llu %llu)", h->cpu, U(c->lost[0]),
				U(c->lost[1]), U(c->filtered), U(c->nulls), U(c->map_full));
	case EVENT_MISSES:
		return m->misses == EVENT_MISSES_UNKNOWN
			       ? snprintf(to, n, "(unknown %llu)", U(m->after_end))
			       : snprintf(to, n, "(%llu %llu)", U(m->misses), U(m->after_end));
	case EVENT_START:
		return snprintf(to, n, "(wall=%llu selected=%u hooked=%u)", U(s->wall_ns),
				s->selected, s->hooked);
	case EVENT_TASK:
		return snprintf(to, n, "(cpu%u %s)", h->cpu, ((const struct event_task *)h)->comm);
	case EVENT_SNAPSHOT:
		return snprintf(to, n, "(%u)", h->flags);
	}
	if (!(h->flags & ~EVENT_SIZES))
		return 0;
	return snprintf(to, n, "(%s%s%s)", h->flags & EVENT_OWN ? "own" : "",
			h->flags & EVENT_REUSE ? "reuse" : "",
			h->flags & EVENT_AGAIN ? "again" : "");
}

/* A batch that ends after an EVENT_TICK, as reports are made there, ends with « |». */
static inline void heard_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct heard *heard = arg;
	size_t i;

	for (i = 0; i < n; i++) {
		char detail[256] = "";

		heard_detail(records[i], detail, sizeof(detail));
		heard->events += event_counts(records[i]);
		fprintf(heard->out, "%s%s@%llu%s", ftell(heard->out) ? " " : "",
			heard_name(records[i]), U(records[i]->time), detail);
		fwrite(records[i], event_size(records[i]), 1, heard->out_bytes);
	}
	if (n && records[n - 1]->kind == EVENT_TICK)
		fputs(" |", heard->out);
}

static inline struct event_sink heard_begin(struct heard *heard)
{
	*heard = (struct heard){ 0 };
	heard->out = open_memstream(&heard->text, &heard->n);
	heard->out_bytes = open_memstream(&heard->bytes, &heard->n_bytes);
	if (!heard->out || !heard->out_bytes)
		abort();
	return (struct event_sink){ .consume = heard_consume, .arg = heard };
}

/* From here on .text and .bytes are there. */
static inline void heard_end(struct heard *heard)
{
	fclose(heard->out);
	fclose(heard->out_bytes);
}

static inline void heard_free(struct heard *heard)
{
	free(heard->text);
	free(heard->bytes);
}

/* Those lines of @script that begin with a space or with @sign, without that. The caller frees it. */
static inline char *script_part(const char *script, char sign)
{
	char *part = calloc(1, strlen(script) + 1), *to = part;

	while (part && *script) {
		size_t len = strcspn(script, "\n") + 1;

		if (*script == ' ' || *script == sign) {
			memcpy(to, script + 1, len - 1);
			to += len - 1;
		}
		script += len;
	}
	return part;
}

#endif
