// SPDX-License-Identifier: GPL-2.0
#include "record/format.h"

#include <zlib.h>

#define FIELD(type, member, how)                                                               \
	{                                                                                      \
		offsetof(struct type, member), sizeof(((struct type *)0)->member), CODEC_##how \
	}

const struct record_kind record_kinds[] = {
	[EVENT_KMALLOC] = { sizeof(struct event_alloc),
			    TAIL_NONE,
			    { FIELD(event_alloc, ptr, ADDRESS) } },
	[EVENT_CACHE_ALLOC] = { sizeof(struct event_alloc),
				TAIL_NONE,
				{ FIELD(event_alloc, ptr, ADDRESS) } },
	[EVENT_KFREE] = { sizeof(struct event_free),
			  TAIL_NONE,
			  { FIELD(event_free, ptr, ADDRESS) } },
	[EVENT_CACHE_FREE] = { sizeof(struct event_free),
			       TAIL_NONE,
			       { FIELD(event_free, ptr, ADDRESS) } },
	[EVENT_CACHE] = { sizeof(struct event_cache), TAIL_NONE, { { 0 } } },
	[EVENT_TASK] = { sizeof(struct event_task), TAIL_NONE, { { 0 } } },
	[EVENT_PAGE_ALLOC] = { sizeof(struct event_page),
			       TAIL_NONE,
			       { FIELD(event_page, block, BLOCK) } },
	[EVENT_PAGE_FREE] = { sizeof(struct event_page_free),
			      TAIL_NONE,
			      { FIELD(event_page_free, block, BLOCK) } },
	[EVENT_PAGE_FALLBACK] = { sizeof(struct event_fallback),
				  TAIL_NONE,
				  { FIELD(event_fallback, block, BLOCK) } },
	[EVENT_PAGE_REFILL] = { sizeof(struct event_page_free),
				TAIL_NONE,
				{ FIELD(event_page_free, block, BLOCK) } },
	[EVENT_PAGE_DRAIN] = { sizeof(struct event_page_free),
			       TAIL_NONE,
			       { FIELD(event_page_free, block, BLOCK) } },
	[EVENT_PAGE_BULK] = { sizeof(struct event_work),
			      TAIL_NONE,
			      { FIELD(event_work, pages, PLAIN) } },
	[EVENT_COMPACTION] = { sizeof(struct event_work), TAIL_NONE, { { 0 } } },
	[EVENT_RECLAIM] = { sizeof(struct event_work),
			    TAIL_NONE,
			    { FIELD(event_work, pages, PLAIN) } },
	[EVENT_AREA_ALLOC] = { sizeof(struct event_area),
			       TAIL_NONE,
			       { FIELD(event_area, address, ADDRESS) } },
	[EVENT_AREA_FREE] = { sizeof(struct event_area_free),
			      TAIL_NONE,
			      { FIELD(event_area_free, address, ADDRESS),
				FIELD(event_area_free, lazy, DELTA) } },
	[EVENT_AREA_PURGE] = { sizeof(struct event_area_purge),
			       TAIL_NONE,
			       { FIELD(event_area_purge, start, DELTA),
				 FIELD(event_area_purge, end, DELTA),
				 FIELD(event_area_purge, areas, DELTA) } },
	[EVENT_AREA_PAGES] = { sizeof(struct event_area_pages),
			       TAIL_NONE,
			       { FIELD(event_area_pages, address, ADDRESS),
				 FIELD(event_area_pages, pages, PLAIN),
				 FIELD(event_area_pages, runs, PLAIN) } },
	[EVENT_VMALLOC] = { sizeof(struct event_vmalloc),
			    TAIL_NONE,
			    { FIELD(event_vmalloc, address, ADDRESS),
			      FIELD(event_vmalloc, began, BEFORE) } },
	[EVENT_IOREMAP] = { sizeof(struct event_ioremap),
			    TAIL_NONE,
			    { FIELD(event_ioremap, address, ADDRESS) } },
	[EVENT_IOUNMAP] = { sizeof(struct event_free),
			    TAIL_NONE,
			    { FIELD(event_free, ptr, ADDRESS) } },
	[EVENT_REGISTER] = { sizeof(struct event_register),
			     TAIL_NONE,
			     { FIELD(event_register, value, DELTA) } },
	[EVENT_FAULT] = { sizeof(struct event_fault),
			  TAIL_NONE,
			  { FIELD(event_fault, address, DELTA), FIELD(event_fault, ip, DELTA),
			    FIELD(event_fault, began, BEFORE) } },
	[EVENT_FAULT_COUNTS] = { sizeof(struct event_fault_counts),
				 TAIL_NONE,
				 { FIELD(event_fault_counts, minor, PLAIN),
				   FIELD(event_fault_counts, major, PLAIN),
				   FIELD(event_fault_counts, tid, DELTA) } },
	[EVENT_TICK] = { sizeof(struct event_header), TAIL_NONE, { { 0 } } },
	[EVENT_STACK] = { offsetof(struct event_stack, frames),
			  TAIL_OWN,
			  { FIELD(event_stack, id, DELTA) } },
	[EVENT_COUNTERS] = { sizeof(struct event_counters), TAIL_NONE, { { 0 } } },
	[EVENT_MISSES] = { sizeof(struct event_misses), TAIL_NONE, { { 0 } } },
	[EVENT_START] = { sizeof(struct event_start), TAIL_NONE, { { 0 } } },
	[EVENT_END] = { sizeof(struct event_header), TAIL_NONE, { { 0 } } },
	[EVENT_SNAPSHOT] = { sizeof(struct event_snapshot),
			     TAIL_OWN,
			     { FIELD(event_snapshot, before, BEFORE),
			       FIELD(event_snapshot, first, PLAIN) } },
	[EVENT_PROCESS] = { sizeof(struct event_process), TAIL_NONE, { { 0 } } },
	[EVENT_MAP] = { sizeof(struct event_map),
			TAIL_SHARED,
			{ FIELD(event_map, start, DELTA), FIELD(event_map, bytes, PLAIN),
			  FIELD(event_map, offset, PLAIN) } },
	[EVENT_MAPS_LOST] = { sizeof(struct event_maps_lost), TAIL_NONE, { { 0 } } },
	[EVENT_PROGRAM] = { sizeof(struct event_program), TAIL_NONE, { { 0 } } },
};

