// SPDX-License-Identifier: GPL-2.0
/*
 * The module's own caches, and what does more with slab objects than allocate one and free it:
 * krealloc, bulk, kmalloc(0), kfree(NULL).
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "truth.h"

#define CACHES	   8
#define NAME_BYTES 32

static struct {
	struct kmem_cache *cache;
	size_t size;
} caches[CACHES];

static void *batch[TRUTH_BATCH];

/* --- caches ----------------------------------------------------------------------------------- */

/* A cache with a constructor is merged with no other, on every kernel. */
void truth_constructor(void *p)
{
}

struct kmem_cache *truth_cache(size_t size)
{
	char name[NAME_BYTES];
	unsigned int i;

	for (i = 0; i < CACHES && caches[i].cache; i++) {
		if (caches[i].size == size)
			return caches[i].cache;
	}
	if (i == CACHES) {
		truth_error(-ENOSPC, "%u caches are there, one for each SIZE", CACHES);
		return NULL;
	}
	snprintf(name, sizeof(name), "kmscope_truth_%zu", size);
	caches[i].cache = kmem_cache_create(name, size, 0, 0, truth_constructor);
	caches[i].size = size;
	if (!caches[i].cache)
		truth_error(-ENOMEM, "no cache of objects of %zu bytes", size);
	return caches[i].cache;
}

int truth_slab_init(void)
{
	return truth_cache(TRUTH_BULK_SIZE) ? 0 : -ENOMEM;
}

void truth_slab_exit(void)
{
	unsigned int i;

	for (i = 0; i < CACHES; i++) {
		kmem_cache_destroy(caches[i].cache);
		caches[i].cache = NULL;
	}
}

/* --- krealloc --------------------------------------------------------------------------------- */

struct resize {
	size_t from;
	size_t to;
	u64 moved;
	u64 in_place;
};

static truth_site void *truth_krealloc_from_site(size_t size)
{
	return kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
}

static truth_site void *truth_krealloc_site(void *p, size_t size)
{
	return krealloc(p, size, GFP_KERNEL | __GFP_NOWARN);
}

static truth_site void truth_krealloc_from_free(void *p)
{
	kfree(p);
}

static truth_site void truth_krealloc_free(void *p)
{
	kfree(p);
}

/*
 * Every object begins as krealloc_from's. If it moves, krealloc() frees that one, and the new one
 * is krealloc's; else it remains krealloc_from's, with the size that it was first asked for with.
 */
static void resize_one(struct resize *r)
{
	void *p = truth_krealloc_from_site(r->from);
	unsigned long old = (unsigned long)p;
	u64 given;

	if (!p) {
		truth_count_failed(TRUTH_KREALLOC_FROM);
		return;
	}
	given = ksize(p);
	truth_count_alloc(TRUTH_KREALLOC_FROM, r->from, given);
	p = truth_krealloc_site(p, r->to);
	if (p && (unsigned long)p != old) {
		r->moved++;
		truth_count_free(TRUTH_KREALLOC_FROM, r->from, given);
		given = ksize(p);
		truth_count_alloc(TRUTH_KREALLOC, r->to, given);
		truth_krealloc_free(p);
		truth_count_free(TRUTH_KREALLOC, r->to, given);
		return;
	}
	if (p) {
		r->in_place++;
		truth_stats[TRUTH_KREALLOC].tries++;
	} else {
		truth_count_failed(TRUTH_KREALLOC);
	}
	truth_krealloc_from_free((void *)old);
	truth_count_free(TRUTH_KREALLOC_FROM, r->from, given);
}

static void resize_step(void *context, u64 n)
{
	for (; n; n--)
		resize_one(context);
}

int truth_run_krealloc(const struct truth_command *command, const u64 *args)
{
	struct resize r = { .from = args[TRUTH_WORD_FROM], .to = args[TRUTH_WORD_TO] };
	u64 count = args[TRUTH_WORD_COUNT];
	int err = truth_check_total(count, max(r.from, r.to), TRUTH_MAX_TURNED);

	if (err)
		return err;
	err = truth_repeat(count, resize_step, &r);
	snprintf(truth_result.text, sizeof(truth_result.text), " moved=%llu in_place=%llu", r.moved,
		 r.in_place);
	return err;
}

/* --- nothing: kmalloc(0) and kfree(NULL) ------------------------------------------------------ */

static truth_site void *truth_zero_site(size_t size)
{
	return kmalloc(size, GFP_KERNEL);
}

static truth_site void truth_zero_free(void *p)
{
	kfree(p);
}

static truth_site void truth_kfree_null_site(void *p)
{
	kfree(p);
}

