// SPDX-License-Identifier: GPL-2.0
#include "sym/user_image.h"

#include <errno.h>
#include <string.h>

#define SECTIONS_MAX (1u << 16) /* of what is linked; relocatable files are not for us */
#define SECTION_MOST (512ull << 20) /* bytes of a table of symbols or their names */
#define NOTES_MOST   (64u << 10)

/* The names that @symbols uses end in a zero byte: readers of symbols look for no other end. */
static bool names_end(Elf *elf, const GElf_Shdr *symbols)
{
	Elf_Scn *scn = elf_getscn(elf, symbols->sh_link);
	GElf_Shdr shdr;
	Elf_Data *data;

	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_STRTAB || !shdr.sh_size ||
	    shdr.sh_size > SECTION_MOST || shdr.sh_flags & SHF_COMPRESSED)
		return false;
	data = elf_getdata(scn, NULL);
	return data && data->d_buf && data->d_size && !((char *)data->d_buf)[data->d_size - 1];
}

/* Tables of symbols are of the size that they say, no bombs, and have names. */
static bool sections_are_sane(Elf *elf)
{
	size_t entry = gelf_fsize(elf, ELF_T_SYM, 1, EV_CURRENT), n = 0;
	Elf_Scn *scn = NULL;

	if (elf_getshdrnum(elf, &n) || n > SECTIONS_MAX)
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr))
			return false;
		if (shdr.sh_type != SHT_SYMTAB && shdr.sh_type != SHT_DYNSYM)
			continue;
		if (shdr.sh_entsize != entry || shdr.sh_size > SECTION_MOST ||
		    shdr.sh_flags & SHF_COMPRESSED || !names_end(elf, &shdr))
			return false;
	}
	return true;
}

static int check(Elf *elf, Elf **ret)
{
	GElf_Ehdr ehdr;

	if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &ehdr) ||
	    (ehdr.e_type != ET_EXEC && ehdr.e_type != ET_DYN) || !sections_are_sane(elf)) {
		user_image_close(&elf);
		return -ENOENT;
	}
	*ret = elf;
	return 0;
}

int user_image_open(int fd, Elf **ret)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOENT;
	return check(elf_begin(fd, ELF_C_READ, NULL), ret);
}

int user_image_memory(char *bytes, size_t n, Elf **ret)
{
	if (elf_version(EV_CURRENT) == EV_NONE)
		return -ENOENT;
	return check(elf_memory(bytes, n), ret);
}

void user_image_close(Elf **elf)
{
	elf_end(*elf); /* which takes NULL */
	*elf = NULL;
}

bool user_image_has_symtab(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB && shdr.sh_size)
			return true;
	return false;
}

static bool take_build_id(Elf_Data *data, struct user_build_id *ret)
{
	size_t at = 0, next, name, desc;
	GElf_Nhdr note;

	while (data && (next = gelf_getnote(data, at, &note, &name, &desc)) > at) {
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp((char *)data->d_buf + name, "GNU", 4) && note.n_descsz > 1 &&
		    note.n_descsz <= USER_BUILD_ID_MAX) {
			memcpy(ret->bytes, (char *)data->d_buf + desc, note.n_descsz);
			ret->n = note.n_descsz;
			return true;
		}
		at = next;
	}
	return false;
}

void user_image_build_id(Elf *elf, struct user_build_id *ret)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	GElf_Phdr phdr;
	size_t n = 0;

	ret->n = 0;
	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_NOTE &&
		    shdr.sh_size <= NOTES_MOST && take_build_id(elf_getdata(scn, NULL), ret))
			return;
	if (elf_getphdrnum(elf, &n))
		return;
	for (size_t i = 0; i < MIN(n, (size_t)64); i++)
		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_NOTE &&
		    phdr.p_filesz <= NOTES_MOST &&
		    take_build_id(elf_getdata_rawchunk(elf, (int64_t)phdr.p_offset, phdr.p_filesz,
						       phdr.p_align == 8 ? ELF_T_NHDR8
									 : ELF_T_NHDR),
				  ret))
			return;
}

Elf_Scn *user_image_section(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *its;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type == SHT_NOBITS)
			continue;
		its = elf_strptr(elf, names, shdr.sh_name);
		if (its && !strcmp(its, name))
			return scn;
	}
	return NULL;
}

bool user_image_debug_link(Elf *elf, char *name, size_t size, uint32_t *ret_crc)
{
	Elf_Scn *scn = user_image_section(elf, ".gnu_debuglink");
	const unsigned char *ident = (unsigned char *)elf_getident(elf, NULL);
	Elf_Data *data;
	GElf_Shdr shdr;
	uint8_t crc[4];
	size_t n;

	if (!scn || !gelf_getshdr(scn, &shdr) || shdr.sh_size > NOTES_MOST)
		return false;
	data = elf_rawdata(scn, NULL);
	if (!data || !data->d_buf)
		return false;
	n = strnlen(data->d_buf, data->d_size);
	if (!n || n >= size || memchr(data->d_buf, '/', n) || data->d_size < n / 4 * 4 + 8)
		return false;
	memcpy(name, data->d_buf, n);
	name[n] = '\0';
	memcpy(crc, (char *)data->d_buf + n / 4 * 4 + 4, sizeof(crc));
	*ret_crc = ident[EI_DATA] == ELFDATA2LSB
			   ? (uint32_t)crc[3] << 24 | crc[2] << 16 | crc[1] << 8 | crc[0]
			   : (uint32_t)crc[0] << 24 | crc[1] << 16 | crc[2] << 8 | crc[3];
	return true;
}
