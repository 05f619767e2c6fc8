#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [OUTDIR]: what `make run` calls. Traces this machine for 10 s, with «kmscope slab» and
# «kmscope leaks» at the same time, while a small workload gives them something to see. Prints both
# reports and says what to look at. SECONDS_TO_TRACE is for tests. Ctrl-C ends the tracing early.
set -eu

seconds=${SECONDS_TO_TRACE:-10}
out=${1:-$(dirname "$0")/../../build}
kmscope=$out/kmscope
noise=$out/tests/live/work_noise

if [ "$(id -u)" != 0 ]; then
	echo "first-look: tracing the kernel needs root: sudo make run" >&2
	exit 3
fi
for program in "$kmscope" "$noise"; do
	if [ ! -x "$program" ]; then
		echo "first-look: $program is not built: sudo make run builds it" >&2
		exit 1
	fi
done

work=$(mktemp -d)
slab='' leaks='' workload=''
clean_up() {
	trap '' INT TERM
	for pid in $slab $leaks $workload; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 143' TERM
# What runs in the background does not hear Ctrl-C: pass it on, and go on to the reports.
stop_tracing() {
	for pid in $slab $leaks; do
		kill "$pid" 2>/dev/null || true
	done
}
trap stop_tracing INT

# wait_for PID: until it has ended, although a signal may come meanwhile; returns its exit code.
wait_for() {
	local rc=0
	while :; do
		wait "$1" && rc=0 || rc=$?
		kill -0 "$1" 2>/dev/null || return "$rc"
	done
}

"$kmscope" slab -q -n 5 -d "$seconds" --ready-file "$work/slab.ready" \
	>"$work/slab" 2>"$work/slab.err" &
slab=$!
"$kmscope" leaks -q -n 3 -d "$seconds" --ready-file "$work/leaks.ready" \
	>"$work/leaks" 2>"$work/leaks.err" &
leaks=$!
while [ ! -e "$work/slab.ready" ] || [ ! -e "$work/leaks.ready" ]; do
	if ! kill -0 $slab 2>/dev/null || ! kill -0 $leaks 2>/dev/null; then
		echo "first-look: kmscope did not start:" >&2
		cat "$work"/*.err >&2
		exit 1
	fi
	sleep 0.05
done

# The workload outlives the tracing: what it keeps is still there when the reports are made. In a
# session of its own it does not hear Ctrl-C.
setsid "$noise" $((seconds + 60)) >/dev/null &
workload=$!
echo "Tracing this machine for $seconds s while a small program makes the kernel allocate."
echo "Ctrl-C ends it early."

failed=0
wait_for $slab || failed=1
wait_for $leaks || failed=1
slab='' leaks=''
if [ $failed = 1 ]; then
	cat "$work"/*.err >&2
	exit 1
fi

cat <<'END'

=== kmscope slab: what does rounding waste? ========================================

END
cat "$work/slab"
cat <<'END'

Look at the first rows: a call site, how often it allocated, and what it was given
beyond what it asked for. TYPICAL is the size it asks for most, where the terminal is
wide enough. How to read the rest: docs/reading-slab.md

=== kmscope leaks: what was not freed? =============================================

END
cat "$work/leaks"
cat <<'END'

Look for rows that grow. alloc_pipe_info is the workload's doing: it keeps one pipe in
ten open. What may well have leaked comes first; rows further down (-n 0) whose frees
"were not seen" only look like it. Why, and what to do next: docs/reading-leaks.md
END

for report in slab leaks; do
	if grep -q -e '^  no slab allocations' -e '^  everything that was' "$work/$report"; then
		echo "first-look: the report of kmscope $report is empty" >&2
		exit 1
	fi
done
