/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BPF_MAPS_H
#define KMSCOPE_BPF_MAPS_H
/*
 * The maps that every program object shares. Defined in maps.bpf.c, which is linked into each
 * object; user space makes the objects use the same maps. Sizes are set by user space.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <stdbool.h>

#include "config.h"

#define STACK_DEPTH 64 /* EVENT_STACK_DEPTH */

struct cpu_states_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct cpu_state);
};

struct shared_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct shared_state);
};

struct rings_map {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

struct marks_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct marks);
};

struct stacks_map {
	__uint(type, BPF_MAP_TYPE_STACK_TRACE);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, STACK_DEPTH * sizeof(__u64));
};

struct children_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u8);
};

struct cgroups_map {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
};

extern struct cpu_states_map cpu_states SEC(".maps");
extern struct shared_map shared SEC(".maps");
extern struct rings_map rings SEC(".maps");
extern struct marks_map marks SEC(".maps");
extern struct stacks_map stacks SEC(".maps");
extern struct children_map children SEC(".maps");
extern struct cgroups_map cgroups SEC(".maps");

#endif
