// SPDX-License-Identifier: GPL-2.0
#include "cli/schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* gzip; the Makefile makes it of docs/json.md */
static const unsigned char schema[] = {
#include "schema.inc"
};

int schema_print(struct failure *f)
{
	unsigned char buf[4096];
	z_stream z = {
		.next_in = (unsigned char *)schema,
		.avail_in = sizeof(schema),
	};
	int state;

	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	do {
		z.next_out = buf;
		z.avail_out = sizeof(buf);
		state = inflate(&z, Z_NO_FLUSH);
		fwrite(buf, 1, sizeof(buf) - z.avail_out, stdout);
	} while (state == Z_OK);
	inflateEnd(&z);
	if (state != Z_STREAM_END)
		return fail(f, FAILURE_INTERNAL, -EIO, "the program's own schema is damaged");
	if (fflush(stdout))
		return fail(f, FAILURE_INTERNAL, -errno, "the schema can't be written: %s",
			    strerror(errno));
	return 0;
}
