// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/zoneinfo, as mm/vmstat.c (zoneinfo_show_print) of Linux 5.4 to 6.18 prints it: for each zone
 * «Node 0, zone   Normal», lines of a key and a number, «protection: (…)», and for zones with memory
 * counters, the per-CPU lists and start_pfn. What is not in the table below is not looked at.
 */
#include "procfs/zones.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/scan.h"
#include "procfs/zone_line.h"

/* Of what a zone must have told before it ends. */
#define HAS_ALL	      0x7fu
#define HAS_START_PFN 0x80u

struct zone_key {
	const char *key; /* all of the line in front of its number */
	size_t offset;
	unsigned int seen; /* bit that it sets; a second one in a zone is refused */
	bool add; /* there is one for each CPU */
};

static const struct zone_key zone_keys[] = {
	{ "pages free", offsetof(struct zone, free), 0x01, false },
	{ "min", offsetof(struct zone, min), 0x02, false },
	{ "low", offsetof(struct zone, low), 0x04, false },
	{ "high", offsetof(struct zone, high), 0x08, false },
	{ "spanned", offsetof(struct zone, spanned), 0x10, false },
	{ "present", offsetof(struct zone, present), 0x20, false },
	{ "managed", offsetof(struct zone, managed), 0x40, false },
	{ "start_pfn:", offsetof(struct zone, start_pfn), HAS_START_PFN, false },
	{ "nr_free_cma", offsetof(struct zone, cma_free), 0x100, false },
	{ "count:", offsetof(struct zone, percpu), 0, true },
};

/* Cuts the last word off @s: true if something is left in front of it. */
static bool split_last(struct scan *s, struct scan *ret_last)
{
	while (s->end > s->p && (s->end[-1] == ' ' || s->end[-1] == '\r'))
		s->end--;
	*ret_last = *s;
	while (s->end > s->p && s->end[-1] != ' ')
		s->end--;
	ret_last->p = s->end;
	while (s->end > s->p && s->end[-1] == ' ')
		s->end--;
	return s->end > s->p;
}

static const struct zone_key *find_key(struct scan key)
{
	size_t i, n = (size_t)(key.end - key.p);

	for (i = 0; i < ARRAY_SIZE(zone_keys); i++)
		if (strlen(zone_keys[i].key) == n && !memcmp(zone_keys[i].key, key.p, n))
			return &zone_keys[i];
	return NULL;
}

/* A line inside of a zone. -EINVAL if its key is known and its number is not a number of pages. */
static int parse_key(struct scan line, struct zone *zone, unsigned int *seen)
{
	const struct zone_key *key;
	struct scan last;
	uint64_t pages, *to;

	scan_blanks(&line);
	if (!split_last(&line, &last))
		return 0;
	key = find_key(line);
	if (!key)
		return 0;
	if (!scan_u64(&last, &pages) || !scan_done(&last) || pages >= ZONE_PAGES_MAX ||
	    (*seen & key->seen))
		return -EINVAL;
	*seen |= key->seen;
	to = (uint64_t *)((char *)zone + key->offset);
	*to = key->add ? MIN(*to + pages, ZONE_PAGES_MAX - 1) : pages;
	return 0;
}

/* Zones without memory end early, and have no start. */
static bool is_whole(const struct zone *zone, unsigned int seen)
{
	if ((seen & HAS_ALL) != HAS_ALL)
		return false;
	return !zone->present || (seen & HAS_START_PFN);
}

static int parse_lines(const char *text, struct zones *z, struct failure *f)
{
	struct zone *zone = NULL, header;
	unsigned int seen = 0;
	struct scan line;
	size_t n;

	for (n = 1; scan_line(&text, &line); n++) {
		if (!zone_line_parse(&line, &header.node, header.name)) {
			if (scan_literal(&line, "Node") || (zone && parse_key(line, zone, &seen)))
				return fail(f, FAILURE_UNSUPPORTED, -EINVAL,
					    "zoneinfo, line %zu can't be understood", n);
			continue;
		}
		if (zone && !is_whole(zone, seen))
			break;
		if (z->n == ZONES_MAX)
			return fail(f, FAILURE_UNSUPPORTED, -E2BIG,
				    "zoneinfo has more than %d zones", ZONES_MAX);
		zone = vec_add(z);
		if (!zone)
			return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory for zones");
		zone->node = header.node;
		memcpy(zone->name, header.name, sizeof(zone->name));
		seen = 0;
	}
	if (!zone)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "zoneinfo names no zone");
	if (!is_whole(zone, seen))
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL,
			    "zoneinfo: zone %s of node %d is cut short", zone->name, zone->node);
	return 0;
}

int zones_parse(const char *text, struct zones *ret, struct failure *f)
{
	_cleanup_(zones_free) struct zones z = { 0 };
	int err = parse_lines(text, &z, f);

	if (err)
		return err;
	*ret = z;
	z = (struct zones){ 0 };
	return 0;
}

void zones_free(struct zones *z)
{
	free(z->items);
	*z = (struct zones){ 0 };
}

const struct zone *zones_find(const struct zones *z, uint64_t pfn)
{
	const struct zone *zone;

	vec_for_each(z, zone)
		if (pfn >= zone->start_pfn && pfn - zone->start_pfn < zone->spanned)
			return zone;
	return NULL;
}

const struct zone *zones_named(const struct zones *z, int node, const char *name)
{
	const struct zone *zone;

	vec_for_each(z, zone)
		if (zone->node == node && !strcmp(zone->name, name))
			return zone;
	return NULL;
}
