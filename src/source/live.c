// SPDX-License-Identifier: GPL-2.0
#include "source/live.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sysinfo.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "event/merge.h"
#include "source/look.h"
#include "source/look_pages.h"
#include "source/ring.h"
#include "source/sideband.h"
#include "source/snapshot.h"

#define LIVE_TICK_NS	 NSEC_PER_SEC
#define LIVE_REFILL_NS	 (250 * NSEC_PER_MSEC)
#define LIVE_SKEW_NS	 (20 * NSEC_PER_USEC) /* held back while a ring is filling up */
#define LIVE_ROUNDS	 64 /* rounds of one read(), so that the session hears signals */
#define LIVE_RESCAN_MAPS 65536 /* mappings, some 60 ms */
#define LIVE_LOOKED_NS	 (200 * NSEC_PER_MSEC)
#define LIVE_LOOK_PART	 20 /* of the time, for looks at single processes */
#define LIVE_BUSY_TRIES	 1000 /* when ending: how often to wait for an unfinished record */

/* One CPU. Positions in its lane of the merge go on from ring to ring: .base is where .ring begins. */
struct lane {
	struct ring ring;
	struct ring old; /* read to its end, but the merge may still hold records of it; or closed */
	uint64_t base;
	bool renewing; /* events go to a new ring already, .ring is the old one */
};

struct live {
	struct source source;
	struct attachment *attachment;
	struct capset capset;
	struct config config;
	struct merge *merge;
	struct lane *lanes;
	size_t n_lanes;
	size_t ring_size;
	uint64_t renew_after;
	int epoll;
	bool begun, stopped;
	uint64_t start, next_tick, next_refill;
	uint64_t end; /* when it was stopped: what comes while programs are being detached is not told */
	struct cpu_state *counted; /* by then, a copy */
	uint64_t missed; /* by then */
	uint64_t skipped; /* records that came later */
	uint64_t generation_began; /* of the marks */
	uint8_t *stacks_seen; /* a bit a stack id */
	uint32_t n_stacks; /* 0: none are taken */
	bool budgets; /* some are, by budget */
	const struct event_sink *sink; /* during read() */
	unsigned int areas;
	struct snapshot_queue snapshots;
	struct page_look page_look;
	struct sideband *sideband; /* AREA_FAULTS; or NULL */
	bool rescan; /* records of it were lost */
	uint64_t next_rescan, next_look, looked;
	unsigned int n_rescans;
	uint32_t pid; /* live_options.pid */
};

size_t live_default_ring_size(void)
{
	uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	int n_cpus = libbpf_num_possible_cpus();
	uint64_t share = memory / 64 / (uint64_t)MAX(n_cpus, 1);

	share = MIN(share, (uint64_t)16 << 20);
	share = MAX(share, (uint64_t)64 << 10);
	return round_up_pow2(share + 1) / 2; /* down to a power of two */
}

uint64_t live_default_renewal(void)
{
	return sizeof(long) == 4 ? 3ull << 30 : UINT64_MAX;
}

/* --- records that this source makes itself ------------------------------------------------------ */

static void live_send(struct live *l, const struct event_header *h)
{
	l->sink->consume(l->sink->arg, &h, 1);
}

