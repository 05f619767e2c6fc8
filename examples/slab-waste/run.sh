#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR [PROGRAM ARGS…]]: find the call site that wastes most by rounding, and explain its
# row in words. Traces while PROGRAM runs, or 5 s of the demonstration workload. Fails if nothing
# was seen.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here/../../build}" && pwd)
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- "$out/tests/live/work_noise" 5

if [ "$(id -u)" != 0 ]; then
	echo "slab-waste: tracing the kernel needs root: run it with sudo" >&2
	exit 3
fi
if [ ! -x "$out/kmscope" ]; then
	echo "slab-waste: $out/kmscope is not built: run make first" >&2
	exit 1
fi
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# --child: what this program and its children allocate, not what else happens on the machine.
# The program's own output goes to standard error: standard output is kmscope's report.
# shellcheck disable=SC2016 # the inner shell expands it
"$out/kmscope" slab --json --quiet --child -- sh -c '"$@" >&2' sh "$@" >"$report"
python3 "$here/explain.py" "$report"
