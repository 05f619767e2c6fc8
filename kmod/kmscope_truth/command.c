// SPDX-License-Identifier: GPL-2.0
/* The commands: their table, what parses them, and the answers. kmod/README.md describes them. */
#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "truth.h"

#define HEAD_BYTES    192 /* the first line of an answer */
#define LINE_BYTES    320 /* the longest of the others */
#define ADDRESS_BYTES 128 /* the longest of «addresses» */
#define ORDER_BYTES   160 /* the longest of «pages» */
#define USAGE_BYTES   40
#define MAX_ARGS      8
#define NO_KIND	      TRUTH_KINDS

struct truth_result truth_result;

/* The body begins at HEAD_BYTES; the head, known last, is put right before it. */
static char *answer;
static size_t answer_size;
static size_t answer_begin;
static size_t answer_end;

/* The counters as they were before the command. */
static struct truth_stats before[TRUTH_KINDS];

/* --- answers ---------------------------------------------------------------------------------- */

void truth_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	answer_end += vscnprintf(answer + answer_end, answer_size - answer_end, format, args);
	va_end(args);
}

static const char *error_word(int error)
{
	switch (error) {
	case -ENOENT:
		return "unknown";
	case -EINVAL:
		return "syntax";
	case -ERANGE:
		return "range";
	case -ENOSPC:
		return "full";
	case -ENOMEM:
		return "memory";
	case -EBUSY:
		return "busy";
	case -EPERM:
		return "refused";
	case -EOPNOTSUPP:
		return "unsupported";
	case -EINTR:
		return "interrupted";
	case -ETIMEDOUT:
		return "timeout";
	default:
		return "internal";
	}
}

static char error_text[HEAD_BYTES / 2];

int truth_error(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vscnprintf(error_text, sizeof(error_text), format, args);
	va_end(args);
	return error;
}

static void put_head(int error)
{
	char head[HEAD_BYTES];
	size_t n;

	if (error)
		n = scnprintf(head, sizeof(head), "error %s: %s\n", error_word(error), error_text);
	else
		n = scnprintf(head, sizeof(head), "ok %llu%s\n", truth_result.done,
			      truth_result.text);
	answer_begin = HEAD_BYTES - n;
	memcpy(answer + answer_begin, head, n);
}

const char *truth_answer(size_t *ret_length)
{
	*ret_length = answer_end - answer_begin;
	return answer + answer_begin;
}

static void say_stats(enum truth_kind_id id, const struct truth_stats *since)
{
	const struct truth_stats *s = &truth_stats[id];
	const char *name = truth_kinds[id].name;

	truth_say("kind=%s tries=%llu allocs=%llu frees=%llu failed=%llu requested=%llu given=%llu",
		  name, s->tries - since->tries, s->allocs - since->allocs, s->frees - since->frees,
		  s->failed - since->failed, s->requested - since->requested,
		  s->given - since->given);
	truth_say(" live=%llu live_requested=%llu live_given=%llu site=truth_%s_site\n",
		  s->allocs - s->frees + s->pieces, s->requested - s->freed_requested,
		  s->given - s->freed_given, name);
}

/* What the command changed, a line each kind. */
static void say_changes(void)
{
	enum truth_kind_id id;

	for (id = 0; id < TRUTH_KINDS; id++) {
		if (memcmp(&before[id], &truth_stats[id], sizeof(before[id])))
			say_stats(id, &before[id]);
	}
}

/* --- for the commands that count -------------------------------------------------------------- */

int truth_repeat(u64 n, void (*step)(void *context, u64 n), void *context)
{
	u64 done;
	u64 now;

	for (done = 0; done < n; done += now) {
		if (fatal_signal_pending(current))
			return truth_error(-EINTR, "after %llu of %llu", done, n);
		now = min_t(u64, n - done, TRUTH_CHUNK);
		step(context, now);
		cond_resched();
	}
	return 0;
}

int truth_check_total(u64 count, u64 size, u64 limit)
{
	if (count * size <= limit)
		return 0;
	return truth_error(-ERANGE, "%llu times %llu bytes is more than %llu", count, size, limit);
}