const size_t n_record_kinds = ARRAY_SIZE(record_kinds);

const char *const record_left_out_keys[LEFT_OUT] = {
	[LEFT_STACKS] = "stacks_left_out",
	[LEFT_CACHES] = "caches_left_out",
	[LEFT_MAPS] = "maps_left_out",
};

_Static_assert(sizeof(struct event_register) <= RECORD_BODY_MAX, "the longest");
_Static_assert(sizeof(struct event_cache) <= RECORD_BODY_MAX, "the longest");

/* --- the file's header ------------------------------------------------------------------------------ */

static uint32_t checksum(uint32_t crc, const uint8_t *p, size_t n)
{
	return (uint32_t)crc32(crc, p, (uInt)n);
}

void record_pack_header(const struct record_header *h, uint8_t to[RECORD_HEADER_SIZE])
{
	memset(to, 0, RECORD_HEADER_SIZE);
	memcpy(to, RECORD_MAGIC, RECORD_MAGIC_LEN);
	record_put(to + 8, h->version, 2);
	record_put(to + 10, h->size, 2);
	record_put(to + 12, h->abi, 4);
	to[16] = h->byte_order;
	to[17] = h->word_size;
	to[18] = h->state;
	record_put(to + 20, h->page_size, 4);
	record_put(to + 24, h->keep, 8);
	record_put(to + 32, h->wall_ns, 8);
	record_put(to + 48, h->last, 8);
	record_put(to + 60, checksum(0, to, 60), 4);
}

enum record_header_check record_unpack_header(const uint8_t from[RECORD_HEADER_SIZE],
					      struct record_header *ret)
{
	struct record_header h = {
		.version = (uint16_t)record_get(from + 8, 2),
		.size = (uint16_t)record_get(from + 10, 2),
		.abi = (uint32_t)record_get(from + 12, 4),
		.byte_order = from[16],
		.word_size = from[17],
		.state = from[18],
		.page_size = (uint32_t)record_get(from + 20, 4),
		.keep = record_get(from + 24, 8),
		.wall_ns = record_get(from + 32, 8),
		.last = record_get(from + 48, 8),
	};

	if (memcmp(from, RECORD_MAGIC, RECORD_MAGIC_LEN))
		return HEADER_FOREIGN;
	*ret = h;
	if (record_get(from + 60, 4) != checksum(0, from, 60))
		return HEADER_DAMAGED;
	if (h.byte_order < 1 || h.byte_order > 2)
		return HEADER_DAMAGED;
	if (h.version != RECORD_VERSION || h.abi != EVENTS_ABI || h.byte_order != 1)
		return HEADER_NEWER;
	if (h.size != RECORD_HEADER_SIZE || h.state >= RECORD_STATES)
		return HEADER_DAMAGED;
	return HEADER_FINE;
}

/* --- a block's header --------------------------------------------------------------------------------- */

/* Of all of the block but the four bytes in which it stands. */
static uint32_t block_checksum(const uint8_t *header, const uint8_t *payload, size_t n)
{
	uint32_t crc = checksum(0, header, 28);

	crc = checksum(crc, header + 32, RECORD_BLOCK_SIZE - 32);
	return checksum(crc, payload, n);
}

void record_pack_block(const struct record_block *h, const uint8_t *payload,
		       uint8_t to[RECORD_BLOCK_SIZE])
{
	memset(to, 0, RECORD_BLOCK_SIZE);
	record_put(to, RECORD_BLOCK_MAGIC, 4);
	to[4] = h->type;
	to[5] = h->flags;
	record_put(to + 8, h->size, 4);
	record_put(to + 12, h->raw, 4);
	record_put(to + 16, h->sequence, 8);
	record_put(to + 24, h->n, 4);
	record_put(to + 32, h->first, 8);
	record_put(to + 40, h->last, 8);
	record_put(to + 28, block_checksum(to, payload, h->size), 4);
}

bool record_unpack_block(const uint8_t from[RECORD_BLOCK_SIZE], struct record_block *ret)
{
	struct record_block h = {
		.type = from[4],
		.flags = from[5],
		.size = (uint32_t)record_get(from + 8, 4),
		.raw = (uint32_t)record_get(from + 12, 4),
		.sequence = record_get(from + 16, 8),
		.n = (uint32_t)record_get(from + 24, 4),
		.first = record_get(from + 32, 8),
		.last = record_get(from + 40, 8),
	};

	if (record_get(from, 4) != RECORD_BLOCK_MAGIC || h.size > RECORD_PAYLOAD_MAX ||
	    h.raw > RECORD_PAYLOAD_MAX || h.n > RECORD_BLOCK_RECORDS)
		return false;
	if (!(h.flags & BLOCK_DEFLATED) && h.size != h.raw)
		return false;
	*ret = h;
	return true;
}

bool record_block_right(const uint8_t header[RECORD_BLOCK_SIZE], const uint8_t *payload, size_t n)
{
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
	/* a fuzzer would never get past it */
	(void)header, (void)payload, (void)n;
	return true;
#else
	return record_get(header + 28, 4) == block_checksum(header, payload, n);
#endif
}
