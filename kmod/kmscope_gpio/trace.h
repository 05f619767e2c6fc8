/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events. All fields have a fixed width and lie at the same offset on every architecture: the 64
 * bits ones come first, so that nothing depends on how a machine aligns them. The arguments are
 * integers and one pointer in the same order, for raw tracepoints.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kmscope_gpio

#if !defined(KMSCOPE_GPIO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KMSCOPE_GPIO_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>
#include <linux/types.h>

#include "gpio.h"

/* In the form of the kernel's own headers of events. */
/* clang-format off */

/* bank: KGPIO_NAME_BYTES, padded with zeros. */
DECLARE_EVENT_CLASS(kgpio_access,

	TP_PROTO(u64 phys, u32 offset, u32 width, u32 value, const char *bank),

	TP_ARGS(phys, offset, width, value, bank),

	TP_STRUCT__entry(
		__field(u64, phys)
		__field(u32, offset)
		__field(u32, width)
		__field(u32, value)
		__array(char, bank, KGPIO_NAME_BYTES)
	),

	TP_fast_assign(
		__entry->phys = phys;
		__entry->offset = offset;
		__entry->width = width;
		__entry->value = value;
		memcpy(__entry->bank, bank, KGPIO_NAME_BYTES);
	),

	TP_printk("phys=0x%llx offset=0x%x width=%u value=0x%x bank=%s", __entry->phys,
		  __entry->offset, __entry->width, __entry->value, __entry->bank)
);

/* After the access: value is what was read. */
DEFINE_EVENT(kgpio_access, reg_read,
	TP_PROTO(u64 phys, u32 offset, u32 width, u32 value, const char *bank),
	TP_ARGS(phys, offset, width, value, bank));

/* Before the access, so that one which never returns is seen. */
DEFINE_EVENT(kgpio_access, reg_write,
	TP_PROTO(u64 phys, u32 offset, u32 width, u32 value, const char *bank),
	TP_ARGS(phys, offset, width, value, bank));

DECLARE_EVENT_CLASS(kgpio_mapping,

	TP_PROTO(u64 phys, u64 size, u64 virt, const char *bank),

	TP_ARGS(phys, size, virt, bank),

	TP_STRUCT__entry(
		__field(u64, phys)
		__field(u64, size)
		__field(u64, virt)
		__array(char, bank, KGPIO_NAME_BYTES)
	),

	TP_fast_assign(
		__entry->phys = phys;
		__entry->size = size;
		__entry->virt = virt;
		memcpy(__entry->bank, bank, KGPIO_NAME_BYTES);
	),

	TP_printk("phys=0x%llx size=0x%llx virt=0x%llx bank=%s", __entry->phys, __entry->size,
		  __entry->virt, __entry->bank)
);

/* After ioremap(), if it gave something. */
DEFINE_EVENT(kgpio_mapping, map,
	TP_PROTO(u64 phys, u64 size, u64 virt, const char *bank),
	TP_ARGS(phys, size, virt, bank));

/* Before iounmap(). */
DEFINE_EVENT(kgpio_mapping, unmap,
	TP_PROTO(u64 phys, u64 size, u64 virt, const char *bank),
	TP_ARGS(phys, size, virt, bank));

/* clang-format on */

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