/* What the analyzers can't see from events that don't come: whether they could. */
static uint32_t live_hooked(const struct live *l)
{
	static const struct {
		enum capability capability;
		enum start_hooked flag;
	} hooks[] = {
		{ CAPABILITY_VMALLOC, HOOKED_VMALLOC },
		{ CAPABILITY_AREA_PAGES, HOOKED_PAGES },
		{ CAPABILITY_AREA_PURGE, HOOKED_PURGE },
		{ CAPABILITY_AREA_FREE, HOOKED_AREAS },
		{ CAPABILITY_IOREMAP, HOOKED_IOREMAP },
		{ CAPABILITY_REGMAP, HOOKED_REGMAP },
		{ CAPABILITY_GPIO, HOOKED_GPIO },
		{ CAPABILITY_RWMMIO, HOOKED_RWMMIO },
		{ CAPABILITY_GPIO_MODULE, HOOKED_GPIO_MODULE },
		{ CAPABILITY_FAULT_BEGIN, HOOKED_FAULT_BEGIN },
		{ CAPABILITY_FAULT_COPIED, HOOKED_COPIED },
		{ CAPABILITY_FAULT_AROUND, HOOKED_AROUND },
		{ CAPABILITY_FAULT_HUGE, HOOKED_HUGE },
		{ CAPABILITY_FAULT_SWAP, HOOKED_SWAP },
	};
	uint32_t flags = l->sideband ? HOOKED_MAPS : 0;
	size_t i;

	if (attachment_has_by(l->attachment, CAPABILITY_FAULT_BEGIN, METHOD_CLASSIC))
		flags |= HOOKED_FAULT_ACCESS;
	/* what a task has counted says something only beside all of its faults */
	if (attachment_has_by(l->attachment, CAPABILITY_GUP, METHOD_CLASSIC) &&
	    !(l->config.select & (SELECT_COMM | SELECT_CGROUP)))
		flags |= HOOKED_COUNTS;
	if (attachment_has_by(l->attachment, CAPABILITY_GUP, METHOD_KRETPROBE))
		flags |= HOOKED_GUP;
	for (i = 0; i < ARRAY_SIZE(hooks); i++)
		if (attachment_has(l->attachment, hooks[i].capability))
			flags |= hooks[i].flag;
	return flags;
}

static uint32_t live_selected(const struct live *l)
{
	if (!l->config.select)
		return SELECTED_ALL;
	return l->pid ? SELECTED_PROCESS : SELECTED_SOME;
}

static void live_send_start(struct live *l)
{
	struct event_start e = {
		.h = { .time = l->start, .kind = EVENT_START },
		.wall_ns = clock_wall_ns() - (clock_monotonic_ns() - l->start),
		.page_size = l->capset.page_size,
		.kmalloc_max = l->capset.kmalloc_max,
		.gfp_dma = l->capset.gfp_dma,
		.gfp_reclaimable = l->capset.gfp_reclaimable,
		.gfp_account = l->capset.gfp_account,
		.n_cpus = (uint32_t)l->n_lanes,
		.sample = l->config.sample,
		.selected = live_selected(l),
		.bulk_hooked = attachment_has(l->attachment, CAPABILITY_PAGE_BULK),
		.hooked = live_hooked(l),
	};

	live_send(l, &e.h);
}

/* Events since the end, however they are known. */
static uint64_t live_after_end(const struct live *l)
{
	const struct cpu_state *now = attachment_cpu_states(l->attachment);
	uint64_t n = l->skipped, misses = attachment_misses(l->attachment);
	size_t i;

	for (i = 0; i < l->n_lanes; i++) {
		const struct cpu_state *then = &l->counted[i];

		n += now[i].lost[0] - then->lost[0] + now[i].lost[1] - then->lost[1];
		n += now[i].filtered - then->filtered + now[i].nulls - then->nulls;
	}
	return misses == EVENT_MISSES_UNKNOWN ? n : n + misses - l->missed;
}

/* Faults that perf counted on @cpu and ran no program for, as its period was not over. */
static uint64_t live_not_sampled(const struct live *l, size_t cpu)
{
	uint64_t runs, all = attachment_faults(l->attachment, cpu, &runs);

	return l->config.sample > 1 ? all - runs : 0;
}

/* What the kernel side has counted so far. */
static void live_send_counters(struct live *l, uint64_t time)
{
	const struct cpu_state *states =
		l->stopped ? l->counted : attachment_cpu_states(l->attachment);
	struct event_misses misses = {
		.h = { .time = time, .kind = EVENT_MISSES },
		.misses = l->stopped ? l->missed : attachment_misses(l->attachment),
		.after_end = l->stopped ? live_after_end(l) : 0,
	};
	size_t i;

	for (i = 0; i < l->n_lanes; i++) {
		struct event_counters e = {
			.h = { .time = time, .kind = EVENT_COUNTERS, .cpu = (uint16_t)i },
			.lost = { states[i].lost[0], states[i].lost[1] },
			.filtered = states[i].filtered + live_not_sampled(l, i),
			.nulls = states[i].nulls,
			.map_full = states[i].map_full,
		};

		live_send(l, &e.h);
	}
	live_send(l, &misses.h);
}

