// SPDX-License-Identifier: GPL-2.0
/*
 * The live kernel's symbols, from /proc/kallsyms: «address type name [\t[module]]», an address of 8
 * or 16 hex digits. Sixteen bytes and a name for each text symbol are kept, sorted by address.
 *
 * Several symbols can share an address. The one that names it best comes first in the sort and is
 * what a lookup answers: not a linker script's section mark, then global before weak before local,
 * then fewer leading underscores, then the kernel's own order. That is the order of the kernel's
 * scripts/kallsyms.c with «global before local» added. The file's first alias, which %pS
 * answers, is another one for 33 of 64,093 addresses of a 6.18 x86-64 kernel; in 29 of them it is
 * __do_sys_x for __ia32_sys_x.
 */
#include "sym/symbolizer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/vec.h"

#define CHUNK	    (128u << 10) /* also the longest line that is understood */
#define MAX_NAMES   (256u << 20)
#define MAX_MODULES 4096u

/*
 * How far a symbol reaches at most. No kernel function is larger than a mebibyte; behind a module's
 * last symbol there may be pages of a module that is gone, which must not get its name.
 */
#define MAX_SYMBOL	(1u << 20)
#define MAX_LAST_SYMBOL (16u << 10)

#define KPTR_RESTRICT "/proc/sys/kernel/kptr_restrict"

struct entry {
	uint64_t address;
	uint32_t name; /* offset into names.items */
	uint16_t module;
	uint8_t rank; /* among symbols of one address, smallest first */
};

enum rank {
	RANK_UNDERSCORES = 0x0f, /* how many lead the name */
	RANK_WEAK = 0x20,
	RANK_LOCAL = 0x40,
	RANK_MARK = 0x80, /* of a section, by the linker script */
};

struct kallsyms {
	struct symbolizer base;
	struct {
		struct entry *items;
		size_t n, capacity;
	} entries;
	struct {
		char *items; /* strings, each ended by NUL */
		size_t n, capacity;
	} names;
	struct {
		uint32_t *items; /* offsets into names.items; 0 is the kernel itself */
		size_t n, capacity;
	} modules;
	/* While loading only. */
	uint16_t last_module;
	size_t n_hidden; /* text symbols whose address reads as zero */
	size_t n_malformed; /* lines */
};

/* A name as it stands in the file, not ended by NUL. */
struct span {
	const char *start;
	size_t n;
};

static bool span_equal(struct span s, const char *text)
{
	return strlen(text) == s.n && !memcmp(s.start, text, s.n);
}

static bool span_starts(struct span s, const char *prefix)
{
	return s.n >= strlen(prefix) && !memcmp(s.start, prefix, strlen(prefix));
}

static bool span_ends(struct span s, const char *suffix)
{
	size_t n = strlen(suffix);

	return s.n >= n && !memcmp(s.start + s.n - n, suffix, n);
}

static bool is_text_type(char type)
{
	/* Not i, indirect functions: the kernel has none. */
	return type == 't' || type == 'T' || type == 'w' || type == 'W';
}

/* Where text ends: what follows is not code, or has symbols of its own. */
static bool is_end_mark(struct span name)
{
	return span_equal(name, "_etext") || span_equal(name, "_einittext");
}

static bool is_section_mark(struct span name)
{
	if (is_end_mark(name) || span_equal(name, "_text") || span_equal(name, "_stext") ||
	    span_equal(name, "_sinittext"))
		return true;
	/* As may_be_linker_script_provide_symbol() of the kernel's scripts/kallsyms.c. */
	if (name.n < 8 || !span_starts(name, "__"))
		return false;
	return span_starts(name, "__start_") || span_starts(name, "__stop_") ||
	       span_starts(name, "__end_") || span_ends(name, "_start") || span_ends(name, "_end");
}

/*
 * Not functions: ARM's mapping symbols ($a $d $t $x, also $d.12), local labels, and the padding in
 * front of functions (__pfx_, since 6.3: 9f2899fe36a6), half of all text symbols on x86-64.
 */
