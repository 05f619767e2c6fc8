// SPDX-License-Identifier: GPL-2.0
/* Any bytes as a tracefs format file; then its flag names and the BTF made of it. */
#include <bpf/btf.h>
#include <string.h>

#include "probe/btfgen.h"
#include "probe/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use_flags(const struct event_format *fmt, const char *field)
{
	_cleanup_(flag_names_free) struct flag_names *names = NULL;
	char buf[64];
	uint64_t value;
	size_t i;

	if (flag_names_parse(fmt, field, &names))
		return;
	for (i = 0; i < names->n; i++) {
		if (flag_names_value(names, names->items[i].name, &value))
			abort();
		flag_names_decode(names, names->items[i].value | 1, buf, sizeof(buf));
		flag_names_decode(names, ~names->items[i].value, buf, i % sizeof(buf));
	}
}

static void use_btf(const struct event_format *fmt, unsigned int pointer_size)
{
	_cleanup_(btfgen_free) struct btfgen *b = btfgen_new(pointer_size);
	_cleanup_close_ int fd = -1;
	struct btf *btf;
	char path[32];

	if (!b || btfgen_add_event(b, fmt))
		return;
	if (btfgen_to_memfd(b, path, &fd))
		abort();
	btf = btf__parse(path, NULL);
	if (!btf || btf__pointer_size(btf) != pointer_size)
		abort();
	btf__free(btf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(format_free) struct event_format *fmt = NULL;
	struct failure f;
	size_t i;

	if (format_parse((const char *)data, size, &fmt, &f))
		return 0;
	for (i = 0; i < fmt->n_fields; i++) {
		if (!format_field(fmt, fmt->fields[i].name))
			abort();
		use_flags(fmt, fmt->fields[i].name);
	}
	use_btf(fmt, 4);
	use_btf(fmt, 8);
	return 0;
}
