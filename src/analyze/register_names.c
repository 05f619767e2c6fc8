// SPDX-License-Identifier: GPL-2.0
#include "analyze/register_names.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/vec.h"

#define NAME_MAX_BYTES 63

/*
 * AM335x: Technical Reference Manual (SPRUH73), «GPIO Registers»; the data registers lie 0x100 above where
 * older OMAPs have them. PL061: PrimeCell General Purpose Input/Output (DDI 0190), «Register summary».
 */
const char register_names_builtin[] = "block ti,omap4-gpio ti,am3352-gpio gpio0 gpio1 gpio2 gpio3\n"
				      "0x000 REVISION\n"
				      "0x010 SYSCONFIG\n"
				      "0x020 EOI\n"
				      "0x024 IRQSTATUS_RAW_0\n"
				      "0x028 IRQSTATUS_RAW_1\n"
				      "0x02c IRQSTATUS_0\n"
				      "0x030 IRQSTATUS_1\n"
				      "0x034 IRQSTATUS_SET_0\n"
				      "0x038 IRQSTATUS_SET_1\n"
				      "0x03c IRQSTATUS_CLR_0\n"
				      "0x040 IRQSTATUS_CLR_1\n"
				      "0x044 IRQWAKEN_0\n"
				      "0x048 IRQWAKEN_1\n"
				      "0x114 SYSSTATUS\n"
				      "0x130 CTRL\n"
				      "0x134 OE\n"
				      "0x138 DATAIN in\n"
				      "0x13c DATAOUT out\n"
				      "0x140 LEVELDETECT0\n"
				      "0x144 LEVELDETECT1\n"
				      "0x148 RISINGDETECT\n"
				      "0x14c FALLINGDETECT\n"
				      "0x150 DEBOUNCENABLE\n"
				      "0x154 DEBOUNCINGTIME\n"
				      "0x190 CLEARDATAOUT clear\n"
				      "0x194 SETDATAOUT set\n"
				      "block arm,pl061 pl061\n"
				      "0x000-0x3fc GPIODATA masked\n"
				      "0x400 GPIODIR\n"
				      "0x404 GPIOIS\n"
				      "0x408 GPIOIBE\n"
				      "0x40c GPIOIEV\n"
				      "0x410 GPIOIE\n"
				      "0x414 GPIORIS\n"
				      "0x418 GPIOMIS\n"
				      "0x41c GPIOIC\n"
				      "0x420 GPIOAFSEL\n";

static const char *const role_names[ROLE_MAX] = {
	[ROLE_NONE] = "",   [ROLE_IN] = "in",	    [ROLE_OUT] = "out",
	[ROLE_SET] = "set", [ROLE_CLEAR] = "clear", [ROLE_MASKED] = "masked",
};

struct reader {
	struct register_names *names;
	const char *source;
	size_t line;
	struct failure *f;
};

static int wrong(const struct reader *r, const char *what, const char *word)
{
	return fail(r->f, FAILURE_USAGE, -EINVAL, "%s, line %zu: %s%s%.60s%s", r->source, r->line,
		    what, *word ? ": «" : "", word, *word ? "»" : "");
}

static bool is_name(const char *word)
{
	size_t n = strlen(word);

	if (!n || n > NAME_MAX_BYTES)
		return false;
	for (; *word; word++)
		if (!isgraph((unsigned char)*word))
			return false;
	return true;
}

/* 0x and digits; false: something else. */
static bool read_address(const char *word, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(word, &end, 16);
	return !errno && !*end && word[2];
}

