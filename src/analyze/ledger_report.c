// SPDX-License-Identifier: GPL-2.0
/* What reports take from the ledger. */
#include "analyze/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"

bool ledger_group_sums(const struct ledger *l, const struct ledger_group *g,
		       struct ledger_sums *add)
{
	const struct ledger_cache *c = &l->caches.items[g->cache];

	add->allocs += g->allocs;
	add->frees += g->frees + g->implied;
	add->failed += g->failed;
	add->live += g->live;
	if (!c->known)
		return false;
	add->bytes_req += c->one_size ? g->allocs * c->object_size : g->bytes_req;
	add->live_req += c->one_size ? g->live * c->object_size : g->live_req;
	add->bytes_alloc += g->allocs * c->slab_size;
	add->live_bytes += g->live * c->slab_size;
	return true;
}

bool ledger_growth(const struct ledger *l, const struct ledger_row *row, double *ret)
{
	double n = 0, sum_t = 0, sum_b = 0, sum_tt = 0, sum_tb = 0;
	uint64_t i;

	/* what lives from before the start is unknown, so the first half shows caches filling up */
	for (i = l->n_samples / 2; i < l->n_samples; i++) {
		double t = (double)(i * l->stride);
		double b = row->samples ? (double)row->samples[i] : 0;

		n++;
		sum_t += t;
		sum_b += b;
		sum_tt += t * t;
		sum_tb += t * b;
	}
	if (n < 3)
		return false;
	*ret = (n * sum_tb - sum_t * sum_b) / (n * sum_tt - sum_t * sum_t); /* least squares */
	return true;
}

void ledger_each_live(const struct ledger *l, void (*visit)(void *ctx, uint64_t ptr), void *ctx)
{
	const struct ledger_object *o;

	vec_for_each(&l->objects, o)
		if (o->ptr)
			visit(ctx, o->ptr);
}

const char *ledger_row_name(const struct ledger *l, const struct ledger_row *row, char buf[64])
{
	switch (l->by) {
	case LEDGER_BY_SITE:
		break;
	case LEDGER_BY_CACHE:
		return l->caches.items[row->key].name[0] ? l->caches.items[row->key].name : NULL;
	case LEDGER_BY_PID:
	case LEDGER_BY_CGROUP:
		snprintf(buf, 64, "%llu", (unsigned long long)row->key);
		return buf;
	case LEDGER_BY_COMM:
		return stream_comm(&l->stream, row->task, buf);
	}
	return NULL;
}
