// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/vmallocinfo, as mm/vmalloc.c (vmalloc_info_show) prints it:
 * «0xSTART-0xEND SIZE CALLER [MODULE] pages=N phys=ADDRESS ioremap vmalloc vmap … N0=N», each word
 * but the first two only where it applies; END is exclusive.
 */
#include "procfs/vmallocinfo.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/scan.h"

#define MAX_CALLER 255 /* a longer one is cut */

/* The next word, false at the line's end. */
static bool take_word(struct scan *s, struct scan *ret)
{
	scan_blanks(s);
	ret->p = s->p;
	while (s->p < s->end && *s->p != ' ' && *s->p != '\t')
		s->p++;
	ret->end = s->p;
	return ret->p < ret->end;
}

static int parse_word(struct scan word, struct vmalloc_area *area)
{
	static const struct {
		const char *name;
		size_t offset;
	} words[] = {
		{ "vmalloc", offsetof(struct vmalloc_area, vmalloc) },
		{ "ioremap", offsetof(struct vmalloc_area, ioremap) },
		{ "vmap", offsetof(struct vmalloc_area, vmap) },
		{ "vm_map_ram", offsetof(struct vmalloc_area, map_ram) },
		{ "unpurged", offsetof(struct vmalloc_area, unpurged) },
	};
	struct scan s = word;
	size_t i;

	if (scan_literal(&s, "pages="))
		return scan_u64(&s, &area->pages) ? 0 : -EINVAL;
	if (scan_literal(&s, "phys=")) {
		area->has_phys = true;
		return scan_literal(&s, "0x") && scan_hex(&s, &area->phys) ? 0 : -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		s = word;
		if (scan_literal(&s, words[i].name) && scan_done(&s)) {
			*(bool *)((char *)area + words[i].offset) = true;
			return 0;
		}
	}
	s = word;
	if (!area->caller && memmem(s.p, (size_t)(s.end - s.p), "+0x", 3)) {
		area->caller = strndup(s.p, MIN((size_t)(s.end - s.p), (size_t)MAX_CALLER));
		return area->caller ? 0 : -ENOMEM;
	}
	return 0;
}

/* Sets *@hidden when the two addresses are not as far apart as the area is large. */
static int parse_line(struct scan s, struct vmalloc_area *area, bool *hidden)
{
	uint64_t end, size;
	struct scan word;
	int err = 0;

	if (!scan_literal(&s, "0x") || !scan_hex(&s, &area->start) || !scan_literal(&s, "-0x") ||
	    !scan_hex(&s, &end))
		return -EINVAL;
	scan_blanks(&s);
	if (!scan_u64(&s, &size) || !size)
		return -EINVAL;
	if (end - area->start != size || end <= area->start)
		*hidden = true;
	area->end = end - 1;
	area->bytes = size;
	while (!err && take_word(&s, &word))
		err = parse_word(word, area);
	return err;
}

static int parse_lines(const char *text, struct vmallocinfo *v, struct failure *f)
{
	struct scan line;
	int err;

	while (scan_line(&text, &line)) {
		struct vmalloc_area *area;

		if (v->n == VMALLOCINFO_MAX)
			return fail(f, FAILURE_UNSUPPORTED, -E2BIG,
				    "vmallocinfo has more than %d lines", VMALLOCINFO_MAX);
		area = vec_add(v);
		err = area ? parse_line(line, area, &v->hidden) : -ENOMEM;
		if (err == -ENOMEM)
			return fail(f, FAILURE_INTERNAL, err, "not enough memory for vmallocinfo");
		if (err)
			return fail(f, FAILURE_UNSUPPORTED, err,
				    "vmallocinfo, line %zu can't be understood", v->n);
	}
	return 0;
}

int vmallocinfo_parse(const char *text, struct vmallocinfo *ret, struct failure *f)
{
	_cleanup_(vmallocinfo_free) struct vmallocinfo v = { 0 };
	int err = parse_lines(text, &v, f);

	if (err)
		return err;
	*ret = v;
	v = (struct vmallocinfo){ 0 };
	return 0;
}

void vmallocinfo_free(struct vmallocinfo *v)
{
	struct vmalloc_area *area;

	vec_for_each(v, area)
		free(area->caller);
	free(v->items);
	*v = (struct vmallocinfo){ 0 };
}

const struct vmalloc_area *vmallocinfo_find(const struct vmallocinfo *v, uint64_t address)
{
	const struct vmalloc_area *area;

	if (v->hidden)
		return NULL;
	vec_for_each(v, area)
		if (address >= area->start && address <= area->end)
			return area;
	return NULL;
}

const char *vmalloc_area_kind(const struct vmalloc_area *area)
{
	if (area->ioremap)
		return "ioremap";
	if (area->vmalloc)
		return "vmalloc";
	if (area->vmap)
		return "vmap";
	return area->map_ram ? "vm_map_ram" : "other";
}
