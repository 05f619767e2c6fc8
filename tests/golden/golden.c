// SPDX-License-Identifier: GPL-2.0
/*
 * Plays a script of events (src/source/synth.h) to an analyzer and prints its report, as a session
 * on a live kernel would, with nothing of this machine in it. Or a recording (NAME.kms), which may be
 * of any machine. For «layout» the script is a folder
 * with a machine's /proc, and «facts», a text of «KEY NUMBER» lines, in place of what is not there.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "analyze/analyzer.h"
#include "layout/gather.h"
#include "procfs/keys.h"
#include "render/render.h"
#include "session/replay.h"
#include "source/synth.h"
#include "sym/symbolizer.h"

struct golden {
	const struct analyzer_ops *ops;
	const struct renderer *renderer;
	struct analyzer_options options;
	const char *script, *kallsyms, *address;
	bool layout, recording;
	struct replay replay; /* .recording */
	struct analyzer *analyzer;
	uint64_t pieces; /* printed */
};

static const char usage[] =
	"usage: golden ANALYZER RENDERER SCRIPT|RECORDING [--by site|cache|comm|pid|cgroup] [--top "
	"N]\n"
	"       [--objects] [--min-age NS] [--stacks] [--map] [--trace] [--timeline]\n"
	"       [--kallsyms FILE]\n"
	"       golden layout RENDERER FOLDER [--address 0xADDRESS]\n";

static char *read_file(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = NULL;
	size_t room = 0;
	ssize_t n;

	if (!f)
		return NULL;
	n = getdelim(&text, &room, '\0', f);
	fclose(f);
	return n >= 0 ? text : NULL;
}

static int parse_by(const char *name, enum ledger_by *ret)
{
	static const char *const names[] = {
		[LEDGER_BY_SITE] = "site", [LEDGER_BY_CACHE] = "cache",	  [LEDGER_BY_COMM] = "comm",
		[LEDGER_BY_PID] = "pid",   [LEDGER_BY_CGROUP] = "cgroup",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i])) {
			*ret = (enum ledger_by)i;
			return 0;
		}
	return -EINVAL;
}

static int parse(struct golden *g, int argc, char **argv)
{
	static const struct option options[] = {
		{ "by", required_argument, NULL, 'b' },
		{ "top", required_argument, NULL, 'n' },
		{ "objects", no_argument, NULL, 'o' },
		{ "min-age", required_argument, NULL, 'a' },
		{ "stacks", no_argument, NULL, 's' },
		{ "map", no_argument, NULL, 'm' },
		{ "trace", no_argument, NULL, 't' },
		{ "timeline", no_argument, NULL, 'l' },
		{ "kallsyms", required_argument, NULL, 'k' },
		{ "address", required_argument, NULL, 'A' },
		{ 0 },
	};
	bool by = false;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
		switch (c) {
		case 'b':
			if (parse_by(optarg, &g->options.by))
				return -EINVAL;
			by = true;
			break;
		case 'n':
			g->options.top = strtoul(optarg, NULL, 10);
			break;
		case 'o':
			g->options.objects = true;
			break;
		case 'a':
			g->options.min_age_ns = strtoull(optarg, NULL, 10);
			break;
		case 's':
			g->options.stacks = true;
			break;
		case 'm':
			g->options.map = true;
			break;
		case 't':
			g->options.trace = true;
			break;
		case 'l':
			g->options.timeline = true;
			break;
		case 'k':
			g->kallsyms = optarg;
			break;
		case 'A':
			g->address = optarg;
			break;
		default:
			return -EINVAL;
		}
	if (argc - optind != 3)
		return -EINVAL;
	g->layout = !strcmp(argv[optind], "layout");
	g->recording = strstr(argv[optind + 2], ".kms");
	g->ops = g->layout ? NULL : analyzer_find(argv[optind]);
	g->renderer = renderer_find(argv[optind + 1]);
	g->script = argv[optind + 2];
	/* as the command does it: programs get tables that are empty, too */
	g->options.all = !strcmp(argv[optind + 1], "json");
	if (g->ops == &faults_analyzer && !by)
		g->options.by = LEDGER_BY_PID;
	return (g->ops || g->layout) && g->renderer ? 0 : -EINVAL;
}

static void consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct golden *g = arg;

	g->ops->consume(g->analyzer, records, n);
}

/* --trace: what was seen since the last time. */
static int print_piece(struct golden *g)
{
	struct render_options options = { .width = 80 };
	_cleanup_(report_free) struct report *r = report_new(g->ops->name);
	int err = r ? g->ops->trace(g->analyzer, r) : -ENOMEM;

	if (err || !r->n_tables)
		return err;
	snprintf(r->kernel, sizeof(r->kernel), "6.12.0-golden");
	snprintf(r->arch, sizeof(r->arch), "x86_64");
	r->piece = true;
	r->interval = g->renderer == renderer_find("json") ? 0 : g->pieces;
	g->pieces++;
	return g->renderer->render(r, &options, stdout);
}

static int play_recording(struct golden *g, struct failure *f)
{
	struct replay_run run = { .analyzer = g->analyzer };
	int err = replay_open(g->script, &g->replay, f);

	return err ? err : replay_run(&g->replay, &run, f);
}

