/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_PLAN_H
#define KMSCOPE_TESTS_UNIT_PLAN_H
/*
 * What the selector does with a recorded kernel, as text: what the .plan files beside the recorded
 * guests hold. Written by `make compat`, compared by test_select.c.
 */
#include <stdio.h>

#include "probe/select.h"

/* A method's name; «-» for what is not served. */
static inline const char *plan_method(const struct probe_plan *p, enum capability capability)
{
	return p->chosen[capability] ? method_names[p->chosen[capability]->method] : "-";
}

/* A capability a line, with the method for --probe auto, raw and classic; then what is refused. */
static inline int plan_write(const struct capset *c, FILE *out)
{
	static const char *const names[] = { "auto", "raw", "classic" };
	struct probe_plan plans[ARRAY_SIZE(names)] = { 0 };
	size_t i, k;
	int err = 0;

	for (k = 0; k < ARRAY_SIZE(names) && !err; k++)
		err = probe_plan_make(c, (enum probe_choice)k, &plans[k]);
	if (!err)
		fprintf(out, "%-23s %-9s %-9s %s\n", "", names[0], names[1], names[2]);
	for (i = 0; i < CAPABILITY_MAX && !err; i++)
		fprintf(out, "%-23s %-9s %-9s %s\n", capabilities[i].name,
			plan_method(&plans[0], i), plan_method(&plans[1], i),
			plan_method(&plans[2], i));
	for (k = 0; k < ARRAY_SIZE(names) && !err; k++) {
		struct failure f = { 0 };

		if (probe_plan_check(&plans[k], c, AREA_SLAB, &f))
			fprintf(out, "%s is refused: %s\n", names[k], f.text);
	}
	for (k = 0; k < ARRAY_SIZE(names); k++)
		probe_plan_free(&plans[k]);
	return err;
}

#endif
