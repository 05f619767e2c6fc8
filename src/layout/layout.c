// SPDX-License-Identifier: GPL-2.0
#include "layout/layout.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

const char *const layout_file_paths[LAYOUT_FILES] = {
	[FILE_ZONEINFO] = "/proc/zoneinfo",
	[FILE_BUDDYINFO] = "/proc/buddyinfo",
	[FILE_PAGETYPEINFO] = "/proc/pagetypeinfo",
	[FILE_IOMEM] = "/proc/iomem",
	[FILE_VMALLOCINFO] = "/proc/vmallocinfo",
	[FILE_MEMINFO] = "/proc/meminfo",
	[FILE_VMSTAT] = "/proc/vmstat",
	[FILE_LOADAVG] = "/proc/loadavg",
	[FILE_CPUINFO] = "/proc/cpuinfo",
	[FILE_MODULES] = "/proc/modules",
	[FILE_SLABINFO] = "/proc/slabinfo",
	[FILE_SLAB_NAMES] = "/sys/kernel/slab",
	[FILE_KCORE] = "/proc/kcore",
};

const char *const region_names[REGION_MAX] = {
	[REGION_USER] = "user space",	  [REGION_DIRECT] = "direct map",
	[REGION_VMALLOC] = "vmalloc",	  [REGION_VMEMMAP] = "vmemmap",
	[REGION_KERNEL] = "kernel image", [REGION_MODULES] = "modules",
	[REGION_FIXMAP] = "fixmap",
};

void layout_input_free(struct layout_input *in)
{
	size_t i;

	for (i = 0; i < LAYOUT_FILES; i++)
		freep(&in->files[i].text);
	symbolizer_free(&in->symbols);
}

/* A parse function of procfs/ behind one signature. */
struct parser {
	enum layout_file file;
	int (*parse)(const char *text, struct layout *l, struct failure *f);
};

static int parse_zones(const char *text, struct layout *l, struct failure *f)
{
	return zones_parse(text, &l->zones, f);
}

static int parse_buddy(const char *text, struct layout *l, struct failure *f)
{
	return buddyinfo_parse(text, &l->buddy, f);
}

static int parse_types(const char *text, struct layout *l, struct failure *f)
{
	return pagetypeinfo_parse(text, &l->types, f);
}

static int parse_iomem(const char *text, struct layout *l, struct failure *f)
{
	return iomem_parse(text, &l->iomem, f);
}

static int parse_vmalloc(const char *text, struct layout *l, struct failure *f)
{
	return vmallocinfo_parse(text, &l->vmalloc, f);
}

static int parse_kcore(const char *text, struct layout *l, struct failure *f)
{
	return kcore_parse(text, l->in->files[FILE_KCORE].size, &l->kcore, f);
}

static int parse_slabs(const char *text, struct layout *l, struct failure *f)
{
	return size_classes_parse(text, &l->classes, f);
}

static const struct parser parsers[] = {
	{ FILE_ZONEINFO, parse_zones },	     { FILE_BUDDYINFO, parse_buddy },
	{ FILE_PAGETYPEINFO, parse_types },  { FILE_IOMEM, parse_iomem },
	{ FILE_VMALLOCINFO, parse_vmalloc }, { FILE_KCORE, parse_kcore },
	{ FILE_SLABINFO, parse_slabs },
};

/* A text that can't be understood is one that is not there, with another reason. */
static int parse_files(struct layout *l)
{
	const struct layout_input *in = l->in;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(parsers); i++) {
		enum layout_file file = parsers[i].file;

		if (in->files[file].text &&
		    parsers[i].parse(in->files[file].text, l, &l->failures[file]) == -ENOMEM)
			return -ENOMEM;
	}
	/* the names say less than slabinfo, and everyone may read them */
	if (!l->classes.n && in->files[FILE_SLAB_NAMES].text)
		size_classes_parse(in->files[FILE_SLAB_NAMES].text, &l->classes,
				   &l->failures[FILE_SLAB_NAMES]);
	return 0;
}

int layout_find(const struct layout_input *in, struct layout *ret)
{
	struct layout l = { .in = in };
	int err = parse_files(&l);

	if (!err)
		err = layout_find_regions(&l);
	if (err)
		layout_free(&l);
	else
		*ret = l;
	return err;
}

void layout_free(struct layout *l)
{
	zones_free(&l->zones);
	free_lists_free(&l->buddy);
	free_lists_free(&l->types);
	iomem_free(&l->iomem);
	vmallocinfo_free(&l->vmalloc);
	kcore_free(&l->kcore);
	freep(&l->direct.items);
	l->direct.n = l->direct.capacity = 0;
}

bool layout_virt_to_phys(const struct layout *l, uint64_t address, uint64_t *ret)
{
	const struct layout_piece *piece;

	vec_for_each(&l->direct, piece)
		if (address >= piece->start && address <= piece->end) {
			*ret = piece->phys + (address - piece->start);
			return true;
		}
	return false;
}

bool layout_phys_to_virt(const struct layout *l, uint64_t address, uint64_t *ret)
{
	const struct layout_piece *piece;

	vec_for_each(&l->direct, piece)
		if (address >= piece->phys && address - piece->phys <= piece->end - piece->start) {
			*ret = piece->start + (address - piece->phys);
			return true;
		}
	return false;
}

/* Names that kernel/resource.c, arch/ and drivers/acpi give; whatever else is there is a device's. */
static const struct {
	const char *name, *kind;
	bool prefix;
} owner_kinds[] = {
	{ "System RAM", "ram", true }, /* also «System RAM (kmem)» */
	{ "Persistent Memory", "persistent", true },
	{ "Reserved", "reserved", false },
	{ "reserved", "reserved", false }, /* arm64, within System RAM */
	{ "Soft Reserved", "reserved", false },
	{ "Unusable memory", "reserved", false },
	{ "ACPI Tables", "firmware", false },
	{ "ACPI Non-volatile Storage", "firmware", false },
	{ "Crash kernel", "reserved", true },
	{ "Kernel code", "kernel", false },
	{ "Kernel rodata", "kernel", false },
	{ "Kernel data", "kernel", false },
	{ "Kernel bss", "kernel", false },
	{ "System ROM", "rom", false },
	{ "Video ROM", "rom", false },
	{ "Adapter ROM", "rom", false },
	{ "Extension ROM", "rom", false },
};

const char *layout_owner_kind(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(owner_kinds); i++)
		if (owner_kinds[i].prefix
			    ? !strncmp(name, owner_kinds[i].name, strlen(owner_kinds[i].name))
			    : !strcmp(name, owner_kinds[i].name))
			return owner_kinds[i].kind;
	return "device";
}

const struct iomem_range *layout_root(const struct iomem *m, const struct iomem_range *range)
{
	while (range > m->items && range->depth)
		range--;
	return range;
}

bool layout_is_high(const struct layout *l, const struct zone *zone)
{
	return l->in->facts.kernel_bits == 32 && !strcmp(zone->name, "HighMem");
}