static int play(struct golden *g, struct failure *f)
{
	struct event_sink sink = { .consume = consume, .arg = g };
	_cleanup_free_ char *text = read_file(g->script);
	_cleanup_(source_free) struct source *s = NULL;
	int err;

	if (g->recording)
		return play_recording(g, f);
	if (!text)
		return fail(f, FAILURE_USAGE, -errno, "%s: %s", g->script, strerror(errno));
	err = synth_open(text, &s, f);
	if (!err)
		err = s->ops->start(s, f);
	while (!err && (err = s->ops->read(s, &sink)) > 0)
		err = g->options.trace ? print_piece(g) : 0;
	return err || !g->options.trace ? err : print_piece(g);
}

/* What a session would say about itself. */
static int describe(const struct golden *g, struct report *r)
{
	static const char *const whats[][2] = {
		{ "slab", "slab allocations" },	 { "leaks", "slab allocations" },
		{ "buddy", "page allocations" }, { "vmalloc", "vmalloc areas" },
		{ "mmio", "device registers" },	 { "faults", "page faults" },
		{ "tracks", "kernel memory" },
	};
	const char *what = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(whats); i++)
		if (!strcmp(whats[i][0], g->ops->name))
			what = whats[i][1];

	snprintf(r->kernel, sizeof(r->kernel), "%s",
		 g->recording ? replay_text(&g->replay, "kernel", "-") : "6.12.0-golden");
	snprintf(r->arch, sizeof(r->arch), "%s",
		 g->recording ? replay_text(&g->replay, "arch", "-") : "x86_64");
	r->interval = 1;
	r->program = g->replay.program;
	return asprintf(&r->subject, "%s of a %s", what, g->recording ? "recording" : "script") < 0
		       ? -ENOMEM
		       : 0;
}

static int print(struct golden *g, struct failure *f)
{
	struct render_options options = { .width = 80 };
	_cleanup_(symbolizer_free) struct symbolizer *symbols = NULL;
	_cleanup_(report_free) struct report *r = report_new(g->ops->name);
	int err;

	if (!r)
		return -ENOMEM;
	err = describe(g, r);
	if (!err)
		err = g->ops->report(g->analyzer, r);
	if (!err && g->recording)
		err = symbolize_report(g->replay.memo, g->replay.user, r);
	else if (!err && g->kallsyms)
		err = kallsyms_open(g->kallsyms, &symbols, f);
	if (!err && !g->recording)
		err = symbolize_report(symbols, NULL, r);
	return err ? err : g->renderer->render(r, &options, stdout);
}

/* --- layout ------------------------------------------------------------------------------------------- */

static int read_facts(const char *folder, struct layout_facts *facts, struct failure *f)
{
	_cleanup_free_ char *path = NULL;
	_cleanup_free_ char *text = NULL;
	uint64_t bits = 0;

	if (asprintf(&path, "%s/facts", folder) < 0)
		return -ENOMEM;
	text = read_file(path);
	if (!text || !keys_u64(text, "kernel_bits ", &bits) ||
	    !keys_u64(text, "page_size ", &facts->page_size) ||
	    sscanf(text, "arch %31s", facts->arch) != 1)
		return fail(f, FAILURE_USAGE, -EINVAL, "%s: no facts", path);
	snprintf(facts->kernel, sizeof(facts->kernel), "6.12.0-golden");
	facts->kernel_bits = (unsigned int)bits;
	keys_u64(text, "cpus ", &facts->cpus);
	keys_u64(text, "user_end ", &facts->user_end);
	keys_u64(text, "btf_page_size ", &facts->btf_page_size);
	keys_u64(text, "btf_stack_size ", &facts->btf_stack_size);
	keys_u64(text, "thp_size ", &facts->thp_size);
	if (keys_u64(text, "huge_size ", &facts->huge_sizes[0]))
		facts->n_huge_sizes = 1;
	return 0;
}

static int print_layout(const struct golden *g, struct failure *f)
{
	struct render_options options = { .width = 80 };
	_cleanup_(layout_input_free) struct layout_input in = { 0 };
	_cleanup_(layout_free) struct layout l = { 0 };
	_cleanup_(report_free) struct report *r = report_new("layout");
	int err = read_facts(g->script, &in.facts, f);

	if (err)
		return err;
	err = r ? layout_gather_files(g->script, &in) : -ENOMEM;
	if (in.symbols_why[0]) /* it names this tree's path */
		snprintf(in.symbols_why, sizeof(in.symbols_why), "there are no symbols");
	if (!err)
		err = layout_find(&in, &l);
	if (err)
		return err;
	snprintf(r->kernel, sizeof(r->kernel), "%s", in.facts.kernel);
	snprintf(r->arch, sizeof(r->arch), "%s", in.facts.arch);
	r->interval = 1;
	r->final = true;
	if (asprintf(&r->subject, "memory layout of a script") < 0)
		return -ENOMEM;
	if (g->address)
		layout_report_address(&l, strtoull(g->address, NULL, 16), r);
	else
		layout_report(&l, r);
	return r->oom ? -ENOMEM : g->renderer->render(r, &options, stdout);
}

static int print_analysis(struct golden *g, struct failure *f)
{
	int err;

	g->analyzer = g->ops->create(&g->options);
	err = g->analyzer ? play(g, f) : -ENOMEM;
	if (!err)
		err = print(g, f);
	analyzer_free(&g->analyzer);
	replay_free(&g->replay);
	return err;
}

int main(int argc, char **argv)
{
	struct golden g = { 0 };
	struct failure f = { .text = "out of memory" };
	int err;

	if (parse(&g, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	err = g.layout ? print_layout(&g, &f) : print_analysis(&g, &f);
	if (err)
		fprintf(stderr, "golden: %s (%s)\n", f.text, strerror(-err));
	return err ? 1 : 0;
}
