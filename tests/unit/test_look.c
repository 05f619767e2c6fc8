// SPDX-License-Identifier: GPL-2.0
/* Texts that are made of what /proc/kallsyms and /sys say. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "source/allocators.h"
#include "source/devices.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static char root[] = "/tmp/kmscope-look-XXXXXX";

static void make_dirs(const char *path)
{
	char copy[256], *slash;

	snprintf(copy, sizeof(copy), "%s/%s", root, path);
	for (slash = copy + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(copy, 0755);
		*slash = '/';
	}
}

static void put(const char *path, const void *data, size_t n)
{
	char full[256];
	int fd;

	make_dirs(path);
	snprintf(full, sizeof(full), "%s/%s", root, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0 && write(fd, data, n) == (ssize_t)n);
	close(fd);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void put_link(const char *path, const char *target)
{
	char full[256];

	make_dirs(path);
	snprintf(full, sizeof(full), "%s/%s", root, path);
	assert_int_equal(symlink(target, full), 0);
}

static int remove_root(void **state _unused_)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static int make_root(void **state _unused_)
{
	return mkdtemp(root) ? 0 : -1;
}

static void test_allocators(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	char path[256];

	put_text("kallsyms", "ffffffff81000000 T _stext\n"
			     "ffffffff81000100 t alloc_vmap_area\n"
			     "ffffffff81000100 t alias_of_the_same\n"
			     "ffffffff81000200 T vmalloc_noprof\n"
			     "ffffffff81000300 t alloc_vmap_area.cold\n"
			     "ffffffff81000380 T vmalloc_to_page\n"
			     "ffffffff81000390 D vmalloc\n"
			     "garbage\n"
			     "ffffffff81000400 T __get_vm_area_node.constprop.0\n"
			     "ffffffff81000500 T ioremap\n"
			     "ffffffff81000600 t last\n");
	snprintf(path, sizeof(path), "%s/kallsyms", root);
	assert_int_equal(allocators_text(path, &text), 0);
	assert_string_equal(text, "0xffffffff81000100 0xffffffff81000200 any alloc_vmap_area\n"
				  "0xffffffff81000200 0xffffffff81000300 vmalloc vmalloc\n"
				  "0xffffffff81000300 0xffffffff81000380 any alloc_vmap_area\n"
				  "0xffffffff81000400 0xffffffff81000500 any __get_vm_area_node\n"
				  "0xffffffff81000500 0xffffffff81000600 ioremap ioremap\n");
}

static void test_hidden_allocators(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;
	char path[256];

	put_text("hidden", "0000000000000000 T _stext\n0000000000000000 t alloc_vmap_area\n");
	snprintf(path, sizeof(path), "%s/hidden", root);
	assert_int_equal(allocators_text(path, &text), 0);
	assert_string_equal(text, "");
	assert_int_equal(allocators_text("/nonexistent", &text), -2);
}

static void test_devices(void **state _unused_)
{
	static const uint8_t reg[] = { 0, 0, 0xc0, 0, 0, 0, 0x10, 0 }, one[] = { 0, 0, 0, 1 };
	_cleanup_free_ char *text = NULL;

	put_text("bus/platform/devices/pcspkr/x", "");
	put("bus/platform/devices/4804c000.gpio/of_node/reg", reg, sizeof(reg));
	put("bus/platform/devices/4804c000.gpio/#address-cells", one, 4);
	put("bus/platform/devices/4804c000.gpio/#size-cells", one, 4);
	put("bus/platform/devices/4804c000.gpio/of_node/compatible",
	    "ti,am3352-gpio\0ti,omap4-gpio", 29);
	put("bus/platform/devices/4804c000.target-module/of_node/compatible",
	    "ti,sysc-omap2\0ti,sysc", 22);
	put_link("bus/platform/devices/4804c000.gpio/driver",
		 "../../../bus/platform/drivers/omap gpio");
	put_text("bus/amba/devices/9030000.pl061/resource",
		 "0x0000000009030000 0x0000000009030fff 0x00000200\n");
	put_text("bus/pci/devices/0000:00:02.0/resource",
		 "0x00000000fea00000 0x00000000feafffff 0x00040200\n"
		 "0x000000000000c000 0x000000000000c03f 0x00040101\n"
		 "0x0000000000000000 0x0000000000000000 0x00000000\n");
	put_text("devices/platform/4804c000.gpio/gpio/gpiochip32/base", "32\n");
	put_text("devices/platform/4804c000.gpio/gpio/gpiochip32/ngpio", "32\n");
	put_text("devices/platform/4804c000.gpio/gpio/gpiochip32/label", "gpio-32-63\n");
	put_link("class/gpio/gpiochip32", "../../devices/platform/4804c000.gpio/gpio/gpiochip32");
	assert_int_equal(devices_text(root, &text), 0);
	assert_string_equal(text, "mem 0x4804c000 0x4804cfff 4804c000.gpio omap?gpio "
				  "ti,am3352-gpio;ti,omap4-gpio\n"
				  "mem 0x9030000 0x9030fff 9030000.pl061 - -\n"
				  "mem 0xfea00000 0xfeafffff 0000:00:02.0 - -\n"
				  "gpio 32 32 4804c000.gpio gpio-32-63\n");
}

static void test_no_devices(void **state _unused_)
{
	_cleanup_free_ char *text = NULL;

	assert_int_equal(devices_text("/nonexistent", &text), 0);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allocators),
		cmocka_unit_test(test_hidden_allocators),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_no_devices),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
