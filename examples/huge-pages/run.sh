#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR [MIB]]: touch MIB (64) of fresh memory page by page, then the same in huge pages,
# trace both with «kmscope buddy», and compare which blocks the kernel handed out. Fails if the counts
# are not those that theory asks for.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here/../../build}" && pwd)
mib=${2:-64}
work=$out/tests/live/work_pages

case $mib in
'' | 0* | *[!0-9]*)
	echo "huge-pages: MIB is a number from 1, not «$mib»" >&2
	exit 2
	;;
esac
if [ "$(id -u)" != 0 ]; then
	echo "huge-pages: tracing the kernel needs root: run it with sudo" >&2
	exit 3
fi
for program in "$out/kmscope" "$work"; do
	if [ ! -x "$program" ]; then
		echo "huge-pages: $program is not built: sudo make run builds it" >&2
		exit 1
	fi
done
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT

# trace NAME OPTIONS…: --child and --comm leave only what the workload does under its own name, which
# it takes once all else that it needs has been touched. Its output goes elsewhere: standard output
# is kmscope's report.
trace() {
	local name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	"$out/kmscope" buddy --json --quiet --child --comm pages --stacks none -- \
		sh -c 'exec "$@" >&2' sh "$work" --mib "$mib" --turns 1 "$@" >"$reports/$name"
}

trace small
huge=/sys/kernel/mm/transparent_hugepage
size=0
if [ -e $huge/hpage_pmd_size ] && ! grep -q '\[never\]' $huge/enabled; then
	size=$(cat $huge/hpage_pmd_size)
	trace huge --huge
fi
python3 "$here/compare.py" "$mib" "$(getconf PAGESIZE)" "$size" "$reports"
