/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_WRITER_H
#define KMSCOPE_RECORD_WRITER_H
/*
 * Writes a recording. A block is written whole when it is full or flushed; whatever happens to the
 * process afterwards, it can be read. Nothing that was there is overwritten unless that was asked for,
 * and no link is followed.
 */
#include "base/failure.h"
#include "event/event.h"
#include "record/format.h"

#define RECORD_KEEP_MIN ((uint64_t)4 << 20) /* of record_options.keep */

struct record_options {
	const char *path;
	bool force; /* replace a file that is there */
	bool deflate; /* every block: half the size, for several times the time */
	uint64_t keep; /* bytes that the file may have: the newest blocks stay; 0: no limit */
};

/* What is said about the recording: a name and a text. */
struct record_text {
	const char *key, *value;
};

/* A function of the kernel's, for an address in it. */
struct record_symbol {
	uint64_t address;
	uint64_t start, size;
	const char *name, *module;
};

/* A function of user code: see struct report_object. */
struct record_code {
	const char *path;
	uint32_t major, minor, pid;
	uint64_t inode, start, end;
	uint64_t offset; /* of the code in the object */
	const char *name; /* empty: there is none, whatever was said before */
	uint64_t into; /* how far into the function that is */
	uint32_t generation;
};

struct record_totals {
	uint64_t records; /* that were added */
	uint64_t events; /* of them, events of the kernel's */
	uint64_t bytes; /* of the file, without what was added since the last block */
	uint64_t dropped; /* events in blocks that .keep overwrote */
	/* Of what they told, what there was no room to say again, by enum record_left_out; at most. */
	uint64_t left_out[LEFT_OUT];
};

struct record_writer;

/*
 * Open @o->path and check that it can be written; a file that is there keeps what is in it until
 * record_writer_begin(). With a failure that says what to do.
 */
int record_writer_open(const struct record_options *o, struct record_writer **ret,
		       struct failure *f);
/* Removes the file if nothing was begun and it was not there before. */
void record_writer_free(struct record_writer **w);

/* Write the beginning. 0 or negative errno. */
int record_writer_begin(struct record_writer *w, const struct record_text *texts, size_t n);

/*
 * The following remember their first error, and do nothing after it: see record_writer_error(). What
 * was written until then stays.
 */

/* Add records in the order in which a source delivers them. */
void record_writer_add(struct record_writer *w, const struct event_header *const *records,
		       size_t n);
/* Write what was added: once a second, so that no more than that is ever missing. */
void record_writer_flush(struct record_writer *w);
void record_writer_names(struct record_writer *w, const struct record_symbol *symbols,
			 size_t n_symbols, const struct record_code *code, size_t n_code);
/*
 * Whether earlier names may be overwritten by now (.keep): all of them are to be told once more. True
 * once each time that is so.
 */
bool record_writer_forgot(struct record_writer *w);

/* Call @visit for each code address that records of the block being written have. */
void record_writer_each_site(const struct record_writer *w,
			     void (*visit)(void *arg, uint64_t address), void *arg);
/* Called before the records of a block are forgotten, see record_writer_each_site(). */
void record_writer_watch(struct record_writer *w, void (*full)(void *arg), void *arg);

/* Write what is left and mark the recording as ended. 0 or the first error. */
int record_writer_end(struct record_writer *w);

int record_writer_error(const struct record_writer *w);
/* Whether somebody has removed the file meanwhile: what is written goes with us. */
bool record_writer_removed(const struct record_writer *w);
void record_writer_totals(const struct record_writer *w, struct record_totals *ret);

#endif