struct plain {
	enum truth_kind_id id;
	struct truth_ask ask;
};

static void turn_step(void *context, u64 n)
{
	const struct plain *plain = context;

	truth_turn(plain->id, &plain->ask, n);
}

static void keep_step(void *context, u64 n)
{
	const struct plain *plain = context;
	const struct truth_kind *kind = &truth_kinds[plain->id];
	void *p;

	for (; n; n--) {
		p = kind->alloc(&plain->ask);
		if (!p) {
			truth_count_failed(plain->id);
			continue;
		}
		truth_count_alloc(plain->id, truth_requested(&plain->ask),
				  kind->given(p, &plain->ask));
		truth_keep_add(plain->id, p, &plain->ask);
	}
}

static int plain_ask(const struct truth_command *command, const u64 *args, struct truth_ask *ask)
{
	ask->gfp = GFP_KERNEL | __GFP_NOWARN;
	ask->items = args[TRUTH_WORD_ITEMS] ?: 1;
	ask->order = args[TRUTH_WORD_ORDER];
	ask->size = args[TRUTH_WORD_SIZE];
	switch (command->id) {
	case TRUTH_KMALLOC_CONST:
		ask->size = TRUTH_CONST_SIZE;
		break;
	case TRUTH_PAGE:
		ask->size = PAGE_SIZE << ask->order;
		break;
	case TRUTH_CACHE:
	case TRUTH_CACHE_KEEP:
		ask->cache = truth_cache(ask->size);
		return ask->cache ? 0 : -ENOSPC;
	case TRUTH_IOREMAP:
		if (!truth_ioremap_size())
			return truth_error(-EPERM, "load with ioremap_phys= and ioremap_size=");
		ask->size = ask->size ?: truth_ioremap_size();
		if (ask->size > truth_ioremap_size())
			return truth_error(-ERANGE, "SIZE is %zu, may be 1 to %llu", ask->size,
					   truth_ioremap_size());
		break;
	default:
		break;
	}
	return 0;
}

int truth_run_plain(const struct truth_command *command, const u64 *args)
{
	bool keep = args[TRUTH_WORD_KEEP] || command->id == TRUTH_LEAK ||
		    command->id == TRUTH_CACHE_KEEP;
	struct plain plain = { .id = command->id };
	u64 count = args[TRUTH_WORD_COUNT];
	int err = plain_ask(command, args, &plain.ask);

	if (err)
		return err;
	err = truth_check_total(count, truth_requested(&plain.ask),
				keep ? TRUTH_MAX_HELD : TRUTH_MAX_TURNED);
	if (err)
		return err;
	if (keep && count > truth_keep_slots() - truth_keep_used())
		return truth_error(-ENOSPC, "COUNT is %llu, and %u of %u objects are kept", count,
				   truth_keep_used(), truth_keep_slots());
	return truth_repeat(count, keep ? keep_step : turn_step, &plain);
}

/* --- kept objects and counters ---------------------------------------------------------------- */

static int run_drop(const struct truth_command *command, const u64 *args)
{
	truth_result.done =
		truth_keep_drop(command->id == NO_KIND ? args[TRUTH_WORD_KIND] : command->id);
	return 0;
}

static void say_address(const struct truth_kept *kept)
{
	u64 given = truth_kinds[kept->id].given(kept->p, &kept->ask);
	struct page *page = kept->id == TRUTH_PAGE ? kept->p : NULL;

	truth_say("kind=%s address=%px requested=%llu given=%llu", truth_kinds[kept->id].name,
		  page ? page_address(page) : kept->p, truth_requested(&kept->ask), given);
	if (page)
		truth_say(" pfn=%lu order=%u", page_to_pfn(page), kept->ask.order);
	truth_say("\n");
}

static int run_addresses(const struct truth_command *command, const u64 *args)
{
	unsigned int i;

	for (i = 0; i < truth_keep_used(); i++) {
		if (args[TRUTH_WORD_KIND] != NO_KIND &&
		    args[TRUTH_WORD_KIND] != truth_keep_at(i)->id)
			continue;
		say_address(truth_keep_at(i));
		truth_result.done++;
	}
	return 0;
}

