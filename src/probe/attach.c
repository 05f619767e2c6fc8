// SPDX-License-Identifier: GPL-2.0
#include "probe/attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/vec.h"
#include "bpf/events.h"
#include "probe/btfgen.h"
#include "probe/format.h"
#include "probe/tracefs.h"

#include "raw.skel.h"
#include "classic.skel.h"

#define ATTACH_MAX_PROGRAMS (4 * CAPABILITY_MAX) /* a program and its companions */

struct software_event {
	int fd; /* owned */
	uint32_t cpu;
};

struct attachment {
	struct raw *raw;
	struct classic *classic;
	struct {
		struct bpf_link **items;
		size_t n, capacity;
	} links;
	/* perf's events of resolved faults on all CPUs, which count what programs ought to have seen */
	struct {
		struct software_event *items;
		size_t n, capacity;
	} software;
	uint32_t sample;
	const struct bpf_program *counted[ATTACH_MAX_PROGRAMS]; /* whose misses are losses */
	size_t n_counted;
	bool misses_known;
	unsigned int areas;
	int tracefs;
	const struct probe_row *rows[CAPABILITY_MAX]; /* what is loaded, NULL: nothing */
	int *ring_fds;
	int rings_fd; /* of the array of them; owned by the objects */
	size_t n_cpus;
	int stacks_fd, children_fd; /* owned by the objects */
	struct cpu_state *cpu_states;
	struct shared_state *shared;
	struct marks *marks;
	size_t mapped_cpu_states, mapped_shared, mapped_marks;
};

static int _printf_(2, 0) print_debug(enum libbpf_print_level level, const char *fmt, va_list args)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;

	(void)level;
	if (!log_enabled(LOG_LEVEL_DEBUG) || vasprintf(&text, fmt, args) < 0) {
		text = NULL;
		return 0;
	}
	/* what the verifier says are many lines */
	for (rest = text; (line = strsep(&rest, "\n"));)
		if (*line)
			log_debug("%s", line);
	return 0;
}

static int fail_load(struct failure *f, int err, const char *what)
{
	if (err == -EPERM || err == -EACCES)
		return fail(f, FAILURE_UNSUPPORTED, err,
			    "the kernel refused to load %s (%s): root is needed, and a kernel that "
			    "is not locked down",
			    what, strerror(-err));
	if (err == -EMFILE || err == -ENFILE)
		return fail(f, FAILURE_INTERNAL, err,
			    "too many open files: each CPU takes two; raise the limit (ulimit -n)");
	if (err == -ENOMEM)
		return fail(f, FAILURE_INTERNAL, err,
			    "not enough memory for %s: try a smaller --buffer", what);
	if (err == -EBADMSG)
		return fail(f, FAILURE_INTERNAL, err, "%s in this file are damaged", what);
	return fail(f, FAILURE_UNSUPPORTED, err,
		    "the kernel could not load %s (%s); -v shows its messages", what,
		    strerror(-err));
}

/* BTF for the classic programs, made from the formats of all events that exist. */
static int make_format_btf(int tracefs, char path[32], int *ret_fd)
{
	_cleanup_(btfgen_free) struct btfgen *btf = btfgen_new(sizeof(void *));
	size_t i;
	int err;

	if (!btf)
		return -ENOMEM;
	for (i = 0; i < TRACE_EVENT_MAX; i++) {
		_cleanup_(format_free) struct event_format *format = NULL;

		if (tracefs_read_format(tracefs, &trace_event_names[i], &format))
			continue;
		err = btfgen_add_event(btf, format);
		if (err)
			return err;
	}
	return btfgen_to_memfd(btf, path, ret_fd);
}

static void fill_config(struct config *to, const struct attach_options *o, const struct capset *c)
{
	size_t i;

	*to = o->config;
	for (i = 0; i < RAW_EVENT_MAX; i++)
		to->args[i] = c->events[i].args;
	to->cache_name_offset = c->cache_name_offset;
	to->cache_object_size_offset = c->cache_object_size_offset;
	to->cache_size_offset = c->cache_size_offset;
	to->task_minor_offset = c->task_minor_offset;
	to->task_major_offset = c->task_major_offset;
}

