// SPDX-License-Identifier: GPL-2.0
#include "analyze/diff_metrics.h"

/* The tables of what changed: what a row is of, and these. */
#define CHANGE_COLUMNS                                                                       \
	{ "before", "BEFORE", CELL_COUNT, 0, 0 },                                            \
		{ "expected", "EXPECTED", CELL_COUNT, COLUMN_TEXT_ONLY | COLUMN_IF_SET, 1 }, \
		{ "after", "AFTER", CELL_COUNT, 0, 0 },                                      \
		{ "before_rate", "BEFORE/S", CELL_FREQUENCY, COLUMN_JSON_ONLY, 0 },          \
		{ "after_rate", "AFTER/S", CELL_FREQUENCY, COLUMN_JSON_ONLY, 0 },            \
		{ "change", "CHANGE", CELL_CHANGE, 0, 0 },                                   \
		{ "change_pct", "%", CELL_PERCENT, COLUMN_IF_SET, 0 },                       \
	{                                                                                    \
		"status", "STATUS", CELL_TEXT, COLUMN_LEFT, 2                                \
	}

/* … and where code may have moved. */
#define MOVED_COLUMN                                               \
	{                                                          \
		"before_site", "was", CELL_TEXT, COLUMN_SUBLINE, 0 \
	}

