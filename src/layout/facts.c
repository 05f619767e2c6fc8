// SPDX-License-Identifier: GPL-2.0
/* Single numbers about this machine's memory, each with where it comes from. */
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "layout/layout.h"
#include "procfs/keys.h"
#include "procfs/scan.h"

/* The value's cells have a type of their own each, as its unit says. */
static const struct column fact_columns[] = {
	{ "name", "FACT", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "value", "VALUE", CELL_COUNT, 0, 0 },
	{ "unit", "UNIT", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "source", "SOURCE", CELL_TEXT, COLUMN_LEFT, 0 },
};

struct facts {
	const struct layout *l;
	struct report *r;
	struct table *t;
};

static const char *unit_of(enum cell_type type)
{
	switch (type) {
	case CELL_BYTES:
		return "bytes";
	case CELL_ADDRESS:
		return "address";
	case CELL_PERCENT:
		return "%";
	default:
		return "count";
	}
}

static size_t add_fact(struct facts *f, const char *name, enum cell_type type, const char *source)
{
	size_t row = report_add_row(f->r, f->t);

	report_set_text(f->r, f->t, row, "name", name);
	report_set_text(f->r, f->t, row, "unit", unit_of(type));
	report_set_text(f->r, f->t, row, "source", source);
	return row;
}

static void add_value(struct facts *f, const char *name, enum cell_type type, uint64_t v,
		      const char *source)
{
	size_t row = add_fact(f, name, type, source);

	report_set_u64(f->r, f->t, row, "value", v);
	if (row != SIZE_MAX)
		table_cell(f->t, row, "value")->type = type;
}

static void add_share(struct facts *f, const char *name, double percent, const char *source)
{
	size_t row = add_fact(f, name, CELL_PERCENT, source);
	struct cell *c;

	if (row == SIZE_MAX)
		return;
	c = table_cell(f->t, row, "value");
	c->type = CELL_PERCENT;
	c->real = percent;
}

/* Null, with the reason in a note. */
static void add_unknown(struct facts *f, const char *name, enum cell_type type, const char *why)
{
	add_fact(f, name, type, NULL);
	report_add_note(f->r, "%s: not known; %s", name, why);
}

static const char *text_of(const struct facts *f, enum layout_file file)
{
	return f->l->in->files[file].text;
}

/* --- memory ------------------------------------------------------------------------------------------ */

struct sums {
	uint64_t present, managed, high; /* pages */
};

static struct sums sum_zones(const struct layout *l)
{
	struct sums s = { 0 };
	const struct zone *zone;

	/* at most 4096 zones of less than 2^46 pages */
	vec_for_each(&l->zones, zone) {
		s.present += zone->present;
		s.managed += zone->managed;
		if (layout_is_high(l, zone))
			s.high += zone->present;
	}
	return s;
}

static void add_pages(struct facts *f, const char *name, uint64_t pages, const char *source)
{
	uint64_t bytes;

	if (!__builtin_mul_overflow(pages, f->l->in->facts.page_size, &bytes))
		add_value(f, name, CELL_BYTES, bytes, source);
}

static void add_memory(struct facts *f, const struct sums *s)
{
	uint64_t n;

	if (f->l->zones.n) {
		add_pages(f, "ram_present", s->present, "/proc/zoneinfo");
		add_pages(f, "ram_managed", s->managed, "/proc/zoneinfo");
		if (s->present >= s->managed)
			add_pages(f, "ram_unmanaged", s->present - s->managed, "/proc/zoneinfo");
		if (f->l->in->facts.kernel_bits == 32)
			add_pages(f, "low_memory", s->present - s->high, "/proc/zoneinfo");
		add_pages(f, "high_memory", s->high, "/proc/zoneinfo");
	}
	if (keys_kb(text_of(f, FILE_MEMINFO), "MemTotal:", &n))
		add_value(f, "mem_total", CELL_BYTES, n, "/proc/meminfo");
}

static void add_iomem_total(struct facts *f, const char *name, const char *kind)
{
	const struct iomem_range *range;
	uint64_t total = 0;

	if (!f->l->iomem.n || f->l->iomem.hidden)
		return;
	/* a range within one of its own kind counts once */
	vec_for_each(&f->l->iomem, range)
		if (!strcmp(layout_owner_kind(range->name), kind) &&
		    (!range->depth ||
		     strcmp(layout_owner_kind(layout_root(&f->l->iomem, range)->name), kind)))
			total += range->end - range->start + 1;
	add_value(f, name, CELL_BYTES, total, "/proc/iomem");
}