static int size_maps(struct bpf_object *obj, const struct attachment *a,
		     const struct attach_options *o, int template_fd)
{
	const struct {
		const char *name;
		uint32_t entries;
	} sizes[] = {
		{ "cpu_states", (uint32_t)a->n_cpus },
		{ "rings", ring_keys((uint32_t)a->n_cpus, sizeof(void *)) },
		{ "stacks", o->n_stacks ? o->n_stacks : 1 },
		{ "children", o->areas & AREA_TASKS ? 65536 : 1 },
		{ "calls", o->areas & (AREA_VMALLOC | AREA_IOREMAP | AREA_FAULTS) ? 2048 : 1 },
	};
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, sizes[i].name);

		/* the raw programs do without some */
		err = map ? bpf_map__set_max_entries(map, sizes[i].entries) : 0;
		if (err)
			return err;
	}
	return bpf_map__set_inner_map_fd(bpf_object__find_map_by_name(obj, "rings"), template_fd);
}

static const char *const shared_maps[] = {
	"cpu_states", "shared", "rings", "marks", "stacks", "children", "cgroups",
};

/* Make @obj use the maps of @owner, or create its own if there is no owner. */
static int share_maps(struct bpf_object *obj, const struct bpf_object *owner)
{
	size_t i;

	for (i = 0; owner && i < ARRAY_SIZE(shared_maps); i++) {
		int fd = bpf_object__find_map_fd_by_name(owner, shared_maps[i]);
		int err = bpf_map__reuse_fd(bpf_object__find_map_by_name(obj, shared_maps[i]), fd);

		if (err)
			return err;
	}
	return 0;
}

/* Mark what is wanted of the raw object, or of the other one; returns how many programs that are. */
static int enable_programs(struct bpf_object *obj, const struct attachment *a, bool raw)
{
	int n = 0;
	size_t i, k;

	for (i = 0; i < CAPABILITY_MAX; i++) {
		const struct probe_row *row = a->rows[i];

		if (!row || raw != (row->method == METHOD_RAW))
			continue;
		n++;
		if (!obj)
			continue;
		bpf_program__set_autoload(bpf_object__find_program_by_name(obj, row->program),
					  true);
		for (k = 0; row->companions[k].program; k++)
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(obj, row->companions[k].program),
				true);
	}
	return n;
}

static int load_raw(struct attachment *a, const struct capset *c, const struct attach_options *o,
		    int template_fd, struct failure *f)
{
	int err;

	a->raw = raw__open();
	if (!a->raw)
		return fail_load(f, -errno, "the raw tracepoint programs");
	if (a->raw->rodata->events_abi != EVENTS_ABI)
		return fail(f, FAILURE_INTERNAL, -EPROTO,
			    "the raw tracepoint programs were built for another event layout: run "
			    "«make clean» and build again");
	enable_programs(a->raw->obj, a, true);
	fill_config((struct config *)&a->raw->rodata->config, o, c);
	err = size_maps(a->raw->obj, a, o, template_fd);
	if (!err)
		err = raw__load(a->raw);
	return err ? fail_load(f, err, "the raw tracepoint programs") : 0;
}

static int load_classic(struct attachment *a, const struct capset *c,
			const struct attach_options *o, int template_fd, struct failure *f)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	_cleanup_close_ int btf_fd = -1;
	char path[32];
	const char *how;
	int err;

	err = tracefs_open(&a->tracefs, &how, f);
	if (err)
		return err;
	err = make_format_btf(a->tracefs, path, &btf_fd);
	if (err)
		return fail(f, FAILURE_UNSUPPORTED, err,
			    "this kernel's tracefs format files can't be used: %s", strerror(-err));
	opts.btf_custom_path = path;
	a->classic = classic__open_opts(&opts);
	if (!a->classic)
		return fail_load(f, -errno, "the classic tracepoint programs");
	if (a->classic->rodata->events_abi != EVENTS_ABI)
		return fail(f, FAILURE_INTERNAL, -EPROTO,
			    "the classic tracepoint programs were built for another event layout: "
			    "run «make clean» and build again");
	enable_programs(a->classic->obj, a, false);
	fill_config((struct config *)&a->classic->rodata->config, o, c);
	err = size_maps(a->classic->obj, a, o, template_fd);
	if (!err)
		err = share_maps(a->classic->obj, a->raw ? a->raw->obj : NULL);
	if (!err)
		err = classic__load(a->classic);
	return err ? fail_load(f, err, "the classic tracepoint programs") : 0;
}

