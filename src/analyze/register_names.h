/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_REGISTER_NAMES_H
#define KMSCOPE_ANALYZE_REGISTER_NAMES_H
/*
 * Names of registers, from tables as text; some are built in, --registers FILE adds more. A line is one of
 *
 *	block NAME…			the registers that follow are those of such a device: NAME is the
 *					device's, its driver's, one that it is compatible with, or 0xADDRESS
 *	0xOFFSET[-0xLAST] NAME [ROLE]	a register, from the block's beginning
 *	# …				a comment
 *
 * ROLE says what its bits mean for pins: in (their levels), out (the levels they are driven to), set
 * (ones make them high), clear (ones make them low), masked (levels of the pins in bits 2 to 9 of the
 * offset, as PL061 has it).
 */
#include "base/base.h"
#include "base/failure.h"

enum register_role {
	ROLE_NONE,
	ROLE_IN,
	ROLE_OUT,
	ROLE_SET,
	ROLE_CLEAR,
	ROLE_MASKED,
	ROLE_MAX,
};

struct register_name {
	uint32_t first, last; /* offsets */
	char *name; /* owned */
	enum register_role role;
};

struct register_block {
	char **names; /* owned, as they are */
	size_t n_names, names_capacity;
	uint64_t *addresses; /* of those that are 0xADDRESS */
	size_t n_addresses, addresses_capacity;
	struct register_name *registers;
	size_t n_registers, registers_capacity;
};

struct register_names {
	struct register_block *items;
	size_t n, capacity;
};

/* By what a block may be known. NULL: not at all. */
struct register_keys {
	const char *names[3];
	const char *compatible; /* names with «;» between */
	bool has_address;
	uint64_t address;
};

/* The tables that are built in: GPIO of AM335x and other OMAPs, PL061. */
extern const char register_names_builtin[];

/* Add what @text says. -EINVAL with a failure that names the line (of @source), or -ENOMEM. */
int register_names_add(struct register_names *r, const char *text, const char *source,
		       struct failure *f);
void register_names_free(struct register_names *r);

/*
 * The register at @offset of a block that goes by one of @keys, or NULL. What was added later comes first;
 * a block that has no such register leaves it to the ones before.
 */
const struct register_name *register_names_find(const struct register_names *r,
						const struct register_keys *keys, uint32_t offset);

#endif
