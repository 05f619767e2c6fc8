/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_ZONES_H
#define KMSCOPE_PROCFS_ZONES_H
/*
 * What /proc/zoneinfo, /proc/buddyinfo and /proc/pagetypeinfo say. Pure parsers: text in, numbers out.
 * The texts may come from another machine and are hostile: no size in them is believed.
 */
#include "base/base.h"
#include "base/failure.h"

#define ZONE_NAME_LEN 16
#define ZONES_MAX     4096 /* zones in all, nodes times kinds */
#define ZONE_ORDERS   20 /* more than any configuration has (11; arm64 with 64 KB pages: 14) */
#define MIGRATETYPES  16

/*
 * Counts of pages and frame numbers are below it. With 64 KB pages that is 2^62 bytes, with 4 KB
 * pages 2^58; no machine addresses more than 2^52. So a frame number plus a count of pages, and both
 * times the page size, do not overflow.
 */
#define ZONE_PAGES_MAX (1ull << 46)

/* One zone of one node. Counts are pages. */
struct zone {
	int node;
	char name[ZONE_NAME_LEN]; /* DMA, DMA32, Normal, HighMem, Movable, Device */
	uint64_t start_pfn; /* 0 for an empty zone */
	uint64_t spanned, present,
		managed; /* present: without holes; managed: by the buddy allocator */
	uint64_t free; /* on the buddy free lists */
	uint64_t min, low, high; /* watermarks */
	uint64_t percpu; /* on the per-CPU lists, summed over CPUs: neither free nor given out */
	uint64_t cma_free; /* of .free; 0 where the kernel has no CMA */
};

struct zones {
	struct zone *items; /* in the file's order */
	size_t n, capacity;
};

/*
 * Parse /proc/zoneinfo. -EINVAL when it is no such text or ends within a zone, -E2BIG, -ENOMEM. Free
 * with zones_free().
 */
int zones_parse(const char *text, struct zones *ret, struct failure *f);
void zones_free(struct zones *z);
/* The zone that holds frame @pfn, or NULL. Zones of different nodes may overlap: the first one. */
const struct zone *zones_find(const struct zones *z, uint64_t pfn);
/* The zone of that node and name, or NULL. */
const struct zone *zones_named(const struct zones *z, int node, const char *name);

/* Blocks on the free lists of one zone, by order. */
struct free_list {
	int node;
	char zone[ZONE_NAME_LEN];
	char migratetype[ZONE_NAME_LEN]; /* /proc/pagetypeinfo; empty in /proc/buddyinfo: all types */
	uint64_t blocks[ZONE_ORDERS]; /* in all below ZONE_PAGES_MAX pages an order */
	bool capped; /* the kernel stopped counting a list at 100,000 («>100000»): there are more */
};

/* Page blocks of one zone by migrate type. */
struct block_types {
	int node;
	char zone[ZONE_NAME_LEN];
	uint64_t blocks[MIGRATETYPES];
};

struct free_lists {
	struct free_list *items;
	size_t n, capacity;
	size_t n_orders; /* lists that this kernel has: largest order + 1 */
	/* of /proc/pagetypeinfo only */
	uint64_t pageblock_pages; /* 0: unknown */
	char migratetypes[MIGRATETYPES][ZONE_NAME_LEN]; /* by number, as in events */
	size_t n_migratetypes;
	struct block_types *types;
	size_t n_types, types_capacity;
};

/*
 * Parse /proc/buddyinfo or /proc/pagetypeinfo. The migrate types' numbers are their places among the
 * rows of a zone, which is the kernel's enum migratetype (mm/vmstat.c, pagetypeinfo_showfree_print).
 * -EINVAL, -E2BIG, -ENOMEM. Free with free_lists_free().
 */
int buddyinfo_parse(const char *text, struct free_lists *ret, struct failure *f);
int pagetypeinfo_parse(const char *text, struct free_lists *ret, struct failure *f);
void free_lists_free(struct free_lists *l);
/* All blocks of @order of a zone, over its migrate types. */
uint64_t free_lists_blocks(const struct free_lists *l, int node, const char *zone, size_t order);

#endif
