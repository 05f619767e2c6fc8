// SPDX-License-Identifier: GPL-2.0
#include "procfs/size_classes.h"

#include <errno.h>
#include <string.h>

#include "procfs/scan.h"

#define MAX_CLASS  (1u << 30)
#define MAX_NUMBER (1ull << 46)

static const struct {
	const char *prefix;
	enum size_class_variant variant;
} variants[] = {
	{ "kmalloc-cg-", VARIANT_CG },	 { "kmalloc-rcl-", VARIANT_RCL },
	{ "dma-kmalloc-", VARIANT_DMA }, { "kmalloc-rnd-", VARIANT_RND },
	{ "kmalloc-", VARIANT_PLAIN },
};

/* «192», «1k», «04-96» behind the prefix. */
static bool take_size(struct scan *s, enum size_class_variant variant, uint64_t *ret)
{
	uint64_t n;

	if (variant == VARIANT_RND && (!scan_u64(s, &n) || !scan_literal(s, "-")))
		return false;
	if (!scan_u64(s, &n))
		return false;
	if (scan_literal(s, "k"))
		n = n <= MAX_CLASS ? n * 1024 : n;
	else if (scan_literal(s, "M"))
		n = n <= MAX_CLASS ? n * 1024 * 1024 : n;
	if (!n || n > MAX_CLASS || (!scan_done(s) && *s->p != ' ' && *s->p != '\t'))
		return false;
	*ret = n;
	return true;
}

static bool take_class(struct scan *s, uint64_t *ret_bytes, enum size_class_variant *ret)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(variants); i++) {
		if (!scan_literal(s, variants[i].prefix))
			continue;
		*ret = variants[i].variant;
		return take_size(s, *ret, ret_bytes);
	}
	return false;
}

static struct size_class *find_class(struct size_classes *c, uint64_t bytes)
{
	size_t i;

	for (i = 0; i < c->n && c->items[i].bytes < bytes; i++)
		continue;
	if (i < c->n && c->items[i].bytes == bytes)
		return &c->items[i];
	if (c->n == SIZE_CLASSES_MAX)
		return NULL;
	memmove(&c->items[i + 1], &c->items[i], (c->n - i) * sizeof(c->items[0]));
	c->items[i] = (struct size_class){ .bytes = bytes };
	c->n++;
	return &c->items[i];
}

/* «<active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>» behind the name. */
static void add_counts(struct scan *s, enum size_class_variant variant, struct size_class *class)
{
	uint64_t n[5];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(n); i++) {
		scan_blanks(s);
		if (!scan_u64(s, &n[i]) || n[i] >= MAX_NUMBER)
			return;
	}
	class->objects = MIN(class->objects + n[0], MAX_NUMBER);
	if (!class->counted || variant == VARIANT_PLAIN) {
		class->per_slab = n[3];
		class->slab_pages = n[4];
	}
	class->counted = true;
}

int size_classes_parse(const char *text, struct size_classes *ret, struct failure *f)
{
	struct size_classes c = { 0 };
	enum size_class_variant variant;
	struct size_class *class;
	struct scan s;
	uint64_t bytes;

	while (scan_line(&text, &s)) {
		if (!take_class(&s, &bytes, &variant))
			continue;
		class = find_class(&c, bytes);
		if (!class)
			return fail(f, FAILURE_UNSUPPORTED, -E2BIG,
				    "more than %d size classes of kmalloc", SIZE_CLASSES_MAX);
		class->variants |= variant;
		add_counts(&s, variant, class);
	}
	if (!c.n)
		return fail(f, FAILURE_UNSUPPORTED, -EINVAL, "no size class of kmalloc is listed");
	*ret = c;
	return 0;
}
