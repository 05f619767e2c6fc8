// SPDX-License-Identifier: GPL-2.0
/* The trees and tables of «kmscope layout». */
#include <errno.h>
#include <string.h>

#include "base/vec.h"
#include "layout/layout.h"

static const struct column physical_columns[] = {
	{ "name", "OWNER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 1 },
	{ "start", "START", CELL_ADDRESS, 0, 0 },
	{ "end", "END", CELL_ADDRESS, 0, 0 },
	{ "bytes", "SIZE", CELL_BYTES, 0, 0 },
	{ "share", "OF RAM", CELL_PERCENT, 0, 2 },
};

static const struct column virtual_columns[] = {
	{ "name", "REGION", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "start", "START", CELL_ADDRESS, 0, 0 },
	{ "end", "END", CELL_ADDRESS, 0, 0 },
	{ "bytes", "SIZE", CELL_BYTES, 0, 0 },
	{ "complete", "", CELL_BOOL, COLUMN_JSON_ONLY, 0 },
	{ "source", "SOURCE", CELL_TEXT, COLUMN_LEFT, 1 },
};

static const struct column zone_columns[] = {
	{ "node", "NODE", CELL_ID, 0, 0 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "memory", "MEMORY", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 4 },
	{ "start", "START", CELL_ADDRESS, 0, 0 },
	{ "end", "END", CELL_ADDRESS, 0, 0 },
	{ "spanned_pages", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "spanned_bytes", "SPANNED", CELL_BYTES, 0, 5 },
	{ "present_pages", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "present_bytes", "PRESENT", CELL_BYTES, 0, 0 },
	{ "managed_pages", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "managed_bytes", "MANAGED", CELL_BYTES, 0, 1 },
	{ "free_pages", "", CELL_COUNT, COLUMN_JSON_ONLY, 0 },
	{ "free_bytes", "FREE", CELL_BYTES, 0, 0 },
	{ "min_pages", "MIN", CELL_COUNT, 0, 6 },
	{ "low_pages", "LOW", CELL_COUNT, 0, 2 },
	{ "high_pages", "HIGH", CELL_COUNT, 0, 6 },
};

static const struct column class_columns[] = {
	{ "bytes", "CLASS (B)", CELL_ID, 0, 0 },
	{ "objects", "IN USE", CELL_COUNT, 0, 0 },
	{ "objects_per_slab", "PER SLAB", CELL_COUNT, 0, 0 },
	{ "slab_bytes", "SLAB", CELL_BYTES, 0, 0 },
	{ "variants", "VARIANTS", CELL_TEXT, COLUMN_LEFT, 0 },
};

/* --- physical --------------------------------------------------------------------------------------- */

static uint64_t iomem_ram(const struct iomem *m)
{
	const struct iomem_range *range;
	uint64_t total = 0;

	vec_for_each(m, range)
		if (!range->depth && !strcmp(layout_owner_kind(range->name), "ram"))
			total += range->end - range->start + 1;
	return total;
}

static void report_physical(const struct layout *l, struct report *r)
{
	const struct iomem_range *range, *root = NULL;
	uint64_t ram = iomem_ram(&l->iomem);
	struct table *t;

	if (!l->iomem.n || l->iomem.hidden)
		return;
	t = report_add_tree(r, "physical", "Physical addresses", physical_columns,
			    ARRAY_SIZE(physical_columns));
	vec_for_each(&l->iomem, range) {
		size_t row = report_add_node(r, t, range->depth);

		root = range->depth ? root : range;
		report_set_text(r, t, row, "name", range->name);
		report_set_text(r, t, row, "kind", layout_owner_kind(range->name));
		report_set_u64(r, t, row, "start", range->start);
		report_set_u64(r, t, row, "end", range->end);
		/* the whole of 64 bits, which no machine has, would be 0 */
		if (range->end - range->start < UINT64_MAX)
			report_set_u64(r, t, row, "bytes", range->end - range->start + 1);
		if (ram && root && !strcmp(layout_owner_kind(root->name), "ram"))
			report_set_real(r, t, row, "share",
					100.0 * ((double)(range->end - range->start) + 1) /
						(double)ram);
	}
}

/* --- virtual ---------------------------------------------------------------------------------------- */

static void report_range(struct report *r, struct table *t, unsigned int depth, const char *name,
			 const struct layout_range *range)
{
	size_t row = report_add_node(r, t, depth);

	report_set_text(r, t, row, "name", name);
	if (!range->known)
		return;
	report_set_u64(r, t, row, "start", range->start);
	report_set_u64(r, t, row, "end", range->end);
	if (range->end - range->start < UINT64_MAX)
		report_set_u64(r, t, row, "bytes", range->end - range->start + 1);
	report_set_u64(r, t, row, "complete", !range->seen_only);
	report_set_text(r, t, row, "source", range->source);
}

/* What /proc/iomem knows of the image's parts, at their virtual addresses. */
static void report_image_parts(const struct layout *l, struct report *r, struct table *t)
{
	const struct iomem_range *part;

	if (!l->has_image_offset || l->iomem.hidden)
		return;
	vec_for_each(&l->iomem, part) {
		struct layout_range range = {
			.known = true,
			.start = part->start + l->image_offset,
			.end = part->end + l->image_offset,
			.source = "kallsyms+iomem",
		};

		if (!strcmp(layout_owner_kind(part->name), "kernel"))
			report_range(r, t, 1, part->name + strlen("Kernel "), &range);
	}
}

/* Known regions by address, then the others. */
static void sort_regions(const struct layout *l, enum region order[REGION_MAX])
{
	size_t i, k;

	for (i = 0; i < REGION_MAX; i++) {
		const struct layout_range *range = &l->regions[i];

		for (k = i; k > 0; k--) {
			const struct layout_range *before = &l->regions[order[k - 1]];

			if (!range->known || (before->known && before->start <= range->start))
				break;
			order[k] = order[k - 1];
		}
		order[k] = (enum region)i;
	}
}

static void report_virtual(const struct layout *l, struct report *r)
{
	struct table *t = report_add_tree(r, "virtual", "Virtual addresses of the kernel",
					  virtual_columns, ARRAY_SIZE(virtual_columns));
	enum region order[REGION_MAX];
	size_t i;

	sort_regions(l, order);
	for (i = 0; i < REGION_MAX; i++) {
		report_range(r, t, 0, region_names[order[i]], &l->regions[order[i]]);
		if (order[i] == REGION_KERNEL)
			report_image_parts(l, r, t);
	}
}

void layout_report_regions(const struct layout *l, bool known, struct report *r)
{
	size_t i;

	for (i = 0; i < REGION_MAX; i++) {
		const struct layout_range *range = &l->regions[i];

		if (range->why && (known || !range->known))
			report_add_note(r, "%s: %s%s", region_names[i],
					range->known ? "" : "not known; ", range->why);
	}
}

/* --- zones ------------------------------------------------------------------------------------------ */

static void set_pages(struct report *r, struct table *t, size_t row, const char *pages_column,
		      const char *bytes_column, uint64_t pages, uint64_t page_size)
{
	report_set_u64(r, t, row, pages_column, pages);
	report_set_u64(r, t, row, bytes_column, pages * page_size);
}

static void report_zones(const struct layout *l, struct report *r)
{
	uint64_t page = l->in->facts.page_size;
	const struct zone *zone;
	struct table *t;

	if (!l->zones.n)
		return;
	t = report_add_table(r, "zones", "Zones", zone_columns, ARRAY_SIZE(zone_columns));
	vec_for_each(&l->zones, zone) {
		size_t row = report_add_row(r, t);

		report_set_u64(r, t, row, "node", (uint64_t)zone->node);
		report_set_text(r, t, row, "zone", zone->name);
		/* Movable holds low or high memory, as the machine has it */
		if (l->in->facts.kernel_bits == 32 && strcmp(zone->name, "Movable"))
			report_set_text(r, t, row, "memory",
					layout_is_high(l, zone) ? "high" : "low");
		if (zone->spanned) {
			report_set_u64(r, t, row, "start", zone->start_pfn * page);
			report_set_u64(r, t, row, "end",
				       (zone->start_pfn + zone->spanned) * page - 1);
		}
		set_pages(r, t, row, "spanned_pages", "spanned_bytes", zone->spanned, page);
		set_pages(r, t, row, "present_pages", "present_bytes", zone->present, page);
		set_pages(r, t, row, "managed_pages", "managed_bytes", zone->managed, page);
		set_pages(r, t, row, "free_pages", "free_bytes", zone->free, page);
		report_set_u64(r, t, row, "min_pages", zone->min);
		report_set_u64(r, t, row, "low_pages", zone->low);
		report_set_u64(r, t, row, "high_pages", zone->high);
	}
}

/* --- size classes ----------------------------------------------------------------------------------- */

static void variant_names(unsigned int variants, char buf[32])
{
	static const struct {
		enum size_class_variant bit;
		const char *name;
	} names[] = {
		{ VARIANT_PLAIN, "plain" }, { VARIANT_CG, "cg" },   { VARIANT_RCL, "rcl" },
		{ VARIANT_DMA, "dma" },	    { VARIANT_RND, "rnd" },
	};
	size_t i;

	buf[0] = '\0';
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(variants & names[i].bit))
			continue;
		if (buf[0])
			strcat(buf, ", ");
		strcat(buf, names[i].name);
	}
}

