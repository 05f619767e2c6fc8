// SPDX-License-Identifier: GPL-2.0
#include "source/sideband_records.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#define NO_PATH "//anon" /* as perf has it, kernel/events/core.c: perf_event_mmap_event() */

/* The bodies of perf's records behind their headers; include/uapi/linux/perf_event.h. */
struct perf_lost {
	uint64_t id, lost;
};

struct perf_comm {
	uint32_t pid, tid;
	char comm[];
};

struct perf_task {
	uint32_t pid, ppid, tid, ptid;
	uint64_t time;
};

struct perf_mmap2 {
	uint32_t pid, tid;
	uint64_t address, bytes, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t protection, flags;
	char path[];
};

/* What SIDEBAND_SAMPLE puts behind them. */
struct perf_sample_id {
	uint32_t pid, tid;
	uint64_t time;
	uint32_t cpu, unused;
};

static_assert(sizeof(struct perf_mmap2) == 64, "perf_mmap2");
static_assert(sizeof(struct perf_sample_id) == 24, "perf_sample_id");

size_t sideband_size(const struct event_header *h)
{
	if (h->kind == SIDEBAND_THREAD || h->kind == SIDEBAND_THREAD_EXIT)
		return sizeof(struct sideband_thread);
	return event_size(h);
}

/* --- paths and names ---------------------------------------------------------------------------- */

/*
 * Take @n bytes of a path over and end the record. /proc/PID/maps has a newline as «\012» (and
 * nothing else otherwise: seq_file_path(m, file, "\n")), perf as it is.
 */
static void set_path(struct event_map *map, const char *path, size_t n)
{
	const size_t room = EVENT_PATH_MAX - 1;
	size_t i, to = 0;

	for (i = 0; i < n && path[i] && to < room; i++) {
		if (path[i] != '\n') {
			map->path[to++] = path[i];
		} else if (room - to >= 4) {
			memcpy(map->path + to, "\\012", 4);
			to += 4;
		} else {
			break;
		}
	}
	if (!to) {
		to = strlen(NO_PATH);
		memcpy(map->path, NO_PATH, to);
	}
	map->path[to++] = '\0';
	map->size = (uint32_t)to;
}

/* Addresses that wrap are none. */
static bool range_valid(uint64_t start, uint64_t bytes)
{
	return bytes && start + (bytes - 1) >= start;
}

/* --- perf's records ----------------------------------------------------------------------------- */

static enum sideband_made from_lost(const struct perf_lost *lost, union sideband_record *ret)
{
	ret->lost = (struct event_maps_lost){
		.h = ret->h,
		.records = lost->lost,
	};
	ret->h.kind = EVENT_MAPS_LOST;
	return lost->lost ? SIDEBAND_MADE : SIDEBAND_NOTHING;
}

static enum sideband_made from_comm(const struct perf_comm *comm, size_t room, bool exec,
				    union sideband_record *ret)
{
	if (!exec && comm->pid != comm->tid)
		return SIDEBAND_NOTHING;
	ret->process = (struct event_process){
		.h = ret->h,
		.what = exec ? PROCESS_EXEC : PROCESS_NAME,
	};
	ret->h.kind = EVENT_PROCESS;
	ret->h.pid = comm->pid;
	memcpy(ret->process.comm, comm->comm,
	       strnlen(comm->comm, MIN(room, sizeof(ret->process.comm) - 1)));
	return SIDEBAND_MADE;
}

static enum sideband_made from_fork(const struct perf_task *task, union sideband_record *ret)
{
	if (task->pid == task->ppid) {
		ret->thread = (struct sideband_thread){ .h = ret->h, .tid = task->tid };
		ret->h.kind = SIDEBAND_THREAD;
	} else {
		ret->process = (struct event_process){
			.h = ret->h,
			.parent = task->ppid,
			.what = PROCESS_FORK,
		};
		ret->h.kind = EVENT_PROCESS;
	}
	ret->h.pid = task->pid;
	return SIDEBAND_MADE;
}

static enum sideband_made from_exit(const struct perf_task *task, union sideband_record *ret)
{
	ret->thread = (struct sideband_thread){ .h = ret->h, .tid = task->tid };
	ret->h.kind = SIDEBAND_THREAD_EXIT;
	ret->h.pid = task->pid;
	return SIDEBAND_MADE;
}

static enum sideband_made from_mmap2(const struct perf_mmap2 *map, size_t room,
				     union sideband_record *ret)
{
	const uint32_t type = map->flags & MAP_TYPE;

	if (!range_valid(map->address, map->bytes))
		return SIDEBAND_BAD;
	ret->map = (struct event_map){
		.h = ret->h,
		.start = map->address,
		.bytes = map->bytes,
		.offset = map->offset,
		.inode = map->inode,
		.major = map->major,
		.minor = map->minor,
		.protection = map->protection & (PROT_READ | PROT_WRITE | PROT_EXEC),
		.shared = type == MAP_SHARED || type == MAP_SHARED_VALIDATE,
		.generation = (uint32_t)map->generation, /* has 32 bits in the kernel, too */
	};
	ret->h.kind = EVENT_MAP;
	ret->h.pid = map->pid;
	/* where there is no file perf tells of an offset that counts for the kernel alone; /proc has 0 */
	if (!map->inode && !map->major && !map->minor)
		ret->map.offset = 0;
	set_path(&ret->map, map->path, room);
	return SIDEBAND_MADE;
}

