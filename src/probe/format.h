/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_FORMAT_H
#define KMSCOPE_PROBE_FORMAT_H
/*
 * What the kernel says about one event in tracefs, events/SYSTEM/EVENT/format: where each field of
 * its record lies, and how it would print it. The file is true for the running kernel, modules
 * included, with or without BTF. It is parsed as hostile text all the same.
 */
#include "base/base.h"
#include "base/failure.h"

#define FORMAT_MAX_TEXT	  (1u << 20)
#define FORMAT_MAX_FIELDS 256u
#define FORMAT_MAX_RECORD 65536u /* bytes; the kernel's own limit is a page */

struct event_field {
	char *name;
	char *type; /* as in the file, without name and dimension: «const void *», «char» */
	uint32_t offset; /* bytes from the start of the record */
	uint32_t size; /* bytes in all; 0 for an array that ends the record */
	uint32_t array_len; /* elements; 0: no array, or the file does not say */
	bool is_signed;
	bool is_array; /* «char comm[16]» */
	bool is_data_loc; /* __data_loc, __rel_loc: only says where in the record the data is */
	bool is_pointer;
};

struct event_format {
	char *name;
	uint32_t id; /* common_type in its records */
	struct event_field *fields; /* in the file's order, the common_ ones too */
	size_t n_fields, fields_capacity;
	char *print_fmt; /* what follows «print fmt: »; "" if there is none */
};

/*
 * Parse the @len bytes at @text (which need not end with NUL). *@ret is the caller's, to be freed
 * with format_free(). -EINVAL when it is no format file or says something impossible, -E2BIG for
 * more than the limits above, -ENOMEM.
 */
int format_parse(const char *text, size_t len, struct event_format **ret, struct failure *f);
/* Frees *@fmt and all in it; *@fmt may be NULL. */
void format_free(struct event_format **fmt);
/* The field named @name, or NULL. It belongs to @fmt. */
const struct event_field *format_field(const struct event_format *fmt, const char *name);

/* One name of a bit, or of several. */
struct flag_name {
	uint64_t value;
	char *name;
};

/* A table of flag names, in the kernel's order: combinations first. */
struct flag_names {
	struct flag_name *items;
	size_t n, capacity;
};

/*
 * The table that @fmt prints @field with: «__print_flags(REC->@field, "|", {value, "NAME"}, …)» in
 * its print format. The values are C expressions; entries that use more of C than numbers, casts,
 * parentheses and << >> | ^ & ~ + - are left out. *@ret is the caller's, to be freed with
 * flag_names_free(), and does not refer to @fmt. -ENOENT if the field has no such table or none of
 * its entries could be understood, -ENOMEM.
 */
int flag_names_parse(const struct event_format *fmt, const char *field, struct flag_names **ret);
/* Frees *@names and all in it; *@names may be NULL. */
void flag_names_free(struct flag_names **names);
/* The value of the flag @name, such as «__GFP_ACCOUNT». 0, or -ENOENT with *@ret untouched. */
int flag_names_value(const struct flag_names *names, const char *name, uint64_t *ret);
/*
 * Write @value to @buf of @n bytes like the kernel's trace_print_flags_seq(): the names of the
 * table in its order, each taking its bits, then what is left in hex; «none» for 0. As snprintf():
 * always ended by NUL if @n is not 0, and returns the length that the whole text has.
 */
size_t flag_names_decode(const struct flag_names *names, uint64_t value, char *buf, size_t n);

#endif