static int run_show(const struct truth_command *command, const u64 *args)
{
	static const struct truth_stats zero;
	enum truth_kind_id id;

	for (id = 0; id < TRUTH_KINDS; id++)
		say_stats(id, &zero);
	truth_result.done = TRUTH_KINDS;
	snprintf(truth_result.text, sizeof(truth_result.text),
		 " kept=%u keep=%u page_size=%lu pointer=%zu cpus=%u", truth_keep_used(),
		 truth_keep_slots(), PAGE_SIZE, sizeof(void *), num_possible_cpus());
	return 0;
}

static int run_reset(const struct truth_command *command, const u64 *args)
{
	if (truth_keep_used())
		return truth_error(-EBUSY, "%u objects are kept", truth_keep_used());
	memset(truth_stats, 0, sizeof(truth_stats));
	memset(before, 0, sizeof(before));
	truth_page_reset();
	return 0;
}

static int run_help(const struct truth_command *command, const u64 *args);

/* --- the table -------------------------------------------------------------------------------- */

static const struct truth_command commands[] = {
	{ "kmalloc", "COUNT SIZE [keep]", truth_run_plain, TRUTH_KMALLOC, 1,
	  KMALLOC_MAX_CACHE_SIZE },
	{ "kmalloc_const", "COUNT [keep]", truth_run_plain, TRUTH_KMALLOC_CONST },
	{ "kzalloc", "COUNT SIZE [keep]", truth_run_plain, TRUTH_KZALLOC, 1, KMALLOC_MAX_SIZE },
	{ "kcalloc", "COUNT ITEMS SIZE [keep]", truth_run_plain, TRUTH_KCALLOC, 1,
	  KMALLOC_MAX_SIZE / TRUTH_MAX_ITEMS },
	{ "large", "COUNT SIZE [keep]", truth_run_plain, TRUTH_LARGE, KMALLOC_MAX_CACHE_SIZE + 1,
	  KMALLOC_MAX_SIZE },
	{ "leak", "COUNT SIZE", truth_run_plain, TRUTH_LEAK, 1, KMALLOC_MAX_SIZE },
	{ "free_leaks", "", run_drop, TRUTH_LEAK },
	{ "krealloc", "COUNT FROM TO", truth_run_krealloc, TRUTH_KREALLOC },
	{ "zero", "COUNT", truth_run_zero, TRUTH_ZERO },
	{ "kfree_null", "COUNT", truth_run_kfree_null, TRUTH_KFREE_NULL },
	{ "cache", "COUNT SIZE [keep]", truth_run_plain, TRUTH_CACHE, sizeof(void *),
	  KMALLOC_MAX_CACHE_SIZE },
	{ "cache_keep", "COUNT SIZE", truth_run_plain, TRUTH_CACHE_KEEP, sizeof(void *),
	  KMALLOC_MAX_CACHE_SIZE },
	{ "cache_drop", "", run_drop, TRUTH_CACHE_KEEP },
	{ "free_bulk", "COUNT", truth_run_bulk, TRUTH_FREE_BULK },
	{ "alloc_bulk", "COUNT", truth_run_bulk, TRUTH_ALLOC_BULK },
	{ "bulk", "COUNT", truth_run_bulk, TRUTH_BULK },
	{ "kfree_bulk", "COUNT SIZE", truth_run_bulk, TRUTH_KFREE_BULK, 1, KMALLOC_MAX_CACHE_SIZE },
	{ "kfree_rcu", "COUNT SIZE", truth_run_kfree_rcu, TRUTH_KFREE_RCU, sizeof(struct rcu_head),
	  KMALLOC_MAX_SIZE },
	{ "vmalloc", "COUNT SIZE [keep]", truth_run_plain, TRUTH_VMALLOC, 1, TRUTH_MAX_VMALLOC },
	{ "page", "COUNT order=N [fail=N] [keep]", truth_run_page, TRUTH_PAGE },
	{ "page_split", "COUNT order=N", truth_run_page_pieces, TRUTH_PAGE_SPLIT },
	{ "page_exact", "COUNT SIZE", truth_run_page_pieces, TRUTH_PAGE_EXACT, 1,
	  KMALLOC_MAX_SIZE },
	{ "page_bulk", "COUNT", truth_run_page_bulk, TRUTH_PAGE_BULK },
	{ "percpu", "COUNT SIZE [keep]", truth_run_plain, TRUTH_PERCPU, 1, TRUTH_MAX_PERCPU },
	{ "ioremap", "COUNT [SIZE] [keep]", truth_run_plain, TRUTH_IOREMAP, 1, TRUTH_MAX_HELD },
	{ "atomic", "COUNT SIZE", truth_run_interrupt, TRUTH_ATOMIC, 1, KMALLOC_MAX_CACHE_SIZE },
	{ "hardirq", "COUNT SIZE", truth_run_interrupt, TRUTH_HARDIRQ, 1, KMALLOC_MAX_CACHE_SIZE },
	{ "cross", "COUNT SIZE", truth_run_cross, TRUTH_CROSS, 1, KMALLOC_MAX_CACHE_SIZE },
	{ "registers", "COUNT", truth_run_registers, NO_KIND },
	{ "drop", "KIND", run_drop, NO_KIND },
	{ "addresses", "[KIND]", run_addresses, NO_KIND },
	{ "quiesce", "", truth_run_quiesce, NO_KIND },
	{ "show", "", run_show, NO_KIND },
	{ "pages", "", truth_run_pages, NO_KIND },
	{ "reset", "", run_reset, NO_KIND },
	{ "help", "", run_help, NO_KIND },
};

