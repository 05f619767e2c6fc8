/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_READER_H
#define KMSCOPE_RECORD_READER_H
/*
 * Reads a recording, whatever has become of it: all blocks that are whole, and what is missing. What
 * it hands out is valid, and memory is bounded by RECORD_PAYLOAD_MAX and the number of blocks.
 */
#include "base/failure.h"
#include "record/decode.h"
#include "record/format.h"
#include "record/writer.h"

struct record_reader;

/* What a recording lacks. */
struct record_damage {
	bool open; /* nobody ended it */
	bool full; /* it ended because nothing more could be written */
	bool cut; /* it ends in the middle of a block */
	uint64_t blocks; /* that are damaged, or missing between others */
	uint64_t records; /* in those, as far as known */
	uint64_t bytes; /* that belong to no block */
};

/*
 * Open @path, a regular file. A failure says what it is if that is no recording, or one of another
 * version.
 */
int record_reader_open(const char *path, struct record_reader **ret, struct failure *f);
void record_reader_free(struct record_reader **r);

const struct record_header *record_reader_header(const struct record_reader *r);
/* What is said of @key; NULL: nothing. */
const char *record_reader_text(const struct record_reader *r, const char *key);

/*
 * Whether the beginning was overwritten (record_options.keep); then *@ret_ns is how long after it the rest
 * begins.
 */
bool record_reader_window(const struct record_reader *r, uint64_t *ret_ns);

/*
 * At most how many records of kind @what were told in what was overwritten and are not told again, for lack
 * of room. 0 if nothing was.
 */
uint64_t record_reader_left_out(const struct record_reader *r, enum record_left_out what);

/*
 * Nanoseconds from the start of the run (EVENT_START, whatever of the beginning was overwritten) to its
 * newest record, as blocks say without being read: none is later. 0: not known.
 */
uint64_t record_reader_end(const struct record_reader *r);

/* Visit all names there are, in any order; what is visited lives only so long. 0, -ENOMEM or -EIO. */
struct record_names_visitor {
	int (*symbol)(void *arg, const struct record_symbol *s);
	int (*code)(void *arg, const struct record_code *c);
	void *arg;
};
int record_reader_names(struct record_reader *r, const struct record_names_visitor *v);

/*
 * Hand out the next records, some hundred at most, until the next call. 0 of them: that was all. 0, or
 * negative errno: what the file can't be read with, -ENOMEM. Damage is no error.
 */
int record_reader_next(struct record_reader *r, const struct event_header *const **ret,
		       size_t *ret_n);

/* Blocks that are missing are known from the beginning, those that are damaged as far as was read. */
void record_reader_damage(const struct record_reader *r, struct record_damage *ret);
/* Bytes of the file. */
uint64_t record_reader_size(const struct record_reader *r);

#endif
