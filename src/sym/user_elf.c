// SPDX-License-Identifier: GPL-2.0
/* Reading symbols with libelf alone: .symtab, else .dynsym. user_dw.c does it where libdw is there. */
#include "sym/user_image.h"

#include <errno.h>

static int add_symbols(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, struct user_table *t)
{
	Elf_Scn *strings = elf_getscn(elf, shdr->sh_link);
	Elf_Data *symbols = elf_getdata(scn, NULL);
	Elf_Data *names = strings ? elf_getdata(strings, NULL) : NULL;
	size_t n = symbols && names ? symbols->d_size / shdr->sh_entsize : 0;
	int err = 0;

	for (size_t i = 1; i < n && !err; i++) {
		GElf_Sym sym;

		if (gelf_getsym(symbols, (int)i, &sym) && sym.st_name < names->d_size)
			err = user_table_add(t, &sym, (char *)names->d_buf + sym.st_name,
					     names->d_size - sym.st_name);
	}
	return err;
}

int user_image_symbols(Elf *elf, struct user_table *t)
{
	const unsigned int wanted = user_image_has_symtab(elf) ? SHT_SYMTAB : SHT_DYNSYM;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == wanted)
			return add_symbols(elf, scn, &shdr, t);
	return -ENOENT;
}
