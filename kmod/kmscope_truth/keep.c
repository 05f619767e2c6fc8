// SPDX-License-Identifier: GPL-2.0
/*
 * The counters, and the objects that stay allocated. Their book is allocated once, when the module
 * is loaded, so that keeping an object allocates nothing but that object.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/vmalloc.h>

#include "truth.h"

static unsigned int keep = 4096;
module_param(keep, uint, 0444);
MODULE_PARM_DESC(keep, "how many objects can be kept at once (default 4096)");

#define KEEP_MAX 1000000

struct truth_stats truth_stats[TRUTH_KINDS];

static struct truth_kept *kept;
static unsigned int n_kept;

void truth_count_alloc(enum truth_kind_id id, u64 requested, u64 given)
{
	truth_stats[id].tries++;
	truth_stats[id].allocs++;
	truth_stats[id].requested += requested;
	truth_stats[id].given += given;
}

void truth_count_free(enum truth_kind_id id, u64 requested, u64 given)
{
	truth_stats[id].frees++;
	truth_stats[id].freed_requested += requested;
	truth_stats[id].freed_given += given;
}

void truth_count_failed(enum truth_kind_id id)
{
	truth_stats[id].tries++;
	truth_stats[id].failed++;
}

unsigned int truth_keep_slots(void)
{
	return keep;
}

unsigned int truth_keep_used(void)
{
	return n_kept;
}

const struct truth_kept *truth_keep_at(unsigned int i)
{
	return &kept[i];
}

void truth_keep_add(enum truth_kind_id id, void *p, const struct truth_ask *ask)
{
	kept[n_kept++] = (struct truth_kept){ .p = p, .ask = *ask, .id = id };
}

static void free_kept(const struct truth_kept *object)
{
	const struct truth_kind *kind = &truth_kinds[object->id];
	u64 given = kind->given(object->p, &object->ask);

	kind->free(object->p, &object->ask);
	truth_count_free(object->id, truth_requested(&object->ask), given);
	if (object->id == TRUTH_PAGE)
		truth_page_dropped(object->ask.order);
}

u64 truth_keep_drop(enum truth_kind_id id)
{
	unsigned int left = 0;
	unsigned int i;
	u64 n;

	for (i = 0; i < n_kept; i++) {
		if (kept[i].id == id)
			free_kept(&kept[i]);
		else
			kept[left++] = kept[i];
		if (i % TRUTH_CHUNK == 0)
			cond_resched();
	}
	n = n_kept - left;
	n_kept = left;
	return n;
}

int truth_keep_init(void)
{
	if (keep < 1 || keep > KEEP_MAX) {
		pr_err("keep=%u, may be 1 to %u\n", keep, KEEP_MAX);
		return -ERANGE;
	}
	kept = vzalloc(keep * sizeof(*kept));
	return kept ? 0 : -ENOMEM;
}

unsigned int truth_keep_exit(bool lose_leaks)
{
	enum truth_kind_id id;
	unsigned int lost;

	for (id = 0; id < TRUTH_KINDS; id++) {
		if (id != TRUTH_LEAK || !lose_leaks)
			truth_keep_drop(id);
	}
	lost = n_kept;
	n_kept = 0;
	vfree(kept);
	kept = NULL;
	return lost;
}
