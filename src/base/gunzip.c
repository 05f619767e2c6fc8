// SPDX-License-Identifier: GPL-2.0
#include "base/gunzip.h"

#include <errno.h>
#include <zlib.h>

#define GZIP_MIN_SIZE	  18 /* a head of 10 bytes and a tail of 8: RFC 1952 */
#define DEFLATE_MAX_RATIO 1032 /* 258 bytes for two bits: RFC 1951 */

/* A gzip file ends with the length of what is in it. */
static size_t inflated_size(const uint8_t *data, size_t n)
{
	const uint8_t *p = data + n - 4;

	return p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16 | (size_t)p[3] << 24;
}

int gunzip(const void *data, size_t n, void **ret, size_t *ret_n)
{
	_cleanup_free_ void *out = NULL;
	size_t size;
	z_stream z;
	int state;

	if (n < GZIP_MIN_SIZE)
		return -EBADMSG;
	size = inflated_size(data, n);
	if (size / DEFLATE_MAX_RATIO > n)
		return -EBADMSG;
	out = malloc(size ? size : 1);
	if (!out)
		return -ENOMEM;
	z = (z_stream){
		.next_in = (uint8_t *)data, /* which zlib only reads */
		.avail_in = (unsigned int)n,
		.next_out = out,
		.avail_out = (unsigned int)size,
	};
	if (inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return -ENOMEM;
	state = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	if (state == Z_MEM_ERROR)
		return -ENOMEM;
	if (state != Z_STREAM_END || z.avail_in || z.avail_out)
		return -EBADMSG;
	*ret = TAKE_PTR(out);
	*ret_n = size;
	return 0;
}
