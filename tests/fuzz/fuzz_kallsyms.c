// SPDX-License-Identifier: GPL-2.0
/* Any bytes as /proc/kallsyms; then each way of asking the symbolizer. */
#include <errno.h>
#include <sys/mman.h>
#include <stdio.h>

#include "sym/symbolizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visit(const struct symbol *sym, void *arg)
{
	struct symbolizer *s = arg;
	struct symbol found;

	if (sym->size && (s->ops->lookup(s, sym->start, &found) || found.start != sym->start))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	_cleanup_close_ int fd = memfd_create("kallsyms", MFD_CLOEXEC);
	uint64_t start = 0, end = 0, address = 0;
	struct symbol sym;
	struct failure f;
	char path[32];
	size_t i;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (kallsyms_open(path, &s, &f))
		return 0;
	if (!s->ops->module_range(s, "vmlinux", &start, &end) && start > end)
		abort();
	s->ops->module_range(s, "m", &start, &end);
	s->ops->find(s, "a", visit, s);
	for (i = 0; i < size; i++) {
		address = address << 8 | data[i];
		if (!s->ops->lookup(s, address, &sym) &&
		    (address < sym.start || address - sym.start >= sym.size))
			abort();
		symbolizer_lookup_return(s, address, &sym);
	}
	return 0;
}
