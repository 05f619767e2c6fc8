// SPDX-License-Identifier: GPL-2.0
/* vmallocinfo, kcore's headers, size classes, and texts of keys and numbers. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "procfs/kcore.h"
#include "procfs/keys.h"
#include "procfs/size_classes.h"
#include "procfs/vmallocinfo.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

#define KCORE "tests/golden/scripts/machine-x86_64-kcore/proc/kcore"

/* --- keys ---------------------------------------------------------------------------------------- */

static void test_keys(void **state)
{
	static const char text[] =
		"MemTotal:       24684092 kB\nHex=0x10\nBare=ff\nEmpty:\n"
		"Huge: 18446744073709551616\nKb: 18446744073709551615 kB\nEnd: 7";
	uint64_t n = 1;

	(void)state;
	assert_true(keys_u64(text, "MemTotal:", &n));
	assert_int_equal(n, 24684092);
	assert_true(keys_kb(text, "MemTotal:", &n));
	assert_int_equal(n, 24684092ull * 1024);
	assert_true(keys_u64(text, "Hex=", &n));
	assert_int_equal(n, 16);
	assert_true(keys_hex(text, "Bare=", &n));
	assert_int_equal(n, 255);
	assert_true(keys_u64(text, "End:", &n));
	assert_int_equal(n, 7);
	assert_false(keys_u64(text, "Bare=", &n));
	assert_false(keys_u64(text, "Empty:", &n));
	assert_false(keys_u64(text, "Huge:", &n));
	assert_false(keys_kb(text, "Kb:", &n)); /* in bytes it does not fit */
	assert_false(keys_u64(text, "Total:", &n)); /* not where the line begins */
	assert_false(keys_u64(text, "None:", &n));
	assert_false(keys_u64(NULL, "MemTotal:", &n));
	assert_int_equal(n, 7);
}

/* --- vmallocinfo ------------------------------------------------------------------------------------ */

static void test_areas(void **state)
{
	struct vmallocinfo v = { 0 };
	const struct vmalloc_area *area;

	(void)state;
	assert_int_equal(
		vmallocinfo_parse(
			"0xffffc90000000000-0xffffc90000005000   20480 dup_task_struct+0x5b/0x1b0 "
			"pages=4 vmalloc N0=4\n"
			"0xffffc90000006000-0xffffc90000009000   12288 fn+0x1/0x2 [e1000] "
			"phys=0x00000000fd000000 ioremap\n"
			"0xffffc9000000a000-0xffffc9000000b000    4096 vm_map_ram\n"
			"0xffffc9000000c000-0xffffc9000000d000    4096 unpurged vm_area",
			&v, NULL),
		0);
	assert_false(v.hidden);
	assert_int_equal(v.n, 4);
	area = vmallocinfo_find(&v, 0xffffc90000004fff);
	assert_non_null(area);
	assert_string_equal(area->caller, "dup_task_struct+0x5b/0x1b0");
	assert_int_equal(area->pages, 4);
	assert_true(area->vmalloc);
	assert_false(area->has_phys);
	assert_null(vmallocinfo_find(&v, 0xffffc90000005000));
	area = vmallocinfo_find(&v, 0xffffc90000006000);
	assert_true(area->has_phys);
	assert_int_equal(area->phys, 0xfd000000);
	assert_false(area->vmalloc);
	assert_null(vmallocinfo_find(&v, 0xffffc9000000a000)->caller);
	assert_non_null(vmallocinfo_find(&v, 0xffffc9000000cfff));
	vmallocinfo_free(&v);
	vmallocinfo_free(&v);
}

static void test_hidden_areas(void **state)
{
	static const char *const texts[] = {
		/* hashed; zero; one hash that happens to be as far away as it should be */
		"0x00000000510af022-0x00000000d3fbecd8   20480 a+0x1/0x2 vmap\n",
		"0x0000000000000000-0x0000000000000000   20480 a+0x1/0x2 vmap\n",
		"0x1000-0x2000 4096 a+0x1/0x2 vmap\n0x9000-0x1000 4096 a+0x1/0x2 vmap\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct vmallocinfo v = { 0 };

		assert_int_equal(vmallocinfo_parse(texts[i], &v, NULL), 0);
		assert_true(v.hidden);
		assert_null(vmallocinfo_find(&v, 0x1000));
		assert_string_equal(v.items[0].caller, "a+0x1/0x2");
		vmallocinfo_free(&v);
	}
}

static void test_areas_refused(void **state)
{
	static const char *const texts[] = {
		"\n",
		"0x1-0x2",
		"0x1000-0x2000\n",
		"0x1000-0x2000 0 vmap\n",
		"0x1000-0x2000 -4096 vmap\n",
		"1000-2000 4096 vmap\n",
		"0x1000-0x10000000000000000 4096 vmap\n",
		"0x1000-0x2000 4096 pages=x vmalloc\n",
		"0x1000-0x2000 4096 phys=1000 ioremap\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct vmallocinfo v = { 0 };
		struct failure f = { 0 };

		if (vmallocinfo_parse(texts[i], &v, &f) != -EINVAL)
			fail_msg("text %zu is accepted", i);
		assert_null(v.items);
		assert_true(f.text[0]);
	}
}