static int run_help(const struct truth_command *command, const u64 *args)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		truth_say("%s%s%s\n", commands[i].name, *commands[i].usage ? " " : "",
			  commands[i].usage);
	truth_result.done = ARRAY_SIZE(commands);
	return 0;
}

/* --- parsing ---------------------------------------------------------------------------------- */

static const char *const words[TRUTH_WORDS] = {
	[TRUTH_WORD_COUNT] = "COUNT", [TRUTH_WORD_SIZE] = "SIZE", [TRUTH_WORD_ITEMS] = "ITEMS",
	[TRUTH_WORD_FROM] = "FROM",   [TRUTH_WORD_TO] = "TO",	  [TRUTH_WORD_KIND] = "KIND",
	[TRUTH_WORD_ORDER] = "order", [TRUTH_WORD_FAIL] = "fail", [TRUTH_WORD_KEEP] = "keep",
};

static void limits(const struct truth_command *command, enum truth_word word, u64 *min, u64 *max)
{
	*min = 1;
	switch (word) {
	case TRUTH_WORD_SIZE:
		*min = command->min_size;
		*max = command->max_size;
		break;
	case TRUTH_WORD_ITEMS:
		*max = TRUTH_MAX_ITEMS;
		break;
	case TRUTH_WORD_FROM:
	case TRUTH_WORD_TO:
		*max = KMALLOC_MAX_SIZE;
		break;
	case TRUTH_WORD_ORDER:
		*min = 0;
		*max = TRUTH_MAX_ORDER;
		break;
	default:
		*max = TRUTH_MAX_COUNT;
		break;
	}
}

static int parse_number(const struct truth_command *command, enum truth_word word, const char *text,
			u64 *args)
{
	u64 min, max;

	limits(command, word, &min, &max);
	if (kstrtoull(text, 10, &args[word]))
		return truth_error(-EINVAL, "%s is no number: %.20s", words[word], text);
	if (args[word] < min || args[word] > max)
		return truth_error(-ERANGE, "%s is %llu, may be %llu to %llu", words[word],
				   args[word], min, max);
	return 0;
}

static int parse_kind(const char *text, u64 *args)
{
	enum truth_kind_id id;

	for (id = 0; id < TRUTH_KINDS; id++) {
		if (!strcmp(truth_kinds[id].name, text)) {
			args[TRUTH_WORD_KIND] = id;
			return 0;
		}
	}
	return truth_error(-EINVAL, "no such kind: %.20s", text);
}

