// SPDX-License-Identifier: GPL-2.0
/* Register traffic through the kernel's regmap library, to registers that are a few words of memory. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/regmap.h>

#include "truth.h"

#if IS_ENABLED(CONFIG_REGMAP)

#define REGISTERS 8 /* of 4 bytes */

struct traffic {
	struct regmap *map;
	u64 turn;
	u64 writes;
	u64 reads;
	u64 wrong; /* what was read is not what was written */
};

static u32 words[REGISTERS];

static int word_read(void *context, unsigned int offset, unsigned int *ret)
{
	*ret = words[offset / 4];
	return 0;
}

static int word_write(void *context, unsigned int offset, unsigned int value)
{
	words[offset / 4] = value;
	return 0;
}

static const struct regmap_config config = {
	.name = "truth.registers",
	.reg_bits = 32,
	.reg_stride = 4,
	.val_bits = 32,
	.max_register = 4 * (REGISTERS - 1),
	.reg_read = word_read,
	.reg_write = word_write,
};

/* Turn I writes I to register I modulo 8, and reads it back. */
static void registers_step(void *context, u64 n)
{
	struct traffic *traffic = context;

	for (; n; n--, traffic->turn++) {
		unsigned int offset = ((u32)traffic->turn % REGISTERS) * 4;
		unsigned int value = 0;

		traffic->writes += !regmap_write(traffic->map, offset, (u32)traffic->turn);
		traffic->reads += !regmap_read(traffic->map, offset, &value);
		traffic->wrong += value != (u32)traffic->turn;
	}
}

int truth_run_registers(const struct truth_command *command, const u64 *args)
{
	struct traffic traffic = { .map = regmap_init(NULL, NULL, NULL, &config) };
	int err;

	if (IS_ERR(traffic.map))
		return truth_error(PTR_ERR(traffic.map), "no regmap");
	err = truth_repeat(args[TRUTH_WORD_COUNT], registers_step, &traffic);
	regmap_exit(traffic.map);
	truth_result.done = traffic.turn;
	snprintf(truth_result.text, sizeof(truth_result.text), " writes=%llu reads=%llu wrong=%llu",
		 traffic.writes, traffic.reads, traffic.wrong);
	return err;
}

#else

int truth_run_registers(const struct truth_command *command, const u64 *args)
{
	return truth_error(-EOPNOTSUPP, "this kernel has no regmap");
}

#endif
