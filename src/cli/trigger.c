// SPDX-License-Identifier: GPL-2.0
#include "cli/trigger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "analyze/ledger.h"
#include "base/clock.h"
#include "base/vec.h"
#include "probe/select.h"
#include "procfs/keys.h"

#define LOOK_NS (100 * NSEC_PER_MSEC)

static bool get_free(const struct trigger *t, double *ret)
{
	*ret = (double)t->free;
	return t->free != UINT64_MAX;
}

static bool get_available(const struct trigger *t, double *ret)
{
	*ret = (double)t->available;
	return t->available != UINT64_MAX;
}

static bool get_site_bytes(const struct trigger *t, double *ret)
{
	const struct ledger_row *row;
	uint64_t most = 0;

	vec_for_each(&t->ledger->rows, row)
		most = MAX(most, row->live_bytes);
	*ret = (double)most;
	return true;
}

static bool get_live_bytes(const struct trigger *t, double *ret)
{
	const struct ledger_row *row;
	uint64_t sum = 0;

	vec_for_each(&t->ledger->rows, row)
		sum += row->live_bytes;
	*ret = (double)sum;
	return true;
}

static bool get_fallback_order(const struct trigger *t, double *ret)
{
	*ret = (double)t->watch->fallback_order;
	return t->watch->fallbacks;
}

static bool get_fallbacks(const struct trigger *t, double *ret)
{
	*ret = (double)t->watch->fallbacks;
	return true;
}

static bool get_failed_order(const struct trigger *t, double *ret)
{
	*ret = (double)t->watch->failed_order;
	return t->watch->failed_pages;
}

static bool get_failed_pages(const struct trigger *t, double *ret)
{
	*ret = (double)t->watch->failed_pages;
	return true;
}

static bool get_faults(const struct trigger *t, double *ret)
{
	*ret = (double)t->watch->faults;
	return true;
}

static bool get_lost(const struct trigger *t, double *ret)
{
	*ret = (double)(watch_lost(t->watch) + watch_missed(t->watch));
	return true;
}

static bool get_elapsed(const struct trigger *t, double *ret)
{
	*ret = (double)(clock_monotonic_ns() - t->watch->start);
	return t->watch->start;
}

static bool get_events(const struct trigger *t, double *ret)
{
	*ret = (double)t->totals.events;
	return true;
}

static bool get_file_bytes(const struct trigger *t, double *ret)
{
	*ret = (double)t->totals.bytes;
	return true;
}

#define TRIGGERS(X)                                                                       \
	X("free", BYTES, 0, get_free, "free memory (MemFree of /proc/meminfo)")           \
	X("available", BYTES, 0, get_available, "memory for programs (MemAvailable)")     \
	X("site.bytes", BYTES, AREA_SLAB, get_site_bytes,                                 \
	  "live bytes of the call site that has most of them")                            \
	X("live.bytes", BYTES, AREA_SLAB, get_live_bytes, "live bytes of all call sites") \
	X("fallback.order", COUNT, AREA_PAGES, get_fallback_order,                        \
	  "largest order asked for that took a block of another migrate type")            \
	X("fallbacks", COUNT, AREA_PAGES, get_fallbacks, "how many did")                  \
	X("failed.order", COUNT, AREA_PAGES, get_failed_order,                            \
	  "largest order of a page allocation that failed")                               \
	X("failed.pages", COUNT, AREA_PAGES, get_failed_pages, "how many did")            \
	X("faults", COUNT, AREA_FAULTS, get_faults, "page faults so far")                 \
	X("events", COUNT, 0, get_events, "events so far")                                \
	X("lost", COUNT, 0, get_lost, "events that were lost or missed so far")           \
	X("file.bytes", BYTES, 0, get_file_bytes, "size of the recording")                \
	X("elapsed", NS, 0, get_elapsed, "time since the start")

#define NAME(name, unit, areas, get, what)  { name, CONDITION_##unit, what },
#define VALUE(name, unit, areas, get, what) { areas, get },

const struct condition_name trigger_names[] = { TRIGGERS(NAME){ NULL, CONDITION_COUNT, NULL } };

static const struct {
	unsigned int areas; /* that have to be recorded */
	bool (*get)(const struct trigger *t, double *ret);
} values[] = { TRIGGERS(VALUE) };

static bool get_value(void *arg, const char *name, double *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++)
		if (!strcmp(trigger_names[i].name, name))
			return values[i].get(arg, ret);
	return false;
}

int trigger_parse(const char *text, unsigned int areas, struct trigger *ret, struct failure *f)
{
	struct trigger t = { .free = UINT64_MAX, .available = UINT64_MAX };
	struct failure why;
	size_t i;
	int err = text ? condition_parse(text, trigger_names, &t.condition, &why) : 0;

	if (err)
		return fail(f, FAILURE_USAGE, err, "--trigger: %s", why.text);
	for (i = 0; text && i < ARRAY_SIZE(values); i++) {
		if (!condition_uses(t.condition, trigger_names[i].name) ||
		    (values[i].areas & areas) == values[i].areas)
			continue;
		trigger_free(&t);
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--trigger: %s is known only if --areas has %s", trigger_names[i].name,
			    values[i].areas == AREA_SLAB    ? "slab"
			    : values[i].areas == AREA_PAGES ? "pages"
							    : "faults");
	}
	*ret = t;
	return 0;
}

void trigger_free(struct trigger *t)
{
	condition_free(&t->condition);
}

bool trigger_needs_ledger(const struct trigger *t)
{
	return t->condition && (condition_uses(t->condition, "site.bytes") ||
				condition_uses(t->condition, "live.bytes"));
}

static void look_at_memory(struct trigger *t)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char text[4096] = "";

	if (!file)
		return;
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	keys_kb(text, "MemFree:", &t->free);
	keys_kb(text, "MemAvailable:", &t->available);
}

bool trigger_fired(struct trigger *t, const struct record_totals *totals, char *buf, size_t size)
{
	uint64_t now = clock_monotonic_ns();

	if (!t->condition || now < t->next)
		return false;
	t->next = now + LOOK_NS;
	t->totals = *totals;
	look_at_memory(t);
	if (condition_evaluate(t->condition, get_value, t) != CONDITION_TRUE)
		return false;
	condition_explain(t->condition, get_value, t, buf, size);
	return true;
}