static void live_send_simple(struct live *l, uint64_t time, enum event_kind kind)
{
	struct event_header h = { .time = time, .kind = (uint8_t)kind };

	live_send(l, &h);
}

static void live_send_stack(struct live *l, int32_t id, uint64_t time)
{
	struct event_stack e = { .h = { .time = time, .kind = EVENT_STACK }, .id = id };

	e.n = (uint32_t)attachment_stack(l->attachment, id, e.frames, EVENT_STACK_DEPTH);
	live_send(l, &e.h);
}

/* The merge's sink: pass records on, each stack's frames before the first record that names it. */
static void live_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct live *l = arg;
	size_t i, sent = 0;

	for (i = 0; l->n_stacks && i < n; i++) {
		int32_t id = event_stack_id(records[i]);

		if (id < 0 || (uint32_t)id >= l->n_stacks || l->stacks_seen[id / 8] & 1u << id % 8)
			continue;
		l->stacks_seen[id / 8] |= (uint8_t)(1u << id % 8);
		l->sink->consume(l->sink->arg, records + sent, i - sent);
		live_send_stack(l, id, records[i]->time);
		sent = i;
	}
	l->sink->consume(l->sink->arg, records + sent, n - sent);
}

/* Events up to @time, and what is known of processes where it belongs. */
static void live_emit_processes(struct live *l, uint64_t time)
{
	struct event_sink merged = { .consume = live_consume, .arg = l };
	const struct event_header *h;

	while (l->sideband && (h = sideband_next(l->sideband, MIN(time, l->end)))) {
		merge_emit(l->merge, h->time, &merged);
		live_send(l, h);
		l->rescan |= h->kind == EVENT_MAPS_LOST;
	}
	merge_emit(l->merge, time, &merged);
}

/* Everything up to @time: the above, and snapshots. */
static void live_emit_events(struct live *l, uint64_t time)
{
	struct event_snapshot *e;

	while ((e = snapshot_queue_pop(&l->snapshots, time))) {
		live_emit_processes(l, e->h.time);
		live_send(l, &e->h);
		free(e);
	}
	live_emit_processes(l, time);
}

/* All frames as they are when nothing is traced any more. */
static void live_send_frames(struct live *l)
{
	struct event_snapshot *e;

	page_look_again(&l->page_look);
	while ((e = page_look_frames(&l->page_look))) {
		e->before = e->h.time = l->end;
		live_send(l, &e->h);
		free(e);
	}
}

/* --- reading -------------------------------------------------------------------------------------- */

/* Map the ring that CPU @i's programs write to and hear of its wakeups. */
static int live_open_ring(struct live *l, size_t i)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = i };
	int fd = dup(attachment_ring_fd(l->attachment, i));
	int err;

	if (fd < 0)
		return -errno;
	err = ring_open(&l->lanes[i].ring, fd, l->ring_size);
	if (err) {
		close(fd);
		return err;
	}
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

/* Give rings that have carried enough a successor; live_next() goes over to it at their end. */
static int live_renew(struct live *l)
{
	size_t i;
	int err;

	for (i = 0; i < l->n_lanes; i++) {
		struct lane *lane = &l->lanes[i];

		if (lane->ring.next < l->renew_after || lane->renewing || lane->old.consumer)
			continue;
		err = attachment_renew_ring(l->attachment, i, l->ring_size);
		if (err)
			return err;
		lane->renewing = true;
	}
	return 0;
}

