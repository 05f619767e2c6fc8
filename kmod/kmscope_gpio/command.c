// SPDX-License-Identifier: GPL-2.0
/* The commands: their table, what parses them, and the answers. README.md describes them. */
#include <linux/bitmap.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "gpio.h"

#define HEAD_BYTES 256 /* the first line of an answer */
#define LINE_BYTES 112 /* the longest of the others */
#define MAX_ARGS   3

struct command {
	const char *name;
	const char *usage; /* of MAX_ARGS words at most, all of them required */
	/* Does the work and says the answer; 0, or what kgpio_error() returned. */
	int (*run)(const struct command *command, char **args);
	const struct kgpio_pattern *pattern;
};

/* «show» has a line for each register. */
static char answer[HEAD_BYTES + KGPIO_REGISTERS * LINE_BYTES];
static size_t answer_length;
static char error_text[HEAD_BYTES / 2];

/* --- answers ---------------------------------------------------------------------------------- */

static void __printf(1, 2) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	answer_length +=
		vscnprintf(answer + answer_length, sizeof(answer) - answer_length, format, args);
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
	case -EBUSY:
		return "busy";
	case -EPERM:
		return "refused";
	case -ENODEV:
		return "device";
	case -ENOMEM:
		return "memory";
	case -EINTR:
		return "interrupted";
	default:
		return "internal";
	}
}

int kgpio_error(int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vscnprintf(error_text, sizeof(error_text), format, args);
	va_end(args);
	return error;
}

const char *kgpio_answer(size_t *ret_length)
{
	*ret_length = answer_length;
	return answer;
}

/* --- numbers and pins ------------------------------------------------------------------------- */

static int parse_number(const char *what, const char *text, u32 max, u32 *ret_value)
{
	if (kstrtou32(text, 10, ret_value))
		return kgpio_error(-EINVAL, "%s is no number: %.20s", what, text);
	if (!*ret_value || *ret_value > max)
		return kgpio_error(-ERANGE, "%s is %u, may be 1 to %u", what, *ret_value, max);
	return 0;
}

int kgpio_parse_pins(const struct kgpio_layout *layout, const char *text, u32 *ret_pins)
{
	DECLARE_BITMAP(bits, KGPIO_MAX_PINS);
	int err = bitmap_parselist(text, bits, layout->pins);

	if (err)
		return err == -ERANGE ? -ERANGE : -EINVAL;
	if (bitmap_empty(bits, layout->pins))
		return -EINVAL;
	bitmap_to_arr32(ret_pins, bits, layout->pins);
	return 0;
}

static int parse_pins(const char *text, u32 *ret_pins)
{
	const struct kgpio_layout *layout = kgpio_bank_layout();
	u32 others;
	int err = kgpio_parse_pins(layout, text, ret_pins);

	if (err == -ERANGE)
		return kgpio_error(err, "PINS is %.40s, may be of 0 to %u", text, layout->pins - 1);
	if (err)
		return kgpio_error(err, "PINS is no list like 4-7,9: %.20s", text);
	others = *ret_pins & ~kgpio_bank_pins();
	if (others)
		return kgpio_error(-EPERM, "pin %u is not among those that pins= allows",
				   ffs(others) - 1);
	return 0;
}

/* --- traffic ---------------------------------------------------------------------------------- */

static int start(const struct command *command, const char *count, const char *rate, u32 pins)
{
	struct kgpio_progress progress;
	u32 times, speed;
	int err = parse_number("COUNT", count, KGPIO_MAX_COUNT, &times)
			  ?: parse_number("RATE", rate, KGPIO_MAX_RATE, &speed);

	if (!err)
		err = kgpio_traffic_start(command->pattern, pins, times, speed);
	if (err)
		return err;
	kgpio_traffic_progress(&progress);
	say("ok %llu\n", progress.of);
	return 0;
}

static int run_drive(const struct command *command, char **args)
{
	u32 pins;

	return parse_pins(args[0], &pins) ?: start(command, args[1], args[2], pins);
}

static int run_read(const struct command *command, char **args)
{
	return start(command, args[0], args[1], GENMASK(kgpio_bank_layout()->pins - 1, 0));
}

static void say_progress(void)
{
	struct kgpio_progress progress;

	kgpio_traffic_progress(&progress);
	say("ok %llu of=%llu pattern=%s state=%s", progress.done, progress.of, progress.pattern,
	    progress.state);
}

