// SPDX-License-Identifier: GPL-2.0
#include "source/allocators.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/symbols.h"

/* By kind: names as they are in the source. Since 6.10 «_noprof» follows some; compilers add more. */
static const struct {
	const char *kind;
	const char *const names[30];
} families[] = {
	{ "any",
	  { "alloc_vmap_area", "__get_vm_area_node", "__get_vm_area", "__get_vm_area_caller",
	    "get_vm_area", "get_vm_area_caller" } },
	{ "vmalloc",
	  { "__vmalloc_node_range",
	    "__vmalloc_node",
	    "__vmalloc",
	    "vmalloc",
	    "vzalloc",
	    "vmalloc_node",
	    "vzalloc_node",
	    "vmalloc_user",
	    "vmalloc_32",
	    "vmalloc_32_user",
	    "vmalloc_no_huge",
	    "vmalloc_huge",
	    "vmalloc_huge_node",
	    "kvmalloc_node",
	    "__kvmalloc_node",
	    "kvrealloc",
	    "kvrealloc_node_align",
	    "vrealloc",
	    "vrealloc_node_align",
	    "__vmalloc_array",
	    "vmalloc_array",
	    "__vcalloc",
	    "vcalloc",
	    "module_alloc",
	    "execmem_vmalloc",
	    "__execmem_alloc",
	    "execmem_alloc",
	    "execmem_alloc_rw",
	    "execmem_cache_populate",
	    NULL } },
	/* where a return probe has put its own return address in place of the caller's */
	{ "hidden",
	  { "kretprobe_trampoline", "__kretprobe_trampoline", "arch_rethook_trampoline" } },
	{ "vmap", { "vmap", "vmap_pfn", "dma_common_pages_remap", "dma_common_contiguous_remap" } },
	{ "vm_map_ram", { "vm_map_ram", "new_vmap_block", "vb_alloc" } },
	{ "ioremap",
	  { "__ioremap_caller",
	    "__ioremap",
	    "__ioremap_prot",
	    "generic_ioremap_prot",
	    "__arm_ioremap_caller",
	    "__arm_ioremap_pfn_caller",
	    "ioremap",
	    "ioremap_wc",
	    "ioremap_wt",
	    "ioremap_uc",
	    "ioremap_np",
	    "ioremap_cache",
	    "ioremap_prot",
	    "ioremap_encrypted",
	    "memremap",
	    "__devm_ioremap",
	    "devm_ioremap",
	    "devm_ioremap_wc",
	    "devm_ioremap_uc",
	    "__devm_ioremap_resource",
	    "devm_ioremap_resource",
	    "devm_platform_ioremap_resource",
	    "devm_platform_get_and_ioremap_resource",
	    "devm_memremap",
	    "of_iomap",
	    "of_io_request_and_map",
	    "pci_iomap_range",
	    "pci_iomap",
	    "pcim_iomap",
	    NULL } },
};

struct found {
	unsigned long long start, end; /* .end 0: not known yet */
	const char *kind, *name;
};

struct allocators {
	struct found *items;
	size_t n, capacity;
	size_t open; /* those before have their end */
};

static void sift(struct symbol_sieve *ret)
{
	const char *const *name;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (name = families[i].names; name < families[i].names + 30 && *name; name++)
			symbol_sieve_add(ret, *name);
}

/* Whether @symbol is @name, with what was put behind it. */
static bool is_name(const char *symbol, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(symbol, name, len))
		return false;
	symbol += len;
	if (!strncmp(symbol, "_noprof", 7))
		symbol += 7;
	return !*symbol || *symbol == '.';
}

static int add_symbol(struct allocators *a, unsigned long long address, const char *symbol)
{
	const char *const *name;
	struct found *found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (name = families[i].names; name < families[i].names + 30 && *name; name++) {
			if (!is_name(symbol, *name))
				continue;
			found = vec_add(a);
			if (!found)
				return -ENOMEM;
			*found = (struct found){ address, 0, families[i].kind, *name };
			return 0;
		}
	return 0;
}

/* A function ends where the next symbol of the file begins: the kernel's own are in order of address. */
static void close_found(struct allocators *a, unsigned long long address)
{
	for (; a->open < a->n && a->items[a->open].start < address; a->open++)
		a->items[a->open].end = address;
}

int allocators_text(const char *kallsyms, char **ret)
{
	FILE *file = fopen(kallsyms, "re"), *out;
	struct allocators a = { 0 };
	struct symbol_sieve sieve = { 0 };
	struct symbol_line symbol;
	char line[512];
	size_t size, i;
	int err = 0;

	if (!file)
		return -errno;
	sift(&sieve);
	while (!err && fgets(line, sizeof(line), file)) {
		if (!symbol_line_parse(line, &symbol) || !symbol.address ||
		    !strchr("tTwW", symbol.type))
			continue;
		close_found(&a, symbol.address);
		if (symbol_sieve_passes(&sieve, symbol.name))
			err = add_symbol(&a, symbol.address, symbol.name);
	}
	fclose(file);
	out = err ? NULL : open_memstream(ret, &size);
	for (i = 0; out && i < a.open; i++)
		fprintf(out, "0x%llx 0x%llx %s %s\n", a.items[i].start, a.items[i].end,
			a.items[i].kind, a.items[i].name);
	if (!err && (!out || fclose(out)))
		err = -ENOMEM;
	free(a.items);
	return err;
}
