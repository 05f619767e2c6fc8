/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_ENCODE_H
#define KMSCOPE_RECORD_ENCODE_H
/* From records to the payload of a block. */
#include "event/event.h"
#include "record/format.h"

struct encoder;

/* NULL when memory is short. */
struct encoder *encoder_new(void);
void encoder_free(struct encoder **e);

/* Forget what the block had: the next record is the first of another one. */
void encoder_reset(struct encoder *e);

/*
 * Add @record, which must be valid. Those that are added before encoder_begin() are the block's
 * preamble: what a reader needs that has not read the block before. 0 or -ENOMEM: then it is not in it.
 */
int encoder_add(struct encoder *e, const struct event_header *record);
/* The preamble is complete. */
void encoder_begin(struct encoder *e);

/* How many records there are, and how many bytes they take, about: both without the preamble. */
uint32_t encoder_records(const struct encoder *e);
size_t encoder_bytes(const struct encoder *e);
/* Fill in what the block's header says of its records. */
void encoder_describe(const struct encoder *e, struct record_block *b);

/* The payload, the encoder's until the next call. NULL: no memory. */
const uint8_t *encoder_payload(struct encoder *e, size_t *ret_n);

/* Call @visit for the code addresses of kernel code that templates of this block have. */
void encoder_each_site(const struct encoder *e, void (*visit)(void *arg, uint64_t address),
		       void *arg);

#endif
