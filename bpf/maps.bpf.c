// SPDX-License-Identifier: GPL-2.0
/* What is linked into every program object: the shared maps, and what user space sets before loading. */
#include "maps.bpf.h"

#include "events.h"

const volatile struct config config = {
	.sample = 1,
	.stacks = 1,
	.area_stacks = 1,
	.user_stacks = 1,
	.wake_bytes = 1 << 16,
};
const volatile __u32 events_abi = EVENTS_ABI;

struct cpu_states_map cpu_states SEC(".maps");
struct shared_map shared SEC(".maps");
struct rings_map rings SEC(".maps");
struct marks_map marks SEC(".maps");
struct stacks_map stacks SEC(".maps");
struct children_map children SEC(".maps");
struct cgroups_map cgroups SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
