// SPDX-License-Identifier: GPL-2.0
/* Texts of a recording: what /proc said, and what is said of the run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "procfs/scan.h"
#include "record/anonymize_parts.h"

#define SELECTION_MAX 8192 /* bytes: the longest that options can make */

/* --- /proc/vmallocinfo -------------------------------------------------------------------------------- */

/* «0xSTART-0xEND SIZE», and how many digits the addresses have. */
struct area_line {
	uint64_t start, end, bytes;
	int digits;
};

static bool take_area(struct scan *s, struct area_line *ret)
{
	const char *digits;

	if (!scan_literal(s, "0x"))
		return false;
	digits = s->p;
	if (!scan_hex(s, &ret->start))
		return false;
	ret->digits = (int)MIN(s->p - digits, (ptrdiff_t)16);
	if (!scan_literal(s, "-0x") || !scan_hex(s, &ret->end))
		return false;
	scan_blanks(s);
	return scan_u64(s, &ret->bytes);
}

/* Whether addresses are no addresses but hashes, or 0: see vmallocinfo.h. */
static bool is_hidden(const char *text)
{
	struct scan line;

	while (scan_line(&text, &line)) {
		struct area_line area;

		if (take_area(&line, &area) &&
		    (area.end - area.start != area.bytes || area.end <= area.start))
			return true;
	}
	return false;
}

static bool is_hash(bool hidden, uint64_t address)
{
	return hidden && !(address >> 32);
}

/* Another hash for each hash of an address, which are 32 bits. */
static uint64_t other_hash(const struct anonymizer *a, uint64_t hash)
{
	uint32_t x = (uint32_t)hash;

	if (!hash)
		return 0;
	x = (x ^ (uint32_t)a->keys[0]) * ((uint32_t)(a->keys[0] >> 32) | 1);
	x = (x ^ x >> 15) * ((uint32_t)a->keys[1] | 1);
	return x ^ x >> 16;
}

static bool take_word(struct scan *s, struct scan *ret)
{
	ret->p = s->p;
	while (s->p < s->end && *s->p != ' ')
		s->p++;
	ret->end = s->p;
	while (s->p < s->end && *s->p == ' ')
		s->p++;
	return ret->p < s->p;
}

/* A caller that has no name any more reads as its address. */
static bool is_address(struct scan word, uint64_t *ret)
{
	return scan_literal(&word, "0x") && scan_hex(&word, ret) && scan_done(&word);
}

static void note_areas(struct anonymizer *a, const char *text)
{
	bool hidden = is_hidden(text);
	struct scan line, word;

	while (scan_line(&text, &line)) {
		struct area_line area;
		uint64_t address;

		if (!take_area(&line, &area))
			continue;
		if (!is_hash(hidden, area.start))
			shifts_note(a->shifts, area.start, area.bytes, SHIFT_AREA);
		while (take_word(&line, &word))
			if (is_address(word, &address))
				shifts_note(a->shifts, address, 1, SHIFT_CODE);
	}
}

static bool put_word(struct anonymizer *a, struct scan word, FILE *out)
{
	size_t n = (size_t)(word.end - word.p), name = n;
	const char *plus = memchr(word.p, '+', n), *symbol;
	uint64_t address;

	if (is_address(word, &address)) {
		fprintf(out, "0x%" PRIx64, shifts_move(a->shifts, address));
		return true;
	}
	if (plus)
		name = (size_t)(plus - word.p);
	symbol = anonymous_symbol(a, word.p, name);
	if (!symbol)
		return false;
	if (symbol == word.p)
		fprintf(out, "%.*s", (int)n, word.p);
	else
		fprintf(out, "%s%.*s", symbol, (int)(n - name), word.p + name);
	return true;
}

