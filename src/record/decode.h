/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_DECODE_H
#define KMSCOPE_RECORD_DECODE_H
/* From the payload of a block to records: whatever the bytes are, what comes out is event_valid(). */
#include "event/event.h"
#include "record/format.h"

#define DECODER_BATCH 256 /* records that are handed out at once, at most */

struct decoder;

/* NULL when memory is short. */
struct decoder *decoder_new(void);
void decoder_free(struct decoder **d);

/*
 * Begin with a payload of @n bytes, which must stay. -EBADMSG if it makes no sense from its start. Its
 * records follow by decoder_next().
 */
int decoder_begin(struct decoder *d, const uint8_t *payload, size_t n);

/*
 * The next records: *@ret points to *@ret_n of them, which stay until the next call; those of the
 * preamble have their *@ret_preamble. 0 records: that was all. -EBADMSG where the payload makes no
 * sense any more, with the records before that in *@ret; -ENOMEM.
 */
int decoder_next(struct decoder *d, const struct event_header *const **ret, size_t *ret_n,
		 bool *ret_preamble);

#endif
