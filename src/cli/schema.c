// SPDX-License-Identifier: GPL-2.0
#include "cli/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/gunzip.h"

/* gzip; the Makefile makes it of docs/json.md */
static const unsigned char schema[] = {
#include "schema.inc"
};

int schema_print(struct failure *f)
{
	_cleanup_free_ void *text = NULL;
	size_t n;
	int err = gunzip(schema, sizeof(schema), &text, &n);

	if (err == -ENOMEM)
		return err;
	if (err)
		return fail(f, FAILURE_INTERNAL, err, "the program's own schema is damaged");
	fwrite(text, 1, n, stdout);
	if (fflush(stdout))
		return fail(f, FAILURE_INTERNAL, -errno, "the schema can't be written: %s",
			    strerror(errno));
	return 0;
}
