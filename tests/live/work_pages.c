// SPDX-License-Identifier: GPL-2.0
/*
 * The workload of page faults: touches every page of an area, which allocates each of them, and
 * either holds them or drops the area and touches it again. Its name (comm) becomes «pages» when
 * all else that it uses has been touched; what it allocates then is the area, and the page tables
 * for it: on most machines one page for 512. Prints, the last line as work_pipes:
 *
 *	ns_per_turn X cpu_ns_per_turn Y		(a storm)
 *	pages N					touched in all
 *	faults N				minor ones that this took
 *	turns N
 */
#include <getopt.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "work.h"

#define STACK_BYTES (64 << 10) /* more than anything here needs */
#define MAX_MIB	    (SIZE_MAX >> 22) /* a quarter of what can be addressed */
#define MAX_SECONDS 86400.0

struct options {
	unsigned long mib;
	bool huge;
	unsigned long turns; /* of a storm */
	double seconds; /* its length, if turns is 0; if that is 0, too, the memory is held */
	const char *ready; /* created when all is touched, or before the storm begins */
	const char *until; /* held until this file exists */
	unsigned long cpu;
	bool pin;
	bool silent; /* print nothing: whoever traces it may be printing to the same pipe */
	bool gate; /* wait for the end of standard input before anything is touched */
};

struct area {
	volatile char *p;
	size_t size;
	size_t page;
};

struct done {
	unsigned long turns;
	unsigned long faults;
	uint64_t ns;
	uint64_t cpu_ns;
};

static char out_buffer[BUFSIZ];

/* --- the area --------------------------------------------------------------------------------- */

