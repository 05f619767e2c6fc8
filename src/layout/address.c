// SPDX-License-Identifier: GPL-2.0
/*
 * What one number is as an address: virtual, physical, or either. Several answers may hold at once: a
 * function of a 32-bit kernel is in the image and in the direct map.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "layout/layout.h"
#include "procfs/keys.h"

#define PHYSICAL_MAX (1ull << 52) /* no machine that Linux runs on addresses more */

static const struct column address_columns[] = {
	{ "space", "AS", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kind", "IS", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "name", "WHAT", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 },
	{ "start", "START", CELL_ADDRESS, COLUMN_IF_SET, 3 },
	{ "end", "END", CELL_ADDRESS, COLUMN_IF_SET, 3 },
	{ "physical", "PHYSICAL", CELL_ADDRESS, COLUMN_IF_SET, 0 },
	{ "virtual", "VIRTUAL", CELL_ADDRESS, COLUMN_IF_SET, 0 },
	{ "node", "NODE", CELL_ID, COLUMN_IF_SET, 4 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 1 },
	{ "virt_to_phys", "VIRT_TO_PHYS", CELL_BOOL, COLUMN_IF_SET, 1 },
	{ "detail", "", CELL_TEXT, COLUMN_SUBLINE, 0 },
};

struct answer {
	const struct layout *l;
	uint64_t address;
	struct report *r;
	struct table *t;
	bool unknown; /* as a virtual address */
};

static size_t add_answer(struct answer *a, const char *space, const char *kind, const char *name,
			 const char *detail)
{
	size_t row = report_add_row(a->r, a->t);

	report_set_text(a->r, a->t, row, "space", space);
	report_set_text(a->r, a->t, row, "kind", kind);
	report_set_text(a->r, a->t, row, "name", name);
	report_set_text(a->r, a->t, row, "detail", detail);
	return row;
}

static void set_bounds(struct answer *a, size_t row, uint64_t start, uint64_t end)
{
	report_set_u64(a->r, a->t, row, "start", start);
	report_set_u64(a->r, a->t, row, "end", end);
}

static void set_virtual(struct answer *a, size_t row, bool virt_to_phys)
{
	report_set_u64(a->r, a->t, row, "virt_to_phys", virt_to_phys);
}

static bool within(const struct layout_range *range, uint64_t address)
{
	return range->known && address >= range->start && address <= range->end;
}

static void set_zone(struct answer *a, size_t row, uint64_t phys)
{
	const struct zone *zone = zones_find(&a->l->zones, phys / a->l->in->facts.page_size);

	if (!zone)
		return;
	report_set_u64(a->r, a->t, row, "node", (uint64_t)zone->node);
	report_set_text(a->r, a->t, row, "zone", zone->name);
}

/* --- virtual ----------------------------------------------------------------------------------------- */

static bool answer_user(struct answer *a)
{
	size_t row;

	if (!within(&a->l->regions[REGION_USER], a->address))
		return false;
	row = add_answer(a, "virtual", "user", NULL,
			 "a user address: every process has its own map, see /proc/PID/maps; "
			 "get_user_pages() finds the page, virt_to_phys() does not");
	set_bounds(a, row, 0, a->l->regions[REGION_USER].end);
	set_virtual(a, row, false);
	return true;
}

static bool answer_direct(struct answer *a)
{
	const struct layout_range *direct = &a->l->regions[REGION_DIRECT];
	uint64_t phys;
	size_t row;

	if (layout_virt_to_phys(a->l, a->address, &phys)) {
		row = add_answer(a, "virtual", "direct map", NULL, NULL);
		report_set_u64(a->r, a->t, row, "physical", phys);
		set_zone(a, row, phys);
		set_virtual(a, row, true);
	} else if (within(direct, a->address)) {
		row = add_answer(a, "virtual", "direct map", NULL,
				 "in a hole: nothing is mapped here, there is no RAM at the "
				 "physical address that would be");
		set_virtual(a, row, false);
	} else {
		return false;
	}
	set_bounds(a, row, direct->start, direct->end);
	return true;
}

/*
 * Each area has an unmapped page behind it. How many pages are in front is told of vmalloc() and
 * vmap(); of ioremap() it is the rest, but for what the board's code maps at boot, without that page.
 */
static bool in_guard_page(const struct layout *l, const struct vmalloc_area *area, uint64_t address)
{
	uint64_t page = l->in->facts.page_size, bytes = area->end - area->start + 1;
	uint64_t pages = area->pages;

	if (area->has_phys && !(area->caller && !strncmp(area->caller, "iotable_init+", 13)))
		pages = bytes / page - 1;
	return pages && pages < bytes / page && address - area->start >= pages * page;
}

static void area_words(const struct layout *l, const struct vmalloc_area *area, uint64_t address,
		       char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "an area of %" PRIu64 " bytes",
				    area->end - area->start + 1);

	if (area->pages)
		n += (size_t)snprintf(buf + n, size - n, ", %" PRIu64 " page%s of memory%s",
				      area->pages, area->pages > 1 ? "s" : "",
				      area->pages > 1 ? ", not always neighbours" : "");
	if (in_guard_page(l, area, address))
		snprintf(buf + n, size - n, "; this is in its guard page, which is not mapped");
}

