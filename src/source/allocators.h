/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_ALLOCATORS_H
#define KMSCOPE_SOURCE_ALLOCATORS_H
/*
 * Which functions take areas of the vmalloc range on behalf of others. The first frame of a call chain
 * that is in none of them is who asked.
 */
#include "base/base.h"

/*
 * What SNAPSHOT_ALLOCATORS holds, by @kallsyms (normally /proc/kallsyms): a line «0xSTART 0xEND KIND NAME»
 * for each that this kernel has; KIND is vmalloc, vmap, vm_map_ram, ioremap, or any;
 * or hidden, which is no such function: what stands behind it in a call chain can't be told. *@ret is the caller's,
 * to be freed with free(); it is empty where addresses are hidden. What open() says, or -ENOMEM.
 */
int allocators_text(const char *kallsyms, char **ret);

#endif
