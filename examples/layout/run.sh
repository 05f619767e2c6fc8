#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR [FUNCTION]]: where is a function of the kernel, virtually and physically? Looks its
# address up in /proc/kallsyms, asks «kmscope layout» what that is, and then what the physical
# address is that it names. Fails if either is not known.
set -eu

out=${1:-$(dirname "$0")/../../build}
function=${2:-vfree}
kmscope=$out/kmscope

if [ "$(id -u)" != 0 ]; then
	echo "layout: the kernel shows its addresses to root only: run it with sudo" >&2
	exit 3
fi
if [ ! -x "$kmscope" ]; then
	echo "layout: $kmscope is not built: run make first" >&2
	exit 1
fi

address=$(awk -v name="$function" '$3 == name && NF == 3 { print $1; exit }' /proc/kallsyms)
if [ -z "$address" ]; then
	echo "layout: this kernel has no function $function" >&2
	exit 1
fi

echo "/proc/kallsyms has $function at 0x$address. As an address that is:"
echo
"$kmscope" layout --quiet --address "0x$address"

# The same for programs: the physical address, from the JSON report.
physical=$("$kmscope" layout --quiet --json --address "0x$address" |
	sed -n 's/.*"kind":"kernel image"[^}]*"physical":"\(0x[0-9a-f]*\)".*/\1/p')
if [ -z "$physical" ]; then
	echo "layout: where that is physically is not known on this kernel" >&2
	exit 1
fi
echo
echo "Its first byte is in RAM at $physical. Taken as an address that is:"
echo
"$kmscope" layout --quiet --address "$physical"