/*
 * An area that /proc/vmallocinfo has; it may lie in any region, on ARM32 also in the direct map (where
 * CMA has low memory mapped anew).
 */
static bool answer_area(struct answer *a, bool direct)
{
	const struct vmalloc_area *area = vmallocinfo_find(&a->l->vmalloc, a->address);
	char words[200];
	size_t row;

	if (!area)
		return false;
	area_words(a->l, area, a->address, words, sizeof(words));
	row = add_answer(a, "virtual",
			 area->ioremap					      ? "ioremap"
			 : within(&a->l->regions[REGION_MODULES], a->address) ? "modules"
									      : "vmalloc",
			 area->caller, words);
	set_bounds(a, row, area->start, area->end);
	if (area->has_phys && area->phys < PHYSICAL_MAX && !in_guard_page(a->l, area, a->address))
		report_set_u64(a->r, a->t, row, "physical",
			       area->phys + (a->address - area->start));
	set_virtual(a, row, direct);
	return true;
}

/* Functions of the kernel and of modules. */
static bool answer_symbol(struct answer *a)
{
	struct symbolizer *s = a->l->in->symbols;
	struct symbol sym;
	char name[256];
	bool module;
	size_t row;

	if (!s || s->ops->lookup(s, a->address, &sym))
		return false;
	module = strcmp(sym.module, "vmlinux");
	snprintf(name, sizeof(name), "%s+0x%" PRIx64 "%s%s%s", sym.name, a->address - sym.start,
		 module ? " [" : "", module ? sym.module : "", module ? "]" : "");
	row = add_answer(a, "virtual", module ? "module" : "kernel image", name,
			 module || a->l->in->facts.kernel_bits == 32
				 ? NULL
				 : "the image has a mapping of its own: __pa_symbol() is for it");
	if (sym.size)
		set_bounds(a, row, sym.start, sym.start + sym.size - 1);
	/* a 32-bit kernel's image lies in the direct map */
	if (!module && a->l->has_image_offset)
		report_set_u64(a->r, a->t, row, "physical", a->address - a->l->image_offset);
	set_virtual(a, row, !module && a->l->in->facts.kernel_bits == 32);
	return true;
}

/* The image's data, of which there are no symbols. */
static bool answer_image(struct answer *a)
{
	const struct layout_range *kernel = &a->l->regions[REGION_KERNEL];
	const struct iomem_range *part = NULL;
	size_t row;

	if (!within(kernel, a->address))
		return false;
	if (a->l->has_image_offset)
		part = iomem_find(&a->l->iomem, a->address - a->l->image_offset);
	row = add_answer(a, "virtual", "kernel image", part ? part->name : NULL, NULL);
	set_bounds(a, row, kernel->start, kernel->end);
	if (a->l->has_image_offset)
		report_set_u64(a->r, a->t, row, "physical", a->address - a->l->image_offset);
	set_virtual(a, row, a->l->in->facts.kernel_bits == 32);
	return true;
}

/* Regions of which nothing more is known. */
static bool answer_region(struct answer *a)
{
	static const struct {
		enum region region;
		const char *detail;
	} others[] = {
		{ REGION_MODULES, "no function of a module is here: its data, or nothing" },
		{ REGION_VMALLOC, NULL },
		{ REGION_VMEMMAP,
		  "struct page of the frame at that physical address, where one is told" },
	};
	uint64_t frame;
	size_t i, row;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		const struct layout_range *range = &a->l->regions[others[i].region];

		if (!within(range, a->address))
			continue;
		row = add_answer(a, "virtual", region_names[others[i].region], NULL,
				 others[i].region != REGION_VMALLOC ? others[i].detail
				 : a->l->vmalloc.n && !a->l->vmalloc.hidden
					 ? "no area of /proc/vmallocinfo is here"
					 : "whose area it is, is hidden");
		set_bounds(a, row, range->start, range->end);
		set_virtual(a, row, false);
		if (others[i].region == REGION_VMEMMAP && a->l->has_vmemmap_base) {
			frame = (a->address - a->l->vmemmap_base) / a->l->struct_page_size;
			report_set_u64(a->r, a->t, row, "physical",
				       frame * a->l->in->facts.page_size);
		}
		return true;
	}
	return false;
}

