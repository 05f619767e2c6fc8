// SPDX-License-Identifier: GPL-2.0
/*
 * The yardstick of the bench: attaches either empty programs or the barest streaming ones to the
 * slab or the page tracepoints or to perf's events of page faults, drops what arrives, and prints what
 * it saw as JSON when it is told to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "probe/btfgen.h"
#include "probe/tracefs.h"
#include "reference.skel.h"

#define MAX_CPUS   512
#define TIMEOUT_MS 100

/* Which programs: those of faults, of the first @pages page events, or else of the slab events. */
struct set {
	const char *name;
	const char *prefix;
	size_t pages;
	bool faults;
};

static const struct set sets[] = {
	{ .name = "empty", .prefix = "empty_" },
	{ .name = "bare", .prefix = "bare_" },
	{ .name = "pages-empty", .prefix = "empty_", .pages = 3 },
	{ .name = "pages-bare", .prefix = "bare_", .pages = 3 },
	{ .name = "pages-all-empty", .prefix = "empty_", .pages = 5 },
	{ .name = "pages-all-bare", .prefix = "bare_", .pages = 5 },
	{ .name = "faults-empty", .prefix = "empty_", .faults = true },
	{ .name = "faults-bare", .prefix = "bare_", .faults = true },
};

static const struct {
	const char *program; /* what follows the prefix */
	struct trace_event_name event;
} page_events[] = {
	{ "page_alloc", { "kmem", "mm_page_alloc" } },
	{ "page_free", { "kmem", "mm_page_free" } },
	{ "page_fallback", { "kmem", "mm_page_alloc_extfrag" } },
	{ "page_locked", { "kmem", "mm_page_alloc_zone_locked" } },
	{ "page_drain", { "kmem", "mm_page_pcpu_drain" } },
};

static const struct {
	const char *program;
	uint64_t event;
} fault_events[] = {
	{ "fault_begin", PERF_COUNT_SW_PAGE_FAULTS },
	{ "fault_minor", PERF_COUNT_SW_PAGE_FAULTS_MIN },
	{ "fault_major", PERF_COUNT_SW_PAGE_FAULTS_MAJ },
};

struct programs {
	struct reference *skel;
	int btf; /* the page records' BTF, until the programs are loaded */
	uint32_t ids[ARRAY_SIZE(page_events)]; /* of the tracepoints */
	struct bpf_link *faults[MAX_CPUS][ARRAY_SIZE(fault_events)];
};

struct options {
	const struct set *set;
	const char *ready;
	uint64_t buffer; /* bytes a ring, a power of two */
};

struct ring {
	int fd;
	uint64_t mask;
	uint64_t *consumer;
	const uint64_t *producer;
	const uint8_t *data;
};

struct consumer {
	struct ring rings[MAX_CPUS];
	int n;
	int epoll;
	uint64_t events;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static int die(const char *what, int err)
{
	fprintf(stderr, "reference: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return -1;
}

static int ring_open(struct ring *r, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p;

	r->fd = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "bench_ring", 0, 0, (uint32_t)size, NULL);
	if (r->fd < 0)
		return die("ring buffer", errno);
	r->consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
	if (r->consumer == MAP_FAILED)
		return die("mmap of a ring", errno);
	/* The kernel maps the data twice in a row, so a record never wraps. */
	p = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, r->fd, (off_t)page);
	if (p == MAP_FAILED)
		return die("mmap of a ring", errno);
	r->producer = (const uint64_t *)p;
	r->data = p + page;
	r->mask = size - 1;
	return 0;
}

/* Take everything that is there and drop it. */
static uint64_t ring_drain(struct ring *r)
{
	uint64_t position = *r->consumer, end, events = 0;

	end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
	while (position < end) {
		const uint32_t *header = (const uint32_t *)(r->data + (position & r->mask));
		uint32_t length = __atomic_load_n(header, __ATOMIC_ACQUIRE);

		if (length & BPF_RINGBUF_BUSY_BIT)
			break;
		length &= ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		position += (length + BPF_RINGBUF_HDR_SZ + 7) & ~7u;
		events++;
	}
	__atomic_store_n(r->consumer, position, __ATOMIC_RELEASE);
	return events;
}

static void drain_all(struct consumer *c)
{
	for (int i = 0; i < c->n; i++)
		c->events += ring_drain(&c->rings[i]);
}