/* The next record of CPU @i; when an old ring has been read to its end, of its successor. */
static int live_next(struct live *l, size_t i, const struct event_header **ret_record,
		     uint64_t *ret_position, enum ring_state *ret_state)
{
	struct lane *lane = &l->lanes[i];
	int err;

	*ret_state = ring_read(&lane->ring, ret_record, ret_position);
	if (unlikely(*ret_state == RING_EMPTY && lane->renewing)) {
		lane->old = lane->ring;
		lane->base += lane->ring.next;
		lane->ring = (struct ring){ .fd = -1 };
		lane->renewing = false;
		err = live_open_ring(l, i);
		if (err)
			return err;
		log_debug("cpu %zu: a new ring, the old ones carried %" PRIu64 " MiB", i,
			  lane->base >> 20);
		*ret_state = ring_read(&lane->ring, ret_record, ret_position);
	}
	*ret_position += lane->base;
	return 0;
}

/* Whether records that are held back take up a good part of a ring. */
static bool live_pressed(const struct live *l)
{
	size_t i;

	for (i = 0; i < l->n_lanes; i++)
		if (ring_unreleased(&l->lanes[i].ring) > l->ring_size / 4)
			return true;
	return false;
}

/*
 * Push what the rings hold into the merge. *ret_complete is up to which time the stream is complete;
 * *ret_more is set when a lane was full before its ring was empty, *ret_busy when a record is
 * unfinished.
 */
static int live_fill(struct live *l, uint64_t *ret_complete, bool *ret_more, bool *ret_busy)
{
	uint64_t complete =
		clock_monotonic_ns() - (live_pressed(l) ? LIVE_SKEW_NS : MERGE_WINDOW_NS);
	size_t i;
	int err;

	*ret_more = *ret_busy = false;
	for (i = 0; i < l->n_lanes; i++) {
		const struct event_header *record;
		enum ring_state state;
		uint64_t position;

		for (;;) {
			err = live_next(l, i, &record, &position, &state);
			if (err)
				return err;
			if (state != RING_RECORD)
				break;
			if (l->stopped && record->time > l->end) {
				l->skipped += event_counts(record);
				continue;
			}
			if (!merge_push(l->merge, i, position, record)) {
				l->lanes[i].ring.next =
					(unsigned long)(position - l->lanes[i].base);
				break;
			}
		}
		*ret_more |= state == RING_RECORD;
		*ret_busy |= state == RING_BUSY;
		if (state != RING_EMPTY)
			complete = MIN(complete, merge_lane_complete(l->merge, i));
	}
	/* later than the clock was read: what they hold by now is complete up to there */
	if (l->sideband)
		sideband_read(l->sideband);
	*ret_complete = complete;
	return 0;
}

/* Give back to the kernel what the merge no longer holds. */
static void live_release(struct live *l)
{
	size_t i;

	for (i = 0; i < l->n_lanes; i++) {
		struct lane *lane = &l->lanes[i];
		uint64_t held = merge_held(l->merge, i, lane->base + lane->ring.next);

		if (held < lane->base)
			continue;
		ring_close(&lane->old);
		ring_release(&lane->ring, held - lane->base);
	}
}

/* Deliver up to @horizon, with the ticks that fall in between. */
static void live_emit(struct live *l, uint64_t horizon)
{
	while (l->next_tick <= horizon && l->next_tick < l->end) {
		uint64_t tick = l->next_tick;

		live_emit_events(l, tick);
		/* they are of now: a tick that is long past does not know them */
		if (tick + LIVE_TICK_NS > horizon)
			live_send_counters(l, tick);
		l->next_tick += LIVE_TICK_NS;
		live_send_simple(l, tick, EVENT_TICK);
		attachment_shared(l->attachment)->epoch++;
	}
	live_emit_events(l, horizon);
	live_release(l);
}

/* Let every call site take another stack now and then: what grows for long is seen for long. */
static void live_refill(struct live *l)
{
	struct shared_state *shared = attachment_shared(l->attachment);
	uint64_t now = clock_monotonic_ns();
	size_t i;

	if (!l->budgets || now < l->next_refill)
		return;
	l->next_refill = now + LIVE_REFILL_NS;
	for (i = 0; i < SHARED_BUDGETS; i++)
		if (!shared->budgets[i])
			shared->budgets[i] = 1;
}

