// SPDX-License-Identifier: GPL-2.0
#include "source/devices.h"

#include <dirent.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IORESOURCE_MEM 0x200 /* include/linux/ioport.h */

/* Read up to @n bytes of file @name in folder @dir; returns how many, 0 for what can't be read. */
static size_t read_file(const char *dir, const char *name, void *buf, size_t n)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	ssize_t got;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return 0;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, buf, n);
	return got < 0 ? 0 : (size_t)got;
}

/* As a word, which is what separates it from the next one. */
static void put_word(FILE *out, const char *text, size_t n)
{
	size_t i;

	fputc(' ', out);
	for (i = 0; i < n && text[i]; i++)
		fputc(text[i] > ' ' && text[i] < 127 ? text[i] : '?', out);
	if (!i)
		fputc('-', out);
}

/* The last part of what the link @name in @dir points to. */
static void put_link(FILE *out, const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;
	char target[PATH_MAX], *last;
	ssize_t n = -1;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		path = NULL;
	else
		n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	put_word(out, last, strlen(last));
}

static void put_compatible(FILE *out, const char *dir)
{
	char text[512];
	size_t i, n = read_file(dir, "of_node/compatible", text, sizeof(text));

	while (n && !text[n - 1])
		n--;
	for (i = 0; i < n; i++)
		if (!text[i])
			text[i] = ';';
	put_word(out, text, n);
}

static uint64_t cells(const uint32_t *from, unsigned int n)
{
	uint64_t value = 0;
	unsigned int i;

	for (i = 0; i < n; i++)
		value = value << 32 | be32toh(from[i]);
	return value;
}

/* How large the first range of registers is by the device tree; 0: it does not tell. */
static uint64_t tree_size(const char *dir)
{
	uint32_t reg[8], word;
	unsigned int address = 2,
		     size = 1; /* where the tree is silent: Devicetree Specification, 2.3.5 */
	size_t n = read_file(dir, "of_node/reg", reg, sizeof(reg)) / sizeof(*reg);

	if (read_file(dir, "of_node/../#address-cells", &word, sizeof(word)) == sizeof(word))
		address = be32toh(word);
	if (read_file(dir, "of_node/../#size-cells", &word, sizeof(word)) == sizeof(word))
		size = be32toh(word);
	if (address > 4 || size > 2 || address + size > n)
		return 0;
	return cells(reg + address, size);
}

/*
 * What only holds others: buses, and TI's wrappers around a device, which have a few bytes at the device's own
 * address.
 */
static bool is_wrapper(const char *dir)
{
	static const char *const kinds[] = { "ti,sysc", "simple-bus", "simple-pm-bus" };
	char text[512];
	size_t n = read_file(dir, "of_node/compatible", text, sizeof(text) - 1), i, k;

	text[n] = '\0';
	for (i = 0; i < n; i += strlen(text + i) + 1)
		for (k = 0; k < ARRAY_SIZE(kinds); k++)
			if (!strcmp(text + i, kinds[k]))
				return true;
	return false;
}

static void put_range(FILE *out, uint64_t start, uint64_t end, const char *dir, const char *name)
{
	fprintf(out, "mem 0x%llx 0x%llx", (unsigned long long)start, (unsigned long long)end);
	put_word(out, name, strlen(name));
	put_link(out, dir, "driver");
	put_compatible(out, dir);
	fputc('\n', out);
}

/* Made from the device tree, it is called «ADDRESS.NODE», with the address that the CPU uses. */
static void put_named(FILE *out, const char *dir, const char *name)
{
	char *end;
	uint64_t start = strtoull(name, &end, 16), size;

	if (*end != '.' || end == name || end[1] == '\0' || is_wrapper(dir))
		return;
	size = tree_size(dir);
	put_range(out, start, start + (size ? size - 1 : 0), dir, name);
}

static void put_amba(FILE *out, const char *dir, const char *name)
{
	unsigned long long start, end;
	char text[128];
	size_t n = read_file(dir, "resource", text, sizeof(text) - 1);

	text[n] = '\0';
	if (sscanf(text, "%llx %llx", &start, &end) == 2)
		put_range(out, start, end, dir, name);
	else
		put_named(out, dir, name);
}

static void put_pci(FILE *out, const char *dir, const char *name)
{
	char text[1024], *line, *save = NULL;
	size_t n = read_file(dir, "resource", text, sizeof(text) - 1);

	text[n] = '\0';
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned long long start, end, flags;

		if (sscanf(line, "%llx %llx %llx", &start, &end, &flags) == 3 &&
		    flags & IORESOURCE_MEM && end > start)
			put_range(out, start, end, dir, name);
	}
}

/* «…/DEVICE/gpio/gpiochipN»: what the link in the class's folder points to. */
static void put_gpio(FILE *out, const char *dir, const char *name _unused_)
{
	char base[32] = "", count[32] = "", label[64] = "", path[PATH_MAX] = "", *end;

	if (!read_file(dir, "base", base, sizeof(base) - 1) ||
	    !read_file(dir, "ngpio", count, sizeof(count) - 1) || !realpath(dir, path))
		return;
	read_file(dir, "label", label, sizeof(label) - 1);
	label[strcspn(label, "\n")] = '\0';
	end = strstr(path, "/gpio/gpiochip");
	if (end)
		*end = '\0';
	end = strrchr(path, '/');
	fprintf(out, "gpio %lu %lu", strtoul(base, NULL, 10), strtoul(count, NULL, 10));
	put_word(out, end + 1, strlen(end + 1));
	put_word(out, label, strlen(label));
	fputc('\n', out);
}

static const struct {
	const char *folder;
	void (*put)(FILE *out, const char *dir, const char *name);
} places[] = {
	{ "bus/platform/devices", put_named },
	{ "bus/amba/devices", put_amba },
	{ "bus/pci/devices", put_pci },
	{ "class/gpio", put_gpio },
};

static int put_folder(FILE *out, const char *sys, size_t i)
{
	_cleanup_free_ char *folder = NULL;
	struct dirent **entries = NULL;
	int k, n;

	if (asprintf(&folder, "%s/%s", sys, places[i].folder) < 0) {
		folder = NULL;
		return -ENOMEM;
	}
	n = scandir(folder, &entries, NULL, alphasort);
	for (k = 0; k < n; k++) {
		_cleanup_free_ char *dir = NULL;

		if (entries[k]->d_name[0] == '.' ||
		    asprintf(&dir, "%s/%s", folder, entries[k]->d_name) < 0)
			dir = NULL;
		else
			places[i].put(out, dir, entries[k]->d_name);
		free(entries[k]);
	}
	free(entries);
	return 0;
}

int devices_text(const char *sys, char **ret)
{
	size_t size, i;
	FILE *out = open_memstream(ret, &size);
	int err = 0;

	for (i = 0; out && !err && i < ARRAY_SIZE(places); i++)
		err = put_folder(out, sys, i);
	if (!out || fclose(out))
		return -ENOMEM;
	return err;
}
