// SPDX-License-Identifier: GPL-2.0
/* Any bytes as /proc/vmallocinfo; then each area is asked for, and what lies around it. */
#include <string.h>

#include "procfs/vmallocinfo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_area(const struct vmallocinfo *v, const struct vmalloc_area *area)
{
	const struct vmalloc_area *found = vmallocinfo_find(v, area->start);

	if (!area->bytes || !vmalloc_area_kind(area) || (area->caller && !*area->caller))
		abort();
	/* areas may overlap: then it is the first */
	if (v->hidden ? found != NULL : !found || found > area)
		abort();
	if (v->hidden)
		return;
	if (area->end - area->start + 1 != area->bytes || !vmallocinfo_find(v, area->end))
		abort();
	vmallocinfo_find(v, area->start - 1);
	vmallocinfo_find(v, area->end + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(vmallocinfo_free) struct vmallocinfo v = { 0 };
	_cleanup_free_ char *text = malloc(size + 1);
	struct failure f = { 0 };
	size_t i;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (vmallocinfo_parse(text, &v, &f)) {
		if (v.items || !f.text[0])
			abort();
		return 0;
	}
	for (i = 0; i < v.n; i++)
		check_area(&v, &v.items[i]);
	return 0;
}
