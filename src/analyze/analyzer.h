/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_ANALYZER_H
#define KMSCOPE_ANALYZE_ANALYZER_H
/*
 * From records to a report. An analyzer has no clock, no kernel access and prints nothing: the same
 * records give the same report.
 */
#include "analyze/ledger.h"
#include "base/base.h"
#include "event/event.h"
#include "report/report.h"

struct analyzer_options {
	enum ledger_by by;
	size_t top; /* rows of each table; 0: all */
	uint64_t min_age_ns; /* leaks: younger objects don't count */
	bool objects; /* leaks: list objects too */
	bool stacks; /* stacks are being taken */
	bool map; /* buddy: a map of physical memory */
	bool all; /* tables that are empty, too: for programs */
	bool trace; /* mmio: .trace() will be called */
	bool timeline; /* mmio: levels of pins */
	const char *
		registers; /* mmio: names of registers, see register_names.h; NULL: the built-in ones */
};

struct analyzer;

struct analyzer_ops {
	const char *name; /* also the command's; «tracks» is none */
	struct analyzer *(*create)(const struct analyzer_options *o); /* NULL: no memory */
	void (*consume)(struct analyzer *a, const struct event_header *const *records, size_t n);
	/* Fill @r with what is known now; can be called again later. 0 or -ENOMEM. */
	int (*report)(struct analyzer *a, struct report *r);
	/*
	 * Fill @r with what was seen since the last call, as it happened; without tables if that is nothing.
	 * 0 or -ENOMEM. NULL: there is no such thing.
	 */
	int (*trace)(struct analyzer *a, struct report *r);
	/* Call @visit for the address of every live object. */
	void (*each_live)(const struct analyzer *a, void (*visit)(void *ctx, uint64_t ptr),
			  void *ctx);
	/*
	 * A process that more should be known of, see source_ops.look; called until it returns 0. NULL: there
	 * is none.
	 */
	uint32_t (*wonder)(struct analyzer *a);
	/*
	 * Add to @r, for whoever looks up names, the user code in those objects for which @wanted says so; it
	 * is asked for each that has some which was not added before. 0 or -ENOMEM. NULL: there is none.
	 */
	int (*code)(struct analyzer *a, bool (*wanted)(void *arg, const struct report_object *o),
		    void *arg, struct report *r);
	void (*free)(struct analyzer *a);
};

struct analyzer {
	const struct analyzer_ops *ops;
};

/* Ends with NULL. */
extern const struct analyzer_ops *const analyzers[];
extern const struct analyzer_ops slab_analyzer, leaks_analyzer, buddy_analyzer, vmalloc_analyzer,
	mmio_analyzer, faults_analyzer, tracks_analyzer;

/* NULL if there is none of that name. */
const struct analyzer_ops *analyzer_find(const char *name);

/* An analyzer on a ledger and nothing else; what slab and leaks have in common. */
struct ledger_analyzer {
	struct analyzer analyzer;
	struct analyzer_options options;
	struct ledger ledger;
};

struct analyzer *ledger_analyzer_create(const struct analyzer_ops *ops,
					const struct analyzer_options *o);
void ledger_analyzer_consume(struct analyzer *a, const struct event_header *const *records,
			     size_t n);
void ledger_analyzer_each_live(const struct analyzer *a, void (*visit)(void *ctx, uint64_t ptr),
			       void *ctx);
void ledger_analyzer_free(struct analyzer *a);

static inline void analyzer_free(struct analyzer **a)
{
	if (*a)
		(*a)->ops->free(*a);
	*a = NULL;
}

#endif
