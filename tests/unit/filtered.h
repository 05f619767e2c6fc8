/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_FILTERED_H
#define KMSCOPE_TESTS_UNIT_FILTERED_H
/*
 * Selections on scripts. A script for two: lines that begin with «-» are of what was recorded, with «+» of what
 * a live run with the selection would have told, with a space of both. Include last.
 */
#include "heard.h"
#include "source/filter.h"

/* Last: it has a macro named fail. */
#include <cmocka.h>

static inline struct filter_options by_pid(uint32_t pid)
{
	return (struct filter_options){ .config = { .select = SELECT_PID, .pid = pid } };
}

static inline struct filter_options by_comm(const char *comm)
{
	struct filter_options o = { .config = { .select = SELECT_COMM } };

	snprintf(o.config.comm, sizeof(o.config.comm), "%s", comm);
	return o;
}

static inline struct filter_options by_size(uint32_t min, uint32_t max)
{
	return (struct filter_options){
		.config = { .select = SELECT_SIZE, .min_size = min, .max_size = max }
	};
}

static inline struct filter_options by_cache(const char *name)
{
	struct filter_options o = { .config = { .select = SELECT_CACHE } };

	snprintf(o.config.cache_name, sizeof(o.config.cache_name), "%s", name);
	return o;
}

static inline enum filter_missing play(struct filter_options o, const char *script,
				       const struct event_sink *out)
{
	struct filter *f = NULL;
	enum filter_missing missing;

	assert_int_equal(filter_new(&o, out, &f), 0);
	fixture_play(script, &(struct event_sink){ .consume = filter_consume, .arg = f });
	assert_false(filter_oom(f));
	assert_int_equal(filter_ended(f), o.from_ns || o.to_ns);
	missing = filter_missing(f);
	filter_free(&f);
	assert_null(f);
	return missing;
}

static inline void assert_selected(struct filter_options o, const char *script)
{
	_cleanup_free_ char *recorded = script_part(script, '-'), *live = script_part(script, '+');
	struct heard got, expected;
	struct event_sink out = heard_begin(&got);

	play(o, recorded, &out);
	heard_end(&got);
	out = heard_begin(&expected);
	fixture_play(live, &out);
	heard_end(&expected);
	assert_string_equal(got.text, expected.text);
	assert_int_equal(got.n_bytes, expected.n_bytes);
	assert_memory_equal(got.bytes, expected.bytes, got.n_bytes);
	heard_free(&got);
	heard_free(&expected);
}

#define START(selected, hooked)                                                          \
	"-0 cpu0 start n_cpus=3 hooked=65536\n+0 cpu0 start n_cpus=3 selected=" selected \
	" hooked=" hooked "\n"
#define SELECTED START("1", "65536")
#define PROCESS	 START("2", "65536")

#endif