static void report_classes(const struct layout *l, struct report *r)
{
	struct table *t;
	char names[32];
	size_t i;

	if (!l->classes.n)
		return;
	t = report_add_table(r, "size_classes", "Size classes of kmalloc", class_columns,
			     ARRAY_SIZE(class_columns));
	for (i = 0; i < l->classes.n; i++) {
		const struct size_class *class = &l->classes.items[i];
		size_t row = report_add_row(r, t);

		variant_names(class->variants, names);
		report_set_u64(r, t, row, "bytes", class->bytes);
		report_set_text(r, t, row, "variants", names);
		if (!class->counted)
			continue;
		report_set_u64(r, t, row, "objects", class->objects);
		report_set_u64(r, t, row, "objects_per_slab", class->per_slab);
		report_set_u64(r, t, row, "slab_bytes", class->slab_pages * l->in->facts.page_size);
	}
}

/* --- all of it --------------------------------------------------------------------------------------- */

/* Files without which something is missing from the report, and what. */
static const struct {
	enum layout_file file;
	bool address; /* also from what an address is */
	const char *missing;
} shown_files[] = {
	{ FILE_ZONEINFO, true, "zones" },
	{ FILE_IOMEM, true, "the physical address map" },
	{ FILE_VMALLOCINFO, true, "owners of vmalloc areas" },
	{ FILE_BUDDYINFO, false, "the number of orders" },
	{ FILE_MEMINFO, false, "totals" },
	{ FILE_PAGETYPEINFO, false, "the page block's size" },
	{ FILE_SLABINFO, false, "what is in use of the size classes" },
};