static int run_stop(const struct command *command, char **args)
{
	kgpio_traffic_stop();
	say_progress();
	say("\n");
	return 0;
}

/* Others may give commands meanwhile: nothing of this one's words is needed any more. */
static int run_wait(const struct command *command, char **args)
{
	int err;

	mutex_unlock(&kgpio_lock);
	err = kgpio_traffic_wait();
	mutex_lock(&kgpio_lock);
	answer_length = 0;
	if (err)
		return kgpio_error(-EINTR, "it goes on");
	say_progress();
	say("\n");
	return 0;
}

/* --- counts ----------------------------------------------------------------------------------- */

static void say_register(u32 offset, const struct kgpio_counts *counts)
{
	const struct kgpio_layout *layout = kgpio_bank_layout();

	say("register=%s offset=0x%x width=%u reads=%llu writes=%llu last=0x%x\n",
	    kgpio_layout_register(layout, offset), offset, layout->width, counts->reads,
	    counts->writes, counts->last);
}

static int run_show(const struct command *command, char **args)
{
	struct kgpio_counts counts;
	u64 maps, unmaps;
	u32 offset;

	kgpio_bank_mappings(&maps, &unmaps);
	say_progress();
	say(" layout=%s bank=%s base=0x%llx sim=%d pins=0x%x maps=%llu unmaps=%llu\n",
	    kgpio_bank_layout()->name, kgpio_bank_name(), (u64)kgpio_bank_base(), kgpio_bank_sim(),
	    kgpio_bank_pins(), maps, unmaps);
	for (offset = 0; offset < KGPIO_BANK_BYTES; offset += 4) {
		if (kgpio_bank_counts(offset, &counts))
			say_register(offset, &counts);
	}
	return 0;
}

static int run_reset(const struct command *command, char **args)
{
	if (kgpio_traffic_running())
		return kgpio_error(-EBUSY, "something runs, stop it or wait for it");
	kgpio_bank_reset_counts();
	say("ok 0\n");
	return 0;
}

static int run_help(const struct command *command, char **args);

/* --- the table -------------------------------------------------------------------------------- */

static const struct command commands[] = {
	{ "blink", "PINS COUNT RATE", run_drive, &kgpio_blink },
	{ "walk", "PINS COUNT RATE", run_drive, &kgpio_walk },
	{ "read", "COUNT RATE", run_read, &kgpio_read },
	{ "stop", "", run_stop },
	{ "wait", "", run_wait },
	{ "show", "", run_show },
	{ "reset", "", run_reset },
	{ "help", "", run_help },
};

static int run_help(const struct command *command, char **args)
{
	size_t i;

	say("ok %zu\n", ARRAY_SIZE(commands));
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		say("%s%s%s\n", commands[i].name, *commands[i].usage ? " " : "", commands[i].usage);
	return 0;
}

/* --- execution -------------------------------------------------------------------------------- */

/* How many words; one more than can be stored if there are too many. */
static int split(char *line, char **words, int limit)
{
	char *word;
	int n = 0;

	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (n == limit)
			return n + 1;
		words[n++] = word;
	}
	return n;
}

static int words_of(const char *usage)
{
	int n = *usage != '\0';

	for (; *usage; usage++)
		n += *usage == ' ';
	return n;
}

static int run(char *line)
{
	const struct command *command = commands;
	char *words[1 + MAX_ARGS];
	int n;

	if (!line)
		return kgpio_error(-EINVAL, "one line, shorter than 128 bytes, a write");
	n = split(line, words, ARRAY_SIZE(words));
	if (!n)
		return kgpio_error(-EINVAL, "no command");
	while (command < commands + ARRAY_SIZE(commands) && strcmp(command->name, words[0]))
		command++;
	if (command == commands + ARRAY_SIZE(commands))
		return kgpio_error(-ENOENT, "%.20s, try help", words[0]);
	if (n != 1 + words_of(command->usage))
		return kgpio_error(-EINVAL, "usage: %s%s%s", command->name,
				   *command->usage ? " " : "", command->usage);
	return command->run(command, words + 1);
}

int kgpio_execute(char *line)
{
	int err;

	answer_length = 0;
	err = run(line);
	if (err)
		say("error %s: %s\n", error_word(err), error_text);
	return err;
}
