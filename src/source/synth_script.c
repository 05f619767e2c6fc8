// SPDX-License-Identifier: GPL-2.0
/* Scripts of events, line by line. */
#include "source/synth_values.h"

#include <errno.h>
#include <string.h>

#define SYNTH_REPEATS_MAX 10000000

/* A line that is being read. */
struct line {
	char *rest;
	const char *word; /* the one that was read last */
	const char *wrong; /* what is wrong with it; NULL: nothing */
	const char *until; /* the line that ends its text; NULL: it has none */
};

static int wrong(struct line *l, const char *what)
{
	l->wrong = what;
	return -EINVAL;
}

/* The next word of the line; quotes hold one together. NULL at the end. */
static char *next_word(struct line *l)
{
	char *word, *c;
	bool quoted = false;

	l->rest += strspn(l->rest, " \t\r");
	word = c = l->rest;
	if (!*word || *word == '#')
		return NULL;
	for (; *c && (quoted || !strchr(" \t\r", *c)); c++) {
		if (quoted && *c == '\\' && c[1])
			c++;
		else if (*c == '"')
			quoted = !quoted;
	}
	l->rest = *c ? c + 1 : c;
	*c = '\0';
	l->word = word;
	return word;
}

struct repeat {
	uint64_t n, step_ns, step;
	enum synth_place place; /* of .step */
};

/* «step_…=N» of a repeat. */
static int parse_step(struct line *l, const char *word, struct repeat *ret)
{
	const char *end;

	if (!strncmp(word, "step_ns=", 8))
		return synth_time(word + 8, &ret->step_ns) ? wrong(l, "not a number") : 0;
	if (ret->place != PLACE_NONE)
		return wrong(l, "given twice");
	ret->place = !strncmp(word, "step_ptr=", 9)   ? PLACE_PTR
		     : !strncmp(word, "step_pfn=", 9) ? PLACE_PFN
						      : PLACE_NONE;
	if (ret->place == PLACE_NONE)
		return wrong(l, "there are only step_ns=, step_ptr= and step_pfn=");
	if (synth_number(word + 9, UINT64_MAX, &ret->step, &end) || *end)
		return wrong(l, "not a number");
	return 0;
}

/* Read what stands before the record's time, if anything; *@word is then the time. */
static int parse_repeat(struct line *l, char **word, struct repeat *ret)
{
	const char *end;

	if (strcmp(*word, "repeat"))
		return 0;
	*word = next_word(l);
	if (!*word || synth_number(*word, SYNTH_REPEATS_MAX, &ret->n, &end) || *end)
		return wrong(l, "how often to repeat is missing or too much");
	while ((*word = next_word(l)) && !strncmp(*word, "step_", 5))
		if (parse_step(l, *word, ret))
			return -EINVAL;
	return *word ? 0 : wrong(l, "what to repeat is missing");
}

static int parse_field(struct line *l, const struct synth_kind *kind, char *word,
		       union synth_record *r, uint32_t *seen)
{
	char *value = strchr(word, '=');
	size_t i, len = value ? (size_t)(value - word) : 0;

	for (i = 0; value && kind->fields[i].key; i++) {
		const struct synth_field *field = &kind->fields[i];

		if (strlen(field->key) != len || strncmp(field->key, word, len))
			continue;
		if (*seen & 1u << i)
			return wrong(l, "given twice");
		*seen |= 1u << i;
		return field->parse(r, field->offset, value + 1) ? wrong(l, "bad value") : 0;
	}
	return wrong(l, value ? "this kind has no such key" : "not key=value");
}

static int parse_fields(struct line *l, const struct synth_kind *kind, union synth_record *r)
{
	uint32_t seen = 0;
	bool text;
	char *word;
	size_t i;

	while ((word = next_word(l))) {
		if (l->until)
			return wrong(l, "nothing follows <<");
		if (!strncmp(word, "<<", 2) && word[2])
			l->until = word + 2;
		else if (parse_field(l, kind, word, r, &seen))
			return -EINVAL;
	}
	l->word = kind->name;
	for (i = 0; kind->fields[i].key; i++)
		if (kind->fields[i].required && !(seen & 1u << i))
			return wrong(l, "a key that it needs is missing");
	l->wrong = kind->check ? kind->check(r, seen) : NULL;
	if (l->wrong)
		return -EINVAL;
	text = kind->kind == EVENT_SNAPSHOT && r->h.flags != SNAPSHOT_FRAMES;
	if (text != (l->until != NULL))
		return wrong(l, text ? "its text is missing: <<" : "this has no text");
	return 0;
}