static void report_missing_file(const struct layout *l, enum layout_file file, const char *missing,
				struct report *r)
{
	const char *path = layout_file_paths[file];
	int err = l->in->files[file].err;

	if (l->failures[file].text[0])
		report_add_note(r, "%s: not shown; %s", missing, l->failures[file].text);
	else if (err == -EACCES || err == -EPERM)
		report_add_note(r, "%s: not shown; %s is for root: run it with sudo", missing,
				path);
	else if (err)
		report_add_note(r, "%s: not shown; %s: %s", missing, path, strerror(-err));
}

void layout_report_hidden(const struct layout *l, bool address, struct report *r)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(shown_files); i++)
		if (shown_files[i].address || !address)
			report_missing_file(l, shown_files[i].file, shown_files[i].missing, r);
	if (l->iomem.hidden)
		report_add_note(r, "the physical address map: not shown; /proc/iomem hides its "
				   "addresses from those without CAP_SYS_ADMIN: run it with sudo");
	if (l->vmalloc.hidden)
		report_add_note(r, "/proc/vmallocinfo hides its addresses; root sees them with "
				   "kernel.kptr_restrict=1 («sysctl -w kernel.kptr_restrict=1»)");
	if (!l->in->symbols)
		report_add_note(r, "%s", l->in->symbols_why);
}

void layout_report(const struct layout *l, struct report *r)
{
	report_physical(l, r);
	report_virtual(l, r);
	report_zones(l, r);
	report_classes(l, r);
	layout_report_regions(l, true, r);
	layout_report_facts(l, r);
	layout_report_hidden(l, false, r);
}
