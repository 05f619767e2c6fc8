/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_RECORD_FORMAT_H
#define KMSCOPE_RECORD_FORMAT_H
/*
 * The layout of recordings, which docs/recording-format.md tells byte by byte. All numbers are
 * little-endian, whatever the machine's order is.
 *
 * A file is a header and then blocks. A block can be read without any other; what its records rely
 * on (who runs on which CPU, what was counted so far) stands at its beginning once more.
 */
#include <string.h>

#include "base/base.h"
#include "event/event.h"
#include "record/numbers.h"

#define RECORD_MAGIC	   "\x89KMSREC\n"
#define RECORD_MAGIC_LEN   8
#define RECORD_VERSION	   1
#define RECORD_HEADER_SIZE 64
#define RECORD_BLOCK_MAGIC 0x42534d4bu /* «KMSB» */
#define RECORD_BLOCK_SIZE  48 /* of a block's header */

/* More than this is no block of ours: a snapshot of 8 MiB, and what may stand before it. */
#define RECORD_PAYLOAD_MAX   (32u << 20)
#define RECORD_BLOCK_RECORDS 32768u
#define RECORD_BLOCK_BYTES   (512u << 10) /* a block is ended when it has so many, before deflating */
#define RECORD_PREAMBLE_MAX  (2 * EVENT_CPUS_MAX + 1) /* records */

enum record_state {
	RECORD_OPEN, /* it is being written, or whoever did was killed */
	RECORD_ENDED,
	RECORD_FULL, /* it ended because nothing more could be written */
	RECORD_STATES,
};

struct record_header {
	uint16_t version, size;
	uint32_t abi; /* EVENTS_ABI */
	uint8_t byte_order; /* of the machine that was traced: 1 little, 2 big */
	uint8_t word_size; /* of its kernel's addresses, as far as kmscope knows: its own */
	uint8_t state; /* enum record_state */
	uint32_t page_size;
	uint64_t keep; /* bytes of the ring of blocks; 0: it is none */
	uint64_t wall_ns; /* when it was begun */
	uint64_t last; /* sequence number of the last block; 0 in RECORD_OPEN */
};

enum record_block_type {
	BLOCK_CONTEXT = 1, /* pairs of texts */
	BLOCK_EVENTS = 2, /* records */
	BLOCK_NAMES = 3, /* of code */
	BLOCK_POOL = 4, /* records that earlier blocks had, which may be overwritten by now */
	BLOCK_TYPES,
};

enum record_block_flags {
	BLOCK_DEFLATED = 1 << 0, /* zlib, RFC 1950 */
	BLOCK_POOL_FIRST = 1 << 1, /* the first of the blocks of a pool, */
	BLOCK_POOL_LAST = 1 << 2, /* … and the last */
};

struct record_block {
	uint8_t type, flags;
	uint32_t size; /* of the payload, as it stands in the file */
	uint32_t raw; /* … when it is inflated */
	uint64_t sequence; /* 1 for the first, one more for each */
	uint32_t n; /* records in it, but for those of its preamble */
	uint64_t first, last; /* times of its records */
};

/* What the pools of a ring have no room for. */
enum record_left_out {
	LEFT_STACKS, /* call chains */
	LEFT_CACHES,
	LEFT_MAPS, /* records of processes and of what they have mapped; EVENT_MAPS_LOST tells them, too */
	LEFT_OUT,
};

/* Keys of the texts in which a context says how many: none if it is none. */
extern const char *const record_left_out_keys[LEFT_OUT];

/* Columns of a payload of records. */
enum record_column {
	COLUMN_KEYS, /* a varint a record: template << 1 | whether the place changes */
	COLUMN_PLACES, /* where records come from: number, or a new one */
	COLUMN_TIMES, /* a zigzag varint a record: since the one before */
	COLUMN_VALUES, /* what is different in each, by kind */
	COLUMN_TEMPLATES, /* what records have in common, at the first that has it */
	COLUMN_TAILS, /* what has no fixed length */
	COLUMNS,
};

#define RECORD_FIELDS	 4 /* of a kind, at most, that are no part of its template */
#define RECORD_TABLE	 4096 /* addresses that are remembered */
#define RECORD_BODY_MAX	 96 /* bytes of the longest fixed record but EVENT_STACK */
#define RECORD_TEMPLATES 32768u /* in a block: no more than records */

enum record_codec {
	CODEC_NONE,
	CODEC_ADDRESS, /* of an object: see record_address_slot() */
	CODEC_BLOCK, /* the frame number in a word of event_pack_block(); its rest is the template's */
	CODEC_DELTA, /* zigzag varint: since the last one of its template */
	CODEC_BEFORE, /* zigzag varint: how long before the record's time */
	CODEC_PLAIN, /* varint */
};

struct record_field {
	uint8_t offset, size; /* 4 or 8 bytes */
	uint8_t codec;
};

enum record_tail {
	TAIL_NONE,
	TAIL_OWN, /* bytes of its own for each record */
	TAIL_SHARED, /* part of the template */
};

/* How records of a kind are taken apart. */
struct record_kind {
	uint8_t size; /* of the fixed part; 0: unknown */
	uint8_t tail; /* enum record_tail */
	struct record_field fields[RECORD_FIELDS];
};

/* By kind; what is not in it has size 0. */
extern const struct record_kind record_kinds[];
extern const size_t n_record_kinds;

static inline const struct record_kind *record_kind_of(uint8_t kind)
{
	return kind < n_record_kinds && record_kinds[kind].size ? &record_kinds[kind] : NULL;
}

/* Where in the table of addresses @address is remembered. */
static inline uint32_t record_address_slot(uint64_t address)
{
	return (uint32_t)((address * 0x9e3779b97f4a7c15ull) >> 52);
}

_Static_assert(RECORD_TABLE == 1 << 12, "record_address_slot()");

/* --- headers -------------------------------------------------------------------------------------- */

void record_pack_header(const struct record_header *h, uint8_t to[RECORD_HEADER_SIZE]);

enum record_header_check {
	HEADER_FINE,
	HEADER_FOREIGN, /* no recording */
	HEADER_DAMAGED,
	HEADER_NEWER, /* of a version that is not known here; .version and .abi are filled in */
};

enum record_header_check record_unpack_header(const uint8_t from[RECORD_HEADER_SIZE],
					      struct record_header *ret);

/* @payload is what stands in the file: h->size bytes. */
void record_pack_block(const struct record_block *h, const uint8_t *payload,
		       uint8_t to[RECORD_BLOCK_SIZE]);
/* False if it can't be one; whether its payload is right is record_block_right()'s. */
bool record_unpack_block(const uint8_t from[RECORD_BLOCK_SIZE], struct record_block *ret);
bool record_block_right(const uint8_t header[RECORD_BLOCK_SIZE], const uint8_t *payload, size_t n);

#endif
