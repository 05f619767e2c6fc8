/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_REPORT_REPORT_H
#define KMSCOPE_REPORT_REPORT_H
/*
 * The report model: all that a renderer sees. Analyzers fill it, sym/ turns addresses into names,
 * render/ prints it. It formats nothing itself.
 *
 * Ownership: a report owns its tables, rows and every string in them; strings given to a setter
 * are copied. Names, titles, column arrays and classes are static tables of the analyzer and only
 * referenced.
 */
#include "base/base.h"

enum cell_type {
	CELL_NULL, /* unknown: null in JSON, «-» in text */
	CELL_TEXT, /* .text */
	CELL_COUNT, /* .u64, how many */
	CELL_ID, /* .u64, a number that names something: a process, a stack */
	CELL_BYTES, /* .u64 */
	CELL_DELTA, /* .i64, bytes that may shrink */
	CELL_CHANGE, /* .i64, how many more (or fewer) */
	CELL_NS, /* .u64, nanoseconds */
	CELL_RATE, /* .real, bytes a second, may be negative */
	CELL_PERCENT, /* .real, 0 to 100 */
	CELL_FRACTION, /* .real, -1 to 1 */
	CELL_FREQUENCY, /* .real, how many a second */
	CELL_BOOL, /* .u64, 0 or 1 */
	CELL_ADDRESS, /* .u64, «"0x…"» in JSON */
	CELL_SITE, /* .u64 a code address, .text its symbol+offset once resolved (else NULL) */
	CELL_MODULE, /* .u64 a code address, .text its module once resolved; «vmlinux» for the kernel */
	CELL_TEXTS, /* .list of texts */
	CELL_STACKS, /* .stacks, shares of a row that stacks stand for */
};

/* What one call chain stands for in a row. */
struct stack_share {
	uint32_t stack; /* index into report.stacks, also its id */
	uint64_t objects;
	uint64_t bytes;
	bool estimated; /* scaled up from sampled stacks */
};

struct cell {
	enum cell_type type;
	union {
		uint64_t u64;
		int64_t i64;
		double real;
		struct {
			char **items;
			size_t n;
		} list;
		struct {
			struct stack_share *items;
			size_t n;
		} stacks;
	};
	char *text;
};

enum column_flags {
	COLUMN_LEFT = 1 << 0, /* text: align left */
	COLUMN_JSON_ONLY = 1 << 1, /* not in text */
	COLUMN_TEXT_ONLY = 1 << 4, /* not in JSON */
	COLUMN_IF_SET = 1 << 3, /* text: left out while every row's is null, or a count of 0 */
	COLUMN_SUBLINE = 1 << 2, /* text: on a line of its own below the row, if not null */
};

struct column {
	const char *name; /* JSON member, a contract */
	const char *title; /* text heading */
	enum cell_type type;
	unsigned int flags;
	/*
	 * Text: columns with the largest number are left out first when the terminal is too narrow;
	 * 0 is never left out.
	 */
	unsigned int droppable;
};

struct table {
	const char *name; /* JSON member */
	const char *title; /* text heading, one line */
	const struct column *columns;
	size_t n_columns;
	struct cell *cells; /* row-major, n_rows × n_columns */
	size_t n_rows, rows_capacity;
	size_t rows_total; /* before report_table_truncate() */
	const char *empty; /* text: what to say when there are no rows */
	const char *noun; /* text: what shares of call chains count; NULL: «object» */
	const uint8_t
		*least; /* text: by column, at least so wide; static; NULL: as wide as need be */
	/*
	 * A tree has the depth of each row (0: a root; a row's children follow it, one deeper), NULL
	 * while it has none. Text indents the first column that it shows, which is to be COLUMN_LEFT
	 * and not droppable; JSON nests the rows as «children» below «trees».
	 */
	bool is_tree;
	uint8_t *depths;
};

struct frame {
	uint64_t address; /* the kernel's, or user code as report_code() packs it */
	char *symbol; /* NULL until resolved, or unknown */
	char *module; /* «vmlinux» for the kernel itself, an object's path; NULL if unknown */
	uint64_t offset; /* into the symbol */
};

