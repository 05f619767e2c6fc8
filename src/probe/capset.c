// SPDX-License-Identifier: GPL-2.0
#include "probe/capset.h"

#include <errno.h>
#include <string.h>

const struct trace_event_name trace_event_names[TRACE_EVENT_MAX] = {
	[TRACE_KMALLOC] = { "kmem", "kmalloc" },
	[TRACE_KMALLOC_NODE] = { "kmem", "kmalloc_node" },
	[TRACE_CACHE_ALLOC] = { "kmem", "kmem_cache_alloc" },
	[TRACE_CACHE_ALLOC_NODE] = { "kmem", "kmem_cache_alloc_node" },
	[TRACE_KFREE] = { "kmem", "kfree" },
	[TRACE_CACHE_FREE] = { "kmem", "kmem_cache_free" },
	[TRACE_FORK] = { "sched", "sched_process_fork" },
	[TRACE_EXIT] = { "sched", "sched_process_exit" },
	[TRACE_EXEC] = { "sched", "sched_process_exec" },
	[TRACE_PAGE_ALLOC] = { "kmem", "mm_page_alloc" },
	[TRACE_PAGE_FREE] = { "kmem", "mm_page_free" },
	[TRACE_PAGE_FALLBACK] = { "kmem", "mm_page_alloc_extfrag" },
	[TRACE_PAGE_REFILL] = { "kmem", "mm_page_alloc_zone_locked" },
	[TRACE_PAGE_DRAIN] = { "kmem", "mm_page_pcpu_drain" },
	[TRACE_COMPACTION_BEGIN] = { "compaction", "mm_compaction_begin" },
	[TRACE_COMPACTION_END] = { "compaction", "mm_compaction_end" },
	[TRACE_RECLAIM_BEGIN] = { "vmscan", "mm_vmscan_direct_reclaim_begin" },
	[TRACE_RECLAIM_END] = { "vmscan", "mm_vmscan_direct_reclaim_end" },
	[TRACE_AREA_ALLOC] = { "vmalloc", "alloc_vmap_area" },
	[TRACE_AREA_FREE] = { "vmalloc", "free_vmap_area_noflush" },
	[TRACE_AREA_PURGE] = { "vmalloc", "purge_vmap_area_lazy" },
	[TRACE_REGMAP_READ] = { "regmap", "regmap_reg_read" },
	[TRACE_REGMAP_WRITE] = { "regmap", "regmap_reg_write" },
	[TRACE_REGMAP_BULK_READ] = { "regmap", "regmap_bulk_read" },
	[TRACE_REGMAP_BULK_WRITE] = { "regmap", "regmap_bulk_write" },
	[TRACE_GPIO_VALUE] = { "gpio", "gpio_value" },
	[TRACE_GPIO_DIRECTION] = { "gpio", "gpio_direction" },
	[TRACE_RWMMIO_WRITE] = { "rwmmio", "rwmmio_write" },
	[TRACE_RWMMIO_READ] = { "rwmmio", "rwmmio_post_read" },
	[TRACE_MODULE_READ] = { "kmscope_gpio", "reg_read" },
	[TRACE_MODULE_WRITE] = { "kmscope_gpio", "reg_write" },
	[TRACE_MODULE_MAP] = { "kmscope_gpio", "map" },
	[TRACE_MODULE_UNMAP] = { "kmscope_gpio", "unmap" },
	[TRACE_FAULT_USER] = { "exceptions", "page_fault_user" },
	[TRACE_FAULT_KERNEL] = { "exceptions", "page_fault_kernel" },
};

