/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_TRACKS_H
#define KMSCOPE_ANALYZE_TRACKS_H
/*
 * What a recording holds over time, of whatever areas: levels and counts in steps (tracks_steps.h), and
 * the events that are worth being shown one by one. Who allocated and freed what is in the books of the
 * areas' own analyzers.
 */
#include "analyze/analyzer.h"
#include "analyze/areas.h"
#include "analyze/mappings.h"
#include "analyze/pages.h"
#include "analyze/spaces.h"
#include "analyze/tracks_steps.h"

#define TRACKS_EVENTS_MAX      100000 /* that are kept */
#define TRACKS_EVENTS_RESERVED 5000 /* room for each kind, however many others there are */

enum track_event_kind {
	TRACK_EVENT_COMPACTION,
	TRACK_EVENT_RECLAIM,
	TRACK_EVENT_FALLBACK,
	TRACK_EVENT_FAILED,
	TRACK_EVENT_VMALLOC,
	TRACK_EVENT_MAJOR_FAULT,
	TRACK_EVENT_IOREMAP,
	TRACK_EVENT_IOUNMAP,
	TRACK_EVENT_REGISTER_WRITE,
	TRACK_EVENT_PROCESS,
	TRACK_EVENT_LOSS,
	TRACK_EVENT_KINDS,
};

/* TRACK_EVENT_FAILED */
enum track_failed {
	FAILED_KMALLOC,
	FAILED_CACHE_ALLOC,
	FAILED_PAGES,
	FAILED_AREA,
	FAILED_VMALLOC,
	FAILED_IOREMAP,
};

/* TRACK_EVENT_LOSS */
enum track_loss { LOSS_RING, LOSS_MISSES, LOSS_MAPS };

/* TRACK_EVENT_COMPACTION, TRACK_EVENT_RECLAIM: whether it was seen to begin and to end. */
enum track_work { WORK_WHOLE, WORK_BEGUN, WORK_ENDED };

struct track_event {
	uint64_t time; /* when it began, if .timed */
	uint64_t ns; /* how long it took, if .timed */
	uint64_t site; /* 0: none */
	uint64_t address, value, bytes; /* what they mean depends on the kind: tracks_events.c */
	uint32_t number; /* gfp flags, a frame's order … */
	uint32_t pid; /* 0: none, or not told */
	uint16_t cpu;
	uint8_t kind, what; /* .what: one of the enums above, register_source or process_change */
	bool timed, on_cpu; /* .on_cpu: .cpu is known */
	char comm[16]; /* empty: not known */
	char name[REGISTER_NAME_LEN]; /* TRACK_EVENT_REGISTER_WRITE: the device; else empty */
};

struct track_events {
	STREAM_VEC(struct track_event) items; /* in the stream's order */
	uint64_t kept[TRACK_EVENT_KINDS], left_out[TRACK_EVENT_KINDS];
	uint64_t shared; /* kept beyond what is reserved */
};

struct tracks {
	struct analyzer analyzer;
	struct stream stream; /* of all records; quality: of what is counted here */
	struct ledger ledger;
	struct pages pages;
	struct areas areas;
	struct mappings mappings;
	struct spaces spaces; /* names of processes, no mappings */
	struct steps steps;
	struct track_events events;
	bool seen[TRACKS]; /* records that a track is made of */
	uint32_t reclaim_order[64]; /* by CPU modulo 64, as pages.reclaiming */
	uint64_t misses_time; /* of the newest EVENT_MISSES, .maps_lost_time of the newest EVENT_MAPS_LOST */
	uint64_t maps_lost_time;
};

/* An event whose time, place and process are those of @h. */
struct track_event tracks_event(const struct tracks *t, const struct event_header *h,
				enum track_event_kind kind);
/* Keep @e, or count it if there is no room. */
void tracks_events_add(struct tracks *t, const struct track_event *e);

/*
 * Keep what of a record is worth being shown one by one. Called after the books have entered it, but for
 * those of which they forget what was before: EVENT_COMPACTION, EVENT_RECLAIM, EVENT_COUNTERS, EVENT_MISSES
 * and EVENT_PROCESS.
 */
void tracks_events_enter(struct tracks *t, const struct event_header *h);

/* All events by time, and a note on what was left out. */
int tracks_events_report(const struct tracks *t, struct report *r);

#endif
