// SPDX-License-Identifier: GPL-2.0
#include "layout/gather.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include "base/vec.h"

#define MAX_TEXT (64u << 20) /* /proc/cpuinfo of many CPUs, /proc/vmallocinfo of many areas */
#define CHUNK	 (64u << 10)

struct buffer {
	char *items;
	size_t n, capacity;
};

/* Room for @more bytes and a NUL. */
static int make_room(struct buffer *b, size_t more)
{
	char *items;

	if (b->n + more > MAX_TEXT)
		return -E2BIG;
	items = vec_reserve(b->items, b->n, &b->capacity, more + 1, 1);
	if (!items)
		return -ENOMEM;
	b->items = items;
	return 0;
}

static int read_text(const char *path, struct buffer *b)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	do {
		err = make_room(b, CHUNK);
		if (err)
			return err;
		n = read(fd, b->items + b->n, CHUNK);
		if (n < 0)
			return -errno;
		b->n += (size_t)n;
	} while (n);
	/* a NUL in a text would hide what follows: /proc has none */
	return memchr(b->items, '\0', b->n) ? -EINVAL : 0;
}

/* The headers only: behind them is all of the kernel's memory. */
static int read_kcore(const char *path, struct buffer *b)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t wanted = 64;
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	while (b->n < wanted) {
		err = make_room(b, wanted - b->n);
		if (err)
			return err;
		n = pread(fd, b->items + b->n, wanted - b->n, (off_t)b->n);
		if (n < 0)
			return -errno;
		if (!n)
			break; /* cut short, as the parser will say */
		b->n += (size_t)n;
		if (b->n >= wanted)
			wanted = MAX(wanted, kcore_headers_size(b->items, b->n));
	}
	return b->n ? 0 : -ENODATA;
}

/* The names in a folder, one a line. */
static int read_names(const char *path, struct buffer *b)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int err = dir ? 0 : -errno;

	while (!err && dir && (entry = readdir(dir))) {
		size_t n = strlen(entry->d_name);

		err = make_room(b, n + 1);
		if (err)
			break;
		memcpy(b->items + b->n, entry->d_name, n);
		b->items[b->n + n] = '\n';
		b->n += n + 1;
	}
	if (dir)
		closedir(dir);
	return err ? err : make_room(b, 0);
}

static int read_file(const char *path, enum layout_file file, struct buffer *b)
{
	switch (file) {
	case FILE_KCORE:
		return read_kcore(path, b);
	case FILE_SLAB_NAMES:
		return read_names(path, b);
	default:
		return read_text(path, b);
	}
}

int layout_gather_files(const char *root, struct layout_input *in)
{
	struct failure f = { 0 };
	char path[512];
	size_t i;

	for (i = 0; i < LAYOUT_FILES; i++) {
		struct buffer b = { 0 };

		snprintf(path, sizeof(path), "%s%s", root, layout_file_paths[i]);
		in->files[i].err = read_file(path, (enum layout_file)i, &b);
		if (in->files[i].err) {
			free(b.items);
			continue;
		}
		b.items[b.n] = '\0';
		in->files[i].text = b.items;
		in->files[i].size = b.n;
	}
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	if (kallsyms_open(path, &in->symbols, &f))
		snprintf(in->symbols_why, sizeof(in->symbols_why), "%.255s", f.text);
	for (i = 0; i < LAYOUT_FILES; i++)
		if (in->files[i].err == -ENOMEM)
			return -ENOMEM;
	return 0;
}

/* --- facts -------------------------------------------------------------------------------------------- */

/*
 * Whether the page at @address can be a user's: the kernel refuses addresses beyond its user space
 * with ENOMEM before anything else (mm/mmap.c, get_unmapped_area), and says EEXIST, EPERM or nothing
 * about those within. Nothing is left mapped.
 */
