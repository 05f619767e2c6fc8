// SPDX-License-Identifier: GPL-2.0
#include "analyze/watch.h"

#include "base/vec.h"

static void watch_counters(struct watch *w, const struct event_counters *e)
{
	while (w->lost.n <= e->h.cpu)
		if (!vec_add(&w->lost)) {
			w->oom = true;
			return;
		}
	w->lost.items[e->h.cpu] = e->lost[0] + e->lost[1];
}

static void watch_page(struct watch *w, const struct event_page *e)
{
	if (likely(event_pfn(e->block) != EVENT_NO_PFN))
		return;
	w->failed_pages++;
	w->failed_order = MAX(w->failed_order, (uint64_t)event_order(e->block));
}

static void watch_consume(struct analyzer *a, const struct event_header *const *records, size_t n)
{
	struct watch *w = (struct watch *)a;
	size_t i;

	for (i = 0; i < n; i++) {
		const struct event_header *h = records[i];

		switch (h->kind) {
		case EVENT_PAGE_ALLOC:
			watch_page(w, (const struct event_page *)h);
			break;
		case EVENT_PAGE_FALLBACK:
			w->fallbacks++;
			w->fallback_order = MAX(
				w->fallback_order,
				(uint64_t)event_order(((const struct event_fallback *)h)->block));
			break;
		case EVENT_FAULT:
			w->faults += h->flags & EVENT_OWN ? 0 : MAX(w->sample, 1u);
			break;
		case EVENT_START:
			w->start = w->end = h->time;
			w->sample = ((const struct event_start *)h)->sample;
			break;
		case EVENT_TICK:
		case EVENT_END:
			w->end = h->time;
			break;
		case EVENT_COUNTERS:
			watch_counters(w, (const struct event_counters *)h);
			break;
		case EVENT_MISSES:
			w->misses = ((const struct event_misses *)h)->misses;
			break;
		}
	}
}

static int watch_report(struct analyzer *a _unused_, struct report *r _unused_)
{
	return 0;
}

static void watch_each_live(const struct analyzer *a _unused_,
			    void (*visit)(void *ctx, uint64_t ptr) _unused_, void *ctx _unused_)
{
}

static void watch_free(struct analyzer *a)
{
	free(((struct watch *)a)->lost.items);
	free(a);
}

static const struct analyzer_ops watch_ops = {
	.name = "watch",
	.consume = watch_consume,
	.report = watch_report,
	.each_live = watch_each_live,
	.free = watch_free,
};

struct watch *watch_new(void)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w)
		w->analyzer.ops = &watch_ops;
	return w;
}

uint64_t watch_lost(const struct watch *w)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < w->lost.n; i++)
		lost += w->lost.items[i];
	return lost;
}

uint64_t watch_missed(const struct watch *w)
{
	return w->misses == EVENT_MISSES_UNKNOWN ? 0 : w->misses;
}