/* A file (or the like) whose code user addresses lie in. */
struct report_object {
	char *path; /* as the kernel told it; «[vdso]», «[anon]», «[unknown]» … are no files */
	uint32_t major, minor; /* device */
	uint64_t inode; /* 0: not told */
	uint32_t generation; /* of the inode, when it was first told of; 0: not told: tells objects apart */
	uint32_t known_generation; /* … as it was told since */
	uint32_t pid; /* a process that had it mapped, */
	uint64_t start, end; /* … and where: for /proc/PID/map_files */
	/* CLOCK_REALTIME: */
	uint64_t seen_wall_ns; /* when that was last known to be so */
	uint64_t first_wall_ns, last_wall_ns; /* when its code was first and last seen at work */
};

/* Their numbers have to differ from the upper 16 bits of kernel addresses. */
#define REPORT_OBJECTS_MAX 65534

/*
 * User code in a word, as cells of CELL_SITE and CELL_MODULE and frames hold it: the number of its
 * object, and where in the object's file (or mapping, if that is none). Kernel addresses stay as they
 * are: of a 64-bit kernel's code the upper 16 bits are all set, of a 32-bit one's all clear.
 */
#define REPORT_CODE_SHIFT 48

static inline uint64_t report_code(uint32_t object, uint64_t offset)
{
	return (uint64_t)object << REPORT_CODE_SHIFT | (offset & ((1ull << REPORT_CODE_SHIFT) - 1));
}

/* The number of its object; 0: it is the kernel's. */
static inline uint32_t report_code_object(uint64_t code)
{
	uint32_t object = (uint32_t)(code >> REPORT_CODE_SHIFT);

	return object <= REPORT_OBJECTS_MAX ? object : 0;
}

/* What to show for it: the offset of user code, a kernel address as it is. */
static inline uint64_t report_code_offset(uint64_t code)
{
	return report_code_object(code) ? code & ((1ull << REPORT_CODE_SHIFT) - 1) : code;
}

struct report_stack {
	struct frame *frames; /* innermost first */
	size_t n_frames;
};

/*
 * Bars: how often a value fell between two bounds, for one or more keys (an order, a process). The
 * buckets of a key ascend and do not overlap; a bucket that is left out counts nothing. All keys need
 * not have the same, but text lays buckets that begin at the same value above each other.
 */
struct histogram_bucket {
	uint64_t from, to; /* from <= value < to; to UINT64_MAX: open end */
	uint64_t count;
};

struct histogram_row {
	uint64_t key;
	char *label; /* NULL: the key's number stands for itself */
	struct histogram_bucket *buckets;
	size_t n, capacity;
};

struct histogram {
	const char *name, *title; /* static; title NULL: the name */
	/* JSON member of a row's key, such as «order»; NULL: there is one row, no key. */
	const char *key;
	enum cell_type unit; /* of the bounds: CELL_NS, CELL_BYTES, CELL_COUNT */
	struct histogram_row *rows;
	size_t n_rows, rows_capacity;
};

/* Values at equal steps of time. */
struct series {
	const char *name, *title; /* as a histogram's */
	enum cell_type unit; /* of the values: CELL_NS, CELL_BYTES, CELL_COUNT */
	uint64_t start_ns, step_ns; /* the first value holds at start_ns, CLOCK_MONOTONIC */
	uint64_t *values;
	size_t n, capacity;
};

/* A map of memory or of anything else that is a line of equal cells: each has one of some classes. */
struct grid_class {
	const char *name; /* static; JSON and legend */
	/* Stands for it in JSON and on terminals: printable ASCII but «"», «\» and space, used once. */
	char letter;
	unsigned int colour; /* ANSI 30–37, 90–97; 0: none */
};

struct grid_row {
	char *label; /* NULL: the address */
	uint64_t address; /* of its first cell */
	uint8_t *cells; /* index into the classes, by cell */
	size_t n;
};

struct grid {
	const char *name, *title; /* as a histogram's */
	uint64_t cell_bytes; /* what a cell stands for; 0: not bytes, addresses count cells */
	const struct grid_class *classes; /* static */
	size_t n_classes;
	struct grid_row *rows;
	size_t n_rows, rows_capacity;
};

