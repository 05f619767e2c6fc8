/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmscope_truth: exact, counted allocations. One command runs at a time, under truth_lock, which
 * guards everything here; code in interrupts runs only while a command waits for it.
 */
#ifndef KMSCOPE_TRUTH_H
#define KMSCOPE_TRUTH_H

#include <linux/compiler.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/types.h>

/*
 * On the functions that allocate and free: each keeps its name, its own code and a frame that calls
 * the allocator, so that a call site is truth_<kind>_site or truth_<kind>_free. noipa also stops
 * the compiler from merging equal functions and from making .constprop or .isra copies of them.
 */
#if __has_attribute(noipa)
#define truth_site noinline __attribute__((noipa))
#else
#define truth_site noinline
#endif

#define TRUTH_MAX_COUNT	     1000000
#define TRUTH_MAX_TURNED     (16ULL << 30) /* bytes that one command allocates and frees in turn */
#define TRUTH_MAX_HELD	     (16UL << 20) /* bytes that one command holds at once */
#define TRUTH_MAX_ITEMS	     4096
#define TRUTH_MAX_VMALLOC    (16UL << 20)
#define TRUTH_MAX_PERCPU     (32UL << 10) /* the percpu allocator's own limit */
#define TRUTH_MAX_ORDER	     KMALLOC_MAX_ORDER /* the buddy allocator's largest */
#define TRUTH_CONST_SIZE     72 /* of kmalloc_const */
#define TRUTH_BULK_SIZE	     120 /* object size of the cache that bulk commands use */
#define TRUTH_CHUNK	     256 /* allocations between two looks at signals and the scheduler */
#define TRUTH_BATCH	     64 /* objects that bulk and cross hold at once */
#define TRUTH_INTERRUPT_TURN 32 /* allocations in one run of an interrupt */

/* --- kinds ------------------------------------------------------------------------------------ */

enum truth_kind_id {
	TRUTH_KMALLOC,
	TRUTH_KMALLOC_CONST,
	TRUTH_KZALLOC,
	TRUTH_KCALLOC,
	TRUTH_LARGE,
	TRUTH_LEAK,
	TRUTH_CACHE,
	TRUTH_CACHE_KEEP,
	TRUTH_VMALLOC,
	TRUTH_PAGE,
	TRUTH_PERCPU,
	TRUTH_IOREMAP,
	TRUTH_ATOMIC,
	TRUTH_HARDIRQ,
	TRUTH_CROSS,
	TRUTH_KREALLOC_FROM,
	TRUTH_KREALLOC,
	TRUTH_ZERO,
	TRUTH_KFREE_NULL,
	TRUTH_FREE_BULK,
	TRUTH_ALLOC_BULK,
	TRUTH_BULK,
	TRUTH_KFREE_BULK,
	TRUTH_KFREE_RCU,
	TRUTH_WITNESS,
	TRUTH_PAGE_SPLIT,
	TRUTH_PAGE_EXACT,
	TRUTH_PAGE_BULK,
	TRUTH_KINDS,
};

/* What one allocation is asked for. */
struct truth_ask {
	size_t size; /* bytes of an item */
	size_t items;
	struct kmem_cache *cache;
	unsigned int order;
	gfp_t gfp;
};

static inline u64 truth_requested(const struct truth_ask *ask)
{
	return (u64)ask->size * ask->items;
}

/* A kind without functions has a command of its own. */
struct truth_kind {
	const char *name;
	void *(*alloc)(const struct truth_ask *ask);
	void (*free)(void *p, const struct truth_ask *ask);
	u64 (*given)(const void *p, const struct truth_ask *ask);
};

extern const struct truth_kind truth_kinds[TRUTH_KINDS];

/* Allocate and free n times, one after the other. In any context that ask->gfp fits. */
void truth_turn(enum truth_kind_id id, const struct truth_ask *ask, u64 n);
u64 truth_given_ksize(const void *p, const struct truth_ask *ask);
int truth_ioremap_init(void);
u64 truth_ioremap_size(void);

/* --- counters --------------------------------------------------------------------------------- */

struct truth_stats {
	u64 tries; /* objects asked for; of zero and kfree_null, calls */
	u64 allocs;
	u64 frees;
	u64 pieces; /* frees that were not the only one of their object, but one each */
	u64 failed;
	u64 requested; /* bytes, by all allocations */
	u64 given;
	u64 freed_requested; /* bytes, of all that was freed */
	u64 freed_given;
};

extern struct truth_stats truth_stats[TRUTH_KINDS];

