// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/buddyinfo: «Node 0, zone   Normal    216     55 …», a count for each order.
 *
 * /proc/pagetypeinfo has three parts, each with a heading: the page block's size; the free lists
 * by migrate type («Node    0, zone   Normal, type    Unmovable    216 …», where «>100000» means
 * that counting was given up, Linux 5.5, commit 93b3a674485f); the page blocks by migrate type. With
 * page_owner=on there is another part, «Number of mixed blocks», which is not looked at.
 */
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/scan.h"
#include "procfs/zone_line.h"
#include "procfs/zones.h"

#define MAX_ROWS (ZONES_MAX * MIGRATETYPES)

struct parser {
	struct free_lists *l;
	struct failure *f;
	const char *file;
	size_t line; /* number */
	enum { PART_HEAD, PART_LISTS, PART_BLOCKS, PART_OTHER } part;
	size_t columns[MIGRATETYPES]; /* migrate types, as the page blocks' heading has them */
	size_t n_columns;
};

static int fail_line(const struct parser *p, int err, const char *what)
{
	return fail(p->f, err == -ENOMEM ? FAILURE_INTERNAL : FAILURE_UNSUPPORTED, err,
		    "%s, line %zu: %s", p->file, p->line, what);
}

/* Counts of blocks until the line's end. */
static int parse_counts(const struct parser *p, struct scan *s, struct free_list *list)
{
	size_t n;

	for (n = 0;; n++) {
		scan_blanks(s);
		if (scan_done(s))
			break;
		if (n == ZONE_ORDERS)
			return fail_line(p, -E2BIG, "more orders than any kernel has");
		if (scan_literal(s, ">"))
			list->capped = true;
		if (!scan_u64(s, &list->blocks[n]) || list->blocks[n] >= ZONE_PAGES_MAX >> n)
			return fail_line(p, -EINVAL, "no count of blocks");
	}
	if (!n || (p->l->n_orders && n != p->l->n_orders))
		return fail_line(p, -EINVAL, "not as many orders as in the other zones");
	p->l->n_orders = n;
	return 0;
}

static int add_list(const struct parser *p, const struct free_list *list)
{
	struct free_list *item;

	if (p->l->n == MAX_ROWS)
		return fail_line(p, -E2BIG, "too many zones");
	item = vec_add(p->l);
	if (!item)
		return fail_line(p, -ENOMEM, "not enough memory");
	*item = *list;
	return 0;
}

/* Behind the zone's name. */
static int parse_list(const struct parser *p, struct scan *s, struct free_list *list)
{
	int err = parse_counts(p, s, list);

	return err ? err : add_list(p, list);
}

int buddyinfo_parse(const char *text, struct free_lists *ret, struct failure *f)
{
	_cleanup_(free_lists_free) struct free_lists l = { 0 };
	struct parser p = { .l = &l, .f = f, .file = "buddyinfo" };
	struct scan s;
	int err;

	for (p.line = 1; scan_line(&text, &s); p.line++) {
		struct free_list list = { 0 };

		if (!zone_line_parse(&s, &list.node, list.zone))
			return fail_line(&p, -EINVAL, "no zone");
		err = parse_list(&p, &s, &list);
		if (err)
			return err;
	}
	if (!l.n)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "buddyinfo names no zone");
	*ret = l;
	l = (struct free_lists){ 0 };
	return 0;
}

/* The number of the migrate type named at @s, which gets one if it is new. */
static int take_migratetype(const struct parser *p, struct scan *s, size_t *ret)
{
	struct free_lists *l = p->l;
	char name[ZONE_NAME_LEN] = "";
	size_t i;

	scan_blanks(s);
	if (!scan_name(s, name, sizeof(name)))
		return fail_line(p, -EINVAL, "no migrate type");
	for (i = 0; i < l->n_migratetypes; i++)
		if (!strcmp(l->migratetypes[i], name))
			break;
	if (i == MIGRATETYPES)
		return fail_line(p, -E2BIG, "more migrate types than any kernel has");
	if (i == l->n_migratetypes)
		memcpy(l->migratetypes[l->n_migratetypes++], name, sizeof(name));
	*ret = i;
	return 0;
}