static bool can_be_mapped(uint64_t address, uint64_t page)
{
	void *p = mmap((void *)(uintptr_t)address, page, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (p == MAP_FAILED)
		return errno != ENOMEM;
	munmap(p, page);
	return true;
}

/* One past the last page that can be mapped, by bisection; 0 if this can't be told. */
static uint64_t find_user_end(uint64_t page)
{
	/* in pages; the last page of all would end at 0 */
	uint64_t low = 16, high = (uintptr_t)-1 / page;

	/* a limit on address space or on mappings answers ENOMEM everywhere */
	if (!can_be_mapped(low * page, page) || can_be_mapped(high * page, page))
		return 0;
	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (can_be_mapped(middle * page, page))
			low = middle;
		else
			high = middle;
	}
	return high * page;
}

static void find_btf_sizes(struct layout_facts *facts)
{
	libbpf_print_fn_t print = libbpf_set_print(NULL); /* having none is no error here */
	struct btf *btf = btf__load_vmlinux_btf();
	int64_t size;
	int32_t id;

	libbpf_set_print(print);
	if (!btf)
		return;
	id = btf__find_by_name_kind(btf, "page", BTF_KIND_STRUCT);
	size = id > 0 ? btf__resolve_size(btf, (uint32_t)id) : 0;
	facts->btf_page_size = size > 0 ? (uint64_t)size : 0;
	id = btf__find_by_name_kind(btf, "thread_union", BTF_KIND_UNION);
	size = id > 0 ? btf__resolve_size(btf, (uint32_t)id) : 0;
	facts->btf_stack_size = size > 0 ? (uint64_t)size : 0;
	btf__free(btf);
}

static int compare_sizes(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return CMP(*x, *y);
}

/* Folders named «hugepages-2048kB». */
static void find_huge_sizes(struct layout_facts *facts)
{
	DIR *dir = opendir("/sys/kernel/mm/hugepages");
	struct dirent *entry;
	unsigned long long kb;

	while (dir && (entry = readdir(dir)) && facts->n_huge_sizes < HUGE_SIZES_MAX)
		if (sscanf(entry->d_name, "hugepages-%15llukB", &kb) == 1)
			facts->huge_sizes[facts->n_huge_sizes++] = kb * 1024;
	if (dir)
		closedir(dir);
	qsort(facts->huge_sizes, facts->n_huge_sizes, sizeof(facts->huge_sizes[0]), compare_sizes);
}

static uint64_t find_thp_size(void)
{
	FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "re");
	unsigned long long size = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%19llu", &size) != 1)
		size = 0;
	fclose(file);
	return size;
}

/* By the name of the machine: the program may be a 32-bit one on a 64-bit kernel. */
static unsigned int kernel_bits(const char *machine)
{
	return strstr(machine, "64") || !strcmp(machine, "armv8l") || !strcmp(machine, "armv8b")
		       ? 64
		       : (unsigned int)sizeof(long) * 8;
}

static void gather_facts(struct layout_facts *facts)
{
	long page = sysconf(_SC_PAGESIZE), cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct utsname uts;

	uname(&uts);
	snprintf(facts->kernel, sizeof(facts->kernel), "%.*s", (int)sizeof(facts->kernel) - 1,
		 uts.release);
	snprintf(facts->arch, sizeof(facts->arch), "%.*s", (int)sizeof(facts->arch) - 1,
		 uts.machine);
	facts->kernel_bits = kernel_bits(uts.machine);
	facts->page_size = (uint64_t)page;
	facts->cpus = cpus > 0 ? (uint64_t)cpus : 0;
	/* a 32-bit program on a 64-bit kernel sees its own end of user space only */
	if (facts->kernel_bits == sizeof(long) * 8)
		facts->user_end = find_user_end(facts->page_size);
	find_btf_sizes(facts);
	find_huge_sizes(facts);
	facts->thp_size = find_thp_size();
}

int layout_gather(struct layout_input *ret)
{
	struct layout_input in = { 0 };
	int err;

	gather_facts(&in.facts);
	err = layout_gather_files("", &in);
	if (err)
		layout_input_free(&in);
	else
		*ret = in;
	return err;
}
