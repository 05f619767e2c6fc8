/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_ZONE_LINE_H
#define KMSCOPE_PROCFS_ZONE_LINE_H
#include "procfs/scan.h"
#include "procfs/zones.h"

/*
 * «Node 0, zone   Normal» at @line, which zoneinfo, buddyinfo and pagetypeinfo begin with; moves it
 * on. @ret_name has room for ZONE_NAME_LEN.
 */
static inline bool zone_line_parse(struct scan *line, int *ret_node, char *ret_name)
{
	struct scan s = *line;
	uint64_t node;

	if (!scan_literal(&s, "Node"))
		return false;
	scan_blanks(&s);
	if (!scan_u64(&s, &node) || node > INT16_MAX || !scan_literal(&s, ", zone"))
		return false;
	scan_blanks(&s);
	if (!scan_name(&s, ret_name, ZONE_NAME_LEN))
		return false;
	*ret_node = (int)node;
	*line = s;
	return true;
}

#endif
