// SPDX-License-Identifier: GPL-2.0
/* The kinds of records that a script of events can hold, and their keys. */
#include "source/synth_script.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

/* --- values ------------------------------------------------------------------------------------- */

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

int synth_number(const char *text, uint64_t max, uint64_t *ret, const char **ret_end)
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

int synth_time(const char *text, uint64_t *ret)
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

	if (synth_number(text, UINT64_MAX, &n, &end))
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

	if (synth_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint32_t *)((char *)r + offset) = (uint32_t)n;
	return 0;
}

static int value_u64(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (synth_number(value, UINT64_MAX, &n, &end) || *end)
		return -EINVAL;
	*(uint64_t *)((char *)r + offset) = n;
	return 0;
}

static int value_s32(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	bool negative = *value == '-';
	uint64_t n;

	if (synth_number(value + negative, INT32_MAX, &n, &end) || *end)
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

	if (synth_number(value, UINT32_MAX, &n, &end) || *end)
		return -EINVAL;
	*what = event_pack_sizes((uint32_t)n, event_given(*what));
	r->h.flags |= EVENT_SIZES;
	return 0;
}

static int value_given(union synth_record *r, size_t offset, const char *value)
{
	uint64_t *what = (uint64_t *)((char *)r + offset), n;
	const char *end;

	if (synth_number(value, UINT32_MAX, &n, &end) || *end)
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
		if (n == max || synth_number(value, UINT64_MAX, &to[n], &value))
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

static const struct synth_field kmalloc_fields[] = { ALLOC_FIELDS(true, NULL) };
static const struct synth_field cache_alloc_fields[] = { ALLOC_FIELDS(false, "cache"), { 0 } };

static const struct synth_field free_fields[] = {
	{ "ptr", value_u64, FIELD(free, ptr), true },
	FIELD_PID,
	{ 0 },
};

static const struct synth_field cache_fields[] = {
	{ "id", value_u64, FIELD(cache, id), true },
	{ "object", value_u32, FIELD(cache, object_size), true },
	{ "slab", value_u32, FIELD(cache, slab_size), true },
	{ "name", value_cache_name, FIELD(cache, name), false },
	{ 0 },
};

static const struct synth_field task_fields[] = {
	FIELD_PID,
	{ "tid", value_u32, FIELD(task, tid), false },
	{ "cgroup", value_u64, FIELD(task, cgroup), false },
	{ "comm", value_comm, FIELD(task, comm), false },
	{ 0 },
};

static const struct synth_field stack_fields[] = {
	{ "id", value_s32, FIELD(stack, id), true },
	{ "frames", value_frames, 0, true },
	{ 0 },
};

static const struct synth_field counters_fields[] = {
	{ "lost", value_lost, 0, false },
	{ "filtered", value_u64, FIELD(counters, filtered), false },
	{ "nulls", value_u64, FIELD(counters, nulls), false },
	{ "map_full", value_u64, FIELD(counters, map_full), false },
	{ 0 },
};

static const struct synth_field misses_fields[] = {
	{ "misses", value_misses, FIELD(misses, misses), true },
	{ 0 },
};

static const struct synth_field start_fields[] = {
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

static const struct synth_field no_fields[] = { { 0 } };

static const struct synth_kind kinds[] = {
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

void synth_record_begin(union synth_record *r, enum event_kind kind)
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

const struct synth_kind *synth_kind_find(const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}
