/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_SYNTH_SCRIPT_H
#define KMSCOPE_SOURCE_SYNTH_SCRIPT_H
/*
 * The language of scripts that synth.h describes: text in, records out. synth_script.c reads lines,
 * synth_kinds.c knows the kinds of records and their keys, synth_values.c how values are written, synth.c
 * plays what was read.
 */
#include "base/base.h"
#include "base/failure.h"
#include "bpf/events.h"

#define SYNTH_CPUS_MAX 256
#define SYNTH_RUNS_MAX 256 /* of frames in a snapshot */

/* Any record, for building one. A snapshot's text is not in it. */
union synth_record {
	struct event_header h;
	struct event_alloc alloc;
	struct event_free free;
	struct event_cache cache;
	struct event_task task;
	struct event_stack stack;
	struct event_counters counters;
	struct event_misses misses;
	struct event_start start;
	struct event_page page;
	struct event_page_free page_free;
	struct event_fallback fallback;
	struct event_work work;
	struct event_area area;
	struct event_area_free area_free;
	struct event_area_purge area_purge;
	struct event_area_pages area_pages;
	struct event_vmalloc vmalloc;
	struct event_ioremap ioremap;
	struct event_register access;
	struct event_fault fault;
	struct event_fault_counts fault_counts;
	struct event_process process;
	struct event_map map;
	struct event_maps_lost maps_lost;
	struct event_snapshot snapshot;
	char room[sizeof(struct event_map) + EVENT_PATH_MAX];
};

/* Who takes the records, in the script's order. */
struct synth_taker {
	/* @made: by user space, it goes through no CPU's ring. 0, or -ENOMEM, which ends the reading. */
	int (*take)(void *arg, const struct event_header *record, bool made);
	void *arg;
};

/* Read all of @text, which is changed. -EINVAL, with a failure that names the line, or -ENOMEM. */
int synth_script_read(char *text, const struct synth_taker *taker, struct failure *f);

/* --- of synth_kinds.c, for synth_script.c --------------------------------------------------------- */

/* A key of a kind of record: what it sets, and how its value is read. */
struct synth_field {
	const char *key;
	int (*parse)(union synth_record *r, size_t offset, const char *value);
	size_t offset;
	bool required;
};

/* What step_ptr= and step_pfn= move in a repeated record. */
enum synth_place { PLACE_NONE, PLACE_PTR, PLACE_PFN };

struct synth_kind {
	const char *name;
	enum event_kind kind;
	bool made; /* by user space: goes through no lane */
	enum synth_place place;
	const struct synth_field *fields; /* ends with a NULL key; at most 32 */
	/* What is wrong with a whole record, or NULL; bits of @seen: the fields that were given. */
	const char *(*check)(union synth_record *r, uint32_t seen);
};

/* NULL if there is none of that name. */
const struct synth_kind *synth_kind_find(const char *name);
/* What a record holds where the script says nothing. */
void synth_record_begin(union synth_record *r, enum event_kind kind);
/* Whether user space makes @r, which is of @kind. */
bool synth_record_made(const union synth_record *r, const struct synth_kind *kind);
/*
 * Move times by @step_ns and what @place names by @step; frame numbers keep to their 48 bits, and none
 * stays none.
 */
void synth_record_step(union synth_record *r, uint64_t step_ns, enum synth_place place,
		       uint64_t step);

#endif
