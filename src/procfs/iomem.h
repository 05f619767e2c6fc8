/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROCFS_IOMEM_H
#define KMSCOPE_PROCFS_IOMEM_H
/* What /proc/iomem says: who owns which physical addresses. A pure parser of hostile text. */
#include "base/base.h"
#include "base/failure.h"

#define IOMEM_MAX 65536 /* lines */

struct iomem_range {
	uint64_t start, end; /* inclusive, as in the file */
	char *name; /* owned; as the driver gave it, hostile; at most 255 bytes of it */
	unsigned int depth; /* 0: a root; children follow their parent */
};

struct iomem {
	struct iomem_range *items; /* in the file's order, depth first */
	size_t n, capacity;
	bool hidden; /* every address reads 0: the reader has no CAP_SYS_ADMIN */
};

/* -EINVAL with the line that is wrong, -E2BIG, -ENOMEM. Free with iomem_free(). */
int iomem_parse(const char *text, struct iomem *ret, struct failure *f);
void iomem_free(struct iomem *m);
/* The innermost range that holds @address, or NULL. */
const struct iomem_range *iomem_find(const struct iomem *m, uint64_t address);

#endif
