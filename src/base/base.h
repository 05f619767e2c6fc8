/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_BASE_H
#define KMSCOPE_BASE_BASE_H
/*
 * What every file of src/ may use: ownership helpers, attributes, small arithmetic.
 *
 * Ownership: a variable declared with _cleanup_(f) is released when it leaves its scope; TAKE_PTR
 * and TAKE_FD hand it on instead. Destructors take a pointer to the variable, accept NULL in it and
 * leave NULL behind, so that calling them twice is harmless. File descriptors start as -1. Output
 * parameters are named ret_* and are untouched when a function fails.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)	    __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_	    __attribute__((unused))
#define _must_check_	    __attribute__((warn_unused_result))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b)     ((a) < (b) ? (a) : (b))
#define MAX(a, b)     ((a) > (b) ? (a) : (b))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

#define TAKE_PTR(p)                              \
	({                                       \
		__typeof__(p) *take_pp = &(p);   \
		__typeof__(p) take_p = *take_pp; \
		*take_pp = NULL;                 \
		take_p;                          \
	})

#define TAKE_FD(fd)                      \
	({                               \
		int *take_pfd = &(fd);   \
		int take_fd = *take_pfd; \
		*take_pfd = -1;          \
		take_fd;                 \
	})

/* For _cleanup_ on any pointer that free() releases. */
static inline void freep(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

/* For _cleanup_ on a file descriptor; -1 means none. */
static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

#define _cleanup_free_	_cleanup_(freep)
#define _cleanup_close_ _cleanup_(closep)

/* Three-way comparison for sort callbacks: never subtract, the difference may not fit an int. */
#define CMP(a, b) (((a) > (b)) - ((a) < (b)))

/* The smallest power of two that is not below @n; @n must be 1 to 2^63. */
static inline uint64_t round_up_pow2(uint64_t n)
{
	return n <= 1 ? 1 : 1ull << (64 - __builtin_clzll(n - 1));
}

#endif
