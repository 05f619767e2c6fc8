/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_ANONYMIZE_H
#define KMSCOPE_RECORD_ANONYMIZE_H
/*
 * Takes out of a recording what is its owner's: names of processes and files, of functions in user code, and
 * addresses. The same gets the same name everywhere, and addresses keep what analyses make of them (see
 * shift.h), so that reports say what they said, with other names. docs/anonymize.md tells what is
 * replaced and what stays.
 *
 * Everything is shown to it first, and then replaced, in the same order.
 */
#include "event/event.h"
#include "record/shift.h"
#include "record/writer.h"

struct anonymizer;

/*
 * For a recording with header @of. @random: where the amounts come from; NULL: from the kernel. NULL when
 * memory is short.
 */
struct anonymizer *anonymizer_new(const struct record_header *of,
				  const struct shift_random *random);
void anonymizer_free(struct anonymizer **a);

/* What there is. Memory that runs short is told by anonymizer_plan(). */
void anonymizer_note(struct anonymizer *a, const struct event_header *h);
void anonymizer_note_symbol(struct anonymizer *a, const struct record_symbol *s);
void anonymizer_note_code(struct anonymizer *a, const struct record_code *c);
/* That was all. 0 or negative errno. */
int anonymizer_plan(struct anonymizer *a);

/*
 * What takes the place of @h: *@ret, until the next call; NULL: nothing does, which happens to no record that
 * makes sense. 0 or -ENOMEM.
 */
int anonymizer_record(struct anonymizer *a, const struct event_header *h,
		      const struct event_header **ret);
/* Likewise; texts in *@ret are those of the argument, or the anonymizer's and stay as long as that. */
int anonymizer_symbol(struct anonymizer *a, const struct record_symbol *s,
		      struct record_symbol *ret);
int anonymizer_code(struct anonymizer *a, const struct record_code *c, struct record_code *ret);

/* The keys of texts that are taken over; ends with NULL. Others are left out. */
extern const char *const anonymizer_keys[];
/* What takes the place of @value, said of @key: the caller's, to be freed. NULL: no memory. */
char *anonymizer_text(struct anonymizer *a, const char *key, const char *value);

#endif
