// SPDX-License-Identifier: GPL-2.0
#include "render/json_string.h"

#include <errno.h>
#include <jansson.h>

#include "render/safe.h"

static int dump_to_out(const char *s, size_t n, void *arg)
{
	struct out *o = arg;

	out_write(o, s, n);
	return o->err ? -1 : 0;
}

void json_put_string(struct out *o, const char *s)
{
	_cleanup_free_ char *valid = NULL;
	json_t *value;

	if (!s) {
		out_puts(o, "null");
		return;
	}
	valid = safe_utf8(s);
	value = valid ? json_string_nocheck(valid) : NULL;
	if (!value ||
	    json_dump_callback(value, dump_to_out, o, JSON_ENCODE_ANY | JSON_ENSURE_ASCII))
		out_fail(o, -ENOMEM);
	json_decref(value);
}