/* «cpuN» */
static int parse_cpu(const char *word, uint16_t *ret)
{
	const char *end;
	uint64_t n;

	if (!word || strncmp(word, "cpu", 3) ||
	    synth_number(word + 3, SYNTH_CPUS_MAX - 1, &n, &end) || *end)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* @ret_kind is NULL where the line holds no record. */
static int parse_line(struct line *l, union synth_record *r, struct repeat *repeat,
		      const struct synth_kind **ret_kind)
{
	char *word = next_word(l);
	const struct synth_kind *kind;
	uint64_t time;
	uint16_t cpu;

	*ret_kind = NULL;
	*repeat = (struct repeat){ .n = 1 };
	if (!word)
		return 0;
	if (parse_repeat(l, &word, repeat))
		return -EINVAL;
	if (synth_time(word, &time))
		return wrong(l, "not a time");
	if (parse_cpu(next_word(l), &cpu))
		return wrong(l, "cpuN is missing, or too large");
	kind = synth_kind_find(next_word(l));
	if (!kind)
		return wrong(l, "no such kind of record");
	synth_record_begin(r, kind->kind);
	r->h.time = time;
	r->h.cpu = cpu;
	if (parse_fields(l, kind, r))
		return -EINVAL;
	if (synth_record_made(r, kind) && repeat->n != 1)
		return wrong(l, "this kind can't be repeated");
	if (repeat->place != PLACE_NONE && repeat->place != kind->place)
		return wrong(l, "this kind has not what the step is of");
	*ret_kind = kind;
	return 0;
}

/* --- scripts -------------------------------------------------------------------------------------- */

static int record_repeat(const struct synth_taker *taker, union synth_record *r,
			 const struct synth_kind *kind, const struct repeat *repeat)
{
	uint64_t i;
	int err = 0;

	for (i = 0; i < repeat->n && !err; i++) {
		err = taker->take(taker->arg, &r->h, synth_record_made(r, kind));
		synth_record_step(r, repeat->step_ns, repeat->place, repeat->step);
	}
	return err;
}

/*
 * The text from *@rest up to line @until, which is passed over; *@number counts its lines. NULL if
 * there is no such line.
 */
static char *here_text(char **rest, const char *until, unsigned int *number)
{
	size_t len = strlen(until);
	char *text = *rest, *c = text;

	while (c) {
		++*number;
		if (!strncmp(c, until, len) && (c[len] == '\n' || !c[len])) {
			*rest = c[len] ? c + len + 1 : NULL;
			*c = '\0';
			return text;
		}
		c = strchr(c, '\n');
		c = c ? c + 1 : NULL;
	}
	return NULL;
}

/* A snapshot and its text. */
static int snapshot_take(const struct synth_taker *taker, const union synth_record *r,
			 const char *text)
{
	size_t size = strlen(text) + 1;
	_cleanup_free_ struct event_snapshot *e = malloc(sizeof(*e) + size);

	if (!e)
		return -ENOMEM;
	*e = r->snapshot;
	e->size = (uint32_t)size;
	memcpy(e->data, text, size);
	return taker->take(taker->arg, &e->h, true);
}

/* Where a record may stand. */
static int check_place(struct line *l, const struct synth_kind *kind, const struct synth_kind *last)
{
	l->word = kind->name;
	if (!last != (kind->kind == EVENT_START))
		return wrong(l, "start is the first record, and only that");
	if (last && last->kind == EVENT_END)
		return wrong(l, "nothing follows end");
	return 0;
}

int synth_script_read(char *text, const struct synth_taker *taker, struct failure *f)
{
	const struct synth_kind *last = NULL;
	unsigned int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct line l = { .rest = line, .word = "" };
		unsigned int at = ++number;
		const struct synth_kind *kind;
		union synth_record r;
		struct repeat repeat;
		char *here = NULL;
		int err;

		err = parse_line(&l, &r, &repeat, &kind);
		if (!err && kind)
			err = check_place(&l, kind, last);
		if (!err && l.until) {
			here = here_text(&text, l.until, &number);
			err = here ? 0 : wrong(&l, "the end of its text is missing");
		}
		if (err)
			return fail(f, FAILURE_USAGE, err, "script: line %u: «%s»: %s", at, l.word,
				    l.wrong);
		last = kind ? kind : last;
		if (kind)
			err = here ? snapshot_take(taker, &r, here)
				   : record_repeat(taker, &r, kind, &repeat);
		if (err)
			return err;
	}
	if (!last || last->kind != EVENT_END)
		return fail(f, FAILURE_USAGE, -EINVAL, "script: line %u: end is missing", number);
	return 0;
}