static void live_mark(void *ctx, uint64_t ptr)
{
	struct live *l = ctx;

	attachment_marks(l->attachment)->slots[mark_slot(ptr)] =
		attachment_shared(l->attachment)->generation;
}

/*
 * Marks are never cleared: in time every slot would hold one and nothing be left out any more. When a
 * good many are taken, live objects get the current mark once more, and a new generation
 * begins, in which only that one and the new one count. Called between records: all that was
 * allocated up to this tick is known, so that nothing with a mark two generations old is left
 * unmarked as long as a generation lasts longer than the rings lag.
 */
static void live_age(struct source *s,
		     void (*each)(void *arg, void (*mark)(void *ctx, uint64_t ptr), void *ctx),
		     void *arg)
{
	struct live *l = (struct live *)s;
	struct shared_state *shared = attachment_shared(l->attachment);
	const uint8_t *slots = attachment_marks(l->attachment)->slots;
	size_t i, taken = 0;

	if (!l->config.select && l->config.sample <= 1)
		return;
	for (i = 0; i < MARKS; i++)
		taken += slots[i] &&
			 (slots[i] == shared->generation || slots[i] == shared->previous);
	if (taken < MARKS / 128 || l->next_tick < l->generation_began + 2 * LIVE_TICK_NS)
		return;
	each(arg, live_mark, l);
	shared->previous = shared->generation;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	shared->generation = shared->generation == UINT8_MAX ? 1 : shared->generation + 1;
	l->generation_began = clock_monotonic_ns();
	log_debug("%zu of %d marks were taken: generation %u begins", taken, MARKS,
		  shared->generation);
}

/* Everything is detached: what the rings still hold is all there will ever be. */
static int live_finish(struct live *l)
{
	static const struct timespec pause = { .tv_nsec = 100000 };
	bool more = true, busy = false;
	int tries = 0, err;

	while (more || (busy && tries++ < LIVE_BUSY_TRIES)) {
		uint64_t complete;

		err = live_fill(l, &complete, &more, &busy);
		if (err)
			return err;
		live_emit(l, complete);
		if (busy)
			nanosleep(&pause, NULL);
	}
	live_emit(l, UINT64_MAX);
	live_send_frames(l);
	live_send_counters(l, l->end);
	live_send_simple(l, l->end, EVENT_END);
	return SOURCE_ENDED;
}

/*
 * Where records of mappings were lost, /proc says what they are now. Meanwhile no event is taken from the
 * rings: not for long, and each time twice as long after the one before.
 */
static int live_rescan(struct live *l)
{
	uint64_t now = clock_monotonic_ns();

	if (!l->rescan || now < l->next_rescan)
		return 0;
	l->rescan = false;
	l->next_rescan = now + (LIVE_TICK_NS << MIN(l->n_rescans, 6u));
	l->n_rescans++;
	return sideband_scan(l->sideband, l->pid, LIVE_RESCAN_MAPS);
}

/* Not for more than a small part of the time: events wait meanwhile. */
static void live_look(struct source *s, uint32_t pid)
{
	struct live *l = (struct live *)s;
	uint64_t began = clock_monotonic_ns();

	if (!l->sideband || l->stopped || began < l->next_look)
		return;
	/* memory that runs short is told as lost */
	sideband_scan(l->sideband, pid, LIVE_RESCAN_MAPS);
	l->looked = clock_monotonic_ns();
	l->next_look = l->looked + LIVE_LOOK_PART * (l->looked - began);
}