static int create_rings(struct attachment *a, size_t ring_size, struct failure *f)
{
	size_t i;

	a->ring_fds = calloc(a->n_cpus, sizeof(*a->ring_fds));
	if (!a->ring_fds)
		return -ENOMEM;
	for (i = 0; i < a->n_cpus; i++)
		a->ring_fds[i] = -1;
	for (i = 0; i < a->n_cpus; i++) {
		a->ring_fds[i] = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "kmscope_ring", 0, 0,
						(uint32_t)ring_size, NULL);
		if (a->ring_fds[i] < 0)
			return fail_load(f, -errno, "the event buffers");
	}
	return 0;
}

/* Let the programs on @cpu write to ring @fd. */
static int set_ring(int rings_fd, uint32_t cpu, int fd)
{
	uint32_t key = ring_key(cpu, sizeof(void *)), twice = 2 * key;

	if (bpf_map_update_elem(rings_fd, &key, &fd, BPF_ANY) ||
	    (sizeof(void *) == 4 && bpf_map_update_elem(rings_fd, &twice, &fd, BPF_ANY)))
		return -errno;
	return 0;
}

static int fill_rings(const struct attachment *a, int rings_fd, struct failure *f)
{
	uint32_t i;
	int err;

	for (i = 0; i < a->n_cpus; i++) {
		err = set_ring(rings_fd, i, a->ring_fds[i]);
		if (err)
			return fail_load(f, err, "the event buffers");
	}
	return 0;
}

int attachment_renew_ring(struct attachment *a, size_t cpu, size_t ring_size)
{
	_cleanup_close_ int fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "kmscope_ring", 0, 0,
						(uint32_t)ring_size, NULL);
	int err;

	if (fd < 0)
		return -errno;
	/* the kernel returns from this only when no program can be using the old ring any more */
	err = set_ring(a->rings_fd, (uint32_t)cpu, fd);
	if (err)
		return err;
	close(a->ring_fds[cpu]);
	a->ring_fds[cpu] = TAKE_FD(fd);
	return 0;
}

static void *map_array(int fd, size_t element, size_t n, size_t *ret_size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (((element + 7) & ~(size_t)7) * n + page - 1) & ~(page - 1);
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	*ret_size = size;
	return p == MAP_FAILED ? NULL : p;
}

/* Not for secrets. */
static uint64_t random_below(uint64_t n)
{
	uint64_t word;

	if (getrandom(&word, sizeof(word), GRND_NONBLOCK) != sizeof(word))
		word = clock_monotonic_ns();
	return word % n;
}

static int map_shared_memory(struct attachment *a, uint32_t sample, struct failure *f)
{
	const struct bpf_object *owner = a->raw ? a->raw->obj : a->classic->obj;
	size_t i;

	a->stacks_fd = bpf_object__find_map_fd_by_name(owner, "stacks");
	a->children_fd = bpf_object__find_map_fd_by_name(owner, "children");
	a->cpu_states = map_array(bpf_object__find_map_fd_by_name(owner, "cpu_states"),
				  sizeof(*a->cpu_states), a->n_cpus, &a->mapped_cpu_states);
	a->shared = map_array(bpf_object__find_map_fd_by_name(owner, "shared"), sizeof(*a->shared),
			      1, &a->mapped_shared);
	a->marks = map_array(bpf_object__find_map_fd_by_name(owner, "marks"), sizeof(*a->marks), 1,
			     &a->mapped_marks);
	if (!a->cpu_states || !a->shared || !a->marks)
		return fail_load(f, -errno, "the shared state");
	memset(a->shared->budgets, SHARED_BUDGET_INIT, sizeof(a->shared->budgets));
	a->shared->generation = 1;
	/* or the first allocation of every CPU would be taken */
	for (i = 0; i < a->n_cpus && sample > 1; i++)
		a->cpu_states[i].skip = random_below(2ull * sample - 1);
	return 0;
}

