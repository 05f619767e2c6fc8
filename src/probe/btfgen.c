// SPDX-License-Identifier: GPL-2.0
#include "probe/btfgen.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct btfgen {
	struct btf *btf;
	unsigned int pointer_size;
	int error; /* the first failure that left half a struct behind */
	int ints[2][4]; /* type ids by signedness and log2 of size; 0: not made yet */
	int pointer, index; /* type ids: void *, what arrays are indexed with */
};

struct btfgen *btfgen_new(unsigned int pointer_size)
{
	_cleanup_(btfgen_free) struct btfgen *b = calloc(1, sizeof(*b));

	if (!b || (pointer_size != 4 && pointer_size != 8))
		return NULL;
	b->pointer_size = pointer_size;
	b->btf = btf__new_empty();
	if (libbpf_get_error(b->btf)) {
		b->btf = NULL;
		return NULL;
	}
	/* Who reads it back guesses the pointers' size from the size of this very name. */
	if (btf__set_pointer_size(b->btf, pointer_size) ||
	    btf__add_int(b->btf, "long unsigned int", pointer_size, 0) < 0)
		return NULL;
	return TAKE_PTR(b);
}

void btfgen_free(struct btfgen **b)
{
	if (*b)
		btf__free((*b)->btf);
	free(*b);
	*b = NULL;
}

static bool is_int_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static int int_type(struct btfgen *b, uint32_t size, bool is_signed)
{
	static const char *const names[2][4] = {
		{ "unsigned char", "short unsigned int", "unsigned int", "long long unsigned int" },
		{ "signed char", "short int", "int", "long long int" },
	};
	int i = __builtin_ctz(size), *id = &b->ints[is_signed][i];

	if (!*id)
		*id = btf__add_int(b->btf, names[is_signed][i], size,
				   is_signed ? BTF_INT_SIGNED : 0);
	return *id;
}

static int pointer_type(struct btfgen *b)
{
	if (!b->pointer)
		b->pointer = btf__add_ptr(b->btf, 0);
	return b->pointer;
}

static int element_type(struct btfgen *b, const struct event_field *field, uint32_t size)
{
	if (field->is_pointer && size == b->pointer_size)
		return pointer_type(b);
	return int_type(b, size, field->is_signed);
}

/* The type id of @field, or a negative errno. */
static int field_type(struct btfgen *b, const struct event_field *field)
{
	uint32_t element = 1, n = field->size;
	int type, index;

	if (field->is_data_loc && field->size == 4)
		return int_type(b, 4, false);
	if (!field->is_array && is_int_size(field->size))
		return element_type(b, field, field->size);
	if (field->is_array && field->array_len && field->size % field->array_len == 0 &&
	    is_int_size(field->size / field->array_len)) {
		n = field->array_len;
		element = field->size / n;
	}
	type = element_type(b, field, element);
	index = int_type(b, 4, false);
	if (type < 0 || index < 0)
		return MIN(type, index);
	return btf__add_array(b->btf, index, type, n);
}

static int compare_fields(const void *a, const void *b)
{
	const struct event_field *x = *(const struct event_field *const *)a;
	const struct event_field *y = *(const struct event_field *const *)b;

	return CMP(x->offset, y->offset);
}

/*
 * Sort pointers to the fields of @fmt by offset into @sorted and check that they make a struct.
 * Its size goes to @ret_size: as a compiler's, rounded up to the largest alignment.
 */
static int lay_out(const struct event_format *fmt, const struct event_field **sorted,
		   uint32_t *ret_size)
{
	uint32_t end = 0, align = 4;
	size_t i;

	if (fmt->n_fields > FORMAT_MAX_FIELDS)
		return -E2BIG;
	if (!fmt->n_fields || !fmt->name || !*fmt->name)
		return -EINVAL;
	for (i = 0; i < fmt->n_fields; i++)
		sorted[i] = &fmt->fields[i];
	qsort(sorted, fmt->n_fields, sizeof(*sorted), compare_fields);
	for (i = 0; i < fmt->n_fields; i++) {
		const struct event_field *field = sorted[i];

		if (field->offset > FORMAT_MAX_RECORD ||
		    field->size > FORMAT_MAX_RECORD - field->offset)
			return -E2BIG;
		if (!field->size || field->offset < end)
			return -EINVAL;
		end = field->offset + field->size;
		if (field->size == 8)
			align = 8;
	}
	*ret_size = (end + align - 1) / align * align;
	return 0;
}

static int add_struct(struct btfgen *b, const char *name, uint32_t size,
		      const struct event_field **fields, size_t n)
{
	int types[FORMAT_MAX_FIELDS], err;
	size_t i;

	for (i = 0; i < n; i++) {
		types[i] = field_type(b, fields[i]);
		if (types[i] < 0)
			return types[i];
	}
	err = btf__add_struct(b->btf, name, size);
	for (i = 0; i < n && err >= 0; i++)
		err = btf__add_field(b->btf, fields[i]->name, types[i], fields[i]->offset * 8, 0);
	return MIN(err, 0);
}

int btfgen_add_event(struct btfgen *b, const struct event_format *fmt)
{
	const struct event_field *sorted[FORMAT_MAX_FIELDS];
	_cleanup_free_ char *name = NULL;
	uint32_t size;
	int err;

	if (b->error)
		return b->error;
	err = lay_out(fmt, sorted, &size);
	if (err)
		return err;
	if (asprintf(&name, "trace_event_raw_%s", fmt->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (btf__find_by_name_kind(b->btf, name, BTF_KIND_STRUCT) > 0)
		return -EEXIST;
	b->error = add_struct(b, name, size, sorted, fmt->n_fields);
	return b->error;
}

int btfgen_to_memfd(struct btfgen *b, char path[32], int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	const char *data;
	__u32 size, done = 0;

	if (b->error)
		return b->error;
	data = btf__raw_data(b->btf, &size);
	if (!data)
		return -ENOMEM;
	fd = memfd_create("kmscope-btf", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < size) {
		ssize_t n = write(fd, data + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (__u32)n;
	}
	snprintf(path, 32, "/proc/self/fd/%d", fd);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
