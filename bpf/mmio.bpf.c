// SPDX-License-Identifier: GPL-2.0
/*
 * Device registers: who maps them, by probes on functions, as no event tells; and what is read from them
 * and written, by the events of drivers, libraries and kmod/kmscope_gpio.
 */
#include "calls.bpf.h"

#include <bpf/bpf_core_read.h>

#include "tracepoints.h"

/* --- mappings ---------------------------------------------------------------------------------------- */

static __always_inline __u64 page_of(__u64 address)
{
	return address & ~((__u64)config.page_size - 1);
}

static __always_inline int emit_ioremap(const struct here *h, const struct call *c, __u64 address,
					__u32 function)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_ioremap *e;

	if (selective()) {
		/* its area may have been selected already, where areas are traced, too */
		if (!task_selected(pid_tgid) ||
		    (!marked(page_of(address)) && !size_selected(c->bytes))) {
			count(&h->state->filtered);
			return 0;
		}
		mark(page_of(address));
	}
	if (config.want_task)
		emit_task(h, pid_tgid);
	e = event_begin(h, sizeof(*e), &h->state->lost[0], EVENT_IOREMAP, 0, pid_tgid >> 32);
	if (unlikely(!e))
		return 0;
	e->phys = c->phys;
	e->bytes = c->bytes;
	e->address = address;
	e->site = c->site;
	e->mode = c->mode;
	e->stack = c->stack;
	e->function = function;
	ring_submit(h, e, sizeof(*e));
	return 0;
}

static __always_inline int end_ioremap(void *ctx, __u32 function)
{
	__u64 address = return_value(ctx);
	struct here h;
	struct call c;

	if (!call_end(CALL_IOREMAP, &h, &c))
		return 0;
	return emit_ioremap(&h, &c, is_error(address) ? 0 : address, function);
}

static __always_inline int emit_iounmap(__u64 address, __u8 flags)
{
	struct event_free *e;
	struct here h;

	if (!here_init(&h))
		return 0;
	if (selective() && !marked(page_of(address))) {
		count(&h.state->filtered);
		return 0;
	}
	e = event_begin(&h, sizeof(*e), &h.state->lost[1], EVENT_IOUNMAP, flags, 0);
	if (unlikely(!e))
		return 0;
	e->ptr = address;
	ring_submit(&h, e, sizeof(*e));
	return 0;
}

#if defined(__TARGET_ARCH_x86)
/* __ioremap_caller(phys, size, mode, caller, …) */
#define IOREMAP_HERE IOREMAP_X86
#elif defined(__TARGET_ARCH_arm)
/* __arm_ioremap_caller(phys, size, type, caller) */
#define IOREMAP_HERE IOREMAP_ARM
#else
/* ioremap_prot(phys, size, protection) and its like */
#define IOREMAP_HERE IOREMAP_PROT
#endif

SEC("?kprobe")
int kprobe_ioremap(void *ctx)
{
	struct call c = { .phys = argument(ctx, 1), .bytes = argument(ctx, 2) };

	c.mode = argument(ctx, 3);
#if defined(__TARGET_ARCH_arm)
	c.site = argument(ctx, 4);
	/* with LPAE the address takes two places: what looks like a caller is no address then */
	if (c.site < 1 << 30) {
		c.phys |= c.bytes << 32;
		c.bytes = c.mode;
		c.mode = c.site;
		c.site = argument(ctx, 5);
	}
#elif defined(__TARGET_ARCH_x86)
	c.site = argument(ctx, 4);
#else
	c.site = return_address(ctx);
#endif
	c.stack = chain_wanted() ? take_area_stack(ctx, c.site) : -1;
	return call_begin(CALL_IOREMAP, &c);
}

SEC("?kretprobe")
int kretprobe_ioremap(void *ctx)
{
	return end_ioremap(ctx, IOREMAP_HERE);
}

/* arm64 until 5.19: the same, with other numbers for kinds of memory. */
SEC("?kretprobe")
int kretprobe_ioremap_old(void *ctx)
{
	return end_ioremap(ctx, IOREMAP_OTHER);
}

/* iounmap(address) */
SEC("?kprobe")
int kprobe_iounmap(void *ctx)
{
	return emit_iounmap(argument(ctx, 1), 0);
}

/* --- accesses ---------------------------------------------------------------------------------------- */

struct access {
	__u64 place, value, site;
	__u32 offset, bytes;
	__u8 source, access;
};

static __always_inline bool access_selected(const struct here *h, __u64 pid_tgid)
{
	if (!config.select || task_selected(pid_tgid))
		return true;
	count(&h->state->filtered);
	return false;
}

/* @name: in the event's record, or NULL. */
static __always_inline int emit_access(const struct access *a, const void *name)
{
	__u64 pid_tgid = bpf_get_current_pid_tgid();
	struct event_register *e;
	struct here h;

	if (!here_init(&h) || !access_selected(&h, pid_tgid))
		return PASS_ON;
	if (config.want_task)
		emit_task(&h, pid_tgid);
	e = event_begin(&h, sizeof(*e), &h.state->lost[0], EVENT_REGISTER, 0, pid_tgid >> 32);
	if (unlikely(!e))
		return PASS_ON;
	e->place = a->place;
	e->value = a->value;
	e->site = a->site;
	e->offset = a->offset;
	e->bytes = a->bytes;
	e->source = a->source;
	e->access = a->access;
	__builtin_memset(e->unused, 0, sizeof(e->unused));
	__builtin_memset(e->name, 0, sizeof(e->name));
	if (name)
		bpf_probe_read_kernel_str(e->name, sizeof(e->name), name);
	ring_submit(&h, e, sizeof(*e));
	return PASS_ON;
}

