// SPDX-License-Identifier: GPL-2.0
#include "source/synth.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "event/merge.h"

#define SYNTH_CPUS_MAX	  256
#define SYNTH_REPEATS_MAX 10000000

/* Any record, for building one. */
union synth_record {
	struct event_header h;
	struct event_alloc alloc;
	struct event_free free;
	struct event_cache cache;
	struct event_task task;
	struct event_stack stack;
	struct event_counters counters;
	struct event_misses misses;
	struct event_start start;
};

/* Places in .bytes of one CPU's records, in the order of its ring. */
struct synth_lane {
	size_t *items;
	size_t n, capacity;
	size_t next; /* to be pushed into the merge */
};

struct synth {
	struct source source;
	char *bytes; /* all records, one after the other */
	size_t n_bytes, capacity_bytes;
	struct {
		size_t *items;
		size_t n, capacity;
	} made; /* places of the records that user space makes */
	size_t next_made;
	struct synth_lane *lanes;
	size_t n_lanes;
	struct merge *merge;
	uint64_t newest; /* time of anything delivered so far */
	bool stopped, ended;
	const struct event_sink *sink; /* during read() */
};

/* --- values ------------------------------------------------------------------------------------- */

/* A line that is being read. */
struct line {
	char *rest;
	const char *word; /* the one that was read last */
	const char *wrong; /* what is wrong with it; NULL: nothing */
};

static int wrong(struct line *l, const char *what)
{
	l->wrong = what;
	return -EINVAL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of a quoted name at *@from, which moves on; -1: no such escape. */
static int quoted_byte(const char **from)
{
	const char *c = *from;

	if (*c != '\\') {
		*from = c + 1;
		return (unsigned char)*c;
	}
	if (c[1] == '"' || c[1] == '\\') {
		*from = c + 2;
		return (unsigned char)c[1];
	}
	if (c[1] != 'x' || hex_digit(c[2]) < 0 || hex_digit(c[3]) < 0)
		return -1;
	*from = c + 4;
	return hex_digit(c[2]) * 16 + hex_digit(c[3]);
}

static int parse_number(const char *text, uint64_t max, uint64_t *ret, const char **ret_end)
{
	unsigned long long n;
	char *end;

	if (!isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || n > max)
		return -EINVAL;
	*ret = n;
	*ret_end = end;
	return 0;
}

static int parse_time(const char *text, uint64_t *ret)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "", 1 }, { "us", NSEC_PER_USEC }, { "ms", NSEC_PER_MSEC }, { "s", NSEC_PER_SEC }
	};
	const char *end;
	uint64_t n;
	size_t i;

	if (parse_number(text, UINT64_MAX, &n, &end))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].name))
			return __builtin_mul_overflow(n, units[i].ns, ret) ? -EINVAL : 0;
	return -EINVAL;
}

static int value_u32(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (parse_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint32_t *)((char *)r + offset) = (uint32_t)n;
	return 0;
}

