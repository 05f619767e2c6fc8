// SPDX-License-Identifier: GPL-2.0
#include "sym/user_table.h"

#include <errno.h>
#include <string.h>

#include "base/vec.h"

/* More than any real program has: Chromium's 1.5 million functions have 150 MB of names. */
#define FUNCTIONS_MAX (4u << 20)
#define NAMES_MAX     (256u << 20)
#define NAME_LONGEST  16384
#define SEGMENTS_MAX  256

#define GUESS_MOST (64 << 10) /* bytes of a function whose size is not told */
#define OUTER_MOST 16 /* functions that begin between one that goes on and an address in it */

void user_table_free(struct user_table *t)
{
	free(t->functions.items);
	free(t->names.items);
	free(t->segments.items);
	memset(t, 0, sizeof(*t));
}

int user_table_add_segments(struct user_table *t, Elf *elf)
{
	bool code = false;
	GElf_Ehdr ehdr;
	size_t n = 0;

	if (!gelf_getehdr(elf, &ehdr) || elf_getphdrnum(elf, &n))
		return -ENOENT;
	t->machine = ehdr.e_machine;
	for (size_t i = 0; i < MIN(n, (size_t)SEGMENTS_MAX); i++) {
		struct user_segment *s;
		GElf_Phdr phdr;

		if (!gelf_getphdr(elf, (int)i, &phdr) || phdr.p_type != PT_LOAD || !phdr.p_filesz)
			continue;
		s = vec_add(&t->segments);
		if (!s)
			return -ENOMEM;
		*s = (struct user_segment){
			.offset = phdr.p_offset,
			.n = phdr.p_filesz,
			.address = phdr.p_vaddr,
			.code = phdr.p_flags & PF_X,
		};
		code |= s->code;
	}
	return code ? 0 : -ENOENT;
}

uint64_t user_lowest_address(Elf *elf)
{
	uint64_t lowest = UINT64_MAX;
	size_t n = 0;

	if (elf_getphdrnum(elf, &n))
		return lowest;
	for (size_t i = 0; i < MIN(n, (size_t)SEGMENTS_MAX); i++) {
		GElf_Phdr phdr;

		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_LOAD)
			lowest = MIN(lowest, phdr.p_vaddr);
	}
	return lowest;
}

static bool is_code(const struct user_table *t, uint64_t address)
{
	const struct user_segment *s;

	vec_for_each(&t->segments, s)
		if (s->code && address >= s->address && address - s->address < s->n)
			return true;
	return false;
}

/*
 * Functions; labels of assembly, which have no type, but neither mapping symbols ($a, $t.12), nor what
 * compilers and annobin mark with a dot.
 */
static bool is_function(const GElf_Sym *sym, const char *name)
{
	unsigned int type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF)
		return false;
	if (type == STT_FUNC || type == STT_GNU_IFUNC)
		return true;
	return type == STT_NOTYPE && sym->st_shndx != SHN_ABS && *name != '$' && *name != '.';
}

/* Functions before labels, what others may call before what they can't, «read» before «__read». */
static uint8_t rank(const GElf_Sym *sym, const char *name)
{
	unsigned int underscores = 0;

	while (underscores < 7 && name[underscores] == '_')
		underscores++;
	return (uint8_t)((GELF_ST_TYPE(sym->st_info) == STT_NOTYPE) << 5 |
			 (GELF_ST_BIND(sym->st_info) == STB_LOCAL) << 4 | underscores << 1 |
			 (GELF_ST_BIND(sym->st_info) == STB_WEAK));
}

