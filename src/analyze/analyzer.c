// SPDX-License-Identifier: GPL-2.0
#include "analyze/analyzer.h"

#include <string.h>

const struct analyzer_ops *const analyzers[] = {
	&slab_analyzer,
	&leaks_analyzer,
	NULL,
};

const struct analyzer_ops *analyzer_find(const char *name)
{
	const struct analyzer_ops *const *a;

	for (a = analyzers; *a; a++)
		if (!strcmp((*a)->name, name))
			return *a;
	return NULL;
}
