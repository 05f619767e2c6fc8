/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_CLI_AREAS_H
#define KMSCOPE_CLI_AREAS_H
/* What can be recorded, and which commands analyse it. */
#include "base/failure.h"

struct recorded_area {
	const char *name; /* as --areas has it */
	unsigned int areas; /* of enum probe_area */
	const char *what; /* in words: «slab allocations» */
};

/* Ends with a NULL name. */
extern const struct recorded_area recorded_areas[];

/* From «slab,pages» to areas. -EINVAL with a failure that lists what there is. */
int areas_parse(const char *text, unsigned int *ret, struct failure *f);
/* … and back, of all that is complete in @areas; the caller frees it. */
char *areas_names(unsigned int areas);
/* In words: «slab allocations, page faults». */
char *areas_words(unsigned int areas);

#endif