static int open_rings(struct consumer *c, struct reference *skel, uint64_t size)
{
	int err;

	c->n = libbpf_num_possible_cpus();
	if (c->n < 1 || c->n > MAX_CPUS)
		return die("number of CPUs", ERANGE);
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0)
		return die("epoll", errno);
	for (int i = 0; i < c->n; i++) {
		/*
		 * Edge-triggered: level-triggered would return at once whenever there is data, and
		 * the consumer would spin instead of sleeping until the batch is full.
		 */
		struct epoll_event event = { .events = EPOLLIN | EPOLLET };

		if (ring_open(&c->rings[i], size))
			return -1;
		if (epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->rings[i].fd, &event))
			return die("epoll_ctl", errno);
	}
	err = bpf_map__set_inner_map_fd(skel->maps.rings, c->rings[0].fd);
	if (!err)
		err = bpf_map__set_max_entries(skel->maps.rings, (uint32_t)c->n);
	return err ? die("map of rings", err) : 0;
}

static int fill_map_of_rings(struct consumer *c, struct reference *skel)
{
	for (int i = 0; i < c->n; i++)
		if (bpf_map_update_elem(bpf_map__fd(skel->maps.rings), &i, &c->rings[i].fd, 0))
			return die("map of rings", errno);
	return 0;
}

/* --- programs --------------------------------------------------------------------------------- */

/* BTF with the records of the page events, and these events' numbers. */
static int read_formats(const struct set *set, char btf_path[32], struct programs *p)
{
	_cleanup_(btfgen_free) struct btfgen *btf = btfgen_new(sizeof(void *));
	_cleanup_(closep) int tracefs = -1;
	struct failure f = { 0 };
	const char *how;
	int err = btf ? tracefs_open(&tracefs, &how, &f) : -ENOMEM;

	for (size_t i = 0; !err && i < set->pages; i++) {
		_cleanup_(format_free) struct event_format *format = NULL;

		err = tracefs_read_format(tracefs, &page_events[i].event, &format);
		if (!err)
			err = btfgen_add_event(btf, format);
		if (!err)
			p->ids[i] = format->id;
	}
	if (!err)
		err = btfgen_to_memfd(btf, btf_path, &p->btf);
	return err ? die(*f.text ? f.text : "formats of the page events", err) : 0;
}

static bool chosen(const struct set *set, const char *program)
{
	const char *name = program + strlen(set->prefix);

	if (strncmp(program, set->prefix, strlen(set->prefix)))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(page_events); i++)
		if (!strcmp(name, page_events[i].program))
			return i < set->pages;
	for (size_t i = 0; i < ARRAY_SIZE(fault_events); i++)
		if (!strcmp(name, fault_events[i].program))
			return set->faults;
	return !set->pages && !set->faults;
}

static int open_programs(const struct set *set, struct programs *p)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *prog;
	char path[32];

	if (set->pages) {
		if (read_formats(set, path, p))
			return -1;
		opts.btf_custom_path = path;
	}
	p->skel = reference__open_opts(&opts);
	if (!p->skel)
		return die("open", errno);
	bpf_object__for_each_program(prog, p->skel->obj)
		bpf_program__set_autoload(prog, chosen(set, bpf_program__name(prog)));
	return 0;
}

static int attach_event(struct bpf_program *prog, uint32_t type, uint64_t event, int cpu,
			struct bpf_link **link)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = event,
		.sample_period = 1,
		.wakeup_events = 1,
	};
	int fd = (int)syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);

	if (fd < 0 && errno == ENODEV) /* a CPU that is not there */
		return 0;
	if (fd < 0)
		return die("perf_event_open", errno);
	*link = bpf_program__attach_perf_event(prog, fd);
	if (*link)
		return 0;
	close(fd);
	return die("attach", errno);
}

/* As kmscope attaches classic tracepoints: one perf event of CPU 0, whose programs run on all. */
static int attach_pages(struct reference *skel, const struct set *set, const uint32_t *ids)
{
	const struct bpf_object_skeleton *all = skel->skeleton;

	for (int i = 0; i < all->prog_cnt; i++) {
		const struct bpf_prog_skeleton *one = &all->progs[i];

		if (!chosen(set, one->name))
			continue;
		for (size_t k = 0; k < set->pages; k++)
			if (!strcmp(one->name + strlen(set->prefix), page_events[k].program) &&
			    attach_event(*one->prog, PERF_TYPE_TRACEPOINT, ids[k], 0, one->link))
				return -1;
	}
	return 0;
}

