/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_SHIFT_H
#define KMSCOPE_RECORD_SHIFT_H
/*
 * Where addresses go when a recording is made anonymous. All of them are told first. Those that belong
 * together (kernel code, a module's, the direct map, neighbours in the vmalloc range, what is near each
 * other in processes) are then shifted together, each such piece by an amount of its own:
 *
 *	- a multiple of 2 MiB, of 4 GiB for user addresses above 4 GiB: whoever tells user code's objects
 *	  apart compares the upper words of their addresses;
 *	- the order of all addresses stays, and so does the distance of any two in one piece. Pieces of user
 *	  memory stay at least as far apart (1 GiB) as a heap can be from its program;
 *	- kernel addresses stay kernel addresses, user addresses user addresses, and none crosses 4 GiB;
 *	- what is below 4096 and at the very top (ERR_PTR(), [vsyscall], [vectors]) is no place but a constant,
 *	  and stays.
 */
#include "base/base.h"

/* What is at an address, least certain first: what is several of these is the last one. */
enum shift_kind {
	SHIFT_USER,
	SHIFT_OBJECT, /* of the slab allocator: in the direct map */
	SHIFT_AREA, /* in the vmalloc range */
	SHIFT_CODE, /* of the kernel or of a module */
	SHIFT_MODULE,
	SHIFT_KERNEL,
	SHIFT_KINDS,
};

struct shifts;

/* Fills in a random number; 0 or negative errno. */
struct shift_random {
	int (*draw)(void *arg, uint64_t *ret);
	void *arg;
};

/* @word_size: 4 if kernel addresses have 32 bits. NULL when memory is short. */
struct shifts *shifts_new(unsigned int word_size);
void shifts_free(struct shifts **s);

/* There are @bytes of @kind from @start on. Memory that runs short is told by shifts_plan(). */
void shifts_note(struct shifts *s, uint64_t start, uint64_t bytes, enum shift_kind kind);
/* Decide where all goes. 0, -ENOMEM, or what @random says. */
int shifts_plan(struct shifts *s, const struct shift_random *random);

/* Where @address is now. One that was not told goes with the piece below it. */
uint64_t shifts_move(const struct shifts *s, uint64_t address);
/* Where the end of something is now: it stays behind its last byte. */
uint64_t shifts_move_end(const struct shifts *s, uint64_t end);

#endif
