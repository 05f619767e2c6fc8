/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_ANALYZE_PINS_H
#define KMSCOPE_ANALYZE_PINS_H
/* The levels of pins over time, as accesses tell them. */
#include "base/base.h"
#include "base/u64map.h"

#define PINS_SLOTS 256 /* of time; when it does not suffice, each becomes twice as long */
#define PINS_MAX   256 /* pins that are followed */

enum pin_state { PIN_UNKNOWN, PIN_LOW, PIN_HIGH, PIN_BOTH }; /* bits: seen low, seen high */

struct pin {
	uint64_t owner; /* number of its controller, as the caller counts them */
	uint32_t number;
	bool high, known;
	bool changed; /* in slot .last */
	uint64_t changes;
	size_t last; /* slot up to which .slots are filled */
	uint8_t slots[PINS_SLOTS]; /* enum pin_state; with one change in it, the level after that */
};

struct pins {
	struct pin *items;
	size_t n, capacity;
	struct u64map pin_of;
	uint64_t slot_ns;
	uint64_t first, last; /* when the first level was told, and the last; .first 0: none was */
	uint64_t untold; /* changes of pins that are too many */
	bool oom;
};

void pins_init(struct pins *p);
void pins_free(struct pins *p);

/* At @time, pin @number of @owner is high or low. With @known_only nothing is told of other pins. */
void pins_level(struct pins *p, uint64_t time, uint64_t owner, uint32_t number, bool high,
		bool known_only);
/* The state of pin @pin in part @i of @n of the time between .first and .last. */
enum pin_state pins_state(const struct pins *p, const struct pin *pin, size_t i, size_t n);

#endif
