// SPDX-License-Identifier: GPL-2.0
/*
 * The table of kinds, and the functions of those that allocate one object and free it. Each
 * allocates in truth_<kind>_site and frees in truth_<kind>_free, which do nothing else.
 *
 * Sizes come from variables, so that kmalloc() takes its general way; kmalloc_const alone shows
 * the way of a size that the compiler knows.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/vmalloc.h>

#include "truth.h"

static unsigned long long ioremap_phys;
module_param(ioremap_phys, ullong, 0444);
MODULE_PARM_DESC(ioremap_phys, "physical address that «ioremap» may map (never memory)");

static unsigned long ioremap_size;
module_param(ioremap_size, ulong, 0444);
MODULE_PARM_DESC(ioremap_size, "bytes from there that it may map (default 0: refuse)");

/* --- kmalloc and its family ------------------------------------------------------------------- */

static truth_site void *truth_kmalloc_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_kmalloc_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_kmalloc_const_site(const struct truth_ask *ask)
{
	return kmalloc(TRUTH_CONST_SIZE, GFP_KERNEL);
}

static truth_site void truth_kmalloc_const_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_kzalloc_site(const struct truth_ask *ask)
{
	return kzalloc(ask->size, ask->gfp);
}

static truth_site void truth_kzalloc_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_kcalloc_site(const struct truth_ask *ask)
{
	return kcalloc(ask->items, ask->size, ask->gfp);
}

static truth_site void truth_kcalloc_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_large_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_large_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_leak_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_leak_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

/* In softirq, hardirq, and on two CPUs: context.c runs these. */

static truth_site void *truth_atomic_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_atomic_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_hardirq_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_hardirq_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

static truth_site void *truth_cross_site(const struct truth_ask *ask)
{
	return kmalloc(ask->size, ask->gfp);
}

static truth_site void truth_cross_free(void *p, const struct truth_ask *ask)
{
	kfree(p);
}

/* What the allocator gave, its event's bytes_alloc. */
u64 truth_given_ksize(const void *p, const struct truth_ask *ask)
{
	return ksize(p);
}

/* --- caches ----------------------------------------------------------------------------------- */

static truth_site void *truth_cache_site(const struct truth_ask *ask)
{
	return kmem_cache_alloc(ask->cache, ask->gfp);
}

static truth_site void truth_cache_free(void *p, const struct truth_ask *ask)
{
	kmem_cache_free(ask->cache, p);
}

static truth_site void *truth_cache_keep_site(const struct truth_ask *ask)
{
	return kmem_cache_alloc(ask->cache, ask->gfp);
}

static truth_site void truth_cache_keep_free(void *p, const struct truth_ask *ask)
{
	kmem_cache_free(ask->cache, p);
}

/* --- pages, vmalloc, percpu ------------------------------------------------------------------- */

static truth_site void *truth_vmalloc_site(const struct truth_ask *ask)
{
	return vmalloc(ask->size);
}

static truth_site void truth_vmalloc_free(void *p, const struct truth_ask *ask)
{
	vfree(p);
}

/* Without the guard page behind an area. */
static u64 given_vmalloc(const void *p, const struct truth_ask *ask)
{
	return PAGE_ALIGN(ask->size);
}

static truth_site void *truth_page_site(const struct truth_ask *ask)
{
	return alloc_pages(ask->gfp, ask->order);
}

static truth_site void truth_page_free(void *p, const struct truth_ask *ask)
{
	__free_pages(p, ask->order);
}

static u64 given_page(const void *p, const struct truth_ask *ask)
{
	return PAGE_SIZE << ask->order;
}

/* Not an address, and on x86 of another address space; through a number it is just a value. */
static truth_site void *truth_percpu_site(const struct truth_ask *ask)
{
	return (void *)(__force unsigned long)__alloc_percpu_gfp(ask->size, sizeof(long), ask->gfp);
}

static truth_site void truth_percpu_free(void *p, const struct truth_ask *ask)
{
	free_percpu((void __percpu __force *)(unsigned long)p);
}

/* The percpu allocator counts in units of four bytes, on every CPU that may ever come. */
static u64 given_percpu(const void *p, const struct truth_ask *ask)
{
	return (u64)ALIGN(ask->size, 4) * num_possible_cpus();
}

/* --- ioremap ---------------------------------------------------------------------------------- */

