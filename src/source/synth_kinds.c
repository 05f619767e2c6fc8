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

static int value_u8(union synth_record *r, size_t offset, const char *value)
{
	const char *end;
	uint64_t n;

	if (synth_number(value, UINT8_MAX, &n, &end) || *end)
		return -EINVAL;
	*((uint8_t *)r + offset) = (uint8_t)n;
	return 0;
}

static int value_time(union synth_record *r, size_t offset, const char *value)
{
	uint64_t n;

	if (synth_time(value, &n))
		return -EINVAL;
	*(uint64_t *)((char *)r + offset) = n;
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

static int value_device(union synth_record *r, size_t offset, const char *value)
{
	return value_name(r, offset, REGISTER_NAME_LEN - 1, value);
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

/* The three parts of a block, which begins at the same place in every record of pages. */
static int value_pfn(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t n = EVENT_NO_PFN, *block = (uint64_t *)&r->page.block;
	const char *end;

	if (strcmp(value, "none") && (synth_number(value, EVENT_NO_PFN - 1, &n, &end) || *end))
		return -EINVAL;
	*block = event_pack_block(n, event_order(*block), event_migratetype(*block));
	return 0;
}

static int value_order(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t n, *block = (uint64_t *)&r->page.block;
	const char *end;

	if (synth_number(value, UINT8_MAX, &n, &end) || *end)
		return -EINVAL;
	*block = event_pack_block(event_pfn(*block), (uint32_t)n, event_migratetype(*block));
	return 0;
}

static int value_migratetype(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t n, *block = (uint64_t *)&r->page.block;
	const char *end;

	if (synth_number(value, UINT8_MAX, &n, &end) || *end)
		return -EINVAL;
	*block = event_pack_block(event_pfn(*block), event_order(*block), (uint32_t)n);
	return 0;
}

/* The place of the first @len bytes of @word among @names; @n: none of them. */
static size_t place_of(const char *word, size_t len, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strlen(names[i]) == len && !strncmp(word, names[i], len))
			break;
	return i;
}

/* The place of @value among @names, as the byte at @offset. */
static int value_choice(union synth_record *r, size_t offset, const char *value,
			const char *const *names, size_t n)
{
	size_t i = place_of(value, strlen(value), names, n);

	*((uint8_t *)r + offset) = (uint8_t)i;
	return i == n ? -EINVAL : 0;
}

static int value_source(union synth_record *r, size_t offset, const char *value)
{
	static const char *const names[REGISTER_SOURCES] = {
		[REGISTER_GPIO_MODULE] = "gpio_module",
		[REGISTER_RWMMIO] = "rwmmio",
		[REGISTER_REGMAP] = "regmap",
		[REGISTER_GPIO] = "gpio",
	};

	return value_choice(r, offset, value, names, ARRAY_SIZE(names));
}

static int value_access(union synth_record *r, size_t offset, const char *value)
{
	static const char *const names[REGISTER_ACCESSES] = {
		[REGISTER_READ] = "read",
		[REGISTER_WRITE] = "write",
		[REGISTER_INPUT] = "input",
		[REGISTER_OUTPUT] = "output",
	};

	return value_choice(r, offset, value, names, ARRAY_SIZE(names));
}

static int value_function(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[IOREMAP_FUNCTIONS] = {
		[IOREMAP_X86] = "x86",	     [IOREMAP_ARM] = "arm",	[IOREMAP_PROT] = "prot",
		[IOREMAP_MODULE] = "module", [IOREMAP_OTHER] = "other",
	};
	size_t i = place_of(value, strlen(value), names, ARRAY_SIZE(names));

	r->ioremap.function = (uint32_t)i;
	return i == ARRAY_SIZE(names) ? -EINVAL : 0;
}

static int value_what(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[] = { "begin", "end" };

	return value_choice(r, offsetof(struct event_work, what), value, names, ARRAY_SIZE(names));
}

static int value_file(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[SNAPSHOT_MAX] = {
		[SNAPSHOT_ZONEINFO] = "zoneinfo",
		[SNAPSHOT_BUDDYINFO] = "buddyinfo",
		[SNAPSHOT_PAGETYPEINFO] = "pagetypeinfo",
		[SNAPSHOT_GFP] = "gfp",
		[SNAPSHOT_FRAMES] = "frames",
		[SNAPSHOT_VMALLOCINFO] = "vmallocinfo",
		[SNAPSHOT_MEMINFO] = "meminfo",
		[SNAPSHOT_ALLOCATORS] = "allocators",
		[SNAPSHOT_IOMEM] = "iomem",
		[SNAPSHOT_DEVICES] = "devices",
	};

	return value_choice(r, offsetof(struct event_header, flags), value, names,
			    ARRAY_SIZE(names));
}

/* KIND:FRAMES with commas between */
static int value_runs(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[FRAME_KINDS] = {
		[FRAME_HOLE] = "hole",
		[FRAME_FREE] = "free",
		[FRAME_MOVABLE] = "movable",
		[FRAME_UNMOVABLE] = "unmovable",
	};
	uint64_t run, n;
	size_t kind;

	for (;;) {
		kind = place_of(value, strcspn(value, ":"), names, ARRAY_SIZE(names));
		value += strcspn(value, ":");
		if (kind == ARRAY_SIZE(names) || !*value ||
		    r->snapshot.size == sizeof(*r) - sizeof(r->snapshot) ||
		    synth_number(value + 1, (1ull << 56) - 1, &n, &value))
			return -EINVAL;
		run = snapshot_run((enum frame_kind)kind, n);
		memcpy(r->room + sizeof(r->snapshot) + r->snapshot.size, &run, sizeof(run));
		r->snapshot.size += (uint32_t)sizeof(run);
		if (!*value)
			return 0;
		if (*value++ != ',')
			return -EINVAL;
	}
}

/* Where value_pfn() and others, and synth_record_step(), look. */
_Static_assert(offsetof(struct event_page, block) == offsetof(struct event_page_free, block) &&
		       offsetof(struct event_page, block) == offsetof(struct event_fallback, block),
	       "a block begins at the same place");
_Static_assert(offsetof(struct event_alloc, ptr) == offsetof(struct event_free, ptr) &&
		       offsetof(struct event_alloc, ptr) == offsetof(struct event_area, address) &&
		       offsetof(struct event_alloc, ptr) == offsetof(struct event_vmalloc, address),
	       "a pointer is at the same place");

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
	{ "after_end", value_u64, FIELD(misses, after_end), false },
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
	{ "hooked", value_u32, FIELD(start, hooked), false },
	{ 0 },
};

