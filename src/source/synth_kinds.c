// SPDX-License-Identifier: GPL-2.0
/* The kinds of records that a script of events can hold, and their keys. */
#include "source/synth_values.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "event/event.h"

/* --- values ------------------------------------------------------------------------------------- */

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

/* Bits of enum event_flags; EVENT_SIZES comes with other keys. */
static int value_flags(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[] = { "own", "", "reuse", "again" };
	uint32_t bits = 0;
	int err = value_bits(value, names, ARRAY_SIZE(names), &bits);

	r->h.flags |= (uint8_t)bits;
	return err;
}

static int value_frames(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t frames[EVENT_STACK_DEPTH];
	int n = value_list(value, frames, EVENT_STACK_DEPTH);

	if (n < 0)
		return n;
	r->stack.n = (uint32_t)n;
	memcpy(r->stack.frames, frames, (size_t)n * sizeof(frames[0]));
	return 0;
}

static int value_lost(union synth_record *r, size_t offset _unused_, const char *value)
{
	uint64_t lost[2];

	if (value_list(value, lost, 2) != 2)
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
	size_t i = value_place(value, strlen(value), names, ARRAY_SIZE(names));

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
		[SNAPSHOT_VMSTAT] = "vmstat",
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
		kind = value_place(value, strcspn(value, ":"), names, ARRAY_SIZE(names));
		value += strcspn(value, ":");
		if (kind == ARRAY_SIZE(names) || !*value ||
		    r->snapshot.size == SYNTH_RUNS_MAX * sizeof(run) ||
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

/* Bits of enum fault_bits. */
static int value_fault(union synth_record *r, size_t offset _unused_, const char *value)
{
	static const char *const names[] = { "major",  "gup",  "kernel",  "access",
					     "write",  "exec", "present", "copied",
					     "around", "huge", "swap" };

	if (!strcmp(value, "minor"))
		return 0;
	return value_bits(value, names, ARRAY_SIZE(names), &r->fault.what);
}

static int value_counts(union synth_record *r, size_t offset, const char *value)
{
	static const char *const names[COUNTS_KINDS] = {
		[COUNTS_START] = "start",
		[COUNTS_EXIT] = "exit",
		[COUNTS_END] = "end",
	};

	return value_choice(r, offset, value, names, ARRAY_SIZE(names));
}

static int value_change(union synth_record *r, size_t offset, const char *value)
{
	static const char *const names[PROCESS_CHANGES] = {
		[PROCESS_THERE] = "there", [PROCESS_FORK] = "fork", [PROCESS_EXEC] = "exec",
		[PROCESS_NAME] = "name",   [PROCESS_EXIT] = "exit",
	};

	return value_choice(r, offset, value, names, ARRAY_SIZE(names));
}

static int value_process_comm(union synth_record *r, size_t offset, const char *value)
{
	return value_name(r, offset, sizeof(r->process.comm) - 1, value);
}

static int value_protection(union synth_record *r, size_t offset _unused_, const char *value)
{
	for (; *value; value++)
		if (*value == 'r')
			r->map.protection |= PROT_READ;
		else if (*value == 'w')
			r->map.protection |= PROT_WRITE;
		else if (*value == 'x')
			r->map.protection |= PROT_EXEC;
		else
			return -EINVAL;
	return 0;
}

static int value_path(union synth_record *r, size_t offset, const char *value)
{
	int err = value_name(r, offset, EVENT_PATH_MAX - 1, value);

	r->map.size = (uint32_t)strlen(r->map.path) + 1;
	return err;
}

/* Where value_pfn() and others, and synth_record_step(), look. */
_Static_assert(offsetof(struct event_page, block) == offsetof(struct event_page_free, block) &&
		       offsetof(struct event_page, block) == offsetof(struct event_fallback, block),
	       "a block begins at the same place");
_Static_assert(offsetof(struct event_alloc, ptr) == offsetof(struct event_free, ptr) &&
		       offsetof(struct event_alloc, ptr) == offsetof(struct event_area, address) &&
		       offsetof(struct event_alloc, ptr) ==
			       offsetof(struct event_vmalloc, address) &&
		       offsetof(struct event_alloc, ptr) == offsetof(struct event_fault, address),
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

static const struct synth_field fault_fields[] = {
	{ "address", value_u64, FIELD(fault, address), true },
	{ "ip", value_u64, FIELD(fault, ip), true },
	{ "began", value_time, FIELD(fault, began), false },
	{ "what", value_fault, 0, false },
	FIELD_PID,
	{ "stack", value_s32, FIELD(fault, stack), false },
	{ "flags", value_flags, 0, false },
	{ 0 },
};

static const struct synth_field fault_counts_fields[] = {
	{ "what", value_counts, FIELD(fault_counts, what), true },
	{ "minor", value_u64, FIELD(fault_counts, minor), true },
	{ "major", value_u64, FIELD(fault_counts, major), true },
	{ "tid", value_u32, FIELD(fault_counts, tid), false },
	FIELD_PID,
	{ 0 },
};

static const struct synth_field process_fields[] = {
	{ "what", value_change, FIELD(process, what), true },
	FIELD_PID,
	{ "parent", value_u32, FIELD(process, parent), false },
	{ "comm", value_process_comm, FIELD(process, comm), false },
	{ 0 },
};

static const struct synth_field map_fields[] = {
	FIELD_PID,
	{ "start", value_u64, FIELD(map, start), true },
	{ "bytes", value_u64, FIELD(map, bytes), true },
	{ "path", value_path, FIELD(map, path), true },
	{ "offset", value_u64, FIELD(map, offset), false },
	{ "inode", value_u64, FIELD(map, inode), false },
	{ "major", value_u32, FIELD(map, major), false },
	{ "minor", value_u32, FIELD(map, minor), false },
	{ "generation", value_u32, FIELD(map, generation), false },
	{ "protection", value_protection, 0, false },
	{ "shared", value_u32, FIELD(map, shared), false },
	{ 0 },
};

static const struct synth_field maps_lost_fields[] = {
	{ "records", value_u64, FIELD(maps_lost, records), true },
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

/* pid=, parent= of those that fork and of no other, comm= of those that have a new name */
static const char *check_process(union synth_record *r, uint32_t seen)
{
	if (!(seen & 1u << 1))
		return "a key that it needs is missing";
	if (!(seen & 1u << 2) != (r->process.what != PROCESS_FORK))
		return "parent= goes with what=fork, and only with that";
	if (seen & 1u << 3 && (r->process.what == PROCESS_FORK || r->process.what == PROCESS_EXIT))
		return "what=fork and what=exit have no comm=";
	return NULL;
}

static const char *check_map(union synth_record *r, uint32_t seen)
{
	if (!(seen & 1u << 0))
		return "a key that it needs is missing";
	return event_valid(&r->h, sizeof(*r)) ? NULL : "its addresses wrap, or are none";
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
	{ "fault", EVENT_FAULT, false, PLACE_PTR, fault_fields, NULL },
	{ "fault_counts", EVENT_FAULT_COUNTS, false, PLACE_NONE, fault_counts_fields, NULL },
	{ "process", EVENT_PROCESS, true, PLACE_NONE, process_fields, check_process },
	{ "map", EVENT_MAP, true, PLACE_NONE, map_fields, check_map },
	{ "maps_lost", EVENT_MAPS_LOST, true, PLACE_NONE, maps_lost_fields, NULL },
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
	} else if (kind == EVENT_FAULT) {
		r->fault.stack = -1;
	}
}

bool synth_record_made(const union synth_record *r, const struct synth_kind *kind)
{
	/* those of /proc, at the start and the end */
	if (kind->kind == EVENT_FAULT_COUNTS)
		return r->fault_counts.what != COUNTS_EXIT;
	return kind->made;
}

void synth_record_step(union synth_record *r, uint64_t step_ns, enum synth_place place,
		       uint64_t step)
{
	uint64_t block = r->page.block;

	r->h.time += step_ns;
	if (r->h.kind == EVENT_FAULT && r->fault.began)
		r->fault.began += step_ns;
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
