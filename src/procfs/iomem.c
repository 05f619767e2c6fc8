// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/iomem, as kernel/resource.c (r_show) prints it: «  START-END : NAME», two blanks for each
 * level, both addresses inclusive, in hexadecimal of 8 or more digits. To a reader without
 * CAP_SYS_ADMIN (of the first user namespace) both read 0.
 */
#include "procfs/iomem.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/scan.h"

#define MAX_DEPTH 15 /* the kernel prints up to 8 levels */
#define MAX_NAME  255 /* a longer name is cut */

static int parse_line(struct scan s, unsigned int max_depth, struct iomem_range *range)
{
	const char *start = s.p;
	size_t indent;

	scan_blanks(&s);
	indent = (size_t)(s.p - start);
	if (indent % 2 || indent / 2 > max_depth)
		return -EINVAL;
	range->depth = (unsigned int)(indent / 2);
	if (!scan_hex(&s, &range->start) || !scan_literal(&s, "-") || !scan_hex(&s, &range->end) ||
	    !scan_literal(&s, " : ") || range->start > range->end)
		return -EINVAL;
	range->name = strndup(s.p, MIN((size_t)(s.end - s.p), (size_t)MAX_NAME));
	return range->name ? 0 : -ENOMEM;
}

static int parse_lines(const char *text, struct iomem *m, struct failure *f)
{
	unsigned int max_depth = 0;
	struct scan line;
	int err;

	while (scan_line(&text, &line)) {
		struct iomem_range *range;

		if (m->n == IOMEM_MAX)
			return fail(f, FAILURE_UNSUPPORTED, -E2BIG, "iomem has more than %d lines",
				    IOMEM_MAX);
		range = vec_add(m);
		err = range ? parse_line(line, max_depth, range) : -ENOMEM;
		if (err == -ENOMEM)
			return fail(f, FAILURE_INTERNAL, err, "not enough memory for iomem");
		if (err)
			return fail(f, FAILURE_UNSUPPORTED, err,
				    "iomem, line %zu: no range of "
				    "addresses",
				    m->n);
		max_depth = MIN(range->depth + 1, MAX_DEPTH);
	}
	if (!m->n)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "iomem is empty");
	return 0;
}

static bool is_hidden(const struct iomem *m)
{
	const struct iomem_range *range;

	vec_for_each(m, range)
		if (range->start || range->end)
			return false;
	return true;
}

int iomem_parse(const char *text, struct iomem *ret, struct failure *f)
{
	_cleanup_(iomem_free) struct iomem m = { 0 };
	int err = parse_lines(text, &m, f);

	if (err)
		return err;
	m.hidden = is_hidden(&m);
	*ret = m;
	m = (struct iomem){ 0 };
	return 0;
}

void iomem_free(struct iomem *m)
{
	struct iomem_range *range;

	vec_for_each(m, range)
		free(range->name);
	free(m->items);
	*m = (struct iomem){ 0 };
}

const struct iomem_range *iomem_find(const struct iomem *m, uint64_t address)
{
	const struct iomem_range *range, *found = NULL;

	if (m->hidden)
		return NULL;
	vec_for_each(m, range)
		if (address >= range->start && address <= range->end &&
		    (!found || range->depth >= found->depth))
			found = range;
	return found;
}