/* An unknown count: null in JSON. */
#define QUALITY_UNKNOWN UINT64_MAX

/*
 * How far a report can be trusted. events = analysed + lost + recursion_misses (where the kernel
 * tells them) + filtered + own; lost is the sum of lost_by_cpu.
 */
struct quality {
	uint64_t events; /* every event that a probe of ours saw or is known to have missed */
	uint64_t analysed;
	uint64_t lost;
	uint64_t *lost_by_cpu; /* owned; ring full, by CPU */
	size_t n_cpus;
	uint64_t late; /* analysed, but arrived after younger ones had been */
	uint64_t filtered; /* left out by the selection or by sampling */
	uint64_t own; /* kmscope's own */
	uint64_t allocs; /* successful allocations analysed */
	uint64_t failed; /* allocations that returned NULL */
	uint64_t frees_matched;
	uint64_t frees_unknown;
	uint64_t frees_null;
	uint64_t frees_implied_reuse; /* addresses allocated again with no free seen between */
	uint64_t frees_implied_page, frees_implied_rcu; /* QUALITY_UNKNOWN where not watched */
	uint64_t map_full; /* a preallocated kernel map had no room */
	uint64_t stacks_lost; /* call chains that could not be taken */
	uint64_t recursion_misses; /* QUALITY_UNKNOWN where the kernel can't tell */
	uint64_t after_end; /* events that came while probes were being detached; not among .events */
	uint64_t sample; /* 1: every allocation */
	/* faults; QUALITY_UNKNOWN elsewhere */
	uint64_t gup; /* taken by get_user_pages(): not among .events unless a probe told them */
	uint64_t faults_unexplained; /* by which /proc/vmstat differs from all that was told */
	uint64_t maps_lost; /* records of processes and mappings */
	/* buddy; QUALITY_UNKNOWN elsewhere */
	uint64_t pages_unexplained; /* change of free pages beyond what events and bounds explain */
	uint64_t bulk_pages; /* pages handed out in bulk, which no event tells; see buddy */
	uint64_t model_off_pages; /* free pages by which the inferred free blocks are off */
};

struct program_status {
	bool present;
	int pid;
	int exit_code; /* -1: none (killed, or still running) */
	int signal; /* 0: none */
};

struct report {
	const char *command; /* static */
	char kernel[128];
	char arch[32];
	char *subject; /* what is traced, in words; text's first line */
	uint64_t start_ns, end_ns, start_wall_ns;
	uint64_t interval;
	bool final;
	/*
	 * Not a report on its own but a piece of one, of which there are many: text shows the tables' rows
	 * and nothing else, their headings in the first piece (interval 0).
	 */
	bool piece;
	struct program_status program;
	bool has_quality; /* doctor has none */
	struct quality quality;
	struct table *tables;
	size_t n_tables, tables_capacity;
	struct histogram *histograms;
	size_t n_histograms, histograms_capacity;
	struct series *series;
	size_t n_series, series_capacity;
	struct grid *grids;
	size_t n_grids, grids_capacity;
	struct report_stack *stacks;
	size_t n_stacks, stacks_capacity;
	uint32_t *stack_index; /* report_add_stack()'s own: hash table of ids + 1, 0 is free */
	size_t stack_index_size;
	struct report_object *objects;
	size_t n_objects, objects_capacity;
	char **notes;
	size_t n_notes, notes_capacity;
	char *next_hint; /* text: the next command to try; NULL for none */
	bool oom; /* memory ran short while filling it: the report must not be shown */
};

struct report *report_new(const char *command);
/* Frees *@r and everything in it; *@r may be NULL. */
void report_free(struct report **r);

/*
 * Add a table; it stays valid until the next report_add_table(). NULL (and oom set) when memory is
 * short: the setters below accept that and do nothing, so that callers check report.oom once.
 */
struct table *report_add_table(struct report *r, const char *name, const char *title,
			       const struct column *columns, size_t n_columns);