const char *const kernel_function_names[FUNCTION_MAX] = {
	[FUNCTION_PAGES_BULK_NOPROF] = "alloc_pages_bulk_noprof",
	[FUNCTION_PAGES_BULK] = "__alloc_pages_bulk",
	[FUNCTION_AREA_ALLOC] = "alloc_vmap_area",
	[FUNCTION_AREA_FREE] = "free_vmap_area_noflush",
	[FUNCTION_AREA_PURGE] = "__purge_vmap_area_lazy",
	[FUNCTION_VMALLOC_NOPROF] = "__vmalloc_node_range_noprof",
	[FUNCTION_VMALLOC] = "__vmalloc_node_range",
	[FUNCTION_VMALLOC_OUTER_NOPROF] = "vmalloc_noprof",
	[FUNCTION_VMALLOC_OUTER] = "vmalloc",
	[FUNCTION_MAP_PAGES_INNER] = "__vmap_pages_range_noflush",
	[FUNCTION_MAP_PAGES] = "vmap_pages_range_noflush",
	[FUNCTION_MAP_RANGE] = "map_kernel_range_noflush",
	[FUNCTION_IOREMAP_X86] = "__ioremap_caller",
	[FUNCTION_IOREMAP_ARM] = "__arm_ioremap_caller",
	[FUNCTION_IOREMAP_ARM64] = "__ioremap_prot",
	[FUNCTION_IOREMAP_GENERIC] = "generic_ioremap_prot",
	[FUNCTION_IOREMAP_PROT] = "ioremap_prot",
	[FUNCTION_IOREMAP_OLD] = "__ioremap",
	[FUNCTION_IOUNMAP] = "iounmap",
	[FUNCTION_HANDLE_FAULT] = "handle_mm_fault",
	[FUNCTION_FAULT_COPY] = "wp_page_copy",
	[FUNCTION_FAULT_WP] = "do_wp_page",
	[FUNCTION_FAULT_AROUND] = "filemap_map_pages",
	[FUNCTION_FAULT_HUGE] = "do_huge_pmd_anonymous_page",
	[FUNCTION_FAULT_SWAP] = "do_swap_page",
};

enum fact_type { FACT_BOOL, FACT_U32, FACT_INT, FACT_TEXT };

struct fact {
	const char *name;
	enum fact_type type;
	size_t offset, size;
};

#define FACT(field, fact_type)                                                               \
	{                                                                                    \
		.name = #field, .type = fact_type, .offset = offsetof(struct capset, field), \
		.size = sizeof(((struct capset *)0)->field),                                 \
	}

static const struct fact facts[] = {
	FACT(kernel, FACT_TEXT),
	FACT(arch, FACT_TEXT),
	FACT(initial_pids, FACT_BOOL),
	FACT(privileged, FACT_BOOL),
	FACT(btf, FACT_BOOL),
	FACT(tracefs, FACT_BOOL),
	FACT(ringbuf, FACT_BOOL),
	FACT(bpf_events, FACT_BOOL),
	FACT(stack_traces, FACT_BOOL),
	FACT(classic_misses, FACT_BOOL),
	FACT(jit, FACT_INT),
	FACT(kptr_restrict, FACT_INT),
	FACT(preemptible, FACT_BOOL),
	FACT(kprobes, FACT_BOOL),
	FACT(software_events, FACT_BOOL),
	FACT(task_counts, FACT_BOOL),
	FACT(task_minor_offset, FACT_U32),
	FACT(task_major_offset, FACT_U32),
	FACT(cache_offsets, FACT_BOOL),
	FACT(cache_name_offset, FACT_U32),
	FACT(cache_object_size_offset, FACT_U32),
	FACT(cache_size_offset, FACT_U32),
	FACT(page_size, FACT_U32),
	FACT(page_struct, FACT_U32),
	FACT(kmalloc_max, FACT_U32),
	FACT(gfp_dma, FACT_U32),
	FACT(gfp_reclaimable, FACT_U32),
	FACT(gfp_account, FACT_U32),
};

static const struct {
	const char *name;
	size_t offset;
} arg_names[] = {
	{ "site", offsetof(struct raw_args, site) },
	{ "ptr", offsetof(struct raw_args, ptr) },
	{ "cache", offsetof(struct raw_args, cache) },
	{ "requested", offsetof(struct raw_args, requested) },
	{ "given", offsetof(struct raw_args, given) },
	{ "gfp", offsetof(struct raw_args, gfp) },
};

static void event_write(const struct capset_event *e, const struct trace_event_name *name,
			FILE *out)
{
	const uint8_t *args = (const uint8_t *)&e->args;
	size_t i;

	fprintf(out, "event %s:%s", name->system, name->name);
	if (e->prototype) {
		fprintf(out, " prototype");
		for (i = 0; i < ARRAY_SIZE(arg_names); i++)
			if (args[arg_names[i].offset] != CONFIG_NO_ARG)
				fprintf(out, " %s=%u", arg_names[i].name,
					args[arg_names[i].offset]);
	}
	if (e->classic)
		fprintf(out, " classic");
	if (e->classic_fields)
		fprintf(out, " fields");
	if (e->classic_name)
		fprintf(out, " name");
	fputc('\n', out);
}