static int live_read(struct source *s, const struct event_sink *sink)
{
	struct live *l = (struct live *)s;
	struct epoll_event woken[16];
	bool more = true, busy;
	int round, err;

	l->sink = sink;
	if (!l->begun) {
		live_send_start(l);
		l->begun = true;
	}
	if (l->stopped)
		return live_finish(l);
	/* edge-triggered: collected here, or the session would spin while records are held back */
	epoll_wait(l->epoll, woken, ARRAY_SIZE(woken), 0);
	live_refill(l);
	err = page_look_due(&l->page_look);
	if (!err)
		err = live_rescan(l);
	if (err)
		return err;
	for (round = 0; more && round < LIVE_ROUNDS; round++) {
		uint64_t complete;

		err = live_fill(l, &complete, &more, &busy);
		if (err)
			return err;
		live_emit(l, complete);
		err = live_renew(l);
		if (err)
			return err;
	}
	if (more)
		return SOURCE_AT_ONCE;
	/* what /proc is asked about may be elsewhere in a moment */
	if (l->looked && clock_monotonic_ns() < l->looked + LIVE_LOOKED_NS)
		return SOURCE_SOON;
	return live_pressed(l) || page_look_busy(&l->page_look) ? SOURCE_SOON : SOURCE_LATER;
}

/* --- lifecycle ------------------------------------------------------------------------------------ */

static int live_start_sideband(struct live *l)
{
	int err = sideband_start(l->sideband);

	return err ? err : sideband_scan(l->sideband, l->pid, SIDEBAND_MAPS_MAX);
}

static int live_start(struct source *s, struct failure *f)
{
	struct live *l = (struct live *)s;
	int err;

	l->start = clock_monotonic_ns();
	l->next_tick = l->start + LIVE_TICK_NS;
	l->next_refill = l->start + LIVE_REFILL_NS;
	l->end = UINT64_MAX;
	err = page_look_first(&l->page_look);
	/* no fault is told whose process is not known */
	if (!err && l->sideband)
		err = live_start_sideband(l);
	if (!err)
		err = attachment_attach(l->attachment, f);
	/* shortly before each tick, whose reports then have it */
	if (!err)
		err = page_look_start(&l->page_look, l->next_tick - LIVE_TICK_NS / 10);
	if (!err)
		err = look(LOOK_START, l->areas, &l->snapshots);
	if (!err && l->sideband)
		err = sideband_counts(l->sideband, COUNTS_START, l->pid);
	if (err)
		attachment_detach(l->attachment);
	return err;
}

static int live_fd(const struct source *s)
{
	return ((const struct live *)s)->epoll;
}

static void live_stop(struct source *s)
{
	struct live *l = (struct live *)s;

	if (l->stopped)
		return;
	/* memory that runs short here costs the last look at the lists, not what was seen before */
	page_look_end(&l->page_look);
	look(LOOK_END, l->areas, &l->snapshots);
	if (l->sideband)
		sideband_counts(l->sideband, COUNTS_END, l->pid);
	attachment_quiesce(l->attachment);
	/*
	 * Detaching classic programs takes some 70 ms each, allocations' first: frees that are seen
	 * after that would end blocks and objects whose successors nobody sees.
	 */
	l->end = clock_monotonic_ns();
	memcpy(l->counted, attachment_cpu_states(l->attachment), l->n_lanes * sizeof(*l->counted));
	l->missed = attachment_misses(l->attachment);
	attachment_detach(l->attachment);
	l->stopped = true;
}

static void live_free(struct source *s)
{
	struct live *l = (struct live *)s;
	size_t i;

	for (i = 0; l->lanes && i < l->n_lanes; i++) {
		ring_close(&l->lanes[i].ring);
		ring_close(&l->lanes[i].old);
	}
	free(l->lanes);
	merge_free(&l->merge);
	sideband_free(&l->sideband);
	attachment_free(&l->attachment);
	closep(&l->epoll);
	page_look_free(&l->page_look);
	snapshot_queue_free(&l->snapshots);
	free(l->stacks_seen);
	free(l->counted);
	free(l);
}

static const struct source_ops live_ops = {
	.start = live_start,
	.fd = live_fd,
	.read = live_read,
	.age = live_age,
	.look = live_look,
	.stop = live_stop,
	.free = live_free,
};

