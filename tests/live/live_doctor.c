// SPDX-License-Identifier: GPL-2.0
/* What kmscope doctor says of this kernel, for tests that depend on it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"

/*
 * What doctor says of a probe method, whose name stays where it is; its exit code is 3 where nothing can be
 * traced by it. Asked once: the kernel stays the same, and on a slow machine each time takes seconds.
 */
static json_t *ask_doctor(const char *probe)
{
	static struct {
		const char *probe;
		json_t *report;
	} known[4];
	struct live l;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known) && known[i].probe; i++)
		if (!strcmp(known[i].probe, probe))
			return json_incref(known[i].report);
	check(i < ARRAY_SIZE(known), "too many methods");
	live_spawn(&l, NULL, live_kmscope, "doctor", "--json", "--probe", probe, NULL);
	live_end(&l);
	check(!l.code || l.code == 3, "doctor ended with %d: %s", l.code, l.err);
	known[i].report = live_final(&l);
	known[i].probe = probe;
	free(l.out);
	free(l.err);
	return json_incref(known[i].report);
}

void live_need_probe(const char *probe)
{
	json_t *report = ask_doctor(probe), *row;
	static char why[256];
	size_t i;

	why[0] = '\0';
	json_array_foreach(live_table(report, "capabilities"), i, row)
	{
		if (strcmp(live_text(row, "capability"), "kmalloc"))
			continue;
		if (json_is_true(json_object_get(row, "chosen")) &&
		    !strstr(live_text(row, "reason"), "miss other tasks' events")) {
			json_decref(report);
			return;
		}
		if (!strcmp(live_text(row, "method"), probe))
			snprintf(why, sizeof(why), "%s: %s", probe, live_text(row, "reason"));
	}
	check(*why, "doctor gives no reason why there is no --probe %s", probe);
	json_decref(report);
	live_skip(why);
}

/* The row of the way that was chosen, or else of one that was not; NULL: there is no such capability. */
static json_t *capability_row(const json_t *report, const char *capability)
{
	json_t *row, *found = NULL;
	size_t i;

	json_array_foreach(live_table(report, "capabilities"), i, row)
	{
		if (strcmp(live_text(row, "capability"), capability))
			continue;
		if (!found || json_is_true(json_object_get(row, "chosen")))
			found = row;
	}
	return found;
}

void live_need(const char *capability)
{
	json_t *report = ask_doctor("auto"), *row = capability_row(report, capability);
	static char why[256];
	bool has;

	check(row, "doctor says nothing of %s", capability);
	has = json_is_true(json_object_get(row, "chosen"));
	snprintf(why, sizeof(why), "%s: %s", capability, live_text(row, "reason"));
	json_decref(report);
	if (!has)
		live_skip(why);
}

bool live_chosen(const char *capability, const char *method)
{
	json_t *report = ask_doctor("auto"), *row = capability_row(report, capability);
	bool is;

	check(row, "doctor says nothing of %s", capability);
	is = json_is_true(json_object_get(row, "chosen")) &&
	     !strcmp(live_text(row, "method"), method);
	json_decref(report);
	return is;
}

bool live_has_stacks(void)
{
	json_t *report = ask_doctor("auto");
	json_t *row = live_row(live_table(report, "facts"), "name", "kernel stacks", 0);
	bool has;

	check(row, "doctor says nothing of kernel stacks");
	has = !strcmp(live_text(row, "value"), "yes");
	json_decref(report);
	return has;
}

bool live_refuses_cache(const char *probe, const char *name)
{
	struct live l;

	live_spawn(&l, NULL, live_kmscope, "slab", "--probe", probe, "--cache", name, "--dry-run",
		   NULL);
	live_end(&l);
	check(!l.code || (l.code == 3 && strstr(l.err, "do not tell from which cache")),
	      "--cache %s ended with %d: %s", name, l.code, l.err);
	free(l.out);
	free(l.err);
	return l.code;
}