static int set_cgroup(const struct attachment *a, const struct attach_options *o, struct failure *f)
{
	const struct bpf_object *owner = a->raw ? a->raw->obj : a->classic->obj;
	uint32_t zero = 0;

	if (o->cgroup_fd < 0)
		return 0;
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(owner, "cgroups"), &zero,
				&o->cgroup_fd, BPF_ANY))
		return fail(f, FAILURE_USAGE, -errno, "--cgroup: not a cgroup v2 folder (%s)",
			    strerror(errno));
	return 0;
}

static int load_objects(struct attachment *a, const struct capset *c,
			const struct attach_options *o, struct failure *f)
{
	_cleanup_close_ int template_fd = -1;
	int err;

	template_fd =
		bpf_map_create(BPF_MAP_TYPE_RINGBUF, "kmscope_tmpl", 0, 0, c->page_size, NULL);
	if (template_fd < 0)
		return fail_load(f, -errno, "the event buffers");
	if (enable_programs(NULL, a, true)) {
		err = load_raw(a, c, o, template_fd, f);
		if (err)
			return err;
	}
	/* there may be nothing to attach: then it is the maps that are needed */
	if (enable_programs(NULL, a, false) || !a->raw) {
		err = load_classic(a, c, o, template_fd, f);
		if (err)
			return err;
	}
	err = create_rings(a, o->ring_size, f);
	if (err)
		return err;
	a->rings_fd =
		bpf_object__find_map_fd_by_name(a->raw ? a->raw->obj : a->classic->obj, "rings");
	err = fill_rings(a, a->rings_fd, f);
	if (!err)
		err = map_shared_memory(a, o->config.sample, f);
	if (!err)
		err = set_cgroup(a, o, f);
	return err;
}

/* Two descriptors a CPU may be more than the soft limit; PROGRAM has been forked with the old one. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int attachment_load(const struct probe_plan *plan, const struct capset *c,
		    const struct attach_options *o, struct attachment **ret, struct failure *f)
{
	struct attachment *a = calloc(1, sizeof(*a));
	int err, n_cpus = libbpf_num_possible_cpus();

	libbpf_set_print(print_debug);
	raise_file_limit();
	if (!a || n_cpus < 1) {
		free(a);
		return fail_load(f, a ? n_cpus : -ENOMEM, "the programs");
	}
	a->tracefs = -1;
	a->n_cpus = (size_t)n_cpus;
	a->misses_known = true;
	a->areas = o->areas;
	a->sample = MAX(o->config.sample, 1u);
	for (size_t i = 0; i < CAPABILITY_MAX; i++) {
		if (!probe_row_wanted(plan->chosen[i], o->areas))
			continue;
		a->rows[i] = plan->chosen[i];
		if (i != CAPABILITY_CHILDREN && a->rows[i]->method != METHOD_RAW &&
		    a->rows[i]->method != METHOD_PERF && !(capabilities[i].areas & AREA_FAULTS) &&
		    !c->classic_misses)
			a->misses_known = false;
	}
	err = load_objects(a, c, o, f);
	if (err)
		attachment_free(&a);
	else
		*ret = a;
	return err;
}

/* tracepoint @event's perf descriptor, on which a classic program can be set. */
static int open_tracepoint(int tracefs, enum trace_event event)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr) };
	_cleanup_free_ char *text = NULL;
	char path[128];
	size_t len;
	int fd, err;

	snprintf(path, sizeof(path), "events/%s/%s/id", trace_event_names[event].system,
		 trace_event_names[event].name);
	err = tracefs_read(tracefs, path, &text, &len);
	if (err)
		return err;
	attr.config = strtoull(text, NULL, 10);
	attr.sample_period = 1;
	attr.wakeup_events = 1;
	fd = (int)syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Takes @link over. */
static int keep_link(struct attachment *a, struct bpf_link *link)
{
	struct bpf_link **place = vec_add(&a->links);

	if (place)
		*place = link;
	else
		bpf_link__destroy(link);
	return place ? 0 : -ENOMEM;
}

/* Software event @config of all tasks on @cpu: a descriptor, -ENODEV: it is offline. */
static int open_software(uint64_t config, uint64_t period, int cpu)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = config,
		.sample_period = period,
		.disabled = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* @row's program on one CPU. What resolved faults raise is kept open, to be counted. */
