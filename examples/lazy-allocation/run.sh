#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR [FOLDER]]: what page faults 1 MiB of memory costs, taken in several ways, by
# getrusage() and by «kmscope faults». FOLDER is where the file for some of them is made (OUTDIR).
# Fails if the two differ, or if they are not what theory asks for.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(cd "${1:-$here/../../build}" && pwd)
folder=$(cd "${2:-$out}" && pwd)

if [ "$(id -u)" != 0 ]; then
	echo "lazy-allocation: tracing the kernel needs root: run it with sudo" >&2
	exit 3
fi
if [ ! -x "$out/kmscope" ]; then
	echo "lazy-allocation: $out/kmscope is not built: run make first" >&2
	exit 1
fi
work=$(mktemp -d -p "$folder" lazy.XXXXXX)
trap 'rm -rf "$work"' EXIT
# -z now: no function is looked up at its first call, which touches pages of its own
"${CC:-cc}" -O2 -Wl,-z,now -o "$work/lazy" "$here/lazy.c"

# For the reader. Each way is a process with its name; the program is the one that starts them.
"$out/kmscope" faults --quiet -- "$work/lazy" "$work/file"

# The same for check.py. The program's output goes elsewhere: standard output is kmscope's report.
# shellcheck disable=SC2016 # the inner shell expands it
"$out/kmscope" faults --quiet --json -- \
	sh -c 'exec "$1" "$2" >"$3"' sh "$work/lazy" "$work/file" "$work/results" >"$work/report"
echo
python3 "$here/check.py" "$(getconf PAGESIZE)" "$work/file" "$work/results" "$work/report"