static bool put_areas(struct anonymizer *a, const char *text, FILE *out)
{
	bool hidden = is_hidden(text), fine = true;
	struct scan line, word;

	while (scan_line(&text, &line) && fine) {
		struct area_line area;
		uint64_t start, end;

		/* whoever reads it stumbles there as well */
		if (!take_area(&line, &area)) {
			fputs("?\n", out);
			continue;
		}
		start = is_hash(hidden, area.start) ? other_hash(a, area.start)
						    : shifts_move(a->shifts, area.start);
		end = is_hash(hidden, area.end) ? other_hash(a, area.end)
						: start + (area.end - area.start);
		fprintf(out, "0x%0*" PRIx64 "-0x%0*" PRIx64 " %7" PRIu64, area.digits, start,
			area.digits, end, area.bytes);
		while (fine && take_word(&line, &word)) {
			fputs(word.p < word.end ? " " : "", out);
			fine = put_word(a, word, out);
		}
		fputc('\n', out);
	}
	return fine;
}

/* --- other files ---------------------------------------------------------------------------------------- */

/* «0xSTART 0xEND KIND NAME» */
struct function_line {
	uint64_t start, end;
	char kind[16], name[64];
};

static bool take_function(struct scan *s, struct function_line *ret)
{
	bool found = scan_literal(s, "0x") && scan_hex(s, &ret->start);

	scan_blanks(s);
	found = found && scan_literal(s, "0x") && scan_hex(s, &ret->end);
	scan_blanks(s);
	found = found && scan_name(s, ret->kind, sizeof(ret->kind));
	scan_blanks(s);
	return found && scan_name(s, ret->name, sizeof(ret->name));
}

static void note_functions(struct anonymizer *a, const char *text)
{
	struct scan line;

	while (scan_line(&text, &line)) {
		struct function_line f;

		if (take_function(&line, &f))
			shifts_note(a->shifts, f.start, f.end > f.start ? f.end - f.start : 1,
				    SHIFT_CODE);
	}
}

static bool put_functions(struct anonymizer *a, const char *text, FILE *out)
{
	struct scan line;

	while (scan_line(&text, &line)) {
		struct function_line f;
		uint64_t start;

		if (!take_function(&line, &f))
			continue;
		start = shifts_move(a->shifts, f.start);
		fprintf(out, "0x%" PRIx64 " 0x%" PRIx64 " %s %s\n", start,
			start + (f.end - f.start), f.kind, f.name);
	}
	return true;
}

/* Where the kernel itself lies in memory is chosen at random at boot: that is left out. */
static bool put_iomem(struct anonymizer *a _unused_, const char *text, FILE *out)
{
	static const char *const names[] = { " : Kernel code", " : Kernel rodata", " : Kernel data",
					     " : Kernel bss" };
	ptrdiff_t hidden = PTRDIFF_MAX; /* lines that are indented more go, too */
	struct scan line;
	size_t i;

	while (scan_line(&text, &line)) {
		struct scan s = line;
		size_t n = (size_t)(line.end - line.p);

		scan_blanks(&s);
		if (s.p - line.p > hidden)
			continue;
		hidden = PTRDIFF_MAX;
		for (i = 0; i < ARRAY_SIZE(names); i++)
			if (n >= strlen(names[i]) &&
			    !memcmp(line.end - strlen(names[i]), names[i], strlen(names[i])))
				hidden = s.p - line.p;
		if (hidden == PTRDIFF_MAX)
			fprintf(out, "%.*s\n", (int)n, line.p);
	}
	return true;
}

static const struct {
	void (*note)(struct anonymizer *a, const char *text);
	bool (*put)(struct anonymizer *a, const char *text, FILE *out);
} files[SNAPSHOT_MAX] = {
	[SNAPSHOT_VMALLOCINFO] = { note_areas, put_areas },
	[SNAPSHOT_ALLOCATORS] = { note_functions, put_functions },
	[SNAPSHOT_IOMEM] = { NULL, put_iomem },
};

void anonymous_note_text(struct anonymizer *a, enum snapshot_file file, const char *text)
{
	if (files[file].note)
		files[file].note(a, text);
}

