// SPDX-License-Identifier: GPL-2.0
/*
 * compat plan FILE, compat tables FILE…: what the selector does with kernels whose capabilities were
 * recorded in guests (tests/unit/data/capset/guest-KERNEL-ARCH.txt). «plan» prints what stands beside
 * such a file, «tables» the Markdown tables of docs/compat.md. Called by tests/vm/compat.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe/select.h"
#include "tests/unit/plan.h"

struct guest {
	char kernel[32], arch[32]; /* as in tests/vm/kernels */
	struct capset capset;
	struct probe_plan plans[PROBE_CLASSIC + 1];
};

static int read_text(const char *path, char *buf, size_t n)
{
	FILE *f = fopen(path, "re");
	size_t got;

	if (!f)
		return -errno;
	got = fread(buf, 1, n - 1, f);
	buf[got] = '\0';
	fclose(f);
	return got < n - 1 ? 0 : -EFBIG;
}

static int guest_read(const char *path, struct guest *ret)
{
	const char *slash = strrchr(path, '/');
	struct failure f = { 0 };
	char text[8192];
	int err = read_text(path, text, sizeof(text));

	if (sscanf(slash ? slash + 1 : path, "guest-%31[^-]-%31[^.].txt", ret->kernel, ret->arch) !=
	    2)
		err = -EINVAL;
	if (!err)
		err = capset_read(text, &ret->capset, &f);
	if (err)
		fprintf(stderr, "compat: %s: %s\n", path, *f.text ? f.text : strerror(-err));
	return err;
}

/* amd64 before arm64 before armhf, older kernels first, «newest» last. */
static int compare_guests(const void *a, const void *b)
{
	const struct guest *x = a, *y = b;
	int order = strcmp(x->arch, y->arch);

	return order ? order : strverscmp(x->kernel, y->kernel);
}

/* Whether a program on the event of @capability tells from which cache an object is. */
static bool tells_cache(const struct guest *g, enum probe_choice choice, enum capability capability)
{
	const struct probe_row *row = g->plans[choice].chosen[capability];
	const struct capset_event *e;

	if (!row)
		return false;
	e = &g->capset.events[row->event];
	if (row->method == METHOD_CLASSIC)
		return e->classic_name;
	return e->args.cache != CONFIG_NO_ARG && g->capset.cache_offsets;
}

static bool works(const struct guest *g, enum probe_choice choice)
{
	return !probe_plan_check(&g->plans[choice], &g->capset, AREA_SLAB, NULL);
}

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static void print_guest(const struct guest *g)
{
	printf("| %s | %s ", g->arch, g->kernel);
}

/* Whether the kernel has what a row of the table hooks. */
static bool is_there(const struct guest *g, const struct probe_row *row)
{
	const struct capset_event *e = &g->capset.events[row->event];

	if (row->method == METHOD_KPROBE || row->method == METHOD_KRETPROBE)
		return g->capset.functions[row->function];
	return e->prototype || e->classic;
}

/* Why a cell is empty: the kernel has no such event or function, or has it and it can't be used. */
static const char *cell(const struct guest *g, enum capability capability)
{
	size_t i;

	if (g->plans[PROBE_AUTO].chosen[capability])
		return plan_method(&g->plans[PROBE_AUTO], capability);
	for (i = 0; i < n_probe_rows; i++)
		if (probe_rows[i].capability == capability && is_there(g, &probe_rows[i]))
			return "**not served**";
	return "–";
}

/* A line a capability: there are more of them than of guests. */
static void print_chosen(const struct guest *guests, size_t n)
{
	size_t i, k;

	printf("| area | capability |");
	for (i = 0; i < n; i++)
		printf(" %s %s |", guests[i].arch, guests[i].kernel);
	printf("\n|---|---|");
	for (i = 0; i < n; i++)
		printf("---|");
	putchar('\n');
	for (k = 0; k < CAPABILITY_MAX; k++) {
		printf("| %s | %s ", area_names[__builtin_ctz(capabilities[k].areas)],
		       capabilities[k].name);
		for (i = 0; i < n; i++)
			printf("| %s ", cell(&guests[i], k));
		printf("|\n");
	}
}

static void print_known(const struct guest *guests, size_t n)
{
	static const char *const kinds[] = { "auto", "raw", "classic" };
	size_t i, k;

	printf("\n| architecture | kernel | release | BTF | `--probe raw` | `--probe classic` "
	       "| classic's misses | call chains | JIT |\n|---|---|---|---|---|---|---|---|---|\n");
	for (i = 0; i < n; i++) {
		const struct guest *g = &guests[i];

		print_guest(g);
		printf("| %s | %s | %s | %s | %s | %s | %s |\n", g->capset.kernel,
		       yes_no(g->capset.btf), works(g, PROBE_RAW) ? "works" : "refused",
		       works(g, PROBE_CLASSIC) ? "works" : "refused",
		       g->capset.classic_misses ? "counted" : "unknown",
		       yes_no(g->capset.stack_traces), g->capset.jit ? "on" : "off");
	}
	printf("\n| architecture | kernel | probes | allocations tell their cache "
	       "| frees tell their cache |\n|---|---|---|---|---|\n");
	for (i = 0; i < n; i++) {
		const struct guest *g = &guests[i];

		for (k = PROBE_RAW; k <= PROBE_CLASSIC; k++) {
			if (!works(g, k))
				continue;
			print_guest(g);
			printf("| %s | %s | %s |\n", kinds[k],
			       yes_no(tells_cache(g, k, CAPABILITY_CACHE_ALLOC)),
			       yes_no(tells_cache(g, k, CAPABILITY_CACHE_FREE)));
		}
	}
}

static int tables(char **paths, size_t n)
{
	struct guest *guests = calloc(n, sizeof(*guests));
	int err = guests ? 0 : -ENOMEM;
	size_t i, k;

	for (i = 0; i < n && !err; i++) {
		err = guest_read(paths[i], &guests[i]);
		for (k = PROBE_AUTO; k <= PROBE_CLASSIC && !err; k++)
			err = probe_plan_make(&guests[i].capset, k, &guests[i].plans[k]);
	}
	if (!err) {
		qsort(guests, n, sizeof(*guests), compare_guests);
		print_chosen(guests, n);
		print_known(guests, n);
	}
	for (i = 0; guests && i < n; i++)
		for (k = PROBE_AUTO; k <= PROBE_CLASSIC; k++)
			probe_plan_free(&guests[i].plans[k]);
	free(guests);
	return err;
}

static int plan(const char *path)
{
	struct guest g = { 0 };
	int err = guest_read(path, &g);

	return err ? err : plan_write(&g.capset, stdout);
}

int main(int argc, char **argv)
{
	int err = -EINVAL;

	if (argc == 3 && !strcmp(argv[1], "plan"))
		err = plan(argv[2]);
	else if (argc > 2 && !strcmp(argv[1], "tables"))
		err = tables(argv + 2, (size_t)argc - 2);
	else
		fprintf(stderr, "usage: compat plan FILE | compat tables FILE...\n");
	return err || fflush(stdout) ? 1 : 0;
}