/* How many bits of a virtual address mean something; 0: not known. */
static unsigned int virtual_bits(const struct layout *l)
{
	const char *cpuinfo = l->in->files[FILE_CPUINFO].text;
	const char *p = cpuinfo ? strstr(cpuinfo, "\naddress sizes") : NULL;
	unsigned int physical, bits = 0;

	if (p && sscanf(p, "\naddress sizes : %3u bits physical, %3u bits virtual", &physical,
			&bits) == 2)
		return bits;
	return 0;
}

static void answer_nothing(struct answer *a)
{
	unsigned int bits = virtual_bits(a->l);
	const char *kind = "unknown", *detail = NULL;
	int64_t extended;

	if (a->l->in->facts.kernel_bits == 32 && a->address > UINT32_MAX)
		return; /* physical only */
	if (a->l->in->facts.kernel_bits == 64 && bits > 32 && bits < 64) {
		extended = (int64_t)(a->address << (64 - bits)) >> (64 - bits);
		if ((uint64_t)extended != a->address) {
			kind = "non-canonical";
			detail = "bits above the virtual address differ: no access with it can "
				 "succeed";
		}
	}
	if (!detail) {
		detail = "in no region that is known here: a hole, or in one of those that this "
			 "kernel does not tell";
		a->unknown = true;
	}
	set_virtual(a, add_answer(a, "virtual", kind, NULL, detail), false);
}

static void answer_virtual(struct answer *a)
{
	bool found = answer_user(a), direct = false;
	uint64_t phys;

	if (!found) {
		direct = layout_virt_to_phys(a->l, a->address, &phys);
		found = answer_direct(a);
	}
	if (answer_symbol(a) || answer_area(a, direct))
		return;
	/* the whole of a region says little beside the direct map's answer */
	if (answer_image(a) || found || answer_region(a))
		return;
	answer_nothing(a);
}

/* --- physical ---------------------------------------------------------------------------------------- */

/* «System RAM / Kernel code»: the owner with those it lies in, cut where there is no more room. */
static void owner_path(const struct iomem *m, const struct iomem_range *range, char *buf,
		       size_t size)
{
	const struct iomem_range *up = layout_root(m, range);
	unsigned int depth = 0;
	size_t n = 0;

	/* between the root and the range, its ancestors are those that hold it */
	for (; up <= range; up++) {
		if (up->depth != depth || up->start > range->start || up->end < range->end)
			continue;
		snprintf(buf + n, size - n, "%s%s", depth ? " / " : "", up->name);
		n = strlen(buf);
		depth++;
	}
}

static const char *ram_detail(const struct layout *l, uint64_t address, bool mapped)
{
	const struct zone *zone = zones_find(&l->zones, address / l->in->facts.page_size);

	if (zone && layout_is_high(l, zone))
		return "high memory: it has no permanent kernel address; kmap_local_page() gives "
		       "one for a while";
	if (mapped)
		return NULL;
	return l->has_direct_offset ? "not in the direct map"
				    : "where it is direct-mapped is not known here";
}

static void answer_physical(struct answer *a)
{
	const struct iomem_range *range = iomem_find(&a->l->iomem, a->address);
	const char *kind;
	char name[512];
	uint64_t virt;
	size_t row;
	bool ram, mapped;

	if (a->address >= PHYSICAL_MAX)
		return;
	if (!range) {
		bool hidden = !a->l->iomem.n || a->l->iomem.hidden;

		row = add_answer(a, "physical", hidden ? "unknown" : "nothing", NULL,
				 hidden ? "/proc/iomem, which tells the owner, is for root"
					: "/proc/iomem has no owner of it");
		if (hidden)
			set_zone(a, row, a->address);
		return;
	}
	owner_path(&a->l->iomem, range, name, sizeof(name));
	kind = layout_owner_kind(layout_root(&a->l->iomem, range)->name);
	ram = !strcmp(kind, "ram");
	mapped = layout_phys_to_virt(a->l, a->address, &virt);
	row = add_answer(a, "physical", kind, name,
			 ram ? ram_detail(a->l, a->address, mapped)
			 : strcmp(kind, "device") == 0
				 ? "not RAM but a device's, or the window of a bus: ioremap() maps "
				   "it, virt_to_phys() knows nothing of it"
				 : NULL);
	set_bounds(a, row, range->start, range->end);
	if (ram) {
		set_zone(a, row, a->address);
		if (mapped)
			report_set_u64(a->r, a->t, row, "virtual", virt);
	}
}

void layout_report_address(const struct layout *l, uint64_t address, struct report *r)
{
	struct answer a = {
		.l = l,
		.address = address,
		.r = r,
		.t = report_add_table(r, "address", NULL, address_columns,
				      ARRAY_SIZE(address_columns)),
	};

	answer_virtual(&a);
	answer_physical(&a);
	if (a.unknown)
		layout_report_regions(l, false, r);
	layout_report_hidden(l, true, r);
}
