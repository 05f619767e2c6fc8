/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_VMALLOCINFO_H
#define KMSCOPE_PROCFS_VMALLOCINFO_H
/* What /proc/vmallocinfo says: who has which part of the vmalloc area. A pure parser of hostile text. */
#include "base/base.h"
#include "base/failure.h"

#define VMALLOCINFO_MAX 262144 /* lines */

struct vmalloc_area {
	uint64_t start, end; /* inclusive; with the guard page, if there is one */
	uint64_t bytes; /* the same, right with hidden addresses, too */
	uint64_t phys; /* what is mapped there, of ioremap() */
	bool has_phys;
	bool vmalloc; /* made of pages by vmalloc() */
	bool ioremap; /* a device's, or the room for one: then without .phys */
	bool vmap; /* pages of somebody else's */
	bool map_ram; /* … by vm_map_ram(); such a line has nothing else */
	bool unpurged; /* given up, and waits to be unmapped; such a line has nothing else */
	uint64_t pages; /* of memory; 0: not told */
	char *caller; /* «function+0x1/0x2», owned; NULL: not told */
};

struct vmallocinfo {
	struct vmalloc_area *items; /* in the file's order: ascending, but for per-CPU areas */
	size_t n, capacity;
	/*
	 * The addresses are no addresses: with kernel.kptr_restrict 0 even root gets them hashed (%pK,
	 * lib/vsprintf.c), with 2 they read 0. Sizes and callers are right all the same.
	 */
	bool hidden;
};

/* -EINVAL with the line that is wrong, -E2BIG, -ENOMEM. Free with vmallocinfo_free(). */
int vmallocinfo_parse(const char *text, struct vmallocinfo *ret, struct failure *f);
void vmallocinfo_free(struct vmallocinfo *v);
/* What it is, in a word: ioremap, vmalloc, vmap, vm_map_ram or other. */
const char *vmalloc_area_kind(const struct vmalloc_area *area);
/* The area that holds @address, or NULL; always NULL while hidden. */
const struct vmalloc_area *vmallocinfo_find(const struct vmallocinfo *v, uint64_t address);

#endif
