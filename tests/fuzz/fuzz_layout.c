// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the files of layout: the first byte says how many bits the kernel has, the next ones
 * are the files in the order of enum layout_file, each but the last ended by 0xff. Then everything is
 * reported, and what some addresses are.
 */
#include <stdio.h>
#include <string.h>

#include "layout/layout.h"
#include "render/render.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t addresses[] = {
	0,
	0x1000,
	0x9a000000,
	0xbf000084,
	0xc0300108,
	0xffff888000000000,
	0xffffffff81000010,
	UINT64_MAX,
};

static void split(const uint8_t *data, size_t size, struct layout_input *in)
{
	size_t i;

	for (i = 0; i < LAYOUT_FILES; i++) {
		/* the last one may have 0xff in it: it is binary, and the kernel's addresses have them */
		const uint8_t *end = i + 1 < LAYOUT_FILES ? memchr(data, 0xff, size) : NULL;
		size_t n = end ? (size_t)(end - data) : size;

		in->files[i].text = calloc(1, n + 1);
		if (!in->files[i].text)
			abort();
		memcpy(in->files[i].text, data, n);
		in->files[i].size = n;
		data += end ? n + 1 : n;
		size -= end ? n + 1 : n;
	}
}

static void render(const struct layout *l, const uint64_t *address, FILE *out)
{
	_cleanup_(report_free) struct report *r = report_new("layout");
	struct render_options options = { .width = 80 };

	if (!r)
		abort();
	if (address)
		layout_report_address(l, *address, r);
	else
		layout_report(l, r);
	if (r->oom || renderer_find("text")->render(r, &options, out) ||
	    renderer_find("json")->render(r, &options, out))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(layout_input_free) struct layout_input in = {
		.facts = { .kernel_bits = 64, .page_size = 4096, .cpus = 2, .arch = "x86_64" },
	};
	_cleanup_(layout_free) struct layout l = { 0 };
	char *text = NULL;
	size_t i, n;
	FILE *out;

	if (!size)
		return 0;
	in.facts.kernel_bits = data[0] & 1 ? 32 : 64;
	in.facts.page_size = data[0] & 2 ? 65536 : 4096;
	in.facts.user_end = data[0] & 4 ? 0xbf000000 : 0;
	in.facts.btf_page_size = data[0] & 8 ? 64 : 0;
	split(data + 1, size - 1, &in);
	if (layout_find(&in, &l))
		abort();
	out = open_memstream(&text, &n);
	if (!out)
		abort();
	render(&l, NULL, out);
	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		render(&l, &addresses[i], out);
	fclose(out);
	free(text);
	return 0;
}
