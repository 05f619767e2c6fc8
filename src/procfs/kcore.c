// SPDX-License-Identifier: GPL-2.0
#include "procfs/kcore.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "base/vec.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_DATA ELFDATA2LSB
#else
#define NATIVE_DATA ELFDATA2MSB
#endif

/* What is needed of both kinds of ELF file. */
struct elf_header {
	bool is_64;
	uint64_t table; /* offset of the program headers */
	size_t n, entry_size;
};

struct program_header {
	uint32_t type;
	uint64_t offset, vaddr, paddr, file_size, memory_size;
};

static bool read_header(const unsigned char *image, size_t size, struct elf_header *ret)
{
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;

	if (size < sizeof(e64) || memcmp(image, ELFMAG, SELFMAG) || image[EI_DATA] != NATIVE_DATA)
		return false;
	memcpy(&e64, image, sizeof(e64));
	memcpy(&e32, image, sizeof(e32));
	if (image[EI_CLASS] == ELFCLASS64 && e64.e_type == ET_CORE &&
	    e64.e_phentsize == sizeof(Elf64_Phdr))
		*ret = (struct elf_header){ true, e64.e_phoff, e64.e_phnum, e64.e_phentsize };
	else if (image[EI_CLASS] == ELFCLASS32 && e32.e_type == ET_CORE &&
		 e32.e_phentsize == sizeof(Elf32_Phdr))
		*ret = (struct elf_header){ false, e32.e_phoff, e32.e_phnum, e32.e_phentsize };
	else
		return false;
	return true;
}

/* Program header @i; false if it is not within @size bytes. */
static bool read_program_header(const unsigned char *image, size_t size, const struct elf_header *h,
				size_t i, struct program_header *ret)
{
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (h->table > size || (i + 1) * h->entry_size > size - h->table)
		return false;
	image += h->table + i * h->entry_size;
	if (h->is_64) {
		memcpy(&p64, image, sizeof(p64));
		*ret = (struct program_header){ p64.p_type,  p64.p_offset, p64.p_vaddr,
						p64.p_paddr, p64.p_filesz, p64.p_memsz };
	} else {
		memcpy(&p32, image, sizeof(p32));
		*ret = (struct program_header){ p32.p_type,  p32.p_offset, p32.p_vaddr,
						p32.p_paddr, p32.p_filesz, p32.p_memsz };
		if (p32.p_paddr == UINT32_MAX)
			ret->paddr = UINT64_MAX;
	}
	return true;
}

static size_t bounded(uint64_t start, uint64_t n)
{
	if (start > KCORE_HEADERS_MAX || n > KCORE_HEADERS_MAX - start)
		return KCORE_HEADERS_MAX;
	return (size_t)(start + n);
}

size_t kcore_headers_size(const void *image, size_t size)
{
	struct program_header p;
	struct elf_header h;
	size_t i, wanted;

	if (!read_header(image, size, &h))
		return 0;
	wanted = MAX(sizeof(Elf64_Ehdr), bounded(h.table, h.n * h.entry_size));
	for (i = 0; i < h.n && read_program_header(image, size, &h, i, &p); i++)
		if (p.type == PT_NOTE)
			wanted = MAX(wanted, bounded(p.offset, p.file_size));
	return wanted;
}

static uint64_t aligned(uint32_t n)
{
	return ((uint64_t)n + 3) & ~3ull;
}

/* The note named VMCOREINFO among the notes of @n bytes at @notes. */
static int take_vmcoreinfo(const unsigned char *notes, uint64_t n, struct kcore *k)
{
	static const char wanted[] = "VMCOREINFO";
	Elf64_Nhdr note; /* the same as Elf32_Nhdr */
	uint64_t name, text;

	while (n >= sizeof(note)) {
		memcpy(&note, notes, sizeof(note));
		name = sizeof(note);
		text = name + aligned(note.n_namesz);
		if (text > n || note.n_descsz > n - text)
			break;
		if (note.n_namesz >= sizeof(wanted) && !k->vmcoreinfo &&
		    !memcmp(notes + name, wanted, sizeof(wanted))) {
			k->vmcoreinfo = strndup((const char *)notes + text, note.n_descsz);
			return k->vmcoreinfo ? 0 : -ENOMEM;
		}
		text += aligned(note.n_descsz);
		if (text >= n)
			break;
		notes += text;
		n -= text;
	}
	return 0;
}

static int add_segment(const struct program_header *p, struct kcore *k)
{
	struct kcore_segment *s;

	if (!p->memory_size)
		return 0;
	if (p->memory_size - 1 > UINT64_MAX - p->vaddr)
		return -EINVAL;
	if (k->n == KCORE_SEGMENTS_MAX)
		return -E2BIG;
	s = vec_add(k);
	if (!s)
		return -ENOMEM;
	*s = (struct kcore_segment){
		.start = p->vaddr,
		.end = p->vaddr + (p->memory_size - 1),
		.has_phys = p->paddr != UINT64_MAX,
		.phys = p->paddr != UINT64_MAX ? p->paddr : 0,
	};
	return 0;
}

static int parse_headers(const unsigned char *image, size_t size, struct kcore *k)
{
	struct program_header p;
	struct elf_header h;
	int err = 0;
	size_t i;

	if (!read_header(image, size, &h))
		return -EINVAL;
	for (i = 0; !err && i < h.n; i++) {
		if (!read_program_header(image, size, &h, i, &p))
			return -EINVAL;
		if (p.type == PT_LOAD)
			err = add_segment(&p, k);
		else if (p.type == PT_NOTE && p.offset <= size && p.file_size <= size - p.offset)
			err = take_vmcoreinfo(image + p.offset, p.file_size, k);
	}
	return err;
}

int kcore_parse(const void *image, size_t size, struct kcore *ret, struct failure *f)
{
	_cleanup_(kcore_free) struct kcore k = { 0 };
	int err = parse_headers(image, size, &k);

	if (err)
		return fail(f, err == -ENOMEM ? FAILURE_INTERNAL : FAILURE_UNSUPPORTED, err,
			    "kcore: %s",
			    err == -ENOMEM  ? "not enough memory"
			    : err == -E2BIG ? "too many segments"
					    : "no core file, or its headers are cut short");
	*ret = k;
	k = (struct kcore){ 0 };
	return 0;
}

void kcore_free(struct kcore *k)
{
	free(k->items);
	free(k->vmcoreinfo);
	*k = (struct kcore){ 0 };
}
