// SPDX-License-Identifier: GPL-2.0
#include "cli/areas.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "probe/select.h"

const struct recorded_area recorded_areas[] = {
	{ "slab", AREA_SLAB, "slab allocations" },
	{ "pages", AREA_PAGES, "page allocations" },
	{ "vmalloc", AREA_VMALLOC | AREA_IOREMAP, "vmalloc areas" },
	{ "faults", AREA_FAULTS, "page faults" },
	{ "mmio", AREA_IOREMAP | AREA_REGISTERS, "device registers" },
	{ NULL, 0, NULL },
};

int areas_parse(const char *text, unsigned int *ret, struct failure *f)
{
	unsigned int areas = 0;
	const char *p = text;

	for (;;) {
		size_t n = strcspn(p, ",");
		const struct recorded_area *a = recorded_areas;

		while (a->name && (strlen(a->name) != n || strncmp(a->name, p, n)))
			a++;
		if (!a->name)
			return fail(
				f, FAILURE_USAGE, -EINVAL,
				"--areas: «%.*s» is not one of slab, pages, vmalloc, faults, mmio",
				(int)MIN(n, (size_t)60), p);
		areas |= a->areas;
		if (!p[n])
			break;
		p += n + 1;
	}
	*ret = areas;
	return 0;
}

static char *join(unsigned int areas, bool words, const char *between)
{
	const struct recorded_area *a;
	char *text = NULL;
	size_t size, n = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (a = recorded_areas; a->name; a++)
		if ((areas & a->areas) == a->areas)
			fprintf(out, "%s%s", n++ ? between : "", words ? a->what : a->name);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

char *areas_names(unsigned int areas)
{
	return join(areas, false, ",");
}

char *areas_words(unsigned int areas)
{
	return join(areas, true, ", ");
}
