#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR]: record a program and its next version, and find what the new one forgets to give
# back. Fails if that is not found. Recordings are made in a folder of their own and removed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here/../../build}" && pwd)
kmscope=$out/kmscope

if [ "$(id -u)" != 0 ]; then
	echo "before-and-after: tracing the kernel needs root: run it with sudo" >&2
	exit 3
fi
if [ ! -x "$kmscope" ]; then
	echo "before-and-after: $kmscope is not built: run make first" >&2
	exit 1
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# record_version NAME PIPES: what a program does that opens so many pipes and keeps them open.
# «pipes» is its name, and the kernel frees nothing of it before the recording has ended.
record_version() {
	"$kmscope" record -q --areas slab --comm pipes -o "$work/$1.kms" \
		--ready-file "$work/$1.tracing" &
	local recorder=$! program
	until [ -e "$work/$1.tracing" ]; do sleep 0.01; done
	"$out/tests/live/work_pipes" --hold "$2" --ready "$work/$1.held" >/dev/null &
	program=$!
	until [ -e "$work/$1.held" ]; do sleep 0.01; done
	kill -INT $recorder
	wait $recorder
	kill $program
	wait $program 2>/dev/null || true
}

record_version old 13
record_version new 110

# Both did their work once, however long it took: --as-measured. No root is needed from here on.
echo "== what the new version keeps"
"$kmscope" diff --as-measured -n 3 "$work/old.kms" "$work/new.kms" |
	sed -n '/^Allocated and not freed/,/^$/p'

echo "== would CI have noticed?"
if "$kmscope" diff --as-measured --fail-if 'leaks.bytes > 64K' \
	"$work/old.kms" "$work/new.kms" >/dev/null; then
	echo "before-and-after: no: --fail-if did not hold" >&2
	exit 1
fi

echo "== how did it come to the allocations? (the first lines of a flame graph's input)"
"$kmscope" export "$work/new.kms" --to folded --value leaks.objects >"$work/new.folded"
head -n 2 "$work/new.folded" | cut -c 1-100

"$kmscope" diff --as-measured --json "$work/old.kms" "$work/new.kms" >"$work/diff.json"
python3 "$here/check.py" "$work/diff.json" 97