static const struct synth_field page_alloc_fields[] = {
	{ "pfn", value_pfn, 0, true },
	{ "order", value_order, 0, true },
	{ "migratetype", value_migratetype, 0, false },
	{ "gfp", value_u32, FIELD(page, gfp), false },
	FIELD_PID,
	{ "stack", value_s32, FIELD(page, stack), false },
	{ "flags", value_flags, 0, false },
	{ 0 },
};

static const struct synth_field page_free_fields[] = {
	{ "pfn", value_pfn, 0, true },
	{ "order", value_order, 0, true },
	FIELD_PID,
	{ 0 },
};

static const struct synth_field page_move_fields[] = {
	{ "pfn", value_pfn, 0, true },
	{ "order", value_order, 0, true },
	{ "migratetype", value_migratetype, 0, false },
	{ 0 },
};

static const struct synth_field fallback_fields[] = {
	{ "pfn", value_pfn, 0, true },
	{ "order", value_order, 0, true },
	{ "migratetype", value_migratetype, 0, true },
	{ "from_order", value_u8, FIELD(fallback, order), true },
	{ "from_migratetype", value_u8, FIELD(fallback, migratetype), true },
	{ "whole", value_u8, FIELD(fallback, whole), false },
	{ "stack", value_s32, FIELD(fallback, stack), false },
	{ 0 },
};

static const struct synth_field bulk_fields[] = {
	{ "pages", value_u32, FIELD(work, pages), true },
	{ 0 },
};

static const struct synth_field compaction_fields[] = {
	{ "what", value_what, 0, true },
	{ "pfn", value_u64, FIELD(work, pfn), false },
	{ "status", value_u8, FIELD(work, status), false },
	{ 0 },
};

static const struct synth_field reclaim_fields[] = {
	{ "what", value_what, 0, true },
	{ "order", value_u8, FIELD(work, order), false },
	{ "pages", value_u32, FIELD(work, pages), false },
	{ 0 },
};