/* Add a row of CELL_NULL to a table that is no tree; returns its number, or SIZE_MAX with oom set. */
size_t report_add_row(struct report *r, struct table *t);
/* The cell of row @row in the column named @column (which must exist); never NULL. */
struct cell *table_cell(const struct table *t, size_t row, const char *column);

/*
 * As report_add_table(), for a tree, whose rows come from report_add_node() in depth-first order: no
 * row is more than one deeper than the one before, the first has depth 0. Rows deeper than
 * TREE_DEPTH_MAX are kept at that depth, as siblings: what is nested by others may be nested
 * without end.
 */
#define TREE_DEPTH_MAX UINT8_MAX

struct table *report_add_tree(struct report *r, const char *name, const char *title,
			      const struct column *columns, size_t n_columns);
/* Add a row of CELL_NULL at @depth; returns its number, or SIZE_MAX with oom set. */
size_t report_add_node(struct report *r, struct table *t, unsigned int depth);

/*
 * These stay valid until the next of the same kind is added. NULL (and oom set) when memory is short;
 * what adds to them accepts NULL and does nothing.
 */
struct histogram *report_add_histogram(struct report *r, const char *name, const char *title,
				       const char *key, enum cell_type unit);
/*
 * Buckets of one key one after the other, as struct histogram says. @label may be NULL; it is taken
 * from the first bucket of a key and copied.
 */
void report_add_bucket(struct report *r, struct histogram *h, uint64_t key, const char *label,
		       struct histogram_bucket bucket);
struct series *report_add_series(struct report *r, const char *name, const char *title,
				 enum cell_type unit, uint64_t start_ns, uint64_t step_ns);
void report_add_value(struct report *r, struct series *s, uint64_t value);
struct grid *report_add_grid(struct report *r, const char *name, const char *title,
			     uint64_t cell_bytes, const struct grid_class *classes,
			     size_t n_classes);
/* A row of @n cells, each below n_classes; they and @label, which may be NULL, are copied. */
void report_add_grid_row(struct report *r, struct grid *g, const char *label, uint64_t address,
			 const uint8_t *cells, size_t n);

/* Setters take the row from report_add_row() and the column's name; they keep the column's type. */
void report_set_u64(struct report *r, struct table *t, size_t row, const char *column, uint64_t v);
void report_set_i64(struct report *r, struct table *t, size_t row, const char *column, int64_t v);
void report_set_real(struct report *r, struct table *t, size_t row, const char *column, double v);
void report_set_text(struct report *r, struct table *t, size_t row, const char *column,
		     const char *text); /* NULL leaves the cell null */
void report_add_text(struct report *r, struct table *t, size_t row, const char *column,
		     const char *fmt, ...) _printf_(5, 6); /* append to a CELL_TEXTS */
void report_add_share(struct report *r, struct table *t, size_t row, const char *column,
		      struct stack_share share); /* append to a CELL_STACKS */

/* Add a call chain of @n addresses, innermost first; returns its id, or UINT32_MAX with oom set. */
uint32_t report_add_stack(struct report *r, const uint64_t *addresses, size_t n);
/*
 * Add what user code lies in; its path is copied. Returns its number, from 1, for report_code(). 0
 * with oom set, or because there are REPORT_OBJECTS_MAX already.
 */
uint32_t report_add_object(struct report *r, const struct report_object *o);
/* The object of a code address; NULL: it is the kernel's, or of none that was added. */
const struct report_object *report_object_of(const struct report *r, uint64_t code);
/* The last part of an object's path or a module's name, up to *@ret_n bytes: no « (deleted)». */
const char *report_base_name(const char *path, size_t *ret_n);
void report_add_note(struct report *r, const char *fmt, ...) _printf_(2, 3);

/*
 * Sort @t by the number in column @column, largest first; equal rows keep their order. This and
 * report_table_truncate() would tear a tree apart: they leave it as it is.
 */
void report_table_sort(struct table *t, const char *column);
/* Keep the first @top rows (0: all) and free the others; rows_total remembers how many there were. */
void report_table_truncate(struct table *t, size_t top);

#endif