/* A software event is one CPU's. */
static int attach_faults(struct programs *p, const struct set *set)
{
	int cpus = libbpf_num_possible_cpus();

	for (int cpu = 0; cpu < cpus && cpu < MAX_CPUS; cpu++)
		for (size_t k = 0; k < ARRAY_SIZE(fault_events); k++) {
			struct bpf_program *prog;
			char name[32];

			snprintf(name, sizeof(name), "%s%s", set->prefix, fault_events[k].program);
			prog = bpf_object__find_program_by_name(p->skel->obj, name);
			if (attach_event(prog, PERF_TYPE_SOFTWARE, fault_events[k].event, cpu,
					 &p->faults[cpu][k]))
				return -1;
		}
	return 0;
}

static void detach(struct programs *p)
{
	reference__detach(p->skel);
	for (size_t cpu = 0; cpu < MAX_CPUS; cpu++)
		for (size_t k = 0; k < ARRAY_SIZE(fault_events); k++) {
			bpf_link__destroy(p->faults[cpu][k]);
			p->faults[cpu][k] = NULL;
		}
}

static int attach(struct programs *p, const struct options *o, struct consumer *c)
{
	struct reference *skel = p->skel;
	bool streams = !strcmp(o->set->prefix, "bare_");
	int err;

	if (streams) {
		skel->rodata->wakeup_bytes = o->buffer / 8;
		if (open_rings(c, skel, o->buffer))
			return -1;
	} else {
		bpf_map__set_autocreate(skel->maps.rings, false);
	}
	err = reference__load(skel);
	if (err)
		return die("load", err);
	if (streams && fill_map_of_rings(c, skel))
		return -1;
	if (o->set->pages)
		return attach_pages(skel, o->set, p->ids);
	if (o->set->faults)
		return attach_faults(p, o->set);
	err = reference__attach(skel);
	return err ? die("attach", err) : 0;
}

static uint64_t recursion_misses(struct reference *skel)
{
	struct bpf_program *prog;
	uint64_t misses = 0;

	bpf_object__for_each_program(prog, skel->obj)
	{
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);
		int fd = bpf_program__fd(prog);

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
			misses += info.recursion_misses;
	}
	return misses;
}

static int run(const struct options *o, struct programs *p, struct consumer *c)
{
	struct reference *skel = p->skel;
	struct epoll_event events[16];
	uint64_t lost = 0;

	if (o->ready) {
		int fd = open(o->ready, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

		if (fd < 0)
			return die(o->ready, errno);
		close(fd);
	}
	if (!c->n) {
		while (!stop)
			pause();
		printf("{\"events\":null,\"lost\":null,\"recursion_misses\":%llu}\n",
		       (unsigned long long)recursion_misses(skel));
		return 0;
	}
	while (!stop) {
		if (epoll_wait(c->epoll, events, 16, TIMEOUT_MS) < 0 && errno != EINTR)
			return die("epoll_wait", errno);
		drain_all(c);
	}
	detach(p);
	drain_all(c);
	for (int i = 0; i < c->n; i++)
		lost += skel->bss->lost[i][0];
	printf("{\"events\":%llu,\"lost\":%llu,\"recursion_misses\":%llu}\n",
	       (unsigned long long)c->events, (unsigned long long)lost,
	       (unsigned long long)recursion_misses(skel));
	return 0;
}

static uint64_t parse_size(const char *text)
{
	char *end;
	uint64_t n = strtoull(text, &end, 0);

	switch (*end) {
	case 'K':
		return n << 10;
	case 'M':
		return n << 20;
	default:
		return n;
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: reference SET [--buffer SIZE] [--ready FILE]; sets:");
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		fprintf(stderr, " %s", sets[i].name);
	fprintf(stderr, "\n");
	return 2;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "buffer", required_argument, NULL, 'b' },
		{ "ready", required_argument, NULL, 'r' },
		{ 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'b')
			o->buffer = parse_size(optarg);
		else if (opt == 'r')
			o->ready = optarg;
		else
			return false;
	}
	if (optind != argc - 1)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (!strcmp(sets[i].name, argv[optind]))
			o->set = &sets[i];
	return o->set && o->buffer >= 4096 && o->buffer <= 1u << 30 &&
	       !(o->buffer & (o->buffer - 1));
}

int main(int argc, char **argv)
{
	struct options o = { .buffer = 16 << 20 };
	struct sigaction action = { .sa_handler = on_signal };
	static struct programs p = { .btf = -1 };
	struct consumer *c;
	int ret;

	if (!parse(argc, argv, &o))
		return usage();
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	c = calloc(1, sizeof(*c));
	if (!c) {
		die("memory", errno);
		return 1;
	}
	ret = open_programs(o.set, &p) || attach(&p, &o, c) || run(&o, &p, c);
	closep(&p.btf);
	if (p.skel)
		detach(&p);
	reference__destroy(p.skel);
	free(c);
	return ret;
}