/* --- struct page ------------------------------------------------------------------------------------- */

static void add_struct_page(struct facts *f, const struct sums *s)
{
	uint64_t page = f->l->in->facts.page_size, size = f->l->struct_page_size, boot, later;
	const char *vmstat = text_of(f, FILE_VMSTAT);

	if (size) {
		add_value(f, "struct_page_size", CELL_BYTES, size, f->l->struct_page_source);
		add_share(f, "struct_page_share", 100.0 * (double)size / (double)page,
			  "struct_page_size / page_size");
	} else {
		add_unknown(f, "struct_page_size", CELL_BYTES,
			    "neither /sys/kernel/btf/vmlinux nor /proc/kcore tells");
	}
	/* since Linux 6.10; frames of holes that share a section with memory have a struct page too */
	if (keys_u64(vmstat, "nr_memmap_boot_pages ", &boot) && boot < ZONE_PAGES_MAX &&
	    keys_u64(vmstat, "nr_memmap_pages ", &later) && later < ZONE_PAGES_MAX)
		add_pages(f, "struct_page_total", boot + later, "/proc/vmstat");
	else if (size && s->present < ZONE_PAGES_MAX)
		add_value(f, "struct_page_total", CELL_BYTES, s->present * size,
			  "struct_page_size × present pages");
	else
		add_unknown(f, "struct_page_total", CELL_BYTES,
			    "it is part of ram_unmanaged; /proc/vmstat tells since Linux 6.10");
}

/* --- kernel stacks ----------------------------------------------------------------------------------- */

/*
 * A kernel stack's size from what all stacks take and the number of threads: a power of two. Threads
 * come and go between the two readings, and the counter lags by what each CPU has not added yet:
 * with fewer than 32 threads that could pass for another power of two.
 */
static uint64_t guess_stack(uint64_t total, uint64_t threads)
{
	uint64_t size;

	if (threads < 32 || threads > UINT32_MAX)
		return 0;
	for (size = 4096; size <= 256 * 1024; size *= 2)
		if (total / threads >= size * 3 / 4 && total / threads < size * 3 / 2)
			return size;
	return 0;
}

/* «0.20 0.18 0.12 1/80 11206»: the number behind the slash. */
static bool count_threads(const char *loadavg, uint64_t *ret)
{
	const char *slash = loadavg ? strchr(loadavg, '/') : NULL;

	return slash && keys_u64(slash, "/", ret);
}

static void add_stack(struct facts *f)
{
	uint64_t total, threads, idle = f->l->in->facts.cpus, size = 0;

	if (f->l->in->facts.btf_stack_size) {
		add_value(f, "kernel_stack_size", CELL_BYTES, f->l->in->facts.btf_stack_size,
			  "/sys/kernel/btf/vmlinux");
		return;
	}
	/* the idle tasks have stacks, and are not in loadavg's number; the first one's is static */
	if (keys_kb(text_of(f, FILE_MEMINFO), "KernelStack:", &total) &&
	    count_threads(text_of(f, FILE_LOADAVG), &threads) && threads < UINT32_MAX)
		size = guess_stack(total, threads + (idle ? idle - 1 : 0));
	if (size)
		add_value(f, "kernel_stack_size", CELL_BYTES, size, "KernelStack / threads");
	else
		add_unknown(f, "kernel_stack_size", CELL_BYTES,
			    "the kernel's BTF does not have it, and there are too few threads to "
			    "tell it from KernelStack in /proc/meminfo");
}

/* --- the rest ----------------------------------------------------------------------------------------- */

static void add_orders(struct facts *f)
{
	const struct free_lists *buddy = &f->l->buddy;

	if (buddy->n_orders) {
		add_value(f, "orders", CELL_COUNT, buddy->n_orders, "/proc/buddyinfo");
		add_pages(f, "largest_block", 1ull << (buddy->n_orders - 1), "/proc/buddyinfo");
	}
	if (f->l->types.pageblock_pages)
		add_pages(f, "pageblock_size", f->l->types.pageblock_pages, "/proc/pagetypeinfo");
	else
		add_fact(f, "pageblock_size", CELL_BYTES, NULL); /* the missing file has its note */
	if (f->l->classes.n)
		add_value(f, "kmalloc_largest_class", CELL_BYTES,
			  f->l->classes.items[f->l->classes.n - 1].bytes,
			  f->l->classes.items[0].counted ? "/proc/slabinfo" : "/sys/kernel/slab");
}

