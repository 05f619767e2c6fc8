/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_KCORE_H
#define KMSCOPE_PROCFS_KCORE_H
/*
 * The headers of /proc/kcore: an ELF core file whose segments are the kernel's own map of its address
 * space (fs/proc/kcore.c), and VMCOREINFO, what the kernel tells crash dump tools about itself
 * (kernel/vmcore_info.c). The memory behind the headers is never read.
 */
#include "base/base.h"
#include "base/failure.h"

#define KCORE_SEGMENTS_MAX 4096
#define KCORE_HEADERS_MAX  (1u << 20) /* bytes */

struct kcore_segment {
	uint64_t start, end; /* virtual, inclusive */
	uint64_t phys; /* of .start */
	bool has_phys; /* the direct map, and the kernel's image; nothing else */
};

struct kcore {
	struct kcore_segment *items; /* in the file's order */
	size_t n, capacity;
	char *vmcoreinfo; /* owned: «KEY=VALUE» lines (procfs/keys.h); NULL: there is none */
};

/*
 * How many bytes from the file's beginning hold all headers, as far as the first @size bytes at
 * @image tell: read that many and ask again until the answer does not grow. At most
 * KCORE_HEADERS_MAX. 0: no ELF file of this machine's byte order.
 */
size_t kcore_headers_size(const void *image, size_t size);
/* -EINVAL when it is no core file or cut short, -E2BIG, -ENOMEM. Free with kcore_free(). */
int kcore_parse(const void *image, size_t size, struct kcore *ret, struct failure *f);
void kcore_free(struct kcore *k);

#endif