static void test_long_caller(void **state)
{
	char text[1024] = "0x1000-0x2000 4096 ";
	struct vmallocinfo v = { 0 };
	size_t n = strlen(text);

	(void)state;
	memset(text + n, 'x', 600);
	strcpy(text + n + 600, "+0x1/0x2 vmalloc\n");
	assert_int_equal(vmallocinfo_parse(text, &v, NULL), 0);
	assert_int_equal(strlen(v.items[0].caller), 255);
	vmallocinfo_free(&v);
}

/* --- kcore ------------------------------------------------------------------------------------------ */

static size_t read_kcore(unsigned char *buf, size_t size)
{
	FILE *f = fopen(KCORE, "re");
	size_t n;

	if (!f)
		fail_msg("%s is missing: run the test at the root of the tree", KCORE);
	n = fread(buf, 1, size, f);
	fclose(f);
	assert_true(n > 64 && n < size);
	return n;
}

static void test_kcore(void **state)
{
	unsigned char image[8192];
	size_t size = read_kcore(image, sizeof(image));
	struct kcore k = { 0 };
	uint64_t n;

	(void)state;
	assert_int_equal(kcore_parse(image, size, &k, NULL), 0);
	assert_int_equal(k.n, 10);
	assert_true(k.items[0].has_phys); /* the image */
	assert_int_equal(k.items[0].start, 0xffffffffb3a00000);
	assert_int_equal(k.items[0].phys, 0x99a000000);
	assert_false(k.items[1].has_phys); /* vmalloc */
	assert_int_equal(k.items[1].end - k.items[1].start + 1, (32ull << 40) - 1);
	assert_true(keys_u64(k.vmcoreinfo, "SIZE(page)=", &n));
	assert_int_equal(n, 64);
	assert_true(keys_hex(k.vmcoreinfo, "KERNELOFFSET=", &n));
	assert_int_equal(n, 0x32a00000);
	kcore_free(&k);
	kcore_free(&k);
}

/* What is to be read is known step by step, and is no more than what the file has. */
static void test_headers_size(void **state)
{
	unsigned char image[8192];
	size_t size = read_kcore(image, sizeof(image)), wanted;

	(void)state;
	wanted = kcore_headers_size(image, 64);
	assert_int_equal(wanted, 64 + 11 * sizeof(Elf64_Phdr));
	assert_int_equal(kcore_headers_size(image, wanted), size);
	assert_int_equal(kcore_headers_size(image, size), size);
	assert_int_equal(kcore_headers_size(image, 63), 0);
	assert_int_equal(kcore_headers_size("#!/bin/sh\n", 10), 0);
}

/* Cut anywhere, it is refused or gives what is whole; never is anything read behind the end. */
static void test_kcore_cut(void **state)
{
	unsigned char image[8192];
	size_t size = read_kcore(image, sizeof(image)), i;

	(void)state;
	for (i = 0; i < size; i++) {
		_cleanup_free_ unsigned char *cut = malloc(i + 1);
		struct kcore k = { 0 };
		int err;

		assert_non_null(cut);
		memcpy(cut, image, i);
		err = kcore_parse(cut, i, &k, NULL);
		if (i < 64 + 11 * sizeof(Elf64_Phdr))
			assert_int_equal(err, -EINVAL);
		else
			assert_int_equal(err, 0);
		if (!err)
			assert_null(k.vmcoreinfo); /* the notes are cut */
		kcore_free(&k);
		assert_true(kcore_headers_size(cut, i) <= KCORE_HEADERS_MAX);
	}
}

static void test_kcore_hostile(void **state)
{
	unsigned char image[8192];
	size_t size = read_kcore(image, sizeof(image));
	Elf64_Ehdr *header = (Elf64_Ehdr *)image;
	Elf64_Phdr *p = (Elf64_Phdr *)(image + 64);
	struct kcore k = { 0 };

	(void)state;
	p[2].p_memsz = UINT64_MAX; /* around the end of the address space */
	assert_int_equal(kcore_parse(image, size, &k, NULL), -EINVAL);
	p[2].p_memsz = 0;
	assert_int_equal(kcore_parse(image, size, &k, NULL), 0);
	assert_int_equal(k.n, 9);
	kcore_free(&k);
	p[0].p_offset = UINT64_MAX - 10;
	assert_int_equal(kcore_headers_size(image, size), KCORE_HEADERS_MAX);
	assert_int_equal(kcore_parse(image, size, &k, NULL), 0);
	assert_null(k.vmcoreinfo);
	kcore_free(&k);
	header->e_phnum = 60000;
	assert_int_equal(kcore_parse(image, size, &k, NULL), -EINVAL);
	header->e_phoff = UINT64_MAX;
	assert_int_equal(kcore_headers_size(image, size), KCORE_HEADERS_MAX);
	assert_int_equal(kcore_parse(image, size, &k, NULL), -EINVAL);
	header->e_type = ET_EXEC;
	assert_int_equal(kcore_headers_size(image, size), 0);
	assert_null(k.items);
}