static void add_huge(struct facts *f)
{
	const struct layout_facts *facts = &f->l->in->facts;
	size_t i;

	for (i = 0; i < facts->n_huge_sizes; i++)
		add_value(f, "huge_page_size", CELL_BYTES, facts->huge_sizes[i], "/sys/kernel/mm");
	if (facts->thp_size)
		add_value(f, "transparent_huge_page_size", CELL_BYTES, facts->thp_size,
			  "/sys/kernel/mm");
}

/* x86's «address sizes : 46 bits physical, 48 bits virtual»; 57 with five levels of page tables. */
static bool x86_virtual_bits(const char *cpuinfo, uint64_t *ret)
{
	const char *p = cpuinfo ? strstr(cpuinfo, "\naddress sizes") : NULL;
	const char *end = p ? strchr(p + 1, '\n') : NULL;
	unsigned int physical, virt;

	if (!end || sscanf(p, "\naddress sizes : %3u bits physical, %3u bits virtual", &physical,
			   &virt) != 2)
		return false;
	*ret = virt;
	return true;
}

static void add_virtual_bits(struct facts *f)
{
	const char *vmcoreinfo = f->l->kcore.vmcoreinfo;
	uint64_t bits;

	if (x86_virtual_bits(text_of(f, FILE_CPUINFO), &bits))
		add_value(f, "virtual_address_bits", CELL_COUNT, bits, "/proc/cpuinfo");
	/* arm64: what the CPU was told; VA_BITS is what the kernel was built for */
	else if (keys_u64(vmcoreinfo, "NUMBER(TCR_EL1_T1SZ)=", &bits) && bits < 64)
		add_value(f, "virtual_address_bits", CELL_COUNT, 64 - bits,
			  "VMCOREINFO in /proc/kcore");
}

/*
 * PAGE_OFFSET is where the direct map begins: on 32-bit at the lowest RAM, on x86-64 at physical 0.
 * On arm64 it is a constant for the most bits that the kernel was built for, which says nothing.
 */
static bool page_offset(const struct layout *l, uint64_t *ret)
{
	if (!l->has_direct_offset || !strcmp(l->in->facts.arch, "aarch64"))
		return false;
	*ret = l->in->facts.kernel_bits == 32 ? l->regions[REGION_DIRECT].start : l->direct_offset;
	return true;
}

static void add_addresses(struct facts *f)
{
	const struct layout *l = f->l;
	uint64_t n;

	if (l->in->facts.user_end)
		add_value(f, "user_space_end", CELL_ADDRESS, l->in->facts.user_end - 1,
			  l->regions[REGION_USER].source);
	if (page_offset(l, &n))
		add_value(f, "page_offset", CELL_ADDRESS, n, l->regions[REGION_DIRECT].source);
	else if (!l->has_direct_offset)
		add_fact(f, "page_offset", CELL_ADDRESS, NULL); /* the direct map has its note */
	if (l->has_direct_offset)
		add_value(f, "virt_to_phys_offset", CELL_ADDRESS,
			  l->in->facts.kernel_bits == 32 ? l->direct_offset & UINT32_MAX
							 : l->direct_offset,
			  l->regions[REGION_DIRECT].source);
	if (keys_hex(l->kcore.vmcoreinfo, "KERNELOFFSET=", &n))
		add_value(f, "kaslr_offset", CELL_ADDRESS, n, "VMCOREINFO in /proc/kcore");
	else if (l->in->facts.kernel_bits == 64)
		add_unknown(f, "kaslr_offset", CELL_ADDRESS,
			    "only VMCOREINFO in /proc/kcore tells how far the image was moved");
}

void layout_report_facts(const struct layout *l, struct report *r)
{
	struct facts f = {
		.l = l,
		.r = r,
		.t = report_add_table(r, "facts", "Facts", fact_columns, ARRAY_SIZE(fact_columns)),
	};
	struct sums sums = sum_zones(l);
	uint64_t n;

	add_value(&f, "page_size", CELL_BYTES, l->in->facts.page_size, "sysconf()");
	add_memory(&f, &sums);
	add_iomem_total(&f, "system_ram", "ram");
	add_iomem_total(&f, "reserved", "reserved");
	add_struct_page(&f, &sums);
	add_stack(&f);
	add_orders(&f);
	if (keys_kb(text_of(&f, FILE_MEMINFO), "VmallocTotal:", &n))
		add_value(&f, "vmalloc_total", CELL_BYTES, n, "/proc/meminfo");
	add_huge(&f);
	add_virtual_bits(&f);
	add_addresses(&f);
}