/* What is wanted of perf, and how much of each is there at least. */
static size_t body_size(uint32_t type)
{
	switch (type) {
	case PERF_RECORD_LOST:
		return sizeof(struct perf_lost);
	case PERF_RECORD_COMM:
		return sizeof(struct perf_comm);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return sizeof(struct perf_task);
	case PERF_RECORD_MMAP2:
		return sizeof(struct perf_mmap2);
	}
	return 0;
}

/*
 * Tasks of pid namespaces that are not below ours have no number here (0 or -1), nor has the idle task;
 * mappings of the kernel's own text have -1.
 */
static bool has_process(const struct event_header *h)
{
	return h->kind == EVENT_MAPS_LOST || (h->pid && h->pid != UINT32_MAX);
}

enum sideband_made sideband_from_perf(const struct perf_event_header *p, union sideband_record *ret)
{
	const void *body = p + 1;
	const size_t need = body_size(p->type);
	enum sideband_made made = SIDEBAND_NOTHING;
	struct perf_sample_id id;
	size_t room;

	if (!need)
		return SIDEBAND_NOTHING;
	if (p->size < sizeof(*p) + need + sizeof(id))
		return SIDEBAND_BAD;
	room = p->size - sizeof(*p) - need - sizeof(id);
	memcpy(&id, (const char *)p + p->size - sizeof(id), sizeof(id));
	if (id.cpu >= EVENT_CPUS_MAX)
		return SIDEBAND_BAD;
	ret->h = (struct event_header){ .time = id.time, .cpu = (uint16_t)id.cpu };
	switch (p->type) {
	case PERF_RECORD_LOST:
		made = from_lost(body, ret);
		break;
	case PERF_RECORD_COMM:
		made = from_comm(body, room, p->misc & PERF_RECORD_MISC_COMM_EXEC, ret);
		break;
	case PERF_RECORD_FORK:
		made = from_fork(body, ret);
		break;
	case PERF_RECORD_EXIT:
		made = from_exit(body, ret);
		break;
	case PERF_RECORD_MMAP2:
		made = from_mmap2(body, room, ret);
		break;
	}
	return made == SIDEBAND_MADE && !has_process(&ret->h) ? SIDEBAND_NOTHING : made;
}

/* --- /proc ---------------------------------------------------------------------------------------- */

/* «rwxp», or «s» at its end. */
static bool take_permissions(struct scan *s, struct event_map *map)
{
	static const struct {
		char letter;
		uint32_t bit;
	} bits[] = { { 'r', PROT_READ }, { 'w', PROT_WRITE }, { 'x', PROT_EXEC } };
	size_t i;

	if (s->end - s->p < 4)
		return false;
	for (i = 0; i < ARRAY_SIZE(bits); i++) {
		if (s->p[i] == bits[i].letter)
			map->protection |= bits[i].bit;
		else if (s->p[i] != '-')
			return false;
	}
	map->shared = s->p[3] == 's';
	if (s->p[3] != 's' && s->p[3] != 'p')
		return false;
	s->p += 4;
	return true;
}

/* fs/proc/task_mmu.c: show_vma_header_prefix(): «START-END PERMISSIONS OFFSET MAJOR:MINOR INODE » */
bool sideband_from_maps(struct scan s, uint32_t pid, uint64_t time, union sideband_record *ret)
{
	struct event_map *map = &ret->map;
	uint64_t start, end, offset, major, minor, inode;

	*map = (struct event_map){ .h = { .time = time, .kind = EVENT_MAP, .pid = pid } };
	if (!scan_hex(&s, &start) || !scan_literal(&s, "-") || !scan_hex(&s, &end) ||
	    !scan_literal(&s, " ") || !take_permissions(&s, map) || !scan_literal(&s, " ") ||
	    !scan_hex(&s, &offset) || !scan_literal(&s, " ") || !scan_hex(&s, &major) ||
	    !scan_literal(&s, ":") || !scan_hex(&s, &minor) || !scan_literal(&s, " ") ||
	    !scan_u64(&s, &inode))
		return false;
	if (end <= start || (!scan_done(&s) && *s.p != ' '))
		return false;
	map->start = start;
	map->bytes = end - start;
	map->offset = offset;
	map->inode = inode;
	map->major = (uint32_t)major;
	map->minor = (uint32_t)minor;
	scan_blanks(&s);
	set_path(map, s.p, (size_t)(s.end - s.p));
	return true;
}

/* Field @n of those behind the name: a number, maybe with a sign. */
static bool take_number(struct scan *s, uint64_t *ret)
{
	scan_blanks(s);
	scan_literal(s, "-");
	return scan_u64(s, ret);
}

bool sideband_parse_stat(const char *text, struct sideband_stat *ret)
{
	/* fields 4 to 12: Documentation/filesystems/proc.rst; 9 are the flags, 10 and 12 are faults */
	uint64_t fields[9];
	const char *name_end = strrchr(text, ')');
	struct scan s;
	size_t i;

	if (!name_end || name_end[1] != ' ' || !name_end[2])
		return false;
	s = (struct scan){ .p = name_end + 3, .end = name_end + strlen(name_end) };
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!take_number(&s, &fields[i]))
			return false;
	/* the last one could be cut */
	if (scan_done(&s))
		return false;
	*ret = (struct sideband_stat){
		.state = name_end[2],
		.flags = fields[9 - 4],
		.minor = fields[10 - 4],
		.major = fields[12 - 4],
	};
	return true;
}
