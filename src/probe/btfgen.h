/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_BTFGEN_H
#define KMSCOPE_PROBE_BTFGEN_H
/*
 * BTF made at run time from tracefs format files, so that programs for classic tracepoints are
 * relocated (CO-RE) on kernels that have no BTF, and for modules that have none. It describes each
 * event's record as struct trace_event_raw_EVENT, with the running kernel's offsets and sizes.
 *
 * libbpf matches integers by size alone and resizes direct loads of unsigned integers and pointers:
 * programs declare size-varying fields unsigned and read them as ctx->field.
 */
#include "base/base.h"
#include "probe/format.h"

struct btfgen;

/* For a kernel whose pointers have @pointer_size bytes, 4 or 8. NULL for others, or no memory. */
struct btfgen *btfgen_new(unsigned int pointer_size) _must_check_;
/* Frees *@b (NULL is fine); memfds that were made of it stay. */
void btfgen_free(struct btfgen **b);

/*
 * Add struct trace_event_raw_<name> for @fmt. The common_ fields are members like all others; a
 * data_loc is a u32; what fits no integer is an array of bytes. -EINVAL for fields that overlap or
 * have no size, -E2BIG beyond FORMAT_MAX_FIELDS or FORMAT_MAX_RECORD, -EEXIST for an event that is
 * there already, -ENOMEM. After the last of these @b is of no more use; otherwise it is unchanged.
 */
int btfgen_add_event(struct btfgen *b, const struct event_format *fmt);

/*
 * Write it all to a memfd. @path becomes its «/proc/self/fd/N», for
 * bpf_object_open_opts.btf_custom_path, and is good while *@ret_fd is open: the caller closes it
 * after the object has been loaded. A negative errno on failure, with the outputs untouched.
 */
int btfgen_to_memfd(struct btfgen *b, char path[32], int *ret_fd);

#endif