static const struct synth_field area_fields[] = {
	{ "address", value_u64, FIELD(area, address), true },
	{ "bytes", value_u64, FIELD(area, bytes), true },
	FIELD_PID,
	{ "stack", value_s32, FIELD(area, stack), false },
	{ "flags", value_flags, 0, false },
	{ 0 },
};

static const struct synth_field area_free_fields[] = {
	{ "address", value_u64, FIELD(area_free, address), true },
	{ "lazy", value_u64, FIELD(area_free, lazy), false },
	{ "lazy_max", value_u64, FIELD(area_free, lazy_max), false },
	{ 0 },
};

static const struct synth_field area_purge_fields[] = {
	{ "start", value_u64, FIELD(area_purge, start), true },
	{ "end", value_u64, FIELD(area_purge, end), true },
	{ "areas", value_u64, FIELD(area_purge, areas), false },
	{ 0 },
};

static const struct synth_field area_pages_fields[] = {
	{ "address", value_u64, FIELD(area_pages, address), true },
	{ "pages", value_u32, FIELD(area_pages, pages), true },
	{ "runs", value_u32, FIELD(area_pages, runs), false },
	{ "shift", value_u32, FIELD(area_pages, shift), false },
	{ 0 },
};

static const struct synth_field vmalloc_fields[] = {
	{ "address", value_u64, FIELD(vmalloc, address), true },
	{ "bytes", value_u64, FIELD(vmalloc, bytes), true },
	{ "site", value_u64, FIELD(vmalloc, site), false },
	{ "began", value_time, FIELD(vmalloc, began), true },
	{ "gfp", value_u32, FIELD(vmalloc, gfp), false },
	FIELD_PID,
	{ 0 },
};

static const struct synth_field ioremap_fields[] = {
	{ "phys", value_u64, FIELD(ioremap, phys), true },
	{ "bytes", value_u64, FIELD(ioremap, bytes), true },
	{ "address", value_u64, FIELD(ioremap, address), true },
	{ "site", value_u64, FIELD(ioremap, site), false },
	{ "mode", value_u64, FIELD(ioremap, mode), false },
	{ "function", value_function, 0, false },
	FIELD_PID,
	{ "stack", value_s32, FIELD(ioremap, stack), false },
	{ 0 },
};

static const struct synth_field iounmap_fields[] = {
	{ "address", value_u64, FIELD(free, ptr), true },
	{ 0 },
};

static const struct synth_field register_fields[] = {
	{ "source", value_source, FIELD(register, source), true },
	{ "access", value_access, FIELD(register, access), true },
	{ "place", value_u64, FIELD(register, place), false },
	{ "offset", value_u32, FIELD(register, offset), false },
	{ "bytes", value_u32, FIELD(register, bytes), false },
	{ "value", value_u64, FIELD(register, value), true },
	{ "site", value_u64, FIELD(register, site), false },
	{ "name", value_device, FIELD(register, name), false },
	FIELD_PID,
	{ 0 },
};

static const struct synth_field snapshot_fields[] = {
	{ "file", value_file, 0, true },
	{ "before", value_time, FIELD(snapshot, before), false },
	{ "runs", value_runs, 0, false },
	{ "first", value_u64, FIELD(snapshot, first), false },
	{ "last", value_u32, FIELD(snapshot, last), false },
	{ 0 },
};

static const struct synth_field no_fields[] = { { 0 } };

/* cache=, or both of req= and alloc= */
static const char *check_cache_alloc(union synth_record *r _unused_, uint32_t seen)
{
	if ((seen >> 2 & 3) != (seen >> 8 & 1 ? 0u : 3u))
		return "either cache= or req= and alloc= is needed";
	return NULL;
}

/* runs=, first= and last= are of frames, and of nothing else */
static const char *check_snapshot(union synth_record *r, uint32_t seen)
{
	if (!(seen & 1u << 1))
		r->snapshot.before = r->h.time;
	if (r->h.flags == SNAPSHOT_FRAMES)
		return seen & 1u << 2 ? NULL : "runs= is needed";
	return seen >> 2 ? "only frames have runs=, first= and last=" : NULL;
}