void truth_count_alloc(enum truth_kind_id id, u64 requested, u64 given);
void truth_count_free(enum truth_kind_id id, u64 requested, u64 given);
void truth_count_failed(enum truth_kind_id id);

/* --- kept objects ----------------------------------------------------------------------------- */

struct truth_kept {
	void *p;
	struct truth_ask ask;
	enum truth_kind_id id;
};

int truth_keep_init(void);
/* Frees everything that is kept; all but leaks if those are to be lost. Returns how many are. */
unsigned int truth_keep_exit(bool lose_leaks);
unsigned int truth_keep_slots(void);
unsigned int truth_keep_used(void);
const struct truth_kept *truth_keep_at(unsigned int i);
/* The caller has seen to it that there is room. */
void truth_keep_add(enum truth_kind_id id, void *p, const struct truth_ask *ask);
u64 truth_keep_drop(enum truth_kind_id id);

/* --- commands --------------------------------------------------------------------------------- */

/* The words that the usage of a command is made of. */
enum truth_word {
	TRUTH_WORD_COUNT,
	TRUTH_WORD_SIZE,
	TRUTH_WORD_ITEMS,
	TRUTH_WORD_FROM,
	TRUTH_WORD_TO,
	TRUTH_WORD_KIND,
	TRUTH_WORD_ORDER,
	TRUTH_WORD_FAIL,
	TRUTH_WORD_KEEP,
	TRUTH_WORDS,
};

struct truth_command {
	const char *name;
	const char *usage; /* also the grammar that arguments are parsed with */
	/* Does the work; 0, or what truth_error() returned. */
	int (*run)(const struct truth_command *command, const u64 *args);
	enum truth_kind_id id;
	u64 min_size;
	u64 max_size;
};

/* What the answer begins with: «ok DONE» and text that begins with a space. */
struct truth_result {
	u64 done;
	char text[96];
};

extern struct truth_result truth_result;

void __printf(1, 2) truth_say(const char *format, ...);
/* The answer becomes «error WORD: text», WORD after the errno, which is returned. */
int __printf(2, 3) truth_error(int error, const char *format, ...);
/* Runs the command, which it takes apart; NULL is none. 0 or an errno; the answer is there. */
int truth_execute(char *line);
const char *truth_answer(size_t *ret_length);
int truth_command_init(void);
void truth_command_exit(void);

/* Does n times what step does at most TRUTH_CHUNK times a call, unless it is to be killed. */
int truth_repeat(u64 n, void (*step)(void *context, u64 n), void *context);
int truth_check_total(u64 count, u64 size, u64 limit);
/* The commands that allocate and free, or keep, objects of a kind that has functions. */
int truth_run_plain(const struct truth_command *command, const u64 *args);

/* --- slab.c ----------------------------------------------------------------------------------- */

int truth_slab_init(void);
void truth_slab_exit(void);
/* The cache of objects of that size, created if need be; NULL, and the answer says why. */
struct kmem_cache *truth_cache(size_t size);
void truth_constructor(void *p);
int truth_run_krealloc(const struct truth_command *command, const u64 *args);
int truth_run_zero(const struct truth_command *command, const u64 *args);
int truth_run_kfree_null(const struct truth_command *command, const u64 *args);
int truth_run_bulk(const struct truth_command *command, const u64 *args);

/* --- page.c ----------------------------------------------------------------------------------- */

int truth_run_page(const struct truth_command *command, const u64 *args);
int truth_run_page_pieces(const struct truth_command *command, const u64 *args);
int truth_run_page_bulk(const struct truth_command *command, const u64 *args);
/* Says the counters of each kind and order. */
int truth_run_pages(const struct truth_command *command, const u64 *args);
size_t truth_pages_lines(void); /* at most that many */
/* A kept block of this order was freed. */
void truth_page_dropped(unsigned int order);
void truth_page_reset(void);

/* --- rcu.c ------------------------------------------------------------------------------------ */

int truth_rcu_init(void);
void truth_rcu_exit(void);
int truth_run_kfree_rcu(const struct truth_command *command, const u64 *args);
int truth_run_quiesce(const struct truth_command *command, const u64 *args);

/* --- context.c -------------------------------------------------------------------------------- */

void truth_context_init(void);
void truth_context_exit(void);
int truth_run_interrupt(const struct truth_command *command, const u64 *args);
int truth_run_cross(const struct truth_command *command, const u64 *args);

/* --- registers.c ------------------------------------------------------------------------------ */

int truth_run_registers(const struct truth_command *command, const u64 *args);

#endif