static int value_u64(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (parse_number(value, UINT64_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint64_t *)((char *)r + offset) = n;
	return 0;
}

static int value_s32(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	bool negative = *value == '-';
	uint64_t n;

	if (parse_number(value + negative, INT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*(int32_t *)((char *)r + offset) = negative ? -(int32_t)n : (int32_t)n;
	return 0;
}

static int value_name(union synth_record *r, size_t offset, size_t room, const char *value)
{
	bool quoted = *value == '"';
	char *to = (char *)r + offset;
	size_t n = 0;

	value += quoted;
	while (*value && !(quoted && *value == '"')) {
		int byte = quoted ? quoted_byte(&value) : (unsigned char)*value++;

		if (byte < 0 || n == room)
			return -EINVAL;
		to[n++] = (char)byte;
	}
	if (quoted)
		return strcmp(value, "\"") ? -EINVAL : 0;
	return 0;
}

static int value_cache_name(union synth_record *r, size_t offset, const char *value)
{
	return value_name(r, offset, EVENT_NAME_LEN - 1, value);
}

static int value_comm(union synth_record *r, size_t offset, const char *value)
{
	return value_name(r, offset, sizeof(r->task.comm), value);
}

static int value_requested(union synth_record *r, size_t offset, const char *value)
{
	uint64_t *what = (uint64_t *)((char *)r + offset), n;
	const char *end;

	if (parse_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*what = event_pack_sizes((uint32_t)n, event_given(*what));
	r->h.flags |= EVENT_SIZES;
	return 0;
}

static int value_given(union synth_record *r, size_t offset, const char *value)
{
	uint64_t *what = (uint64_t *)((char *)r + offset), n;
	const char *end;

	if (parse_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*what = event_pack_sizes(event_requested(*what), (uint32_t)n);
	r->h.flags |= EVENT_SIZES;
	return 0;
}

static int value_flags(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const struct {
		const char *name;
		uint8_t flag;
	} flags[] = { { "own", EVENT_OWN }, { "reuse", EVENT_REUSE }, { "again", EVENT_AGAIN } };
	size_t i, len;

	for (; *value; value += len, value += *value == ',') {
		len = strcspn(value, ",");
		for (i = 0; i < ARRAY_SIZE(flags); i++)
			if (strlen(flags[i].name) == len && !strncmp(value, flags[i].name, len))
				break;
		if (i == ARRAY_SIZE(flags))
			return -EINVAL;
		r->h.flags |= flags[i].flag;
	}
	return 0;
}

/* @max numbers at most, with commas between; returns how many, or -EINVAL. */
static int parse_list(const char *value, uint64_t *to, size_t max)
{
	size_t n = 0;

	for (;;) {
		if (n == max || parse_number(value, UINT64_MAX, &to[n], &value))
			return -EINVAL;
		n++;
		if (!*value)
			return (int)n;
		if (*value++ != ',')
			return -EINVAL;
	}
}

static int value_frames(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t frames[EVENT_STACK_DEPTH];
	int n = parse_list(value, frames, EVENT_STACK_DEPTH);

	if (n < 0)
		return n;
	r->stack.n = (uint32_t)n;
	memcpy(r->stack.frames, frames, (size_t)n * sizeof(frames[0]));
	return 0;
}

static int value_lost(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t lost[2];

	if (parse_list(value, lost, 2) != 2)
		return -EINVAL;
	memcpy(r->counters.lost, lost, sizeof(lost));
	return 0;
}

static int value_misses(union synth_record *r, size_t offset, const char *value)
{
	if (strcmp(value, "unknown"))
		return value_u64(r, offset, value);
	r->misses.misses = EVENT_MISSES_UNKNOWN;
	return 0;
}

/* --- kinds ---------------------------------------------------------------------------------------- */

struct field {
	const char *key;
	int (*parse)(union synth_record *r, size_t offset, const char *value);
	size_t offset;
	bool required;
};

#define FIELD(type, member) offsetof(struct event_##type, member)
#define FIELD_PID                                                           \
	{                                                                   \
		"pid", value_u32, offsetof(struct event_header, pid), false \
	}
#define ALLOC_FIELDS(sizes, id)                                            \
	{ "ptr", value_u64, FIELD(alloc, ptr), true },                     \
		{ "site", value_u64, FIELD(alloc, site), true },           \
		{ "req", value_requested, FIELD(alloc, what), sizes },     \
		{ "alloc", value_given, FIELD(alloc, what), sizes },       \
		{ "gfp", value_u32, FIELD(alloc, gfp), false }, FIELD_PID, \
		{ "stack", value_s32, FIELD(alloc, stack), false },        \
		{ "flags", value_flags, 0, false },                        \
	{                                                                  \
		id, value_u64, FIELD(alloc, what), false                   \
	}

static const struct field kmalloc_fields[] = { ALLOC_FIELDS(true, NULL) };
static const struct field cache_alloc_fields[] = { ALLOC_FIELDS(false, "cache"), { 0 } };

static const struct field free_fields[] = {
	{ "ptr", value_u64, FIELD(free, ptr), true },
	FIELD_PID,
	{ 0 },
};

static const struct field cache_fields[] = {
	{ "id", value_u64, FIELD(cache, id), true },
	{ "object", value_u32, FIELD(cache, object_size), true },
	{ "slab", value_u32, FIELD(cache, slab_size), true },
	{ "name", value_cache_name, FIELD(cache, name), false },
	{ 0 },
};

static const struct field task_fields[] = {
	FIELD_PID,
	{ "tid", value_u32, FIELD(task, tid), false },
	{ "cgroup", value_u64, FIELD(task, cgroup), false },
	{ "comm", value_comm, FIELD(task, comm), false },
	{ 0 },
};

static const struct field stack_fields[] = {
	{ "id", value_s32, FIELD(stack, id), true },
	{ "frames", value_frames, 0, true },
	{ 0 },
};

static const struct field counters_fields[] = {
	{ "lost", value_lost, 0, false },
	{ "filtered", value_u64, FIELD(counters, filtered), false },
	{ "nulls", value_u64, FIELD(counters, nulls), false },
	{ "map_full", value_u64, FIELD(counters, map_full), false },
	{ 0 },
};

static const struct field misses_fields[] = {
	{ "misses", value_misses, FIELD(misses, misses), true },
	{ 0 },
};

static const struct field start_fields[] = {
	{ "wall_ns", value_u64, FIELD(start, wall_ns), false },
	{ "page_size", value_u32, FIELD(start, page_size), false },
	{ "kmalloc_max", value_u32, FIELD(start, kmalloc_max), false },
	{ "gfp_dma", value_u32, FIELD(start, gfp_dma), false },
	{ "gfp_reclaimable", value_u32, FIELD(start, gfp_reclaimable), false },
	{ "gfp_account", value_u32, FIELD(start, gfp_account), false },
	{ "n_cpus", value_u32, FIELD(start, n_cpus), false },
	{ "sample", value_u32, FIELD(start, sample), false },
	{ "selected", value_u32, FIELD(start, selected), false },
	{ 0 },
};

static const struct field no_fields[] = { { 0 } };

struct kind {
	const char *name;
	enum event_kind kind;
	bool made; /* by user space: goes through no lane */
	const struct field *fields; /* ends with a NULL key */
};

static const struct kind kinds[] = {
	{ "kmalloc", EVENT_KMALLOC, false, kmalloc_fields },
	{ "cache_alloc", EVENT_CACHE_ALLOC, false, cache_alloc_fields },
	{ "kfree", EVENT_KFREE, false, free_fields },
	{ "cache_free", EVENT_CACHE_FREE, false, free_fields },
	{ "cache", EVENT_CACHE, false, cache_fields },
	{ "task", EVENT_TASK, false, task_fields },
	{ "tick", EVENT_TICK, true, no_fields },
	{ "stack", EVENT_STACK, true, stack_fields },
	{ "counters", EVENT_COUNTERS, true, counters_fields },
	{ "misses", EVENT_MISSES, true, misses_fields },
	{ "start", EVENT_START, true, start_fields },
	{ "end", EVENT_END, true, no_fields },
};

/* What a record holds where the script says nothing. */
static void record_begin(union synth_record *r, enum event_kind kind)
{
	memset(r, 0, sizeof(*r));
	r->h.kind = (uint8_t)kind;
	if (kind == EVENT_START) {
		r->start.page_size = 4096;
		r->start.kmalloc_max = 8192;
		r->start.n_cpus = 1;
		r->start.sample = 1;
	} else if (kind == EVENT_KMALLOC || kind == EVENT_CACHE_ALLOC) {
		r->alloc.stack = -1;
	}
}

/* --- lines ---------------------------------------------------------------------------------------- */

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
	uint64_t n, step_ns, step_ptr;
};

/* Read what stands before the record's time, if anything; *@word is then the time. */
static int parse_repeat(struct line *l, char **word, struct repeat *ret)
{
	const char *end;

	if (strcmp(*word, "repeat"))
		return 0;
	*word = next_word(l);
	if (!*word || parse_number(*word, SYNTH_REPEATS_MAX, &ret->n, &end) || *end)
		return wrong(l, "how often to repeat is missing or too much");
	while ((*word = next_word(l)) && !strncmp(*word, "step_", 5)) {
		bool ns = !strncmp(*word, "step_ns=", 8);

		if (!ns && strncmp(*word, "step_ptr=", 9))
			return wrong(l, "there are only step_ns= and step_ptr=");
		if (ns ? parse_time(*word + 8, &ret->step_ns)
		       : parse_number(*word + 9, UINT64_MAX, &ret->step_ptr, &end) || *end)
			return wrong(l, "not a number");
	}
	return *word ? 0 : wrong(l, "what to repeat is missing");
}

static const struct kind *find_kind(const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}

static int parse_field(struct line *l, const struct kind *kind, char *word, union synth_record *r,
		       uint32_t *seen)
{
	char *value = strchr(word, '=');
	size_t i, len = value ? (size_t)(value - word) : 0;

	for (i = 0; value && kind->fields[i].key; i++) {
		const struct field *field = &kind->fields[i];

		if (strlen(field->key) != len || strncmp(field->key, word, len))
			continue;
		if (*seen & 1u << i)
			return wrong(l, "given twice");
		*seen |= 1u << i;
		return field->parse(r, field->offset, value + 1) ? wrong(l, "bad value") : 0;
	}
	return wrong(l, value ? "this kind has no such key" : "not key=value");
}

static int parse_fields(struct line *l, const struct kind *kind, union synth_record *r)
{
	uint32_t seen = 0;
	char *word;
	size_t i;

	while ((word = next_word(l)))
		if (parse_field(l, kind, word, r, &seen))
			return -EINVAL;
	l->word = kind->name;
	for (i = 0; kind->fields[i].key; i++)
		if (kind->fields[i].required && !(seen & 1u << i))
			return wrong(l, "a key that it needs is missing");
	/* cache=, or both of req= and alloc= */
	if (kind->kind == EVENT_CACHE_ALLOC && (seen >> 2 & 3) != (seen >> 8 & 1 ? 0u : 3u))
		return wrong(l, "either cache= or req= and alloc= is needed");
	return 0;
}

/* «cpuN» */
static int parse_cpu(const char *word, uint16_t *ret)
{
	const char *end;
	uint64_t n;

	if (!word || strncmp(word, "cpu", 3) ||
	    parse_number(word + 3, SYNTH_CPUS_MAX - 1, &n, &end) || *end)
		return -EINVAL;
	*ret = (uint16_t)n;
	return 0;
}

/* @ret_kind is NULL where the line holds no record. */
static int parse_line(struct line *l, union synth_record *r, struct repeat *repeat,
		      const struct kind **ret_kind)
{
	char *word = next_word(l);
	const struct kind *kind;
	uint64_t time;
	uint16_t cpu;

	*ret_kind = NULL;
	*repeat = (struct repeat){ .n = 1 };
	if (!word)
		return 0;
	if (parse_repeat(l, &word, repeat))
		return -EINVAL;
	if (parse_time(word, &time))
		return wrong(l, "not a time");
	if (parse_cpu(next_word(l), &cpu))
		return wrong(l, "cpuN is missing, or too large");
	kind = find_kind(next_word(l));
	if (!kind)
		return wrong(l, "no such kind of record");
	record_begin(r, kind->kind);
	r->h.time = time;
	r->h.cpu = cpu;
	if (parse_fields(l, kind, r))
		return -EINVAL;
	if (kind->made && repeat->n != 1)
		return wrong(l, "this kind can't be repeated");
	*ret_kind = kind;
	return 0;
}

/* --- what was read -------------------------------------------------------------------------------- */

static struct synth_lane *lane_get(struct synth *s, size_t cpu)
{
	struct synth_lane *more;

	if (cpu < s->n_lanes)
		return &s->lanes[cpu];
	more = reallocarray(s->lanes, cpu + 1, sizeof(*more));
	if (!more)
		return NULL;
	memset(more + s->n_lanes, 0, (cpu + 1 - s->n_lanes) * sizeof(*more));
	s->lanes = more;
	s->n_lanes = cpu + 1;
	return &s->lanes[cpu];
}

static int record_add(struct synth *s, const union synth_record *r, bool made)
{
	size_t size = event_size(&r->h);
	struct synth_lane *lane;
	size_t *place;
	char *bytes = vec_reserve(s->bytes, s->n_bytes, &s->capacity_bytes, size, 1);

	if (!bytes)
		return -ENOMEM;
	s->bytes = bytes;
	if (made) {
		place = vec_add(&s->made);
	} else {
		lane = lane_get(s, r->h.cpu);
		place = lane ? vec_add(lane) : NULL;
	}
	if (!place)
		return -ENOMEM;
	*place = s->n_bytes;
	memcpy(bytes + s->n_bytes, r, size);
	s->n_bytes += size;
	return 0;
}

static int record_repeat(struct synth *s, union synth_record *r, const struct kind *kind,
			 const struct repeat *repeat)
{
	uint64_t i;
	int err = 0;

	for (i = 0; i < repeat->n && !err; i++) {
		err = record_add(s, r, kind->made);
		r->h.time += repeat->step_ns;
		if (kind->kind == EVENT_KMALLOC || kind->kind == EVENT_CACHE_ALLOC)
			r->alloc.ptr += repeat->step_ptr;
		else if (kind->kind == EVENT_KFREE || kind->kind == EVENT_CACHE_FREE)
			r->free.ptr += repeat->step_ptr;
	}
	return err;
}

static int parse_script(struct synth *s, char *text, struct failure *f)
{
	const struct kind *last = NULL;
	unsigned int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct line l = { .rest = line, .word = "" };
		const struct kind *kind;
		union synth_record r;
		struct repeat repeat;
		int err;

		number++;
		err = parse_line(&l, &r, &repeat, &kind);
		if (!err && kind) {
			l.word = kind->name;
			if (!last != (kind->kind == EVENT_START))
				err = wrong(&l, "start is the first record, and only that");
			else if (last && last->kind == EVENT_END)
				err = wrong(&l, "nothing follows end");
			last = kind;
		}
		if (err)
			return fail(f, FAILURE_USAGE, err, "script: line %u: «%s»: %s", number,
				    l.word, l.wrong);
		err = kind ? record_repeat(s, &r, kind, &repeat) : 0;
		if (err)
			return err;
	}
	if (!last || last->kind != EVENT_END)
		return fail(f, FAILURE_USAGE, -EINVAL, "script: line %u: end is missing", number);
	return 0;
}

/* --- playing -------------------------------------------------------------------------------------- */

static const struct event_header *record_at(const struct synth *s, size_t place)
{
	return (const void *)(s->bytes + place);
}

static void synth_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct synth *s = arg;

	s->sink->consume(s->sink->arg, records, n);
	s->newest = MAX(s->newest, records[n - 1]->time);
}

/*
 * Push what stands before place @end into the merge. Returns up to which time the stream is
 * complete; *ret_more is set when a lane was full before. See live_fill().
 */
static uint64_t synth_fill(struct synth *s, size_t end, bool *ret_more)
{
	uint64_t complete = UINT64_MAX;
	size_t i;

	*ret_more = false;
	for (i = 0; i < s->n_lanes; i++) {
		struct synth_lane *lane = &s->lanes[i];

		while (lane->next < lane->n && lane->items[lane->next] < end &&
		       merge_push(s->merge, i, lane->next, record_at(s, lane->items[lane->next])))
			lane->next++;
		if (lane->next == lane->n || lane->items[lane->next] >= end)
			continue;
		*ret_more = true;
		complete = MIN(complete, merge_lane_complete(s->merge, i));
	}
	return complete;
}

static int synth_end(struct synth *s)
{
	struct event_sink merged = { .consume = synth_consume, .arg = s };
	struct event_header h = { .time = s->newest, .kind = EVENT_END };
	const struct event_header *record = &h;

	merge_emit(s->merge, UINT64_MAX, &merged);
	h.time = s->newest;
	synth_consume(s, &record, 1);
	s->ended = true;
	return 0;
}

static int synth_read(struct source *source, const struct event_sink *sink)
{
	struct synth *s = (struct synth *)source;
	struct event_sink merged = { .consume = synth_consume, .arg = s };
	const struct event_header *record;
	bool more = true;

	s->sink = sink;
	if (s->ended)
		return 0;
	if (s->stopped && s->next_made)
		return synth_end(s);
	record = record_at(s, s->made.items[s->next_made]);
	while (more) {
		uint64_t complete = synth_fill(s, s->made.items[s->next_made], &more);

		if (more)
			merge_emit(s->merge, complete, &merged);
	}
	s->ended = record->kind == EVENT_END;
	merge_emit(s->merge, s->ended ? UINT64_MAX : record->time, &merged);
	synth_consume(s, &record, 1);
	s->next_made++;
	return !s->ended;
}

static int synth_start(struct source *source _unused_, struct failure *f _unused_)
{
	return 0;
}

static int synth_fd(const struct source *source _unused_)
{
	return -1;
}

static void synth_stop(struct source *source)
{
	((struct synth *)source)->stopped = true;
}

static void synth_free(struct source *source)
{
	struct synth *s = (struct synth *)source;
	size_t i;

	for (i = 0; i < s->n_lanes; i++)
		free(s->lanes[i].items);
	free(s->lanes);
	free(s->made.items);
	free(s->bytes);
	merge_free(&s->merge);
	free(s);
}

static const struct source_ops synth_ops = {
	.start = synth_start,
	.fd = synth_fd,
	.read = synth_read,
	.stop = synth_stop,
	.free = synth_free,
};

int synth_open(const char *text, struct source **ret, struct failure *f)
{
	_cleanup_free_ char *copy = strdup(text);
	struct synth *s = calloc(1, sizeof(*s));
	int err = -ENOMEM;

	if (!copy || !s)
		goto error;
	s->source.ops = &synth_ops;
	err = parse_script(s, copy, f);
	if (err)
		goto error;
	s->merge = merge_new(MAX(s->n_lanes, (size_t)1));
	if (!s->merge) {
		err = -ENOMEM;
		goto error;
	}
	*ret = &s->source;
	return 0;
error:
	if (s)
		synth_free(&s->source);
	return err;
}