static int attach_software_cpu(struct attachment *a, struct bpf_program *program,
			       const struct probe_row *row, uint32_t cpu)
{
	bool resolved = row->software != PERF_COUNT_SW_PAGE_FAULTS;
	/* every fault that begins may be one that is sampled when it is resolved */
	_cleanup_close_ int fd = open_software(row->software, resolved ? a->sample : 1, (int)cpu);
	struct bpf_link *link;
	struct software_event *e;
	int counted;

	if (fd < 0)
		return fd;
	counted = resolved ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (resolved && counted < 0)
		return -errno;
	e = resolved ? vec_add(&a->software) : NULL;
	if (resolved && !e) {
		close(counted);
		return -ENOMEM;
	}
	if (e)
		*e = (struct software_event){ .fd = counted, .cpu = cpu };
	link = bpf_program__attach_perf_event(program, fd); /* enables it */
	if (!link)
		return -errno;
	TAKE_FD(fd);
	return keep_link(a, link);
}

static int attach_software(struct attachment *a, struct bpf_program *program,
			   const struct probe_row *row)
{
	int err, n = 0;
	uint32_t i;

	for (i = 0; i < a->n_cpus; i++) {
		err = attach_software_cpu(a, program, row, i);
		if (err && err != -ENODEV)
			return err;
		n += !err;
	}
	return n ? 0 : -ENODEV;
}

static int attach_program(struct attachment *a, struct bpf_object *obj, const char *name,
			  const struct probe_row *row, enum trace_event event)
{
	struct bpf_program *program = bpf_object__find_program_by_name(obj, name);
	struct bpf_link *link;
	int fd;

	if (row->method == METHOD_PERF)
		return attach_software(a, program, row);
	if (row->method == METHOD_RAW) {
		link = bpf_program__attach_raw_tracepoint(program, trace_event_names[event].name);
	} else if (row->method != METHOD_CLASSIC) {
		/* what goes with a return probe is on the entry */
		bool returns = row->method == METHOD_KRETPROBE && !strcmp(name, row->program);

		link = bpf_program__attach_kprobe(program, returns,
						  kernel_function_names[row->function]);
	} else {
		fd = open_tracepoint(a->tracefs, event);
		if (fd < 0)
			return fd;
		link = bpf_program__attach_perf_event(program, fd);
		if (!link)
			close(fd);
		/* the program runs all the same; enabled, it would count each event for nobody */
		else
			ioctl(fd, PERF_EVENT_IOC_DISABLE, 0);
	}
	return link ? keep_link(a, link) : -errno;
}

/* The program of @row and its companions; all of them or none. */
static int attach_row(struct attachment *a, const struct probe_row *row)
{
	struct bpf_object *obj = row->method == METHOD_RAW ? a->raw->obj : a->classic->obj;
	size_t links = a->links.n, k;
	int err = attach_program(a, obj, row->program, row, row->event);

	for (k = 0; !err && row->companions[k].program; k++)
		err = attach_program(a, obj, row->companions[k].program, row,
				     row->companions[k].event);
	while (err && a->links.n > links)
		bpf_link__destroy(a->links.items[--a->links.n]);
	/* what perf's own events tell is counted by them: see attachment_faults() */
	if (err || row->capability == CAPABILITY_CHILDREN ||
	    capabilities[row->capability].areas & AREA_FAULTS)
		return err;
	a->counted[a->n_counted++] = bpf_object__find_program_by_name(obj, row->program);
	for (k = 0; row->companions[k].program; k++)
		a->counted[a->n_counted++] =
			bpf_object__find_program_by_name(obj, row->companions[k].program);
	return 0;
}

int attachment_attach(struct attachment *a, struct failure *f)
{
	size_t i;
	int err;

	/* allocations last: no free is seen whose allocation had to be missed for that reason */
	for (i = CAPABILITY_MAX; i-- > 0;) {
		if (!a->rows[i])
			continue;
		err = attach_row(a, a->rows[i]);
		if (err && !(capabilities[i].needed & a->areas)) {
			log_debug("%s can't be traced: %s", capabilities[i].name, strerror(-err));
			a->rows[i] = NULL;
		} else if (err) {
			return fail(f, FAILURE_UNSUPPORTED, err, "%s can't be traced: %s",
				    capabilities[i].name, strerror(-err));
		}
	}
	return 0;
}

void attachment_detach(struct attachment *a)
{
	while (a->links.n)
		bpf_link__destroy(a->links.items[--a->links.n]);
}