static int add_address(struct reader *r, struct register_block *b, const char *word)
{
	uint64_t *more, address;

	if (!read_address(word, &address))
		return wrong(r, "this is no address", word);
	more = vec_reserve(b->addresses, b->n_addresses, &b->addresses_capacity, 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->addresses = more;
	b->addresses[b->n_addresses++] = address;
	return 0;
}

static int add_name(struct reader *r, struct register_block *b, const char *word)
{
	char **more;

	if (!is_name(word))
		return wrong(r, "this is no name of a device", word);
	more = vec_reserve(b->names, b->n_names, &b->names_capacity, 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->names = more;
	b->names[b->n_names] = strdup(word);
	if (!b->names[b->n_names])
		return -ENOMEM;
	b->n_names++;
	return 0;
}

static int read_block(struct reader *r, char *rest)
{
	struct register_block *b = vec_add(r->names);
	char *save = NULL, *word;
	int err = 0;

	if (!b)
		return -ENOMEM;
	for (word = strtok_r(rest, " \t", &save); word && !err; word = strtok_r(NULL, " \t", &save))
		err = strncasecmp(word, "0x", 2) ? add_name(r, b, word) : add_address(r, b, word);
	if (!err && !b->n_names && !b->n_addresses)
		return wrong(r, "«block» needs the name of a device", "");
	return err;
}

/* 0xOFFSET or 0xFIRST-0xLAST */
static bool read_offsets(const char *word, struct register_name *ret)
{
	unsigned long long first, last;
	char *end;

	if (strncmp(word, "0x", 2))
		return false;
	errno = 0;
	first = last = strtoull(word, &end, 16);
	if (*end == '-' && !strncmp(end + 1, "0x", 2))
		last = strtoull(end + 1, &end, 16);
	if (errno || *end || last < first || last > UINT32_MAX)
		return false;
	ret->first = (uint32_t)first;
	ret->last = (uint32_t)last;
	return true;
}

static int read_register(struct reader *r, const char *offsets, char *rest)
{
	struct register_block *b = r->names->n ? &r->names->items[r->names->n - 1] : NULL;
	char *save = NULL, *name = strtok_r(rest, " \t", &save), *role, *more_words;
	struct register_name *more, found = { 0 };
	size_t i;

	if (!read_offsets(offsets, &found))
		return wrong(r, "a line begins with «block», an offset 0x… or #", offsets);
	if (!b)
		return wrong(r, "a register before the first «block»", offsets);
	if (!name || !is_name(name))
		return wrong(r, "this register has no name", offsets);
	role = strtok_r(NULL, " \t", &save);
	more_words = role ? strtok_r(NULL, " \t", &save) : NULL;
	if (more_words)
		return wrong(r, "one word too many", more_words);
	for (i = 1; role && i < ROLE_MAX; i++)
		if (!strcmp(role, role_names[i]))
			found.role = (enum register_role)i;
	if (role && !found.role)
		return wrong(r, "in, out, set, clear and masked are what a register can be", role);
	more = vec_reserve(b->registers, b->n_registers, &b->registers_capacity, 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	b->registers = more;
	found.name = strdup(name);
	if (!found.name)
		return -ENOMEM;
	b->registers[b->n_registers++] = found;
	return 0;
}

static int read_line(struct reader *r, char *line)
{
	char *word, *rest;

	line += strspn(line, " \t\r");
	line[strcspn(line, "#\r")] = '\0';
	if (!*line)
		return 0;
	word = line;
	rest = line + strcspn(line, " \t");
	if (*rest)
		*rest++ = '\0';
	return strcmp(word, "block") ? read_register(r, word, rest) : read_block(r, rest);
}

int register_names_add(struct register_names *names, const char *text, const char *source,
		       struct failure *f)
{
	_cleanup_free_ char *copy = strdup(text);
	struct reader r = { .names = names, .source = source, .f = f };
	char *rest = copy, *line;
	int err = copy ? 0 : -ENOMEM;

	while (!err && (line = strsep(&rest, "\n"))) {
		r.line++;
		err = read_line(&r, line);
	}
	return err;
}

void register_names_free(struct register_names *r)
{
	struct register_block *b;
	size_t i;

	vec_for_each(r, b) {
		for (i = 0; i < b->n_names; i++)
			free(b->names[i]);
		for (i = 0; i < b->n_registers; i++)
			free(b->registers[i].name);
		free(b->names);
		free(b->addresses);
		free(b->registers);
	}
	free(r->items);
	*r = (struct register_names){ 0 };
}

/* Whether @list has @name between its semicolons. */
static bool lists(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (; list && *list; list += strcspn(list, ";"), list += *list == ';')
		if (strcspn(list, ";") == n && !strncmp(list, name, n))
			return true;
	return false;
}

static bool block_fits(const struct register_block *b, const struct register_keys *keys)
{
	size_t i, k;

	for (i = 0; keys->has_address && i < b->n_addresses; i++)
		if (b->addresses[i] == keys->address)
			return true;
	for (i = 0; i < b->n_names; i++) {
		for (k = 0; k < ARRAY_SIZE(keys->names); k++)
			if (keys->names[k] && !strcmp(keys->names[k], b->names[i]))
				return true;
		if (lists(keys->compatible, b->names[i]))
			return true;
	}
	return false;
}

static const struct register_name *block_find(const struct register_block *b, uint32_t offset)
{
	size_t i;

	for (i = 0; i < b->n_registers; i++)
		if (offset >= b->registers[i].first && offset <= b->registers[i].last)
			return &b->registers[i];
	return NULL;
}

const struct register_name *register_names_find(const struct register_names *r,
						const struct register_keys *keys, uint32_t offset)
{
	const struct register_name *found = NULL;
	size_t i;

	for (i = r->n; !found && i-- > 0;)
		if (block_fits(&r->items[i], keys))
			found = block_find(&r->items[i], offset);
	return found;
}