static truth_site void *truth_ioremap_site(const struct truth_ask *ask)
{
	return (void __force *)ioremap(ioremap_phys, ask->size);
}

static truth_site void truth_ioremap_free(void *p, const struct truth_ask *ask)
{
	iounmap((void __iomem __force *)p);
}

static u64 given_ioremap(const void *p, const struct truth_ask *ask)
{
	return PAGE_ALIGN(offset_in_page(ioremap_phys) + ask->size);
}

u64 truth_ioremap_size(void)
{
	return ioremap_size;
}

int truth_ioremap_init(void)
{
	resource_size_t last = ioremap_phys + ioremap_size - 1;

	if (!ioremap_size)
		return 0;
	if (last < ioremap_phys || ioremap_size > TRUTH_MAX_HELD) {
		pr_err("ioremap_phys and ioremap_size: no such range\n");
		return -ERANGE;
	}
	if (region_intersects(ioremap_phys, ioremap_size, IORESOURCE_SYSTEM_RAM, IORES_DESC_NONE) !=
	    REGION_DISJOINT) {
		pr_err("ioremap_phys: that is memory\n");
		return -EPERM;
	}
	return 0;
}

/* --- the table -------------------------------------------------------------------------------- */

#define KIND(word, how_much)                                                              \
	{                                                                                 \
		.name = #word, .alloc = truth_##word##_site, .free = truth_##word##_free, \
		.given = how_much                                                         \
	}

const struct truth_kind truth_kinds[TRUTH_KINDS] = {
	[TRUTH_KMALLOC] = KIND(kmalloc, truth_given_ksize),
	[TRUTH_KMALLOC_CONST] = KIND(kmalloc_const, truth_given_ksize),
	[TRUTH_KZALLOC] = KIND(kzalloc, truth_given_ksize),
	[TRUTH_KCALLOC] = KIND(kcalloc, truth_given_ksize),
	[TRUTH_LARGE] = KIND(large, truth_given_ksize),
	[TRUTH_LEAK] = KIND(leak, truth_given_ksize),
	[TRUTH_CACHE] = KIND(cache, truth_given_ksize),
	[TRUTH_CACHE_KEEP] = KIND(cache_keep, truth_given_ksize),
	[TRUTH_VMALLOC] = KIND(vmalloc, given_vmalloc),
	[TRUTH_PAGE] = KIND(page, given_page),
	[TRUTH_PERCPU] = KIND(percpu, given_percpu),
	[TRUTH_IOREMAP] = KIND(ioremap, given_ioremap),
	[TRUTH_ATOMIC] = KIND(atomic, truth_given_ksize),
	[TRUTH_HARDIRQ] = KIND(hardirq, truth_given_ksize),
	[TRUTH_CROSS] = KIND(cross, truth_given_ksize),
	[TRUTH_KREALLOC_FROM] = { .name = "krealloc_from" },
	[TRUTH_KREALLOC] = { .name = "krealloc" },
	[TRUTH_ZERO] = { .name = "zero" },
	[TRUTH_KFREE_NULL] = { .name = "kfree_null" },
	[TRUTH_FREE_BULK] = { .name = "free_bulk" },
	[TRUTH_ALLOC_BULK] = { .name = "alloc_bulk" },
	[TRUTH_BULK] = { .name = "bulk" },
	[TRUTH_KFREE_BULK] = { .name = "kfree_bulk" },
	[TRUTH_KFREE_RCU] = { .name = "kfree_rcu" },
	[TRUTH_WITNESS] = { .name = "witness" },
	[TRUTH_PAGE_SPLIT] = { .name = "page_split" },
	[TRUTH_PAGE_EXACT] = { .name = "page_exact" },
	[TRUTH_PAGE_BULK] = { .name = "page_bulk" },
};

void truth_turn(enum truth_kind_id id, const struct truth_ask *ask, u64 n)
{
	const struct truth_kind *kind = &truth_kinds[id];
	u64 requested = truth_requested(ask);
	u64 given;
	void *p;

	for (; n; n--) {
		p = kind->alloc(ask);
		if (!p) {
			truth_count_failed(id);
			continue;
		}
		given = kind->given(p, ask);
		truth_count_alloc(id, requested, given);
		kind->free(p, ask);
		truth_count_free(id, requested, given);
	}
}