static bool is_noise(struct span name)
{
	const char *s = name.start;

	if (name.n >= 2 && s[0] == '$' && (name.n == 2 || s[2] == '.'))
		return s[1] == 'a' || s[1] == 'd' || s[1] == 't' || s[1] == 'x';
	return span_starts(name, ".L") || span_starts(name, "__pfx_");
}

static uint8_t symbol_rank(struct span name, char type)
{
	uint8_t rank = 0;

	while (rank < MIN(name.n, (size_t)RANK_UNDERSCORES) && name.start[rank] == '_')
		rank++;
	if (type == 't')
		rank |= RANK_LOCAL;
	else if (type != 'T')
		rank |= RANK_WEAK;
	if (is_section_mark(name))
		rank |= RANK_MARK;
	return rank;
}

/* Hex digits at *@p up to @end; advances *@p. False for none or more than 64 bits. */
static bool take_hex(const char **p, const char *end, uint64_t *ret)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; s < end; s++) {
		unsigned int c = (unsigned char)*s;
		unsigned int digit = c - '0';

		if (digit > 9) {
			digit = (c | 0x20) - 'a';
			if (digit > 5)
				break;
			digit += 10;
		}
		v = v << 4 | digit;
	}
	if (s == *p || s - *p > 16)
		return false;
	*p = s;
	*ret = v;
	return true;
}

/* Printable characters at *@p up to @end; advances *@p. */
static struct span take_word(const char **p, const char *end)
{
	struct span word = { .start = *p };
	const char *s = *p;

	while (s < end && (unsigned char)*s > ' ' && *s != 0x7f)
		s++;
	word.n = (size_t)(s - *p);
	*p = s;
	return word;
}

static int add_name(struct kallsyms *k, struct span name, uint32_t *ret)
{
	char *items;

	if (k->names.n + name.n + 1 > MAX_NAMES)
		return -E2BIG;
	items = vec_reserve(k->names.items, k->names.n, &k->names.capacity, name.n + 1, 1);
	if (!items)
		return -ENOMEM;
	k->names.items = items;
	memcpy(items + k->names.n, name.start, name.n);
	items[k->names.n + name.n] = '\0';
	*ret = (uint32_t)k->names.n;
	k->names.n += name.n + 1;
	return 0;
}

static int add_module(struct kallsyms *k, struct span name, uint16_t *ret)
{
	uint32_t *item, offset;
	size_t i;
	int err;

	/* A module's symbols stand together. */
	if (k->modules.n && span_equal(name, k->names.items + k->modules.items[k->last_module])) {
		*ret = k->last_module;
		return 0;
	}
	for (i = 0; i < k->modules.n; i++)
		if (span_equal(name, k->names.items + k->modules.items[i]))
			break;
	if (i == k->modules.n) {
		if (i == MAX_MODULES)
			return -E2BIG;
		err = add_name(k, name, &offset);
		if (err)
			return err;
		item = vec_add(&k->modules);
		if (!item)
			return -ENOMEM;
		*item = offset;
	}
	k->last_module = *ret = (uint16_t)i;
	return 0;
}

static int add_symbol(struct kallsyms *k, uint64_t address, char type, struct span name,
		      struct span module)
{
	struct entry e = { .address = address, .rank = symbol_rank(name, type) }, *item;
	int err;

	if (module.n) {
		err = add_module(k, module, &e.module);
		if (err)
			return err;
	}
	err = add_name(k, name, &e.name);
	if (err)
		return err;
	item = vec_add(&k->entries);
	if (!item)
		return -ENOMEM;
	*item = e;
	return 0;
}

/* One line from @p to @end, without its newline. 0 also for lines that are left out. */
static int parse_line(struct kallsyms *k, const char *p, const char *end)
{
	struct span name, module = { 0 };
	uint64_t address;
	char type;

	if (!take_hex(&p, end, &address) || end - p < 4 || p[0] != ' ' || p[2] != ' ')
		goto malformed;
	type = p[1];
	if (!is_text_type(type))
		return 0;
	p += 3;
	name = take_word(&p, end);
	if (!name.n)
		goto malformed;
	while (p < end && (*p == '\t' || *p == ' '))
		p++;
	if (p < end) {
		module = take_word(&p, end);
		if (p < end || module.n < 3 || module.start[0] != '[' || !span_ends(module, "]"))
			goto malformed;
		module.start++;
		module.n -= 2;
	}
	if (is_noise(name))
		return 0;
	if (!address) {
		k->n_hidden++;
		return 0;
	}
	return add_symbol(k, address, type, name, module);

malformed:
	k->n_malformed++;
	return 0;
}

