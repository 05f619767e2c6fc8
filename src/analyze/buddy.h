/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_BUDDY_H
#define KMSCOPE_ANALYZE_BUDDY_H
/* The parts of kmscope buddy's report. */
#include "analyze/analyzer.h"
#include "analyze/pages.h"

struct buddy {
	struct analyzer analyzer;
	struct analyzer_options options;
	struct pages pages;
};

/* From what /proc said: zones, free lists, how changes add up, splits and merges. */
void buddy_report_lists(const struct buddy *b, struct report *r);
/* Free pages over time, the map. */
void buddy_report_state(const struct buddy *b, struct report *r);

/* A migrate type's name, or its number in words; in @buf. */
const char *buddy_type_name(const struct pages *p, unsigned int type, char buf[32]);

#endif
