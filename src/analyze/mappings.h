/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_MAPPINGS_H
#define KMSCOPE_ANALYZE_MAPPINGS_H
/* The books of mapped registers: who has mapped which physical addresses, where, and how. */
#include "analyze/areas.h"

/* Mappings of the same addresses by the same caller in the same way. */
struct mapping {
	uint64_t phys, bytes, site, mode;
	uint8_t function; /* enum ioremap_function, or MAPPING_EXISTING */
	char *caller; /* owned: as /proc/vmallocinfo names it; NULL: not told, or .site has it */
	uint64_t maps, unmaps, failed, existing; /* existing: of those that were there before */
	uint64_t live;
	uint64_t virt; /* the newest one's address; 0: hidden, or none was mapped */
	uint64_t time; /* … and when; 0: before */
	uint32_t task, pid, stack;
	bool has_phys;
};
#define MAPPING_EXISTING IOREMAP_FUNCTIONS

struct mapped {
	uint64_t virt; /* page */
	uint64_t phys, bytes; /* from that page on */
	uint64_t time;
	uint32_t mapping;
	uint32_t next; /* of a free entry */
};

struct mappings {
	STREAM_VEC(struct mapping) items;
	STREAM_VEC(struct mapped) pool;
	uint32_t free_mapped;
	struct u64map mapping_of, mapped_of; /* by a hash; by page address */
	bool looked, hidden;
	bool recount; /* each look tells which of those from before are still there */
};

void mappings_init(struct mappings *m);
void mappings_free(struct mappings *m);

/* @asker: by call chain, see areas_asker(); 0 if there is none. */
void mappings_enter(struct mappings *m, struct stream *s, const struct event_ioremap *e,
		    uint64_t asker);
/*
 * False if nothing was mapped there. With @again nothing ends that was not mapped by IOREMAP_MODULE: that
 * is told by the function.
 */
bool mappings_unmap(struct mappings *m, struct stream *s, uint64_t time, uint64_t address,
		    bool again);
/* Of /proc/vmallocinfo: what was there before; later, which of that still is, if nothing else tells. */
void mappings_look(struct mappings *m, struct stream *s, const char *text);

/* What is mapped at @address, or NULL; *@ret_phys is the physical address of that. */
const struct mapping *mappings_at(const struct mappings *m, uint64_t page_size, uint64_t address,
				  uint64_t *ret_phys);
void mappings_each_live(const struct mappings *m, void (*visit)(void *ctx, uint64_t address),
			void *ctx);

/* How it is cached, in the words of the architecture; NULL where that is not known. */
const char *mapping_mode(const struct mapping *m);

#endif
