// SPDX-License-Identifier: GPL-2.0
#include "maps.bpf.h"

struct cpu_states_map cpu_states SEC(".maps");
struct shared_map shared SEC(".maps");
struct rings_map rings SEC(".maps");
struct marks_map marks SEC(".maps");
struct stacks_map stacks SEC(".maps");
struct children_map children SEC(".maps");
struct cgroups_map cgroups SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