/* ZERO_SIZE_PTR is no object: nothing is counted but the call. */
static void zero_step(void *context, u64 n)
{
	size_t size = 0;
	void *p;

	OPTIMIZER_HIDE_VAR(size);
	for (; n; n--) {
		p = truth_zero_site(size);
		if (p == ZERO_SIZE_PTR)
			truth_stats[TRUTH_ZERO].tries++;
		else
			truth_count_failed(TRUTH_ZERO);
		truth_zero_free(p);
	}
}

int truth_run_zero(const struct truth_command *command, const u64 *args)
{
	return truth_repeat(args[TRUTH_WORD_COUNT], zero_step, NULL);
}

static void kfree_null_step(void *context, u64 n)
{
	void *p = NULL;

	OPTIMIZER_HIDE_VAR(p);
	for (; n; n--) {
		truth_kfree_null_site(p);
		truth_stats[TRUTH_KFREE_NULL].tries++;
	}
}

int truth_run_kfree_null(const struct truth_command *command, const u64 *args)
{
	return truth_repeat(args[TRUTH_WORD_COUNT], kfree_null_step, NULL);
}

/* --- bulk ------------------------------------------------------------------------------------- */

static truth_site void *truth_free_bulk_site(struct kmem_cache *cache)
{
	return kmem_cache_alloc(cache, GFP_KERNEL);
}

static truth_site void truth_free_bulk_free(struct kmem_cache *cache, size_t n)
{
	kmem_cache_free_bulk(cache, n, batch);
}

static truth_site bool truth_alloc_bulk_site(struct kmem_cache *cache, size_t n)
{
	return kmem_cache_alloc_bulk(cache, GFP_KERNEL, n, batch);
}

static truth_site void truth_alloc_bulk_free(struct kmem_cache *cache, void *p)
{
	kmem_cache_free(cache, p);
}

static truth_site bool truth_bulk_site(struct kmem_cache *cache, size_t n)
{
	return kmem_cache_alloc_bulk(cache, GFP_KERNEL, n, batch);
}

static truth_site void truth_bulk_free(struct kmem_cache *cache, size_t n)
{
	kmem_cache_free_bulk(cache, n, batch);
}

static truth_site void *truth_kfree_bulk_site(size_t size)
{
	return kmalloc(size, GFP_KERNEL | __GFP_NOWARN);
}

static truth_site void truth_kfree_bulk_free(size_t n)
{
	kfree_bulk(n, batch);
}

struct bulk {
	enum truth_kind_id id;
	struct kmem_cache *cache; /* NULL for kfree_bulk */
	size_t size;
};

/* Fills the batch with up to n objects; how many came. A bulk allocation gives all or none. */
static size_t fill(const struct bulk *b, size_t n)
{
	size_t got;

	if (b->id == TRUTH_ALLOC_BULK)
		return truth_alloc_bulk_site(b->cache, n) ? n : 0;
	if (b->id == TRUTH_BULK)
		return truth_bulk_site(b->cache, n) ? n : 0;
	for (got = 0; got < n; got++) {
		batch[got] =
			b->cache ? truth_free_bulk_site(b->cache) : truth_kfree_bulk_site(b->size);
		if (!batch[got])
			break;
	}
	return got;
}

static void empty(const struct bulk *b, size_t n)
{
	size_t i;

	if (b->id == TRUTH_FREE_BULK)
		truth_free_bulk_free(b->cache, n);
	else if (b->id == TRUTH_BULK)
		truth_bulk_free(b->cache, n);
	else if (b->id == TRUTH_KFREE_BULK)
		truth_kfree_bulk_free(n);
	else
		for (i = 0; i < n; i++)
			truth_alloc_bulk_free(b->cache, batch[i]);
}

static void bulk_batch(const struct bulk *b, size_t n)
{
	size_t got = fill(b, n);
	u64 given;
	size_t i;

	for (i = got; i < n; i++)
		truth_count_failed(b->id);
	if (!got)
		return;
	given = ksize(batch[0]);
	for (i = 0; i < got; i++)
		truth_count_alloc(b->id, b->size, given);
	empty(b, got);
	for (i = 0; i < got; i++)
		truth_count_free(b->id, b->size, given);
}

static void bulk_step(void *context, u64 n)
{
	size_t now;

	for (; n; n -= now) {
		now = min_t(u64, n, TRUTH_BATCH);
		bulk_batch(context, now);
	}
}

int truth_run_bulk(const struct truth_command *command, const u64 *args)
{
	struct bulk b = { .id = command->id, .size = TRUTH_BULK_SIZE };
	u64 count = args[TRUTH_WORD_COUNT];
	int err;

	if (command->id == TRUTH_KFREE_BULK) {
		b.size = args[TRUTH_WORD_SIZE];
		err = truth_check_total(count, b.size, TRUTH_MAX_TURNED);
		if (err)
			return err;
	} else {
		b.cache = truth_cache(b.size);
		if (!b.cache)
			return -ENOMEM;
	}
	return truth_repeat(count, bulk_step, &b);
}