/* Read all of @fd, line by line, through @buf of CHUNK bytes. */
static int parse_file(struct kallsyms *k, int fd, char *buf)
{
	bool too_long = false; /* in a line whose start has been dropped */
	size_t fill = 0;
	ssize_t got;
	int err;

	for (;;) {
		const char *p = buf, *end, *newline;

		got = read(fd, buf + fill, CHUNK - fill);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		end = buf + fill + got;
		while ((newline = memchr(p, '\n', (size_t)(end - p)))) {
			err = too_long ? 0 : parse_line(k, p, newline);
			if (err)
				return err;
			too_long = false;
			p = newline + 1;
		}
		fill = (size_t)(end - p);
		memmove(buf, p, fill);
		if (fill == CHUNK) {
			k->n_malformed += !too_long;
			too_long = true;
			fill = 0;
		}
	}
	return fill && !too_long ? parse_line(k, buf, buf + fill) : 0;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->address != y->address)
		return CMP(x->address, y->address);
	if (x->rank != y->rank)
		return CMP(x->rank, y->rank);
	return CMP(x->name, y->name); /* names are stored in the order of the file */
}

static void sort_entries(struct kallsyms *k)
{
	size_t i;

	/* The kernel's own symbols come nearly sorted, modules don't. */
	for (i = 1; i < k->entries.n; i++)
		if (compare_entries(&k->entries.items[i - 1], &k->entries.items[i]) > 0)
			break;
	if (i < k->entries.n)
		qsort(k->entries.items, k->entries.n, sizeof(k->entries.items[0]), compare_entries);
}

/* Give back what the vectors hold in reserve; realloc() to less may fail, which is harmless. */
static void trim(struct kallsyms *k)
{
	void *moved;

	moved = realloc(k->entries.items, k->entries.n * sizeof(k->entries.items[0]));
	if (moved) {
		k->entries.items = moved;
		k->entries.capacity = k->entries.n;
	}
	moved = realloc(k->names.items, k->names.n);
	if (moved) {
		k->names.items = moved;
		k->names.capacity = k->names.n;
	}
}

