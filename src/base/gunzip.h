/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_GUNZIP_H
#define KMSCOPE_BASE_GUNZIP_H
/* What the Makefile has put into the program with gzip. */
#include "base/base.h"

/*
 * Inflate the @n bytes at @data, which are one member of a gzip file, checksum and length included.
 * *@ret, of *@ret_n bytes, is the caller's to free. -EBADMSG: they are damaged, or more than that;
 * -ENOMEM.
 */
int gunzip(const void *data, size_t n, void **ret, size_t *ret_n) _must_check_;

#endif
