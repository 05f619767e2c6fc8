// SPDX-License-Identifier: GPL-2.0
/*
 * The yardstick of the bench: attaches either empty programs or the barest streaming ones to the
 * slab tracepoints, drops what arrives, and prints what it saw as JSON when it is told to stop.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "reference.skel.h"

#define MAX_CPUS   512
#define TIMEOUT_MS 100

struct options {
	const char *set; /* "empty" or "bare": which programs */
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

/* Load and attach the programs whose names begin with the set's name. */
static int attach(struct reference *skel, const struct options *o, struct consumer *c)
{
	size_t n = strlen(o->set);
	bool streams = !strcmp(o->set, "bare");
	struct bpf_program *prog;
	int err;

	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, !strncmp(bpf_program__name(prog), o->set, n));
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

static int run(const struct options *o, struct reference *skel, struct consumer *c)
{
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
	reference__detach(skel);
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
	fprintf(stderr, "usage: reference empty|bare [--buffer SIZE] [--ready FILE]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "buffer", required_argument, NULL, 'b' },
		{ "ready", required_argument, NULL, 'r' },
		{ 0 },
	};
	struct options o = { .buffer = 16 << 20 };
	struct sigaction action = { .sa_handler = on_signal };
	struct consumer *c;
	struct reference *skel;
	int opt, ret;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'b')
			o.buffer = parse_size(optarg);
		else if (opt == 'r')
			o.ready = optarg;
		else
			return usage();
	}
	if (optind != argc - 1)
		return usage();
	o.set = argv[optind];
	if ((strcmp(o.set, "empty") && strcmp(o.set, "bare")) || o.buffer < 4096 ||
	    o.buffer > 1u << 30 || (o.buffer & (o.buffer - 1)))
		return usage();

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	c = calloc(1, sizeof(*c));
	skel = reference__open();
	if (!c || !skel) {
		die("open", errno);
		free(c);
		return 1;
	}
	ret = attach(skel, &o, c) || run(&o, skel, c);
	reference__destroy(skel);
	free(c);
	return ret;
}
