/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SYNTH_VALUES_H
#define KMSCOPE_SOURCE_SYNTH_VALUES_H
/* How values in scripts of events are written. Whoever reads one returns -EINVAL if it is not. */
#include "source/synth_script.h"

/* A decimal or 0x… number up to @max; *@ret_end is what follows it. */
int synth_number(const char *text, uint64_t max, uint64_t *ret, const char **ret_end);
/* Nanoseconds, or a number with us, ms or s behind it. */
int synth_time(const char *text, uint64_t *ret);

/* As .parse of struct synth_field: the value is the member at @offset. */
int value_u8(union synth_record *r, size_t offset, const char *value);
int value_u32(union synth_record *r, size_t offset, const char *value);
int value_s32(union synth_record *r, size_t offset, const char *value);
int value_u64(union synth_record *r, size_t offset, const char *value);
int value_time(union synth_record *r, size_t offset, const char *value);

/* A name of @room bytes at most, which need not end there. */
int value_name(union synth_record *r, size_t offset, size_t room, const char *value);
/* @max numbers at most, with commas between; returns how many, or -EINVAL. */
int value_list(const char *value, uint64_t *to, size_t max);
/* The place of the first @len bytes of @word among @names; @n: none of them. */
size_t value_place(const char *word, size_t len, const char *const *names, size_t n);
/* The place of @value among @names, as the byte at @offset. */
int value_choice(union synth_record *r, size_t offset, const char *value, const char *const *names,
		 size_t n);
/* Names with commas between: of each the bit of its place among @names, where «» is a gap. */
int value_bits(const char *value, const char *const *names, size_t n, uint32_t *ret);

#endif