static const struct synth_kind kinds[] = {
	{ "kmalloc", EVENT_KMALLOC, false, PLACE_PTR, kmalloc_fields, NULL },
	{ "cache_alloc", EVENT_CACHE_ALLOC, false, PLACE_PTR, cache_alloc_fields,
	  check_cache_alloc },
	{ "kfree", EVENT_KFREE, false, PLACE_PTR, free_fields, NULL },
	{ "cache_free", EVENT_CACHE_FREE, false, PLACE_PTR, free_fields, NULL },
	{ "cache", EVENT_CACHE, false, PLACE_NONE, cache_fields, NULL },
	{ "task", EVENT_TASK, false, PLACE_NONE, task_fields, NULL },
	{ "page_alloc", EVENT_PAGE_ALLOC, false, PLACE_PFN, page_alloc_fields, NULL },
	{ "page_free", EVENT_PAGE_FREE, false, PLACE_PFN, page_free_fields, NULL },
	{ "page_fallback", EVENT_PAGE_FALLBACK, false, PLACE_PFN, fallback_fields, NULL },
	{ "page_refill", EVENT_PAGE_REFILL, false, PLACE_PFN, page_move_fields, NULL },
	{ "page_drain", EVENT_PAGE_DRAIN, false, PLACE_PFN, page_move_fields, NULL },
	{ "page_bulk", EVENT_PAGE_BULK, false, PLACE_NONE, bulk_fields, NULL },
	{ "compaction", EVENT_COMPACTION, false, PLACE_NONE, compaction_fields, NULL },
	{ "reclaim", EVENT_RECLAIM, false, PLACE_NONE, reclaim_fields, NULL },
	{ "area_alloc", EVENT_AREA_ALLOC, false, PLACE_PTR, area_fields, NULL },
	{ "area_free", EVENT_AREA_FREE, false, PLACE_PTR, area_free_fields, NULL },
	{ "area_purge", EVENT_AREA_PURGE, false, PLACE_NONE, area_purge_fields, NULL },
	{ "area_pages", EVENT_AREA_PAGES, false, PLACE_PTR, area_pages_fields, NULL },
	{ "vmalloc", EVENT_VMALLOC, false, PLACE_PTR, vmalloc_fields, NULL },
	{ "ioremap", EVENT_IOREMAP, false, PLACE_NONE, ioremap_fields, NULL },
	{ "iounmap", EVENT_IOUNMAP, false, PLACE_PTR, iounmap_fields, NULL },
	{ "register", EVENT_REGISTER, false, PLACE_NONE, register_fields, NULL },
	{ "tick", EVENT_TICK, true, PLACE_NONE, no_fields, NULL },
	{ "stack", EVENT_STACK, true, PLACE_NONE, stack_fields, NULL },
	{ "counters", EVENT_COUNTERS, true, PLACE_NONE, counters_fields, NULL },
	{ "misses", EVENT_MISSES, true, PLACE_NONE, misses_fields, NULL },
	{ "snapshot", EVENT_SNAPSHOT, true, PLACE_NONE, snapshot_fields, check_snapshot },
	{ "start", EVENT_START, true, PLACE_NONE, start_fields, NULL },
	{ "end", EVENT_END, true, PLACE_NONE, no_fields, NULL },
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
	} else if (kind == EVENT_PAGE_ALLOC) {
		r->page.stack = -1;
	} else if (kind == EVENT_PAGE_FALLBACK) {
		r->fallback.stack = -1;
	} else if (kind == EVENT_AREA_ALLOC) {
		r->area.stack = -1;
	} else if (kind == EVENT_AREA_FREE) {
		r->area_free.lazy = r->area_free.lazy_max = EVENT_AREA_UNKNOWN;
	} else if (kind == EVENT_AREA_PURGE) {
		r->area_purge.areas = EVENT_AREA_UNKNOWN;
	} else if (kind == EVENT_IOREMAP) {
		r->ioremap.stack = -1;
	}
}

void synth_record_step(union synth_record *r, enum synth_place place, uint64_t step)
{
	uint64_t block = r->page.block;

	if (place == PLACE_PTR)
		r->alloc.ptr += step;
	else if (place == PLACE_PFN && event_pfn(block) != EVENT_NO_PFN)
		r->page.block = event_pack_block(event_pfn(block) + step, event_order(block),
						 event_migratetype(block));
}

const struct synth_kind *synth_kind_find(const char *name)
{
	size_t i;

	for (i = 0; name && i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}