static int live_open_rings(struct live *l)
{
	size_t i;
	int err;

	l->lanes = calloc(l->n_lanes, sizeof(*l->lanes));
	if (!l->lanes)
		return -ENOMEM;
	for (i = 0; i < l->n_lanes; i++) {
		err = live_open_ring(l, i);
		if (err)
			return err;
	}
	return 0;
}

/* Perf's own buffers. Without them there is no region but «unknown», which the report says. */
static int live_open_sideband(struct live *l)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.u64 = UINT64_MAX };
	int err = sideband_open(l->n_lanes, &l->sideband);

	if (err == -ENOMEM)
		return err;
	if (err)
		log_debug("what is mapped in processes can't be told: %s", strerror(-err));
	if (err || sideband_fd(l->sideband) < 0)
		return 0;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, sideband_fd(l->sideband), &e) ? -errno : 0;
}

/* Room for call chains, by --stacks none, auto, all of what wants most. */
static uint32_t live_stack_room(const struct config *c)
{
	static const uint32_t room[] = { 0, 4096, 16384 };
	uint32_t most = MAX(c->stacks, MAX(c->area_stacks, c->user_stacks));

	return room[MIN(most, (uint32_t)2)];
}

int live_open(const struct capset *c, const struct live_options *o, struct source **ret,
	      struct failure *f)
{
	struct attach_options options = {
		.config = o->config,
		.ring_size = o->ring_size ? o->ring_size : live_default_ring_size(),
		.n_stacks = live_stack_room(&o->config),
		.areas = o->areas,
		.cgroup_fd = o->cgroup_fd,
	};
	struct probe_plan plan = { 0 };
	struct live *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	l->source.ops = &live_ops;
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->capset = *c;
	l->areas = o->areas;
	l->pid = o->pid;
	page_look_init(&l->page_look, o->areas, &l->snapshots);
	options.ring_size = MAX(options.ring_size, (size_t)c->page_size);
	/* in a PID namespace our number is somebody else's: then our own events count as any */
	options.config.own_pid = c->initial_pids ? (uint32_t)getpid() : UINT32_MAX;
	options.config.kmalloc_max = c->kmalloc_max;
	options.config.page_size = c->page_size;
	options.config.page_struct = c->page_struct;
	options.config.wake_bytes = (uint32_t)(options.ring_size / 8);
	l->config = options.config;
	l->n_stacks = options.n_stacks;
	l->budgets =
		o->config.stacks == 1 || o->config.area_stacks == 1 || o->config.user_stacks == 1;
	l->stacks_seen = calloc(1, l->n_stacks / 8 + 1);
	err = probe_plan_make(c, o->probe, &plan);
	if (!err)
		err = probe_plan_check(&plan, c, o->areas, f);
	if (!err)
		err = look(LOOK_FIRST, l->areas, &l->snapshots);
	if (!err)
		err = attachment_load(&plan, c, &options, &l->attachment, f);
	probe_plan_free(&plan);
	if (!err) {
		l->n_lanes = attachment_n_cpus(l->attachment);
		l->merge = merge_new(l->n_lanes);
		l->counted = calloc(l->n_lanes, sizeof(*l->counted));
		l->ring_size = options.ring_size;
		l->renew_after = o->renew_after ? o->renew_after : live_default_renewal();
		err = l->merge && l->counted && l->stacks_seen ? live_open_rings(l) : -ENOMEM;
		/* elsewhere perf and /proc have other numbers for processes than events have */
		if (!err && l->areas & AREA_FAULTS && c->initial_pids)
			err = live_open_sideband(l);
		if (err)
			fail(f, FAILURE_INTERNAL, err, "can't map the event buffers: %s",
			     strerror(-err));
	}
	if (err) {
		live_free(&l->source);
		return err;
	}
	*ret = &l->source;
	return 0;
}

int live_follow(struct source *s, uint32_t tid)
{
	return attachment_follow(((struct live *)s)->attachment, tid);
}
