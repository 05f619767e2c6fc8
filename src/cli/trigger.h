/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_TRIGGER_H
#define KMSCOPE_CLI_TRIGGER_H
/* --trigger: a condition that ends a recording. */
#include "analyze/watch.h"
#include "base/failure.h"
#include "record/writer.h"
#include "report/condition.h"

struct trigger {
	struct condition *condition; /* NULL: none */
	const struct watch *watch;
	const struct ledger *ledger; /* NULL unless trigger_needs_ledger() */
	uint64_t next; /* CLOCK_MONOTONIC */
	uint64_t free, available; /* bytes, of /proc/meminfo; UINT64_MAX: not known */
	struct record_totals totals;
};

/* What @text may speak of; ends with one that is NULL. */
extern const struct condition_name trigger_names[];

/* @areas (enum probe_area) are recorded; what needs others is an error. @text NULL: there is none. */
int trigger_parse(const char *text, unsigned int areas, struct trigger *ret, struct failure *f);
void trigger_free(struct trigger *t);

bool trigger_needs_ledger(const struct trigger *t);

/* Whether it holds, looked at ten times a second at most; then @buf says why. */
bool trigger_fired(struct trigger *t, const struct record_totals *totals, char *buf, size_t size);

#endif