static const struct column site_columns[] = {
	{ "site", "CALL SITE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "module", "MODULE", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	CHANGE_COLUMNS,
	MOVED_COLUMN,
};

static const struct column area_columns[] = {
	{ "site", "CALL SITE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "module", "MODULE", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 3 },
	CHANGE_COLUMNS,
	MOVED_COLUMN,
};

static const struct column caller_columns[] = {
	{ "caller", "CALLER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 3 },
	CHANGE_COLUMNS,
	MOVED_COLUMN,
};

static const struct column kind_columns[] = {
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column order_columns[] = {
	{ "order", "ORDER", CELL_ID, 0, 0 },
	{ "migratetype", "TYPE", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column comm_columns[] = {
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column fallback_columns[] = {
	{ "alloc_order", "ORDER", CELL_ID, 0, 0 },
	{ "alloc_migratetype", "WANTED", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "fallback_order", "FROM ORDER", CELL_ID, 0, 3 },
	{ "fallback_migratetype", "TAKEN FROM", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column zone_columns[] = {
	{ "node", "NODE", CELL_ID, 0, 0 },
	{ "zone", "ZONE", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column process_columns[] = {
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 },
	{ "cgroup", "CGROUP", CELL_ID, COLUMN_IF_SET, 0 },
	CHANGE_COLUMNS,
};

static const struct column region_columns[] = {
	{ "comm", "COMM", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 0 },
	{ "cgroup", "CGROUP", CELL_ID, COLUMN_IF_SET, 0 },
	{ "kind", "KIND", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "path", "PATH", CELL_TEXT, COLUMN_LEFT | COLUMN_IF_SET, 3 },
	CHANGE_COLUMNS,
};

/* By the device alone: of a mapping from before the start nobody knows how it was made. */
static const struct column mapping_columns[] = {
	{ "device", "DEVICE", CELL_TEXT, COLUMN_LEFT, 0 },
	CHANGE_COLUMNS,
};

static const struct column register_columns[] = {
	{ "device", "DEVICE", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "register", "REGISTER", CELL_TEXT, COLUMN_LEFT, 0 },
	{ "source", "SOURCE", CELL_TEXT, COLUMN_LEFT | COLUMN_JSON_ONLY, 0 },
	CHANGE_COLUMNS,
};

#define KEYS(c, how_many) .columns = (c), .n_columns = ARRAY_SIZE(c), .n = (how_many)

static const struct diff_keys site_keys = { KEYS(site_columns, 2), .code = true };
static const struct diff_keys area_keys = { KEYS(area_columns, 3), .code = true };
static const struct diff_keys caller_keys = { KEYS(caller_columns, 2), .code = true };
static const struct diff_keys kind_keys = { KEYS(kind_columns, 1) };
static const struct diff_keys order_keys = { KEYS(order_columns, 2) };
static const struct diff_keys comm_keys = { KEYS(comm_columns, 1) };
static const struct diff_keys fallback_keys = { KEYS(fallback_columns, 4) };
static const struct diff_keys zone_keys = { KEYS(zone_columns, 2) };
static const struct diff_keys process_keys = { KEYS(process_columns, 2) };
static const struct diff_keys region_keys = { KEYS(region_columns, 4) };
static const struct diff_keys mapping_keys = { KEYS(mapping_columns, 1), .address = "phys" };
static const struct diff_keys register_keys = { KEYS(register_columns, 3), .address = "phys" };

/* A metric with rows: command, last part of the names, noun of a row; then as struct diff_metric says. */
#define METRIC(area, last, noun, heading, table_name, key, ...)                                    \
	{                                                                                          \
		.name = area "." last, .row_name = area "." noun "." last, .table = area "_" last, \
		.title = heading, .command = area, .source = table_name, .keys = &key, __VA_ARGS__ \
	}
#define COUNTER(cell, ...) .columns = { __VA_ARGS__ }, .kind = DIFF_COUNTER, .unit = CELL_##cell
#define LEVEL(cell, ...)   .columns = { __VA_ARGS__ }, .kind = DIFF_LEVEL, .unit = CELL_##cell

const struct diff_metric diff_metrics[] = {
	METRIC("leaks", "bytes", "site", "Allocated and not freed, bytes", "candidates", site_keys,
	       COUNTER(BYTES, "bytes")),
	METRIC("leaks", "objects", "site", "Allocated and not freed, objects", "candidates",
	       site_keys, COUNTER(COUNT, "objects"), .flags = DIFF_JSON_ONLY),
	METRIC("slab", "waste", "site", "Rounding waste by call site", "sites", site_keys,
	       COUNTER(BYTES, "waste")),
	METRIC("slab", "bytes_alloc", "site", "Bytes given by call site", "sites", site_keys,
	       COUNTER(BYTES, "bytes_alloc"), .flags = DIFF_JSON_ONLY),
	METRIC("slab", "allocs", "site", "Slab allocations by call site", "sites", site_keys,
	       COUNTER(COUNT, "allocs")),
	METRIC("slab", "failed", "site", "Failed slab allocations by call site", "sites", site_keys,
	       COUNTER(COUNT, "failed")),
	METRIC("slab", "live_bytes", "site", "Live at the end by call site", "sites", site_keys,
	       LEVEL(BYTES, "live_bytes")),
	METRIC("buddy", "bytes", "comm", "Pages given by process, bytes", "users", comm_keys,
	       COUNTER(BYTES, "pages"), .flags = DIFF_PAGES),
	METRIC("buddy", "allocs", "order", "Blocks allocated by order", "orders", order_keys,
	       COUNTER(COUNT, "allocs")),
	METRIC("buddy", "failed", "order", "Failed page allocations by order", "orders", order_keys,
	       COUNTER(COUNT, "failed")),
	METRIC("buddy", "live_bytes", "order", "Pages live at the end by order, bytes", "orders",
	       order_keys, LEVEL(BYTES, "live_bytes"), .flags = DIFF_NULL_IS_NONE),
	METRIC("buddy", "live_pages", "order", "Pages live at the end by order", "orders",
	       order_keys, LEVEL(COUNT, "live_pages"),
	       .flags = DIFF_NULL_IS_NONE | DIFF_SAME_PAGES | DIFF_JSON_ONLY),
	METRIC("buddy", "fallbacks", "pair", "Blocks taken from another migrate type's lists",
	       "fallbacks", fallback_keys, COUNTER(COUNT, "count")),
	METRIC("buddy", "free_bytes", "zone", "Free at the end by zone", "zones", zone_keys,
	       LEVEL(BYTES, "free_pages"), .flags = DIFF_PAGES),
	METRIC("vmalloc", "bytes", "site", "Taken in areas by call site", "sites", area_keys,
	       COUNTER(BYTES, "bytes"), .flags = DIFF_JSON_ONLY),
	METRIC("vmalloc", "allocs", "site", "Areas taken by call site", "sites", area_keys,
	       COUNTER(COUNT, "allocs")),
	METRIC("vmalloc", "failed", "site", "Failed areas by call site", "sites", area_keys,
	       COUNTER(COUNT, "failed")),
	METRIC("vmalloc", "live_bytes", "site", "Areas live at the end by call site", "sites",
	       area_keys, LEVEL(BYTES, "live_bytes")),
	METRIC("vmalloc", "areas", "kind", "All areas at the end by kind", "kinds", kind_keys,
	       LEVEL(COUNT, "areas_end")),
	METRIC("vmalloc", "taken_bytes", "kind", "All areas at the end by kind, bytes", "kinds",
	       kind_keys, LEVEL(BYTES, "bytes_end"), .flags = DIFF_JSON_ONLY),
	METRIC("vmalloc", "existing_bytes", "caller", "Areas from before the start by caller",
	       "existing", caller_keys, LEVEL(BYTES, "bytes")),
	METRIC("faults", "minor", "process", "Minor faults by process", "processes", process_keys,
	       COUNTER(COUNT, "minor")),
	METRIC("faults", "major", "process", "Major faults by process", "processes", process_keys,
	       COUNTER(COUNT, "major")),
	METRIC("faults", "gup", "process", "Faults of get_user_pages() by process", "processes",
	       process_keys, COUNTER(COUNT, "gup"), .flags = DIFF_NEEDS_GUP),
	METRIC("faults", "all", "region", "Faults by region, minor and major", "regions",
	       region_keys, COUNTER(COUNT, "minor", "major")),
	METRIC("mmio", "mappings", "device", "Mapped registers at the end by device", "mappings",
	       mapping_keys, LEVEL(COUNT, "live_maps")),
	METRIC("mmio", "reads", "register", "Reads by register", "registers", register_keys,
	       COUNTER(COUNT, "reads")),
	METRIC("mmio", "writes", "register", "Writes by register", "registers", register_keys,
	       COUNTER(COUNT, "writes")),
	{ .name = "lost", .kind = DIFF_COUNTER, .unit = CELL_COUNT },
	{ 0 },
};

/* --- names for conditions ------------------------------------------------------------------------- */

#define TOTAL_NAMES(name, unit, what)                                               \
	{ name, unit, what ": change" }, { name ".before", unit, what ", before" }, \
		{ name ".after", unit, what ", after" },                            \
	{                                                                           \
		name ".pct", CONDITION_PERCENT, what ": change in per cent"         \
	}
#define RATE_NAMES(name, unit, what)                               \
	{ name ".before_rate", unit, what ", before, a second" },  \
	{                                                          \
		name ".after_rate", unit, what ", after, a second" \
	}
#define COUNTER_NAMES(name, unit, what) TOTAL_NAMES(name, unit, what), RATE_NAMES(name, unit, what)
#define ROW_NAMES(name, unit, what)	TOTAL_NAMES(name, unit, what ", of the one that grew most")

#define COUNT CONDITION_COUNT
#define BYTES CONDITION_BYTES

const struct condition_name diff_names[] = {
	COUNTER_NAMES("leaks.bytes", BYTES, "allocated and not freed"),
	ROW_NAMES("leaks.site.bytes", BYTES, "allocated and not freed by a call site"),
	COUNTER_NAMES("leaks.objects", COUNT, "objects allocated and not freed"),
	ROW_NAMES("leaks.site.objects", COUNT, "objects allocated and not freed by a call site"),
	COUNTER_NAMES("slab.waste", BYTES, "lost to rounding"),
	ROW_NAMES("slab.site.waste", BYTES, "lost to rounding at a call site"),
	COUNTER_NAMES("slab.bytes_alloc", BYTES, "given by the slab allocator"),
	ROW_NAMES("slab.site.bytes_alloc", BYTES, "given by the slab allocator to a call site"),
	COUNTER_NAMES("slab.allocs", COUNT, "slab allocations"),
	ROW_NAMES("slab.site.allocs", COUNT, "slab allocations of a call site"),
	COUNTER_NAMES("slab.failed", COUNT, "failed slab allocations"),
	ROW_NAMES("slab.site.failed", COUNT, "failed slab allocations of a call site"),
	TOTAL_NAMES("slab.live_bytes", BYTES, "slab objects live at the end"),
	ROW_NAMES("slab.site.live_bytes", BYTES, "slab objects of a call site live at the end"),
	COUNTER_NAMES("buddy.bytes", BYTES, "given in pages"),
	ROW_NAMES("buddy.comm.bytes", BYTES, "given in pages to a process name"),
	COUNTER_NAMES("buddy.allocs", COUNT, "blocks of pages allocated"),
	ROW_NAMES("buddy.order.allocs", COUNT, "blocks allocated of an order and type"),
	COUNTER_NAMES("buddy.failed", COUNT, "failed page allocations"),
	ROW_NAMES("buddy.order.failed", COUNT, "failed page allocations of an order and type"),
	TOTAL_NAMES("buddy.live_bytes", BYTES, "in pages live at the end"),
	ROW_NAMES("buddy.order.live_bytes", BYTES, "in pages of an order and type live at the end"),
	TOTAL_NAMES("buddy.live_pages", COUNT, "pages live at the end"),
	ROW_NAMES("buddy.order.live_pages", COUNT, "pages of an order and type live at the end"),
	COUNTER_NAMES("buddy.fallbacks", COUNT, "blocks taken from another type's lists"),
	ROW_NAMES("buddy.pair.fallbacks", COUNT, "blocks taken from one type for another"),
	TOTAL_NAMES("buddy.free_bytes", BYTES, "free memory at the end"),
	ROW_NAMES("buddy.zone.free_bytes", BYTES, "free memory of a zone at the end"),
	COUNTER_NAMES("vmalloc.bytes", BYTES, "taken in vmalloc areas"),
	ROW_NAMES("vmalloc.site.bytes", BYTES, "taken in vmalloc areas by a call site"),
	COUNTER_NAMES("vmalloc.allocs", COUNT, "vmalloc areas taken"),
	ROW_NAMES("vmalloc.site.allocs", COUNT, "vmalloc areas taken by a call site"),
	COUNTER_NAMES("vmalloc.failed", COUNT, "failed requests for vmalloc areas"),
	ROW_NAMES("vmalloc.site.failed", COUNT, "failed requests for areas of a call site"),
	TOTAL_NAMES("vmalloc.live_bytes", BYTES, "areas taken since the start and live at the end"),
	ROW_NAMES("vmalloc.site.live_bytes", BYTES, "live areas taken by a call site"),
	TOTAL_NAMES("vmalloc.areas", COUNT, "all vmalloc areas at the end"),
	ROW_NAMES("vmalloc.kind.areas", COUNT, "all areas of a kind at the end"),
	TOTAL_NAMES("vmalloc.taken_bytes", BYTES, "all vmalloc areas at the end, with guard pages"),
	ROW_NAMES("vmalloc.kind.taken_bytes", BYTES, "all areas of a kind at the end"),
	TOTAL_NAMES("vmalloc.existing_bytes", BYTES, "vmalloc areas from before the start"),
	ROW_NAMES("vmalloc.caller.existing_bytes", BYTES, "a caller's areas from before the start"),
	COUNTER_NAMES("faults.minor", COUNT, "minor faults"),
	ROW_NAMES("faults.process.minor", COUNT, "minor faults of a process name"),
	COUNTER_NAMES("faults.major", COUNT, "major faults"),
	ROW_NAMES("faults.process.major", COUNT, "major faults of a process name"),
	COUNTER_NAMES("faults.gup", COUNT, "faults taken by get_user_pages()"),
	ROW_NAMES("faults.process.gup", COUNT, "faults by get_user_pages() for a process name"),
	COUNTER_NAMES("faults.all", COUNT, "minor and major faults"),
	ROW_NAMES("faults.region.all", COUNT, "minor and major faults in a region"),
	TOTAL_NAMES("mmio.mappings", COUNT, "mappings of registers at the end"),
	ROW_NAMES("mmio.device.mappings", COUNT, "mappings of a device at the end"),
	COUNTER_NAMES("mmio.reads", COUNT, "reads of registers"),
	ROW_NAMES("mmio.register.reads", COUNT, "reads of a register"),
	COUNTER_NAMES("mmio.writes", COUNT, "writes of registers"),
	ROW_NAMES("mmio.register.writes", COUNT, "writes of a register"),
	COUNTER_NAMES("lost", COUNT, "events lost"),
	{ NULL, CONDITION_COUNT, NULL },
};