static int map_area(const struct options *o, struct area *a)
{
	size_t align = o->huge ? work_huge_size() : (size_t)sysconf(_SC_PAGESIZE);
	char *p;

	a->page = (size_t)sysconf(_SC_PAGESIZE);
	a->size = (size_t)o->mib << 20;
	if (!align) {
		errno = EOPNOTSUPP;
		return work_fail(WORK_HUGE_SIZE);
	}
	if (a->size % align) {
		errno = EINVAL;
		fprintf(stderr, "work_pages: --mib is %lu: no multiple of a huge page, %zu KiB\n",
			o->mib, align >> 10);
		return 2;
	}
	p = mmap(NULL, a->size + align, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return work_fail("mmap");
	p += (align - (uintptr_t)p % align) % align;
	/* A kernel that has no huge pages does not know either of them. */
	if (madvise(p, a->size, o->huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) && o->huge)
		return work_fail("madvise(MADV_HUGEPAGE)");
	a->p = p;
	return 0;
}

static void touch(const struct area *a)
{
	for (size_t i = 0; i < a->size; i += a->page)
		a->p[i] = 1;
}

static void drop(const struct area *a)
{
	madvise((char *)a->p, a->size, MADV_DONTNEED);
}

static unsigned long faults(void)
{
	struct rusage use;

	getrusage(RUSAGE_SELF, &use);
	return (unsigned long)use.ru_minflt;
}

/* --- what it does with it --------------------------------------------------------------------- */

static int hold(const struct options *o, const struct area *a, struct done *d)
{
	sigset_t signals;
	unsigned long begin;

	work_block(&signals);
	begin = faults();
	touch(a);
	d->faults = faults() - begin;
	d->turns = 1;
	if (o->ready && work_create(o->ready))
		return work_fail(o->ready);
	while (work_wait(&signals, o->until))
		drop(a);
	return 0;
}

static int storm(const struct options *o, const struct area *a, struct done *d)
{
	uint64_t begin, cpu, now, limit;
	unsigned long faulted;

	if (o->ready && work_create(o->ready))
		return work_fail(o->ready);
	if (o->gate)
		work_wait_gate();
	faulted = faults();
	cpu = work_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	begin = work_now_ns(CLOCK_MONOTONIC);
	limit = begin + (uint64_t)(o->seconds * 1e9);
	do {
		touch(a);
		drop(a);
		d->turns++;
		now = work_now_ns(CLOCK_MONOTONIC);
	} while (o->turns ? d->turns < o->turns : now < limit);
	d->ns = now - begin;
	d->cpu_ns = work_now_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	d->faults = faults() - faulted;
	return 0;
}

static int print(FILE *to, const struct area *a, const struct done *d)
{
	double turns = (double)d->turns;

	if (d->ns)
		fprintf(to, "ns_per_turn %.1f cpu_ns_per_turn %.1f\n", (double)d->ns / turns,
			(double)d->cpu_ns / turns);
	fprintf(to, "pages %llu\nfaults %lu\nturns %lu\n",
		(unsigned long long)(a->size / a->page) * d->turns, d->faults, d->turns);
	return fflush(to) ? work_fail("output") : 0;
}

/* Do once what will be done, so that no page of the stack, of libc or of a buffer is new then. */
static void rehearse(const struct options *o, const struct area *a)
{
	const struct done d = { .turns = 3, .faults = 5, .ns = 1234567, .cpu_ns = 123456 };
	volatile char stack[STACK_BYTES];
	FILE *null = fopen("/dev/null", "we");

	for (size_t i = 0; i < sizeof(stack); i += a->page)
		stack[i] = 1;
	(void)stack[0];
	memset(out_buffer, 0, sizeof(out_buffer));
	setvbuf(stdout, out_buffer, _IOFBF, sizeof(out_buffer));
	if (null) {
		print(null, a, &d);
		fclose(null);
	}
	if (o->ready)
		access(o->ready, F_OK);
	work_now_ns(CLOCK_MONOTONIC);
	work_now_ns(CLOCK_PROCESS_CPUTIME_ID);
	faults();
}

/* --- options ---------------------------------------------------------------------------------- */

static bool __attribute__((format(printf, 1, 2))) bad(const char *format, ...)
{
	va_list args;

	fputs("work_pages: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("; usage: work_pages [--mib N] [--huge] [--cpu K] [--ready FILE] [--until FILE |"
	      " [--gate] --turns N | [--gate] --seconds S]\n",
	      stderr);
	return false;
}

static bool parse_seconds(const char *text, double *ret_seconds)
{
	char *end;
	double s = strtod(text, &end);

	if (*end || end == text || !(s > 0 && s <= MAX_SECONDS))
		return false;
	*ret_seconds = s;
	return true;
}

static bool parse_option(int opt, const char *arg, struct options *o)
{
	switch (opt) {
	case 'm':
		return (work_parse_count(arg, &o->mib) && o->mib && o->mib <= MAX_MIB) ||
		       bad("--mib takes 1 to %zu, not «%s»", MAX_MIB, arg);
	case 't':
		return (work_parse_count(arg, &o->turns) && o->turns) ||
		       bad("--turns takes a number from 1, not «%s»", arg);
	case 's':
		return parse_seconds(arg, &o->seconds) ||
		       bad("--seconds takes up to %.0f, not «%s»", MAX_SECONDS, arg);
	case 'c':
		o->pin = true;
		return (work_parse_count(arg, &o->cpu) && o->cpu < CPU_SETSIZE) ||
		       bad("--cpu takes 0 to %d, not «%s»", CPU_SETSIZE - 1, arg);
	case 'r':
		o->ready = arg;
		return true;
	case 'u':
		o->until = arg;
		return true;
	case 'H':
		o->huge = true;
		return true;
	case 'q':
		o->silent = true;
		return true;
	case 'g':
		o->gate = true;
		return true;
	default:
		return false;
	}
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "mib", required_argument, NULL, 'm' },
		{ "turns", required_argument, NULL, 't' },
		{ "seconds", required_argument, NULL, 's' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "ready", required_argument, NULL, 'r' },
		{ "until", required_argument, NULL, 'u' },
		{ "huge", no_argument, NULL, 'H' },
		{ "gate", no_argument, NULL, 'g' },
		{ "silent", no_argument, NULL, 'q' },
		{ 0 },
	};
	int opt;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":", longs, NULL)) != -1) {
		if (opt == '?')
			return bad("no such option: %s", argv[optind - 1]);
		if (opt == ':')
			return bad("%s takes a value", argv[optind - 1]);
		if (!parse_option(opt, optarg, o))
			return false;
	}
	if (optind < argc)
		return bad("what is «%s»?", argv[optind]);
	if (!!o->until + !!o->turns + (o->seconds > 0) > 1)
		return bad("--until, --turns and --seconds exclude each other");
	if (o->gate && !o->turns && !(o->seconds > 0))
		return bad("--gate goes with --turns or --seconds");
	return true;
}

int main(int argc, char **argv)
{
	struct options o = { .mib = 64 };
	struct done d = { 0 };
	struct area a;
	int ret;

	if (!parse(argc, argv, &o))
		return 2;
	if (o.pin && work_pin((int)o.cpu))
		return 1;
	ret = map_area(&o, &a);
	if (ret)
		return ret;
	rehearse(&o, &a);
	prctl(PR_SET_NAME, "pages");
	ret = o.turns || o.seconds > 0 ? storm(&o, &a, &d) : hold(&o, &a, &d);
	return ret ?: o.silent ? 0 : print(stdout, &a, &d);
}
