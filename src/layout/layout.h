/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_LAYOUT_LAYOUT_H
#define KMSCOPE_LAYOUT_LAYOUT_H
/*
 * Where things are in memory: physical addresses and their owners, zones, the parts of the kernel's
 * address space. All of it is found from what the running kernel tells; no address is assumed from the
 * architecture. Pure functions on texts and facts: gather.h reads those of this machine.
 */
#include "base/base.h"
#include "base/failure.h"
#include "procfs/iomem.h"
#include "procfs/kcore.h"
#include "procfs/size_classes.h"
#include "procfs/vmallocinfo.h"
#include "procfs/zones.h"
#include "report/report.h"
#include "sym/symbolizer.h"

enum layout_file {
	FILE_ZONEINFO,
	FILE_BUDDYINFO,
	FILE_PAGETYPEINFO,
	FILE_IOMEM,
	FILE_VMALLOCINFO,
	FILE_MEMINFO,
	FILE_VMSTAT,
	FILE_LOADAVG,
	FILE_CPUINFO,
	FILE_MODULES,
	FILE_SLABINFO,
	FILE_SLAB_NAMES, /* the names in /sys/kernel/slab, one a line */
	FILE_KCORE, /* headers only; binary */
	LAYOUT_FILES,
};

#define HUGE_SIZES_MAX 8
#define LAYOUT_MODULES 4096 /* of which text is looked for */

/* What is known without parsing a text. 0: unknown. */
struct layout_facts {
	char kernel[128], arch[32];
	unsigned int kernel_bits; /* 32 or 64 */
	uint64_t page_size;
	uint64_t cpus; /* online */
	uint64_t user_end; /* one past the last user address of a native process (gather.c) */
	uint64_t btf_page_size; /* of struct page */
	uint64_t btf_stack_size; /* of union thread_union */
	uint64_t huge_sizes[HUGE_SIZES_MAX]; /* of hugetlb, ascending */
	size_t n_huge_sizes;
	uint64_t thp_size; /* of transparent huge pages */
};

struct layout_input {
	struct {
		char *text; /* owned, ends with NUL; NULL: not readable */
		size_t size; /* without that NUL */
		int err; /* why there is no text: negative errno */
	} files[LAYOUT_FILES];
	struct symbolizer *symbols; /* owned; NULL: none */
	char symbols_why[256]; /* why there are none */
	struct layout_facts facts;
};

extern const char *const layout_file_paths[LAYOUT_FILES]; /* «/proc/zoneinfo» */
void layout_input_free(struct layout_input *in);

/* Parts of the virtual address space, in the order in which they are listed while unknown. */
enum region {
	REGION_USER,
	REGION_DIRECT, /* the direct map: low memory on 32-bit, all memory on 64-bit */
	REGION_VMALLOC,
	REGION_VMEMMAP, /* struct page of all memory */
	REGION_KERNEL, /* the kernel's image */
	REGION_MODULES,
	REGION_FIXMAP,
	REGION_MAX,
};

struct layout_range {
	bool known;
	bool seen_only; /* what was seen lies within; the region itself may be larger */
	uint64_t start, end; /* inclusive */
	const char *source; /* static */
	const char *why; /* static: why it is unknown, or what else is to be said; or NULL */
};

/* A piece of virtual memory that stands for consecutive physical memory. */
struct layout_piece {
	uint64_t start, end, phys;
};

struct layout {
	const struct layout_input *in;
	struct zones zones;
	struct free_lists buddy, types;
	struct iomem iomem;
	struct vmallocinfo vmalloc;
	struct kcore kcore;
	struct size_classes classes;
	struct failure failures[LAYOUT_FILES]; /* .text is set where a text can't be understood */
	struct layout_range regions[REGION_MAX];
	/* virtual = physical + offset, modulo 2^64 */
	bool has_image_offset, has_direct_offset;
	uint64_t image_offset, direct_offset;
	struct {
		struct layout_piece *items;
		size_t n, capacity;
	} direct; /* ascending */
	bool has_vmemmap_base;
	uint64_t vmemmap_base; /* where struct page of frame 0 is, or would be */
	uint64_t struct_page_size; /* 0: unknown */
	const char *struct_page_source;
};

/* Parse what @in has and find the regions. @in must outlive @ret. -ENOMEM. Free with layout_free(). */
int layout_find(const struct layout_input *in, struct layout *ret);
void layout_free(struct layout *l);
/* The same for the virtual regions alone; a part of layout_find(). */
int layout_find_regions(struct layout *l);

extern const char *const region_names[REGION_MAX];
/* Physical address of a direct-mapped one. False if @address is not direct-mapped, or not known to be. */
bool layout_virt_to_phys(const struct layout *l, uint64_t address, uint64_t *ret);
/* The address at which physical @address is direct-mapped. */
bool layout_phys_to_virt(const struct layout *l, uint64_t address, uint64_t *ret);
/* ram, reserved, kernel, rom, device or other: what an owner of physical addresses is, by its name. */
const char *layout_owner_kind(const char *name);
/* The root range that @range lies in. */
const struct iomem_range *layout_root(const struct iomem *m, const struct iomem_range *range);
/* Whether a 32-bit kernel has no permanent address for the zone's memory. */
bool layout_is_high(const struct layout *l, const struct zone *zone);

/* Fill @r with everything, or with what @address is. r->oom is set when memory runs short. */
void layout_report(const struct layout *l, struct report *r);
void layout_report_facts(const struct layout *l, struct report *r);
void layout_report_address(const struct layout *l, uint64_t address, struct report *r);
/* What could not be read, as notes; with @address only what that would have told about an address. */
void layout_report_hidden(const struct layout *l, bool address, struct report *r);
/* Why regions are unknown, as notes; with @known also what is to be said about the others. */
void layout_report_regions(const struct layout *l, bool known, struct report *r);

#endif