/* Whether an argument is what a word of the usage, length long, stands for. */
static bool fits(const char *usage, size_t length, const char *arg)
{
	const char *equal = strchr(arg, '=');

	if (isupper(*usage))
		return !equal && strcmp(arg, words[TRUTH_WORD_KEEP]);
	if (usage[length - 1] == 'N')
		return equal && (size_t)(equal - arg) == length - 2 &&
		       !strncmp(usage, arg, length - 2);
	return strlen(arg) == length && !strncmp(usage, arg, length);
}

static enum truth_word word_of(const char *usage, size_t length)
{
	size_t name = usage[length - 1] == 'N' && !isupper(*usage) ? length - 2 : length;
	enum truth_word word;

	for (word = 0; word < TRUTH_WORDS - 1; word++) {
		if (strlen(words[word]) == name && !strncmp(words[word], usage, name))
			break;
	}
	return word;
}

static int parse_word(const struct truth_command *command, enum truth_word word, const char *arg,
		      u64 *args)
{
	const char *equal = strchr(arg, '=');

	if (word == TRUTH_WORD_KEEP) {
		args[word] = 1;
		return 0;
	}
	if (word == TRUTH_WORD_KIND)
		return parse_kind(arg, args);
	return parse_number(command, word, equal ? equal + 1 : arg, args);
}

static int parse(const struct truth_command *command, char **argv, u64 *args)
{
	const char *usage = command->usage;
	size_t length;
	bool optional;
	int err;

	while (*usage) {
		optional = *usage == '[';
		usage += optional;
		length = strcspn(usage, " ]");
		if (*argv && fits(usage, length, *argv)) {
			err = parse_word(command, word_of(usage, length), *argv++, args);
			if (err)
				return err;
		} else if (!optional) {
			break;
		}
		usage += length;
		usage += strspn(usage, "] ");
	}
	if (*usage || *argv)
		return truth_error(-EINVAL, "usage: %s %s", command->name, command->usage);
	return 0;
}

/* --- execution -------------------------------------------------------------------------------- */

static int split(char *line, char **argv)
{
	char *word;
	int n = 0;

	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (n == MAX_ARGS)
			return truth_error(-EINVAL, "too many words");
		argv[n++] = word;
	}
	argv[n] = NULL;
	return n ? 0 : truth_error(-EINVAL, "no command");
}

static int run(char *line)
{
	u64 args[TRUTH_WORDS] = { [TRUTH_WORD_KIND] = NO_KIND };
	const struct truth_command *command = commands;
	char *argv[MAX_ARGS + 1];
	int err;

	if (!line)
		return truth_error(-EINVAL, "one line, shorter than 128 bytes, a write");
	err = split(line, argv);
	if (err)
		return err;
	while (command < commands + ARRAY_SIZE(commands) && strcmp(command->name, argv[0]))
		command++;
	if (command == commands + ARRAY_SIZE(commands))
		return truth_error(-ENOENT, "%.20s, try help", argv[0]);
	err = parse(command, argv + 1, args);
	if (err)
		return err;
	memcpy(before, truth_stats, sizeof(before));
	err = command->run(command, args);
	say_changes();
	if (command->id != NO_KIND)
		truth_result.done += (truth_stats[command->id].tries - before[command->id].tries) -
				     (truth_stats[command->id].failed - before[command->id].failed);
	return err;
}

int truth_execute(char *line)
{
	int err;

	truth_result = (struct truth_result){ 0 };
	answer_end = HEAD_BYTES;
	err = run(line);
	put_head(err);
	return err;
}

int truth_command_init(void)
{
	answer_size = max_t(size_t, TRUTH_KINDS * LINE_BYTES, ARRAY_SIZE(commands) * USAGE_BYTES);
	answer_size = max_t(size_t, answer_size, truth_keep_slots() * ADDRESS_BYTES);
	answer_size = max_t(size_t, answer_size, truth_pages_lines() * ORDER_BYTES);
	answer_size += HEAD_BYTES;
	answer = vzalloc(answer_size);
	if (!answer)
		return -ENOMEM;
	answer_end = HEAD_BYTES;
	put_head(0);
	return 0;
}

void truth_command_exit(void)
{
	vfree(answer);
	answer = NULL;
}