/* «, type    Unmovable    216 …» behind a zone's name. */
static int parse_type_list(const struct parser *p, struct scan *s, struct free_list *list)
{
	size_t type;
	int err;

	if (!scan_literal(s, ", type"))
		return fail_line(p, -EINVAL, "no migrate type");
	err = take_migratetype(p, s, &type);
	if (err)
		return err;
	memcpy(list->migratetype, p->l->migratetypes[type], sizeof(list->migratetype));
	return parse_list(p, s, list);
}

/* Behind «Number of blocks type». */
static int parse_blocks_heading(struct parser *p, struct scan *s)
{
	int err = 0;

	for (p->n_columns = 0; !err; p->n_columns++) {
		scan_blanks(s);
		if (scan_done(s))
			return 0;
		if (p->n_columns == MIGRATETYPES)
			return fail_line(p, -E2BIG, "more migrate types than any kernel has");
		err = take_migratetype(p, s, &p->columns[p->n_columns]);
	}
	return err;
}

/* Behind a zone's name. */
static int parse_blocks(const struct parser *p, struct scan *s, const struct free_list *zone)
{
	struct free_lists *l = p->l;
	struct block_types blocks = { .node = zone->node };
	size_t i;
	uint64_t n;
	void *items;

	memcpy(blocks.zone, zone->zone, sizeof(blocks.zone));
	for (i = 0; i < p->n_columns; i++) {
		scan_blanks(s);
		if (!scan_u64(s, &n) || n >= ZONE_PAGES_MAX)
			return fail_line(p, -EINVAL, "no count of page blocks");
		blocks.blocks[p->columns[i]] = n;
	}
	scan_blanks(s);
	if (!scan_done(s))
		return fail_line(p, -EINVAL, "more counts than migrate types");
	if (l->n_types == ZONES_MAX)
		return fail_line(p, -E2BIG, "too many zones");
	items = vec_reserve(l->types, l->n_types, &l->types_capacity, 1, sizeof(*l->types));
	if (!items)
		return fail_line(p, -ENOMEM, "not enough memory");
	l->types = items;
	l->types[l->n_types++] = blocks;
	return 0;
}

/* A line that begins with no zone. */
static int parse_heading(struct parser *p, struct scan *s)
{
	uint64_t pages;

	if (scan_literal(s, "Node"))
		return fail_line(p, -EINVAL, "no zone");
	if (scan_literal(s, "Pages per block:")) {
		scan_blanks(s);
		if (!scan_u64(s, &pages) || !scan_done(s) || pages >= ZONE_PAGES_MAX)
			return fail_line(p, -EINVAL, "no number of pages");
		p->l->pageblock_pages = pages;
	} else if (scan_literal(s, "Free pages count per migrate type at order")) {
		p->part = PART_LISTS;
	} else if (scan_literal(s, "Number of blocks type")) {
		p->part = PART_BLOCKS;
		return parse_blocks_heading(p, s);
	} else if (scan_literal(s, "Number of ")) {
		p->part = PART_OTHER;
	}
	return 0;
}

static int parse_pagetype_line(struct parser *p, struct scan *s)
{
	struct free_list list = { 0 };

	if (!zone_line_parse(s, &list.node, list.zone))
		return parse_heading(p, s);
	switch (p->part) {
	case PART_LISTS:
		return parse_type_list(p, s, &list);
	case PART_BLOCKS:
		return parse_blocks(p, s, &list);
	case PART_HEAD:
		return fail_line(p, -EINVAL, "a zone in front of any heading");
	case PART_OTHER:
		break;
	}
	return 0;
}

int pagetypeinfo_parse(const char *text, struct free_lists *ret, struct failure *f)
{
	_cleanup_(free_lists_free) struct free_lists l = { 0 };
	struct parser p = { .l = &l, .f = f, .file = "pagetypeinfo" };
	struct scan s;
	int err;

	for (p.line = 1; scan_line(&text, &s); p.line++) {
		err = parse_pagetype_line(&p, &s);
		if (err)
			return err;
	}
	if (!l.n)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "pagetypeinfo lists no zone");
	*ret = l;
	l = (struct free_lists){ 0 };
	return 0;
}

void free_lists_free(struct free_lists *l)
{
	free(l->items);
	free(l->types);
	*l = (struct free_lists){ 0 };
}

uint64_t free_lists_blocks(const struct free_lists *l, int node, const char *zone, size_t order)
{
	const struct free_list *list;
	uint64_t n = 0;

	if (order >= l->n_orders)
		return 0;
	vec_for_each(l, list)
		if (list->node == node && !strcmp(list->zone, zone))
			n += list->blocks[order];
	return n;
}
