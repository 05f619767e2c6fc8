// SPDX-License-Identifier: GPL-2.0
#include "cli/tracing.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>

#include "analyze/ledger.h"
#include "cli/analysis.h"
#include "cli/areas.h"
#include "cli/parse.h"
#include "cli/selection.h"
#include "source/live.h"
#include "sym/memo.h"

#define AREAS_WITH_CHAINS (AREA_SLAB | AREA_PAGES | AREA_VMALLOC | AREA_IOREMAP)

/* Two knobs of tests, which have to see rings being renewed without carrying gigabytes. */
static void test_knobs(struct live_options *live)
{
	const char *renew = getenv("KMSCOPE_TEST_RENEW"), *pad = getenv("KMSCOPE_TEST_PAD");

	if (renew)
		parse_size(renew, 4096, 3ull << 30, &live->renew_after);
	live->config.test_pad = pad && !strcmp(pad, "1");
}

/* Which call chains are taken. */
static int choose_stacks(const struct tracing *t, struct config *c, struct failure *f)
{
	const struct options *o = t->options;
	uint32_t wanted = (uint32_t)o->stacks;

	/* auto leaves them out and says so; who wants every one has to know before, not after */
	if (wanted == STACKS_ALL && !t->capset->stack_traces && t->areas & AREAS_WITH_CHAINS)
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "--stacks all: " JUNK_STACKS "; use --stacks none", t->capset->arch);
	/* faults have user code's, which are fine everywhere; they cost much, and few need them */
	if (t->areas & AREA_FAULTS && option_given(o, OPTION_STACKS))
		c->user_stacks = wanted;
	if (!t->capset->stack_traces)
		return 0;
	if (t->areas & (AREA_SLAB | AREA_PAGES))
		c->stacks = wanted;
	/* areas and mappings are few, and nothing else may tell who took them */
	if (t->areas & (AREA_VMALLOC | AREA_IOREMAP))
		c->area_stacks = wanted == STACKS_AUTO ? STACKS_ALL : wanted;
	return 0;
}

static bool wants_cgroups(const struct tracing *t)
{
	return t->options->by == LEDGER_BY_CGROUP || t->cgroups;
}

/* Whether reports may name who ran. */
static bool wants_tasks(const struct tracing *t)
{
	const struct options *o = t->options;

	return t->names || o->objects || o->by == LEDGER_BY_COMM || o->by == LEDGER_BY_PID ||
	       o->by == LEDGER_BY_CGROUP;
}

int tracing_open(const struct tracing *t, struct source **ret, struct failure *f)
{
	const struct options *o = t->options;
	_cleanup_close_ int cgroup = -1;
	struct live_options live = {
		.probe = (enum probe_choice)o->probe,
		.ring_size = o->buffer,
		.areas = t->areas | (o->child ? AREA_TASKS : 0) | (o->map ? AREA_FRAMES : 0),
		.cgroup_fd = -1,
	};
	int err = selection_make(o, t->capset, &live.config, &cgroup, f);

	if (err)
		return err;
	live.cgroup_fd = cgroup;
	live.config.sample = (uint32_t)o->sample;
	live.config.want_task = wants_tasks(t);
	live.config.want_cgroup = wants_cgroups(t);
	live.pid = o->child ? (uint32_t)t->program->pid : (uint32_t)o->pid;
	test_knobs(&live);
	err = choose_stacks(t, &live.config, f);
	if (!err)
		err = live_open(t->capset, &live, ret, f);
	if (err || !o->child)
		return err;
	err = live_follow(*ret, (uint32_t)t->program->pid);
	return err ? fail(f, FAILURE_INTERNAL, err, "--child: %s", strerror(-err)) : 0;
}

int tracing_check_ready_file(const char *path, struct failure *f)
{
	_cleanup_free_ char *copy = path ? strdup(path) : NULL;

	if (!path)
		return 0;
	if (!copy)
		return -ENOMEM;
	if (access(dirname(copy), W_OK))
		return fail(f, FAILURE_INTERNAL, -errno, "--ready-file: can't create %s: %s", path,
			    strerror(errno));
	return 0;
}

/* --- what is kept ----------------------------------------------------------------------------------- */

static void put_word(FILE *out, const char *word)
{
	const char *p;

	if (*word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_-+=./:,@%")]) {
		fputs(word, out);
		return;
	}
	putc('\'', out);
	for (p = word; *p; p++)
		if (*p == '\'')
			fputs("'\\''", out);
		else
			putc(*p, out);
	putc('\'', out);
}

