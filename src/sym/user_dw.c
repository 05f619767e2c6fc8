// SPDX-License-Identifier: GPL-2.0
/*
 * Reading symbols with libdw: .symtab, else .dynsym and what .gnu_debugdata has beyond it.
 *
 * libdwfl gets the file from us, already open, and is never asked to find one: its own search for
 * debug files would go to the servers of DEBUGINFOD_URLS, and take over what the file's owner planned
 * for us by mapping it. user_file.c finds them.
 */
#include "sym/user_image.h"

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <lzma.h>
#include <string.h>

#define DEBUGDATA_MOST \
	(64ull << 20) /* bytes of unpacked .gnu_debugdata; Fedora's have below 2 MiB */
#define UNPACK_MEMORY (128ull << 20) /* what unpacking it may take */

/*
 * What a static program has for dlopen() (--wrap in the Makefile): libdw's client of debuginfod would
 * load a library with it, of whatever C library is there, if anybody asked it.
 */
void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name _unused_, int flags _unused_)
{
	return NULL;
}

static int find_elf(Dwfl_Module *module _unused_, void **user, const char *name _unused_,
		    Dwarf_Addr base _unused_, char **file_name _unused_, Elf **ret)
{
	/* one more reference: the module gives it back */
	*ret = elf_begin(-1, ELF_C_READ, *user);
	return -1;
}

static int find_nothing(Dwfl_Module *module _unused_, void **user _unused_,
			const char *name _unused_, Dwarf_Addr base _unused_,
			const char *file_name _unused_, const char *link _unused_,
			GElf_Word crc _unused_, char **ret _unused_)
{
	return -1;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = find_nothing,
};

/* Whether what .gnu_debugdata unpacks to has an end that we can afford: libdw does not ask. */
static bool debugdata_is_sane(Elf *elf)
{
	Elf_Scn *scn = user_image_section(elf, ".gnu_debugdata");
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	lzma_stream stream = LZMA_STREAM_INIT;
	lzma_ret done = LZMA_OK;
	uint8_t buf[16384];

	if (!scn)
		return true;
	if (!data || !data->d_buf || lzma_stream_decoder(&stream, UNPACK_MEMORY, 0) != LZMA_OK)
		return false;
	stream.next_in = data->d_buf;
	stream.avail_in = data->d_size;
	while (done == LZMA_OK && stream.total_out <= DEBUGDATA_MOST) {
		stream.next_out = buf;
		stream.avail_out = sizeof(buf);
		done = lzma_code(&stream, LZMA_FINISH);
	}
	lzma_end(&stream);
	return done == LZMA_STREAM_END;
}

/* Where names of symbols are. */
struct names {
	const char *start, *end;
};

/* Find the table that @name, of a symbol of @elf, is in; the last one is tried first. */
static bool find_names(Elf *elf, const char *name, struct names *names)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	if (name >= names->start && name < names->end)
		return true;
	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Scn *strings;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr) ||
		    (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM))
			continue;
		strings = elf_getscn(elf, shdr.sh_link);
		data = strings ? elf_getdata(strings, NULL) : NULL;
		if (!data || !data->d_buf)
			continue;
		names->start = data->d_buf;
		names->end = names->start + data->d_size;
		if (name >= names->start && name < names->end)
			return true;
	}
	return false;
}

static int add_symbols(Dwfl_Module *module, struct user_table *t)
{
	int n = dwfl_module_getsymtab(module), err = 0;
	struct names names = { 0 };
	GElf_Addr bias = 0;

	if (n < 0 || !dwfl_module_getelf(module, &bias))
		return -ENOENT;
	for (int i = 1; i < n && !err; i++) {
		GElf_Addr address;
		GElf_Sym sym;
		Elf *elf = NULL;
		const char *name =
			dwfl_module_getsym_info(module, i, &sym, &address, NULL, &elf, NULL);

		if (!name || !find_names(elf, name, &names))
			continue;
		sym.st_value = address - bias;
		err = user_table_add(t, &sym, name, (size_t)(names.end - name));
	}
	return err;
}

int user_image_symbols(Elf *elf, struct user_table *t)
{
	uint64_t lowest = user_lowest_address(elf);
	Dwfl_Module *module;
	void **user = NULL;
	Dwfl *dwfl;
	int err = -ENOENT;

	if (lowest == UINT64_MAX || !debugdata_is_sane(elf))
		return -ENOENT;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return -ENOMEM;
	dwfl_report_begin(dwfl);
	/* where it lies is of no importance: addresses are made relative again */
	module = dwfl_report_module(dwfl, "file", 0, UINT64_MAX);
	if (module && dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL)) {
		*user = elf;
		if (!dwfl_report_end(dwfl, NULL, NULL))
			err = add_symbols(module, t);
	}
	dwfl_end(dwfl);
	return err;
}