static void test_kcore_32(void **state)
{
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segments[2];
	} image = {
		.header = { .e_type = ET_CORE,
			    .e_phoff = sizeof(Elf32_Ehdr),
			    .e_phnum = 2,
			    .e_phentsize = sizeof(Elf32_Phdr) },
		.segments = { { .p_type = PT_LOAD,
				.p_vaddr = 0xc0000000,
				.p_paddr = 0x80000000,
				.p_memsz = 0x20000000 },
			      { .p_type = PT_LOAD,
				.p_vaddr = 0xe0800000,
				.p_paddr = UINT32_MAX,
				.p_memsz = 0x1f800000 } },
	};
	struct kcore k = { 0 };

	(void)state;
	memcpy(image.header.e_ident, ELFMAG, SELFMAG);
	image.header.e_ident[EI_CLASS] = ELFCLASS32;
	image.header.e_ident[EI_DATA] = ELFDATA2LSB;
	assert_int_equal(kcore_parse(&image, sizeof(image), &k, NULL), 0);
	assert_int_equal(k.n, 2);
	assert_true(k.items[0].has_phys);
	assert_int_equal(k.items[0].phys, 0x80000000);
	assert_int_equal(k.items[0].end, 0xdfffffff);
	assert_false(k.items[1].has_phys);
	assert_int_equal(k.items[1].end, 0xffffffff);
	kcore_free(&k);
	image.header.e_ident[EI_DATA] = ELFDATA2MSB; /* another machine's byte order */
	assert_int_equal(kcore_parse(&image, sizeof(image), &k, NULL), -EINVAL);
}

/* --- size classes ------------------------------------------------------------------------------------ */

static void test_size_classes(void **state)
{
	static const char slabinfo[] =
		"slabinfo - version: 2.1\n# name\n"
		"kmalloc-8k           140    144   8192    4    8 : tunables    0    0    0 : x\n"
		"kmalloc-cg-192        30     42    192   21    1 : tunables\n"
		"kmalloc-192           12     42    192   22    2 : tunables\n"
		"kmalloc-rnd-15-192     1     42    192   21    1 : tunables\n"
		"dma-kmalloc-192        0      0    192   21    1 : tunables\n"
		"kmalloc-rcl-2M         0      0    192   21    1 : tunables\n"
		"kmalloc_sounding      12     42    192   21    1 : tunables\n"
		"kmalloc-x             12     42    192   21    1 : tunables\n"
		"kmalloc-64x           12     42    192   21    1 : tunables\n";
	struct size_classes c;

	(void)state;
	assert_int_equal(size_classes_parse(slabinfo, &c, NULL), 0);
	assert_int_equal(c.n, 3);
	assert_int_equal(c.items[0].bytes, 192);
	assert_int_equal(c.items[0].variants,
			 VARIANT_PLAIN | VARIANT_CG | VARIANT_RND | VARIANT_DMA);
	assert_int_equal(c.items[0].objects, 43);
	assert_int_equal(c.items[0].per_slab, 22); /* the plain one's */
	assert_int_equal(c.items[0].slab_pages, 2);
	assert_int_equal(c.items[1].bytes, 8192);
	assert_int_equal(c.items[2].bytes, 2 << 20);
	assert_int_equal(c.items[2].variants, VARIANT_RCL);
}

static void test_size_class_names(void **state)
{
	struct size_classes c;
	char text[8192];
	size_t n = 0, i;

	(void)state;
	assert_int_equal(size_classes_parse("dentry\nkmalloc-1k\nkmalloc-96\n:0000096", &c, NULL),
			 0);
	assert_int_equal(c.n, 2);
	assert_int_equal(c.items[0].bytes, 96);
	assert_false(c.items[0].counted);
	assert_int_equal(size_classes_parse("", &c, NULL), -EINVAL);
	assert_int_equal(size_classes_parse("kmalloc-0\nkmalloc-99999999999999999999\n"
					    "kmalloc-1073741825\nkmalloc-rnd-1\n",
					    &c, NULL),
			 -EINVAL);
	for (i = 0; i <= SIZE_CLASSES_MAX; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "kmalloc-%zu\n", i + 1);
	assert_int_equal(size_classes_parse(text, &c, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),	      cmocka_unit_test(test_areas),
		cmocka_unit_test(test_hidden_areas),  cmocka_unit_test(test_areas_refused),
		cmocka_unit_test(test_long_caller),   cmocka_unit_test(test_kcore),
		cmocka_unit_test(test_headers_size),  cmocka_unit_test(test_kcore_cut),
		cmocka_unit_test(test_kcore_hostile), cmocka_unit_test(test_kcore_32),
		cmocka_unit_test(test_size_classes),  cmocka_unit_test(test_size_class_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
