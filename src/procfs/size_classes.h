/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_SIZE_CLASSES_H
#define KMSCOPE_PROCFS_SIZE_CLASSES_H
/*
 * The size classes of kmalloc, from the names of caches: «kmalloc-192», «kmalloc-cg-1k»,
 * «kmalloc-rnd-04-96», «dma-kmalloc-8» (mm/slab_common.c, kmalloc_info).
 */
#include "base/base.h"
#include "base/failure.h"

#define SIZE_CLASSES_MAX 64

enum size_class_variant {
	VARIANT_PLAIN = 1 << 0, /* kmalloc-N */
	VARIANT_CG = 1 << 1, /* kmalloc-cg-N: accounted to a cgroup */
	VARIANT_RCL = 1 << 2, /* kmalloc-rcl-N: reclaimable */
	VARIANT_DMA = 1 << 3, /* dma-kmalloc-N */
	VARIANT_RND = 1 << 4, /* kmalloc-rnd-NN-N: chosen at random, against exploits */
};

struct size_class {
	uint64_t bytes;
	unsigned int variants; /* bits of enum size_class_variant */
	bool counted; /* the rest is known: from slabinfo, not from names alone */
	uint64_t objects; /* in use, over all variants */
	uint64_t per_slab, slab_pages; /* of the plain variant, else of the first */
};

struct size_classes {
	struct size_class items[SIZE_CLASSES_MAX]; /* ascending */
	size_t n;
};

/*
 * Parse /proc/slabinfo, or a list of cache names, one a line (as /sys/kernel/slab lists them). Lines
 * that are no size class are skipped. -EINVAL when there is none.
 */
int size_classes_parse(const char *text, struct size_classes *ret, struct failure *f);

#endif