char *tracing_word(const char *word)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	put_word(out, word);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

char *tracing_command_line(void)
{
	_cleanup_free_ char *words = NULL;
	char *text = NULL;
	size_t room = 0, size;
	FILE *in = fopen("/proc/self/cmdline", "re"), *out;
	ssize_t n;
	bool first = true;

	if (!in)
		return strdup("");
	out = open_memstream(&text, &size);
	while (out && (n = getdelim(&words, &room, '\0', in)) > 0) {
		if (!first)
			putc(' ', out);
		put_word(out, words);
		first = false;
	}
	fclose(in);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static char *facts_of(const struct capset *c)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	capset_write(c, out);
	if (fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

/* What follows «slab allocations» in a report's first line; how rows are grouped is said by whoever reads. */
static char *what_is_selected(const struct options *o)
{
	struct options traced = *o;

	traced.set &= ~(1ull << OPTION_BY);
	return selection_describe(&traced, "");
}

/* Modules that are loaded: their names and sizes, a line each. */
static char *loaded_modules(void)
{
	FILE *in = fopen("/proc/modules", "re"), *out;
	char line[512], name[64], *text = NULL;
	unsigned long bytes;
	size_t size;

	out = open_memstream(&text, &size);
	while (in && out && fgets(line, sizeof(line), in))
		if (sscanf(line, "%63s %lu", name, &bytes) == 2)
			fprintf(out, "%s %lu\n", name, bytes);
	if (in)
		fclose(in);
	if (!out || fclose(out)) {
		free(text);
		return NULL;
	}
	return text;
}

static int describe(const struct tracing *t, const struct kept *k, struct recording *r)
{
	_cleanup_free_ char *line = tracing_command_line();
	_cleanup_free_ char *facts = facts_of(t->capset);
	_cleanup_free_ char *areas = areas_names(t->areas);
	_cleanup_free_ char *selected = what_is_selected(t->options);
	_cleanup_free_ char *modules = loaded_modules();
	bool user_stacks =
		t->options->stacks != STACKS_NONE && option_given(t->options, OPTION_STACKS);
	const struct {
		const char *key, *value;
	} texts[] = {
		{ "kmscope", KMSCOPE_VERSION },
		{ "command", k->command },
		{ "command_line", line },
		{ "kernel", t->capset->kernel },
		{ "arch", t->capset->arch },
		{ "areas", areas },
		{ "selected", selected },
		{ "stacks", option_choice(OPTION_STACKS, t->options->stacks) },
		{ "user_stacks",
		  user_stacks ? option_choice(OPTION_STACKS, t->options->stacks) : "none" },
		{ "map", t->options->map ? "1" : "0" },
		{ "tasks", wants_tasks(t) ? "1" : "0" },
		{ "cgroups", wants_cgroups(t) ? "1" : "0" },
		{ "capabilities", facts },
		{ "modules", modules },
		{ "names_why", k->names_why ? k->names_why : "" },
	};
	size_t i;
	int err = line && facts && areas && selected && modules ? 0 : -ENOMEM;

	for (i = 0; i < ARRAY_SIZE(texts) && !err; i++)
		if (texts[i].value[0])
			err = recording_describe(r, texts[i].key, texts[i].value);
	return err;
}

int tracing_names(struct symbolizer **ret_memo, struct user_symbols **ret_user, struct failure *why)
{
	struct symbolizer *kernel = NULL;
	int err;

	kallsyms_open("/proc/kallsyms", &kernel, why);
	err = memo_new(kernel, ret_memo);
	if (!err)
		err = user_symbols_new(ret_user);
	if (!err)
		user_symbols_remember(*ret_user, true);
	return err;
}

int tracing_code_analyzer(struct analyzer **ret)
{
	static const struct analyzer_options all = { .by = LEDGER_BY_PID, .stacks = true };

	*ret = faults_analyzer.create(&all);
	return *ret ? 0 : -ENOMEM;
}

int tracing_keep(const struct tracing *t, const struct kept *k, struct recording **ret,
		 struct failure *f)
{
	struct record_options o = {
		.path = k->path,
		.force = t->options->force,
		.deflate = t->options->deflate,
		.keep = t->options->keep,
	};
	struct recording *r = NULL;
	int err = recording_open(&o, &r, f);

	if (!err)
		err = describe(t, k, r);
	if (err)
		recording_free(&r);
	else
		*ret = r;
	return err;
}
