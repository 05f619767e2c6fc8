/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_VMLINUX_TRACEPOINTS_H
#define KMSCOPE_VMLINUX_TRACEPOINTS_H
/*
 * CO-RE views of the tracepoint records that bpf/ reads: only the fields in use, located at load
 * time in BTF that user space makes from tracefs' format files, whose struct names are the events'.
 * Sizes may differ on the target where the field is an unsigned integer or a pointer.
 */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct trace_event_raw_kmalloc {
	unsigned long call_site;
	const void *ptr;
	unsigned long bytes_req;
	unsigned long bytes_alloc;
	unsigned long gfp_flags; /* 4 bytes up to 5.18, kernel commit fe573327ffb1 */
};

struct trace_event_raw_kmalloc_node { /* removed in 6.1, kernel commit 11e9734bcb6a */
	unsigned long call_site;
	const void *ptr;
	unsigned long bytes_req;
	unsigned long bytes_alloc;
	unsigned long gfp_flags;
};

struct trace_event_raw_kmem_cache_alloc {
	unsigned long call_site;
	const void *ptr;
	__u32 name; /* offset and length of a string in the record; newer kernels only */
	unsigned long bytes_req;
	unsigned long bytes_alloc;
	unsigned long gfp_flags;
};

struct trace_event_raw_kmem_cache_alloc_node { /* removed in 6.1 like kmalloc_node */
	unsigned long call_site;
	const void *ptr;
	unsigned long bytes_req;
	unsigned long bytes_alloc;
	unsigned long gfp_flags;
};

struct trace_event_raw_kfree {
	const void *ptr;
};

struct trace_event_raw_kmem_cache_free {
	const void *ptr;
};

struct trace_event_raw_mm_page_alloc {
	unsigned long pfn; /* all bits set: the allocation failed */
	unsigned int order;
	unsigned long gfp_flags; /* 4 bytes up to 5.18 */
	int migratetype;
};

struct trace_event_raw_mm_page_free {
	unsigned long pfn;
	unsigned int order;
};

struct trace_event_raw_mm_page_alloc_zone_locked {
	unsigned long pfn;
	unsigned int order;
	int migratetype;
};

struct trace_event_raw_mm_page_pcpu_drain {
	unsigned long pfn;
	unsigned int order;
	int migratetype;
};

struct trace_event_raw_mm_page_alloc_extfrag {
	unsigned long pfn;
	int alloc_order;
	int fallback_order;
	int alloc_migratetype;
	int fallback_migratetype;
	int change_ownership;
};

struct trace_event_raw_mm_compaction_begin {
	unsigned long zone_start;
};

struct trace_event_raw_mm_compaction_end {
	unsigned long zone_start;
	int status;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_begin {
	int order;
};

struct trace_event_raw_mm_vmscan_direct_reclaim_end {
	unsigned long nr_reclaimed;
};

struct trace_event_raw_alloc_vmap_area { /* since 6.2 */
	unsigned long addr;
	unsigned long size;
	int failed;
};

struct trace_event_raw_free_vmap_area_noflush { /* since 6.2 */
	unsigned long va_start;
	unsigned long nr_lazy;
	unsigned long nr_lazy_max;
};

struct trace_event_raw_purge_vmap_area_lazy { /* since 6.2 */
	unsigned long start;
	unsigned long end;
	unsigned int npurged;
};

struct trace_event_raw_gpio_value {
	unsigned int gpio;
	int get;
	int value;
};

struct trace_event_raw_gpio_direction {
	unsigned int gpio;
	int in;
	int err;
};

struct trace_event_raw_regmap_reg_read {
	__u32 name; /* offset and length of a string in the record */
	unsigned int reg;
	unsigned int val;
};

struct trace_event_raw_regmap_reg_write {
	__u32 name;
	unsigned int reg;
	unsigned int val;
};

struct trace_event_raw_regmap_bulk_read { /* not in 5.10 */
	__u32 name;
	__u32 buf; /* offset and length of bytes in the record */
	unsigned int reg;
	int val_len;
};

struct trace_event_raw_regmap_bulk_write {
	__u32 name;
	__u32 buf;
	unsigned int reg;
	int val_len;
};

struct trace_event_raw_rwmmio_write { /* since 6.0, with CONFIG_TRACE_MMIO_ACCESS */
	unsigned long caller;
	unsigned long addr;
	unsigned long long val;
	unsigned char width;
};

struct trace_event_raw_rwmmio_post_read {
	unsigned long caller;
	unsigned long addr;
	unsigned long long val;
	unsigned char width;
};

/* the next four are of kmod/kmscope_gpio */
struct trace_event_raw_reg_read {
	unsigned long long phys;
	unsigned int offset, width, value;
	char bank[1];
};

struct trace_event_raw_reg_write {
	unsigned long long phys;
	unsigned int offset, width, value;
	char bank[1];
};

struct trace_event_raw_map {
	unsigned long long phys, size, virt;
};

struct trace_event_raw_unmap {
	unsigned long long virt;
};

struct trace_event_raw_page_fault_user { /* x86 */
	unsigned long address;
	unsigned long error_code;
};

struct trace_event_raw_page_fault_kernel {
	unsigned long address;
	unsigned long error_code;
};

struct trace_event_raw_sched_process_fork {
	int child_pid;
};

struct trace_event_raw_sched_process_exec {
	int pid;
	int old_pid; /* of the thread that called execve(), before it took over the leader's */
};

#pragma clang attribute pop

#endif