void attachment_quiesce(struct attachment *a)
{
	const struct software_event *e;

	vec_for_each(&a->software, e)
		ioctl(e->fd, PERF_EVENT_IOC_DISABLE, 0);
}

uint64_t attachment_faults(const struct attachment *a, size_t cpu, uint64_t *ret_runs)
{
	const struct software_event *e;
	uint64_t total = 0, runs = 0, count;

	vec_for_each(&a->software, e) {
		if (e->cpu != cpu || read(e->fd, &count, sizeof(count)) != sizeof(count))
			continue;
		total += count;
		runs += count / a->sample;
	}
	*ret_runs = runs;
	return total;
}

void attachment_free(struct attachment **pa)
{
	struct attachment *a = *pa;
	struct software_event *e;
	size_t i;

	if (!a)
		return;
	attachment_detach(a);
	free(a->links.items);
	vec_for_each(&a->software, e)
		closep(&e->fd);
	free(a->software.items);
	if (a->cpu_states)
		munmap(a->cpu_states, a->mapped_cpu_states);
	if (a->shared)
		munmap(a->shared, a->mapped_shared);
	if (a->marks)
		munmap(a->marks, a->mapped_marks);
	for (i = 0; a->ring_fds && i < a->n_cpus; i++)
		closep(&a->ring_fds[i]);
	free(a->ring_fds);
	classic__destroy(a->classic);
	raw__destroy(a->raw);
	closep(&a->tracefs);
	freep(pa);
}

size_t attachment_n_cpus(const struct attachment *a)
{
	return a->n_cpus;
}

int attachment_ring_fd(const struct attachment *a, size_t cpu)
{
	return a->ring_fds[cpu];
}

const struct cpu_state *attachment_cpu_states(const struct attachment *a)
{
	return a->cpu_states;
}

struct shared_state *attachment_shared(const struct attachment *a)
{
	return a->shared;
}

struct marks *attachment_marks(const struct attachment *a)
{
	return a->marks;
}

bool attachment_has(const struct attachment *a, enum capability capability)
{
	return a->rows[capability];
}

bool attachment_has_by(const struct attachment *a, enum capability capability,
		       enum probe_method method)
{
	return a->rows[capability] && a->rows[capability]->method == method;
}

size_t attachment_stack(const struct attachment *a, int32_t id, __u64 *frames, size_t room)
{
	__u64 value[EVENT_STACK_DEPTH] = { 0 };
	uint32_t key = (uint32_t)id;
	size_t n = 0;

	if (bpf_map_lookup_elem(a->stacks_fd, &key, value))
		return 0;
	while (n < MIN(room, (size_t)EVENT_STACK_DEPTH) && value[n]) {
		frames[n] = value[n];
		n++;
	}
	return n;
}

int attachment_follow(const struct attachment *a, uint32_t tid)
{
	uint8_t one = 1;

	return bpf_map_update_elem(a->children_fd, &tid, &one, BPF_ANY) ? -errno : 0;
}

/* What perf counted and no program was run for, because another one was running on that CPU. */
static uint64_t fault_misses(const struct attachment *a)
{
	uint64_t misses = 0;
	size_t cpu;

	for (cpu = 0; cpu < a->n_cpus; cpu++) {
		uint64_t expected, runs;

		attachment_faults(a, cpu, &expected);
		/* read later: what happens meanwhile is no miss */
		runs = ((const volatile struct cpu_state *)a->cpu_states)[cpu].runs;
		misses += expected > runs ? expected - runs : 0;
	}
	return misses;
}

uint64_t attachment_misses(const struct attachment *a)
{
	uint64_t misses = a->areas & AREA_FAULTS ? fault_misses(a) : 0;
	size_t i;

	if (!a->misses_known)
		return EVENT_MISSES_UNKNOWN;
	for (i = 0; i < a->n_counted; i++) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);

		/* kernels before 5.12 do not know the field */
		if (bpf_obj_get_info_by_fd(bpf_program__fd(a->counted[i]), &info, &len) ||
		    len < offsetof(struct bpf_prog_info, recursion_misses) +
				    sizeof(info.recursion_misses))
			return EVENT_MISSES_UNKNOWN;
		misses += info.recursion_misses;
	}
	return misses;
}