void capset_write(const struct capset *c, FILE *out)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(facts); i++) {
		const void *p = (const char *)c + facts[i].offset;

		fprintf(out, "%s ", facts[i].name);
		switch (facts[i].type) {
		case FACT_BOOL:
			fprintf(out, "%d\n", *(const bool *)p);
			break;
		case FACT_U32:
			fprintf(out, "%u\n", *(const uint32_t *)p);
			break;
		case FACT_INT:
			fprintf(out, "%d\n", *(const int *)p);
			break;
		case FACT_TEXT:
			fprintf(out, "%s\n", (const char *)p);
			break;
		}
	}
	for (i = 0; i < TRACE_EVENT_MAX; i++)
		event_write(&c->events[i], &trace_event_names[i], out);
	for (i = 0; i < FUNCTION_MAX; i++)
		if (c->functions[i])
			fprintf(out, "function %s\n", kernel_function_names[i]);
}

static int fact_read(struct capset *c, const struct fact *fact, const char *value)
{
	void *p = (char *)c + fact->offset;
	char *end;
	long n;

	if (fact->type == FACT_TEXT) {
		if (strlen(value) >= fact->size)
			return -EINVAL;
		strcpy(p, value);
		return 0;
	}
	errno = 0;
	n = strtol(value, &end, 0);
	if (errno || end == value || *end)
		return -EINVAL;
	if (fact->type == FACT_BOOL)
		*(bool *)p = n;
	else if (fact->type == FACT_U32)
		*(uint32_t *)p = (uint32_t)n;
	else
		*(int *)p = (int)n;
	return 0;
}

static int event_word(struct capset_event *e, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t i;

	if (!strcmp(word, "prototype"))
		e->prototype = true;
	else if (!strcmp(word, "classic"))
		e->classic = true;
	else if (!strcmp(word, "fields"))
		e->classic_fields = true;
	else if (!strcmp(word, "name"))
		e->classic_name = true;
	else if (!equals)
		return -EINVAL;
	for (i = 0; equals && i < ARRAY_SIZE(arg_names); i++)
		if (!strncmp(word, arg_names[i].name, (size_t)(equals - word)) &&
		    !arg_names[i].name[equals - word]) {
			((uint8_t *)&e->args)[arg_names[i].offset] = (uint8_t)atoi(equals + 1);
			return 0;
		}
	return equals ? -EINVAL : 0;
}

static int event_read(struct capset *c, char *words)
{
	char *save = NULL, *word = strtok_r(words, " ", &save);
	size_t i;

	for (i = 0; word && i < TRACE_EVENT_MAX; i++) {
		const struct trace_event_name *name = &trace_event_names[i];
		size_t len = strlen(name->system);

		if (strncmp(word, name->system, len) || word[len] != ':' ||
		    strcmp(word + len + 1, name->name))
			continue;
		while ((word = strtok_r(NULL, " ", &save)))
			if (event_word(&c->events[i], word))
				return -EINVAL;
		return 0;
	}
	return -EINVAL;
}

static int function_read(struct capset *c, const char *name)
{
	size_t i;

	for (i = 0; i < FUNCTION_MAX; i++)
		if (!strcmp(name, kernel_function_names[i])) {
			c->functions[i] = true;
			return 0;
		}
	return -EINVAL;
}

static int line_read(struct capset *c, char *line)
{
	char *value = strchr(line, ' ');
	size_t i;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	if (!strcmp(line, "event"))
		return event_read(c, value);
	if (!strcmp(line, "function"))
		return function_read(c, value);
	for (i = 0; i < ARRAY_SIZE(facts); i++)
		if (!strcmp(line, facts[i].name))
			return fact_read(c, &facts[i], value);
	return -EINVAL;
}

int capset_read(const char *text, struct capset *ret, struct failure *f)
{
	_cleanup_free_ char *copy = strdup(text);
	struct capset c = { .kptr_restrict = -1 };
	char *save = NULL, *line;
	size_t i;

	if (!copy)
		return -ENOMEM;
	for (i = 0; i < TRACE_EVENT_MAX; i++)
		memset(&c.events[i].args, CONFIG_NO_ARG, sizeof(c.events[i].args));
	for (line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char shown[80];

		snprintf(shown, sizeof(shown), "%s", line);
		if (*line != '#' && line_read(&c, line))
			return fail(f, FAILURE_USAGE, -EINVAL, "capability set: bad line «%s»",
				    shown);
	}
	*ret = c;
	return 0;
}