/* The first entry whose address is not below @address (above it if @after), or n. */
static size_t first_entry(const struct kallsyms *k, uint64_t address, bool after)
{
	size_t low = 0, high = k->entries.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t there = k->entries.items[middle].address;

		if (there < address || (after && there == address))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void fill_symbol(const struct kallsyms *k, size_t i, struct symbol *ret)
{
	const struct entry *e = &k->entries.items[i], *next = NULL;
	const char *name = k->names.items + e->name;
	size_t end = first_entry(k, e->address, true);
	uint64_t size = UINT64_MAX - e->address;

	if (end < k->entries.n) {
		next = &k->entries.items[end];
		size = next->address - e->address;
	}
	size = MIN(size, (uint64_t)MAX_SYMBOL);
	if (e->module && (!next || next->module != e->module))
		size = MIN(size, (uint64_t)MAX_LAST_SYMBOL);
	if (is_end_mark((struct span){ name, strlen(name) }))
		size = 0;
	*ret = (struct symbol){
		.name = name,
		.module = k->names.items + k->modules.items[e->module],
		.start = e->address,
		.size = size,
	};
}

static int kallsyms_lookup(struct symbolizer *s, uint64_t address, struct symbol *ret)
{
	const struct kallsyms *k = (const struct kallsyms *)s;
	size_t after = first_entry(k, address, true);
	struct symbol found;

	if (!after)
		return -ENOENT;
	fill_symbol(k, first_entry(k, k->entries.items[after - 1].address, false), &found);
	if (address - found.start >= found.size)
		return -ENOENT;
	*ret = found;
	return 0;
}

static int kallsyms_find(struct symbolizer *s, const char *name,
			 int (*visit)(const struct symbol *sym, void *arg), void *arg)
{
	const struct kallsyms *k = (const struct kallsyms *)s;
	struct symbol sym;
	int r, result = -ENOENT;
	size_t i;

	for (i = 0; i < k->entries.n; i++) {
		if (strcmp(k->names.items + k->entries.items[i].name, name))
			continue;
		fill_symbol(k, i, &sym);
		r = visit(&sym, arg);
		if (r)
			return r;
		result = 0;
	}
	return result;
}

static int kallsyms_module_range(struct symbolizer *s, const char *name, uint64_t *ret_start,
				 uint64_t *ret_end)
{
	const struct kallsyms *k = (const struct kallsyms *)s;
	size_t module, i, first = SIZE_MAX, last = 0;
	struct symbol sym;

	for (module = 0; module < k->modules.n; module++)
		if (!strcmp(k->names.items + k->modules.items[module], name))
			break;
	for (i = 0; i < k->entries.n; i++) {
		if (k->entries.items[i].module != module)
			continue;
		first = MIN(first, i);
		last = i;
	}
	if (first == SIZE_MAX)
		return -ENOENT;
	fill_symbol(k, last, &sym);
	*ret_start = k->entries.items[first].address;
	*ret_end = sym.start + sym.size;
	return 0;
}

static void kallsyms_free(struct symbolizer *s)
{
	struct kallsyms *k = (struct kallsyms *)s;

	free(k->entries.items);
	free(k->names.items);
	free(k->modules.items);
	free(k);
}

static const struct symbolizer_ops kallsyms_ops = {
	.lookup = kallsyms_lookup,
	.find = kallsyms_find,
	.module_range = kallsyms_module_range,
	.free = kallsyms_free,
};

/* As kallsyms_show_value(): with 0 the unprivileged see nothing either, unless perf may look. */
static int fail_hidden(const char *path, struct failure *f)
{
	_cleanup_close_ int fd = open(KPTR_RESTRICT, O_RDONLY | O_CLOEXEC);
	char value = '?';

	if (fd >= 0 && read(fd, &value, 1) != 1)
		value = '?';
	if (value == '2')
		return fail(f, FAILURE_UNSUPPORTED, -EPERM,
			    "%s hides every address because kernel.kptr_restrict is 2; run "
			    "«sysctl -w kernel.kptr_restrict=1» as root and try again",
			    path);
	return fail(
		f, FAILURE_UNSUPPORTED, -EPERM,
		"%s hides every address: CAP_SYSLOG is missing (kernel.kptr_restrict is %c); run "
		"as root or with CAP_SYSLOG",
		path, value);
}

static int load(struct kallsyms *k, const char *path, struct failure *f)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *buf = malloc(CHUNK);
	int err;

	if (fd < 0)
		return fail(f, FAILURE_UNSUPPORTED, -errno, "cannot open %s: %s%s", path,
			    strerror(errno),
			    errno == ENOENT ? " (a kernel without CONFIG_KALLSYMS, or no /proc?)"
					    : "");
	if (!buf)
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory for %s", path);
	err = add_module(k, (struct span){ "vmlinux", 7 }, &k->last_module);
	if (!err)
		err = parse_file(k, fd, buf);
	if (err)
		return fail(f, FAILURE_INTERNAL, err, "cannot read %s: %s", path, strerror(-err));
	if (!k->entries.n && k->n_hidden)
		return fail_hidden(path, f);
	if (!k->entries.n)
		return fail(f, FAILURE_UNSUPPORTED, -ENODATA,
			    "%s lists no functions; is it a kernel's symbol list?", path);
	return 0;
}

int kallsyms_open(const char *path, struct symbolizer **ret, struct failure *f)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	struct kallsyms *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory for %s", path);
	s = &k->base;
	s->ops = &kallsyms_ops;
	err = load(k, path, f);
	if (err)
		return err;
	sort_entries(k);
	trim(k);
	log_debug("%s: %zu functions, %zu modules, %zu bytes; %zu lines not understood", path,
		  k->entries.n, k->modules.n - 1,
		  k->entries.n * sizeof(k->entries.items[0]) + k->names.n, k->n_malformed);
	*ret = TAKE_PTR(s);
	return 0;
}
