// SPDX-License-Identifier: GPL-2.0
#include "analyze/places.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

static void devices_free(struct places *p)
{
	struct place *place;
	struct gpio_chip *chip;

	vec_for_each(&p->devices, place) {
		free(place->name);
		free(place->driver);
		free(place->compatible);
	}
	vec_for_each(&p->chips, chip) {
		free(chip->device);
		free(chip->label);
	}
	p->devices.n = p->chips.n = 0;
}

void places_free(struct places *p)
{
	devices_free(p);
	free(p->devices.items);
	free(p->chips.items);
	iomem_free(&p->iomem);
	memset(p, 0, sizeof(*p));
}

/* The next word of a line, in a copy; NULL for «-» and at the line's end. */
static char *take_word(struct places *p, const char **line)
{
	size_t n;
	char *copy;

	*line += strspn(*line, " ");
	n = strcspn(*line, " \n");
	*line += n;
	if (!n || (n == 1 && (*line)[-1] == '-'))
		return NULL;
	copy = strndup(*line - n, n);
	p->oom |= !copy;
	return copy;
}

static void enter_device(struct places *p, const char *line)
{
	struct place place = { 0 }, *to;
	int n = 0;

	if (sscanf(line, "mem 0x%" SCNx64 " 0x%" SCNx64 "%n", &place.start, &place.end, &n) != 2)
		return;
	line += n;
	to = vec_add(&p->devices);
	if (!to) {
		p->oom = true;
		return;
	}
	place.name = take_word(p, &line);
	place.driver = take_word(p, &line);
	place.compatible = take_word(p, &line);
	*to = place;
}

static void enter_chip(struct places *p, const char *line)
{
	struct gpio_chip chip = { 0 }, *to;
	int n = 0;

	if (sscanf(line, "gpio %" SCNu64 " %" SCNu64 "%n", &chip.first, &chip.n, &n) != 2)
		return;
	line += n;
	to = vec_add(&p->chips);
	if (!to) {
		p->oom = true;
		return;
	}
	chip.device = take_word(p, &line);
	chip.label = take_word(p, &line);
	*to = chip;
}

void places_enter(struct places *p, const struct event_snapshot *e)
{
	const char *text = (const char *)e->data;

	if (e->h.flags == SNAPSHOT_IOMEM) {
		struct iomem read = { 0 };

		if (iomem_parse(text, &read, NULL))
			return;
		/* without privileges it reads as zeros: what was known before is better */
		if (read.hidden && p->iomem.n) {
			iomem_free(&read);
			return;
		}
		iomem_free(&p->iomem);
		p->iomem = read;
	}
	if (e->h.flags != SNAPSHOT_DEVICES)
		return;
	devices_free(p);
	while (*text) {
		enter_device(p, text);
		enter_chip(p, text);
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
}

const struct place *places_find(const struct places *p, uint64_t phys)
{
	const struct place *place, *found = NULL;

	vec_for_each(&p->devices, place)
		if (phys >= place->start && phys <= place->end &&
		    (!found || place->end - place->start < found->end - found->start))
			found = place;
	return found;
}

const struct place *places_named(const struct places *p, const char *name)
{
	const struct place *place;

	vec_for_each(&p->devices, place)
		if (place->name && !strcmp(place->name, name))
			return place;
	return NULL;
}

const struct gpio_chip *places_chip(const struct places *p, uint64_t line)
{
	const struct gpio_chip *chip;

	vec_for_each(&p->chips, chip)
		if (line >= chip->first && line - chip->first < chip->n)
			return chip;
	return NULL;
}

const char *places_name(const struct places *p, uint64_t phys)
{
	const struct place *place = places_find(p, phys);
	const struct iomem_range *range;

	if (place && place->name)
		return place->name;
	range = iomem_find(&p->iomem, phys);
	return range ? range->name : NULL;
}