#define GPIO_MODULE_ACCESS(ctx, way)                                                            \
	{                                                                                       \
		.place = (ctx)->phys - (ctx)->offset, .value = (ctx)->value,                    \
		.bytes = (ctx)->width, .offset = (ctx)->offset, .source = REGISTER_GPIO_MODULE, \
		.access = way,                                                                  \
	}

SEC("?tp/kmscope_gpio/reg_read")
int tp_gpio_module_read(struct trace_event_raw_reg_read *ctx)
{
	struct access a = GPIO_MODULE_ACCESS(ctx, REGISTER_READ);

	return emit_access(&a, (void *)ctx + bpf_core_field_offset(ctx->bank));
}

SEC("?tp/kmscope_gpio/reg_write")
int tp_gpio_module_write(struct trace_event_raw_reg_write *ctx)
{
	struct access a = GPIO_MODULE_ACCESS(ctx, REGISTER_WRITE);

	return emit_access(&a, (void *)ctx + bpf_core_field_offset(ctx->bank));
}

/*
 * Where no function tells of mappings, or where it is a mapping that none makes (sim=1); else it is told
 * twice.
 */
SEC("?tp/kmscope_gpio/map")
int tp_gpio_module_map(struct trace_event_raw_map *ctx)
{
	struct call c = { .phys = ctx->phys, .bytes = ctx->size, .stack = -1 };
	__u64 address = ctx->virt;
	struct here h;

	if (!here_init(&h))
		return PASS_ON;
	emit_ioremap(&h, &c, address, IOREMAP_MODULE);
	return PASS_ON;
}

SEC("?tp/kmscope_gpio/unmap")
int tp_gpio_module_unmap(struct trace_event_raw_unmap *ctx)
{
	emit_iounmap(ctx->virt, EVENT_AGAIN);
	return PASS_ON;
}

/* Before the access, and after it when there is a value. */

#define RWMMIO_ACCESS(event, how)                           \
	SEC("?tp/rwmmio/" #event)                           \
	int tp_##event(struct trace_event_raw_##event *ctx) \
	{                                                   \
		struct access a = {                         \
			.place = ctx->addr,                 \
			.value = ctx->val,                  \
			.site = ctx->caller,                \
			.bytes = ctx->width / 8,            \
			.source = REGISTER_RWMMIO,          \
			.access = how,                      \
		};                                          \
                                                            \
		return emit_access(&a, NULL);               \
	}

RWMMIO_ACCESS(rwmmio_write, REGISTER_WRITE)
RWMMIO_ACCESS(rwmmio_post_read, REGISTER_READ)

/* A string of a record: its offset there is in the lower half of the word that stands for it. */
static __always_inline const void *record_string(const void *ctx, __u32 where)
{
	return ctx + (where & 0xffff);
}

#define REGMAP_ACCESS(ctx, way)                                                       \
	{                                                                             \
		.offset = (ctx)->reg, .value = (ctx)->val, .source = REGISTER_REGMAP, \
		.access = way,                                                        \
	}

SEC("?tp/regmap/regmap_reg_read")
int tp_regmap_read(struct trace_event_raw_regmap_reg_read *ctx)
{
	struct access a = REGMAP_ACCESS(ctx, REGISTER_READ);

	return emit_access(&a, record_string(ctx, ctx->name));
}

SEC("?tp/regmap/regmap_reg_write")
int tp_regmap_write(struct trace_event_raw_regmap_reg_write *ctx)
{
	struct access a = REGMAP_ACCESS(ctx, REGISTER_WRITE);

	return emit_access(&a, record_string(ctx, ctx->name));
}

static __always_inline int emit_bulk(void *ctx, __u32 name, __u32 buf, __u32 offset, int bytes,
				     __u8 way)
{
	struct access a = {
		.offset = offset,
		.bytes = bytes,
		.source = REGISTER_REGMAP,
		.access = way,
	};

	/* what follows the record's bytes is no business of ours */
	bpf_probe_read_kernel(&a.value, sizeof(a.value), record_string(ctx, buf));
	if (a.bytes < sizeof(a.value))
		a.value &= (1ull << (a.bytes & 7) * 8) - 1;
	return emit_access(&a, record_string(ctx, name));
}

SEC("?tp/regmap/regmap_bulk_read")
int tp_regmap_bulk_read(struct trace_event_raw_regmap_bulk_read *ctx)
{
	return emit_bulk(ctx, ctx->name, ctx->buf, ctx->reg, ctx->val_len, REGISTER_READ);
}

SEC("?tp/regmap/regmap_bulk_write")
int tp_regmap_bulk_write(struct trace_event_raw_regmap_bulk_write *ctx)
{
	return emit_bulk(ctx, ctx->name, ctx->buf, ctx->reg, ctx->val_len, REGISTER_WRITE);
}

SEC("?tp/gpio/gpio_value")
int tp_gpio_value(struct trace_event_raw_gpio_value *ctx)
{
	struct access a = {
		.offset = ctx->gpio,
		.value = ctx->value,
		.source = REGISTER_GPIO,
		.access = ctx->get ? REGISTER_READ : REGISTER_WRITE,
	};

	return emit_access(&a, NULL);
}

SEC("?tp/gpio/gpio_direction")
int tp_gpio_direction(struct trace_event_raw_gpio_direction *ctx)
{
	struct access a = {
		.offset = ctx->gpio,
		.value = !!ctx->err,
		.source = REGISTER_GPIO,
		.access = ctx->in ? REGISTER_INPUT : REGISTER_OUTPUT,
	};

	return emit_access(&a, NULL);
}