int user_table_add(struct user_table *t, const GElf_Sym *sym, const char *name, size_t most)
{
	uint64_t start = sym->st_value;
	struct user_function *f;
	const char *version;
	size_t n;
	char *names;

	if (!most || !is_function(sym, name))
		return 0;
	if (t->machine == EM_ARM && GELF_ST_TYPE(sym->st_info) == STT_FUNC)
		start &= ~1ull; /* Thumb */
	start += t->bias;
	if (!is_code(t, start))
		return 0;
	n = strnlen(name, MIN(most, (size_t)NAME_LONGEST));
	if (n == MIN(most, (size_t)NAME_LONGEST) || t->functions.n >= FUNCTIONS_MAX ||
	    t->names.n > NAMES_MAX - NAME_LONGEST)
		return -E2BIG;
	version = memchr(name, '@', n); /* memcpy@@GLIBC_2.14 */
	if (version)
		n = (size_t)(version - name);
	if (!n)
		return 0;
	names = vec_reserve(t->names.items, t->names.n, &t->names.capacity, n + 1, 1);
	if (!names)
		return -ENOMEM;
	t->names.items = names;
	f = vec_add(&t->functions);
	if (!f)
		return -ENOMEM;
	*f = (struct user_function){
		.start = start,
		.size = sym->st_size,
		.name = (uint32_t)t->names.n,
		.rank = rank(sym, name),
	};
	memcpy(names + t->names.n, name, n);
	names[t->names.n + n] = '\0';
	t->names.n += n + 1;
	return 0;
}

static int compare_functions(const void *a, const void *b)
{
	const struct user_function *x = a, *y = b;

	if (x->start != y->start)
		return CMP(x->start, y->start);
	if (x->rank != y->rank)
		return CMP(x->rank, y->rank);
	return CMP(x->name, y->name); /* the file's order */
}

/* Keep the best name of each address, and its size from whichever tells one. */
static void merge_functions(struct user_table *t)
{
	struct user_function *items = t->functions.items;
	size_t kept = 0;

	for (size_t i = 0; i < t->functions.n; i++) {
		struct user_function *last = kept ? &items[kept - 1] : NULL;

		if (!last || last->start != items[i].start)
			items[kept++] = items[i];
		else if (!last->size)
			last->size = items[i].size;
	}
	t->functions.n = kept;
}

void user_table_finish(struct user_table *t)
{
	struct user_function *items = t->functions.items;
	void *moved;

	if (t->functions.n)
		qsort(items, t->functions.n, sizeof(*items), compare_functions);
	merge_functions(t);
	for (size_t i = 0; i < t->functions.n; i++) {
		uint64_t most = GUESS_MOST;

		if (items[i].size)
			continue;
		if (i + 1 < t->functions.n)
			most = MIN(most, items[i + 1].start - items[i].start);
		items[i].size = most;
		items[i].guessed = true;
	}
	/* give back what the vectors hold in reserve */
	moved = t->functions.n ? realloc(items, t->functions.n * sizeof(*items)) : NULL;
	if (moved) {
		t->functions.items = moved;
		t->functions.capacity = t->functions.n;
	}
	moved = t->names.n ? realloc(t->names.items, t->names.n) : NULL;
	if (moved) {
		t->names.items = moved;
		t->names.capacity = t->names.n;
	}
}

size_t user_table_size(const struct user_table *t)
{
	return t->functions.capacity * sizeof(*t->functions.items) + t->names.capacity +
	       t->segments.capacity * sizeof(*t->segments.items);
}

/* Linkers may let segments share a page of the file: the one with code counts first. */
static bool find_address(const struct user_table *t, uint64_t offset, uint64_t *ret)
{
	const struct user_segment *s, *found = NULL;

	vec_for_each(&t->segments, s)
		if (offset >= s->offset && offset - s->offset < s->n && (!found || s->code))
			found = s;
	if (found)
		*ret = found->address + (offset - found->offset);
	return found;
}

/* How many functions begin at @address or before. */
static size_t count_before(const struct user_table *t, uint64_t address)
{
	size_t low = 0, high = t->functions.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->functions.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int user_table_lookup(const struct user_table *t, uint64_t offset, const char **ret_name,
		      uint64_t *ret_offset)
{
	const struct user_function *found = NULL;
	uint64_t address = 0;
	size_t n, least;

	if (!find_address(t, offset, &address))
		return -ENOENT;
	n = count_before(t, address);
	least = n - MIN(n, (size_t)OUTER_MOST);
	/* A label in the middle of a function's body does not end it. */
	for (size_t i = n; i > least; i--) {
		const struct user_function *f = &t->functions.items[i - 1];

		if (address - f->start >= f->size || (f->guessed && found))
			continue;
		found = f;
		if (!f->guessed)
			break;
	}
	if (!found)
		return -ENOENT;
	*ret_name = t->names.items + found->name;
	*ret_offset = address - found->start;
	return 0;
}