char *anonymous_snapshot(struct anonymizer *a, enum snapshot_file file, const char *text)
{
	char *made = NULL;
	size_t size;
	bool fine;
	FILE *out;

	if (!files[file].put)
		return strdup(text);
	out = open_memstream(&made, &size);
	if (!out)
		return NULL;
	fine = files[file].put(a, text, out);
	if (fclose(out) || !fine) {
		free(made);
		return NULL;
	}
	return made;
}

/* --- what is said of the run ------------------------------------------------------------------------------ */

const char *const anonymizer_keys[] = { "kmscope",  "command",	    "kernel",	   "arch", "areas",
					"selected", "stacks",	    "user_stacks", "map",  "tasks",
					"cgroups",  "capabilities", "names_why",   NULL };

enum phrase_value {
	VALUE_WORD, /* letters, digits and the like: a number, or a name of the kernel's */
	VALUE_COMM,
	VALUE_PROGRAM,
	VALUE_CGROUP,
};

/* In this order, each at most once: see selection_describe(). */
static const struct phrase {
	const char *begin, *end;
	enum phrase_value value;
} phrases[] = {
	{ " of process ", "", VALUE_WORD },
	{ " of tasks named ", "", VALUE_COMM },
	{ " of ", " and its descendants", VALUE_PROGRAM },
	{ " in cgroup ", "", VALUE_CGROUP },
	{ " by ", "()", VALUE_WORD },
	{ " by module ", "", VALUE_WORD },
	{ " from ", "", VALUE_WORD },
	{ " of at least ", " bytes", VALUE_WORD },
	{ " of at most ", " bytes", VALUE_WORD },
	{ ", one in ", " followed", VALUE_WORD },
};

/* Of the @n bytes at @text. NULL: that can't be one. */
static char *replace_value(struct anonymizer *a, enum phrase_value kind, const char *text, size_t n)
{
	_cleanup_free_ char *value = strndup(text, n);
	const char *other = value;

	if (kind == VALUE_COMM)
		other = value && n < 16 ? anonymous_comm(a, value) : NULL;
	else if (kind == VALUE_PROGRAM)
		other = value ? anonymous_path(a, value) : NULL;
	else if (kind == VALUE_CGROUP)
		other = aliases_get(&a->groups, text, n);
	return other ? strdup(other) : NULL;
}

static char *replace_phrases(struct anonymizer *a, const char *text, size_t from);

/* @text as phrase @p and those that may follow it; NULL if it is something else. */
static char *replace_phrase(struct anonymizer *a, const char *text, const struct phrase *p)
{
	const char *value = text + strlen(p->begin);
	size_t n, n_end = strlen(p->end);

	if (strncmp(text, p->begin, strlen(p->begin)))
		return NULL;
	for (n = 1; value[n - 1]; n++) {
		_cleanup_free_ char *rest = NULL, *other = NULL;
		char *made;

		if (p->value == VALUE_WORD && strchr(" \t\n,()\"'/\\", value[n - 1]))
			return NULL;
		if (strncmp(value + n, p->end, n_end))
			continue;
		rest = replace_phrases(a, value + n + n_end, (size_t)(p - phrases) + 1);
		other = rest ? replace_value(a, p->value, value, n) : NULL;
		if (other && asprintf(&made, "%s%s%s%s", p->begin, other, p->end, rest) >= 0)
			return made;
	}
	return NULL;
}

static char *replace_phrases(struct anonymizer *a, const char *text, size_t from)
{
	char *made = NULL;
	size_t i;

	if (!*text)
		return strdup("");
	for (i = from; i < ARRAY_SIZE(phrases) && !made; i++)
		made = replace_phrase(a, text, &phrases[i]);
	return made;
}

char *anonymizer_text(struct anonymizer *a, const char *key, const char *value)
{
	char *made = NULL;

	if (strcmp(key, "selected"))
		return strdup(value);
	if (strlen(value) < SELECTION_MAX)
		made = replace_phrases(a, value, 0);
	return made ? made : strdup(" of a selection");
}
