// SPDX-License-Identifier: GPL-2.0
#include "source/look.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "source/allocators.h"
#include "source/devices.h"

#define MAPPED (AREA_VMALLOC | AREA_IOREMAP)

static const struct {
	enum snapshot_file file;
	unsigned int areas, when; /* bits of enum look_when */
	const char *path;
	int (*make)(const char *path, char **ret); /* NULL: the file itself */
} looks[] = {
	{ SNAPSHOT_ALLOCATORS, MAPPED, 1 << LOOK_FIRST, "/proc/kallsyms", allocators_text },
	{ SNAPSHOT_VMALLOCINFO, MAPPED, 1 << LOOK_FIRST | 1 << LOOK_START | 1 << LOOK_END,
	  "/proc/vmallocinfo", NULL },
	{ SNAPSHOT_MEMINFO, AREA_VMALLOC, 1 << LOOK_START | 1 << LOOK_END, "/proc/meminfo", NULL },
	{ SNAPSHOT_VMSTAT, AREA_FAULTS, 1 << LOOK_START | 1 << LOOK_END, "/proc/vmstat", NULL },
	{ SNAPSHOT_IOMEM, AREA_IOREMAP, 1 << LOOK_FIRST | 1 << LOOK_END, "/proc/iomem", NULL },
	{ SNAPSHOT_DEVICES, AREA_IOREMAP | AREA_REGISTERS, 1 << LOOK_FIRST | 1 << LOOK_END, "/sys",
	  devices_text },
};

static int look_made(size_t i, struct event_snapshot **ret)
{
	_cleanup_free_ char *text = NULL;
	int err = looks[i].make(looks[i].path, &text);

	return err ? err : snapshot_made(looks[i].file, text, ret);
}

int look(enum look_when when, unsigned int areas, struct snapshot_queue *q)
{
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(looks); i++) {
		struct event_snapshot *e;

		if (!(looks[i].areas & areas) || !(looks[i].when & 1u << when))
			continue;
		err = looks[i].make ? look_made(i, &e)
				    : snapshot_text(looks[i].file, looks[i].path, &e);
		if (err == -ENOMEM)
			return err;
		if (err)
			log_debug("%s: %s", looks[i].path, strerror(-err));
		else if (snapshot_queue_push(q, e))
			return -ENOMEM;
	}
	return 0;
}
