/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_REGISTERS_H
#define KMSCOPE_ANALYZE_REGISTERS_H
/* The books of register traffic: what was read from and written to which register of which device. */
#include "analyze/mappings.h"
#include "analyze/pins.h"
#include "analyze/places.h"
#include "analyze/register_names.h"

/* A device, as the source of its accesses names it. */
struct register_device {
	uint8_t source; /* enum register_source */
	char name[REGISTER_NAME_LEN]; /* by the event; empty: none */
	uint64_t place; /* physical address of its block; see .has_phys */
	bool has_phys;
	uint64_t bulk_time; /* of the newest access to several registers at once */
};

struct register_row {
	uint32_t device; /* index */
	uint32_t offset;
	uint64_t address; /* REGISTER_RWMMIO without a known mapping: virtual */
	uint32_t width; /* bytes, the largest; 0: not told */
	uint64_t reads, writes, inputs, outputs;
	uint64_t last_value, set, cleared; /* masks: bits that became 1, 0 */
	bool has_value;
	const struct register_name *name; /* by the tables, or NULL */
	uint64_t single_time; /* of the newest access to it alone */
	uint32_t single_pid; /* … and who that was */
};

#define REGISTERS_MAX 65536 /* rows */

/* An access that is to be printed as it happens. */
struct register_trace {
	uint64_t time, value;
	uint32_t row, bytes, pid, task;
	uint8_t access;
};

struct registers {
	STREAM_VEC(struct register_device) devices;
	STREAM_VEC(struct register_row) rows;
	STREAM_VEC(struct register_trace) traced;
	struct u64map device_of, row_of;
	struct pins pins;
	bool trace; /* collect .traced */
	uint64_t untold; /* accesses to registers that are too many */
};

void registers_init(struct registers *r, bool trace);
void registers_free(struct registers *r);
void registers_enter(struct registers *r, struct stream *s, const struct mappings *m,
		     const struct places *p, const struct register_names *names,
		     const struct event_register *e);

/* The physical address of a row's register; false if it is not known. */
bool register_row_phys(const struct registers *r, const struct register_row *row, uint64_t *ret);
/* Its name in @buf: by the tables, or its number. */
const char *register_row_name(const struct registers *r, const struct register_row *row,
			      char buf[64]);
/* What its device is called, in words; NULL: nobody knows. */
const char *register_row_device(const struct registers *r, const struct places *p,
				const struct register_row *row);

#endif
