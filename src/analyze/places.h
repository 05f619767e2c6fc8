/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_PLACES_H
#define KMSCOPE_ANALYZE_PLACES_H
/* Who has which physical addresses and which GPIO lines, by what /proc/iomem and /sys said. */
#include "analyze/stream.h"
#include "procfs/iomem.h"

/* Registers of a device; see source/devices.h. Names are hostile. */
struct place {
	uint64_t start, end; /* inclusive */
	char *name, *driver, *compatible; /* owned; NULL: none */
};

struct gpio_chip {
	uint64_t first, n;
	char *device, *label; /* owned; NULL: none */
};

struct places {
	STREAM_VEC(struct place) devices;
	STREAM_VEC(struct gpio_chip) chips;
	struct iomem iomem;
	bool oom;
};

void places_free(struct places *p);

/* Take a snapshot of SNAPSHOT_IOMEM or SNAPSHOT_DEVICES in place of the one before; others are passed over. */
void places_enter(struct places *p, const struct event_snapshot *e);

/* The device with the smallest range that holds @phys, or NULL. */
const struct place *places_find(const struct places *p, uint64_t phys);
/* The device of that name, or NULL. */
const struct place *places_named(const struct places *p, const char *name);
/* The controller of GPIO line @line, or NULL. */
const struct gpio_chip *places_chip(const struct places *p, uint64_t line);
/* What @phys belongs to, in words: a device, or what /proc/iomem calls it; NULL if nobody knows. */
const char *places_name(const struct places *p, uint64_t phys);

#endif
