#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What tracing costs: a loop untraced, under the floor and the bare reference, under kmscope and
under its peers, in interleaved rounds. Prints a table a loop and writes OUTDIR/bench.json.

The loops: pipe2+close for slab events, touching and dropping memory for page events, and the same
with little memory for page faults.
Added cost is the median over the rounds of the difference to the untraced loops run right before
and right after, so that other work on the machine falls on both.
Nothing here passes or fails: the ratios are to be read.
"""
import argparse
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import figures  # noqa: E402
import tools  # noqa: E402
from figures import median  # noqa: E402
from tools import Run, Unavailable  # noqa: E402

PIECES = 5  # a loop is run in so many pieces, and their median counts
LIVE_OBJECTS = 100000
PAGE = os.sysconf("SC_PAGESIZE")


# --- the loops ---------------------------------------------------------------------------------


class Pipes:
    """pipe2 and two closes: 18 slab events a turn."""

    name, title, unit, units = "pipes", "pipe2+close loop", "turn", 1
    floor, bare, tools = "empty", "bare", staticmethod(tools.slab_tools)
    live = (LIVE_OBJECTS, "objects")
    warm_up = 5000  # turns
    program = "work_pipes"

    def __init__(self, args):
        self.turns, self.rounds = args.turns, args.rounds

    def arguments(self, turns=None, seconds=None):
        return [str(turns)] if turns else ["--seconds", seconds]

    holds = ["--objects", str(LIVE_OBJECTS)]


class Pages:
    """Touch an area page by page, drop it: a page fault, an allocation and a free for each."""

    name, unit = "pages", "page"
    floor, bare, tools = "pages-empty", "pages-bare", staticmethod(tools.page_tools)
    live = (LIVE_OBJECTS * PAGE // 2**20 * 2**20 // PAGE, "pages")
    warm_up = 1
    program = "work_pages"

    def __init__(self, args):
        self.turns, self.mib, self.rounds = args.page_turns, args.page_mib, args.rounds
        self.units = (self.mib << 20) // PAGE
        self.title = "page-fault loop, %d MiB" % self.mib

    def arguments(self, turns=None, seconds=None):
        length = ["--turns", str(turns)] if turns else ["--seconds", seconds]
        return ["--mib", str(self.mib), *length]

    holds = ["--mib", str(LIVE_OBJECTS * PAGE >> 20)]


class Faults(Pages):
    """The same with an area that the caches hold, so that the fault itself is most of what it takes."""

    name, unit = "touch", "fault"
    floor, bare, tools = "faults-empty", "faults-bare", staticmethod(tools.fault_tools)
    live = None  # what is held costs kmscope nothing
    warm_up = 100

    def __init__(self, args):
        # What a fault takes has two levels, some 20 % apart, from run to run (seen in a virtual machine):
        # the medians of few long rounds are of one or the other.
        self.turns, self.mib, self.rounds = args.fault_turns, 4, 2 * args.rounds
        self.units = (self.mib << 20) // PAGE
        self.title = "page-fault loop, %d MiB" % self.mib


LOOPS = (Pipes, Pages, Faults)


# --- the bench ---------------------------------------------------------------------------------


class Bench:
    def __init__(self, out, loop, directory):
        self.out, self.loop, self.dir = os.path.abspath(out), loop, directory
        self.cpus = sorted(os.sched_getaffinity(0))[:2]
        self.program = self.path("tests/live/" + loop.program)

    def path(self, name):
        return os.path.join(self.out, name)

    def loops(self, cpus, **length):
        """
        Run a loop on each of the CPUs at once: the mean of what a unit took, that in CPU time, and
        how many units it was in all.
        """
        loops = [subprocess.Popen(
            [self.program, "--gate", "--cpu", str(cpu), *self.loop.arguments(**length)],
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for cpu in cpus]
        for loop in loops:
            loop.stdin.close()
        texts = []
        for loop in loops:
            texts.append(loop.stdout.read())
            if loop.wait():
                sys.exit("bench: %s failed" % self.loop.program)
        times = [re.search(r"^ns_per_turn ([\d.]+) cpu_ns_per_turn ([\d.]+)", t) for t in texts]
        wall, cpu = (statistics.mean(float(t.group(i)) for t in times) for i in (1, 2))
        turns = [int(re.search(r"^turns (\d+)", t, re.M).group(1)) for t in texts]
        units = self.loop.units
        return wall / units, cpu / units, sum(turns) * units

    def load(self):
        """One CPU (the last, so that a consumer has the other), then both for the same time."""
        last = self.cpus[-1:]
        loop = self.loop
        self.loops(last, turns=loop.warm_up)
        one = [self.loops(last, turns=max(loop.turns // PIECES, 1)) for _ in range(PIECES)]
        two = []
        sample = {"one_ns": median([ns for ns, _, _ in one]),
                  "one_cpu_ns": median([cpu for _, cpu, _ in one])}
        if len(self.cpus) > 1:
            seconds = max(sample["one_ns"] * loop.units * loop.turns / PIECES / 1e9, 0.01)
            two = [self.loops(self.cpus, seconds="%.3f" % seconds) for _ in range(PIECES)]
            sample["two_ns"] = median([ns for ns, _, _ in two])
        sample["units"] = sum(n for _, _, n in one + two) + loop.warm_up * loop.units
        sample["load_s"] = (sum(ns * n for ns, _, n in one) +
                            sum(ns * n / len(self.cpus) for ns, _, n in two)) / 1e9
        return sample

    def measure(self, tool):
        with Run(tool) as run:
            sample = self.load()
            sample.update(run.stop())
        return sample

    def live_objects(self, tool):
        """What it needs while as many objects or pages that it saw allocated are alive."""
        ready = os.path.join(self.dir, "held")
        if os.path.exists(ready):
            os.unlink(ready)
        with Run(tool) as run:
            holder = subprocess.Popen([self.program, "--ready", ready, *self.loop.holds],
                                      stdout=subprocess.DEVNULL)
            while not os.path.exists(ready):
                if holder.poll() is not None:
                    sys.exit("bench: %s can't hold so much" % self.loop.program)
                time.sleep(0.001)
            try:
                return run.stop()
            finally:
                holder.terminate()
                holder.wait()

    def start_time(self, tool):
        with Run(tool) as run:
            start = run.start_s
            run.stop()
        return start

    def check(self, tool):
        """Start it once: is it usable at all, and if not, why?"""
        while True:
            try:
                with Run(tool) as run:
                    run.stop()
                return None
            except Unavailable as reason:
                if not (hasattr(tool, "failed") and tool.failed()):
                    return str(reason)


def run_rounds(bench, usable, rounds, reasons):
    """Every round: every tool (another one first each time) between two untraced loops. One that
    fails is out, and reasons says why."""
    samples = {t.name: [] for t in usable}
    untraced = [bench.load()]
    for i in range(rounds):
        first = i % max(len(usable), 1)
        for tool in usable[first:] + usable[:first]:
            print("\r\033[Kround %d of %d: %s" % (i + 1, rounds, tool.name) if sys.stderr.isatty()
                  else ".", end="", file=sys.stderr, flush=True)
            if reasons[tool.name] is not None:
                continue
            try:
                sample = bench.measure(tool)
            except Unavailable as reason:
                reasons[tool.name] = "failed in round %d: %s" % (i + 1, reason)
                continue
            untraced.append(bench.load())
            before, after = untraced[-2:]
            sample["untraced"] = {k: (before[k] + after[k]) / 2 for k in before}
            samples[tool.name].append(sample)
    print(file=sys.stderr)
    return samples, untraced


def run_extra(bench, usable, rounds):
    """Memory with much alive, and start times; empty where a tool failed."""
    live, starts = {}, {}
    try:
        for tool in usable if bench.loop.live else []:
            if isinstance(tool, (tools.Kmscope, tools.Memleak)):
                live[tool.label] = bench.live_objects(tool)
                live[tool.label]["kmscope"] = isinstance(tool, tools.Kmscope)
        starts = start_times(bench, usable, rounds)
    except Unavailable as reason:
        print("bench: live objects and start times: %s" % reason, file=sys.stderr)
    return live, starts


def start_times(bench, usable, rounds):
    one_line = tools.Bpftrace(bench, "bpftrace-1", "bpftrace, one-line program",
                              tools.SLAB_EVENTS[:1])
    contenders = [t for t in usable if isinstance(t, tools.Kmscope)]
    if contenders and bench.check(one_line) is None:
        contenders.append(one_line)
        times = {t.label: [] for t in contenders}
        for _ in range(rounds):
            for tool in contenders:
                times[tool.label].append(bench.start_time(tool))
        return {label: median(values) for label, values in times.items()}
    return {}


# --- main --------------------------------------------------------------------------------------


def run_loop(loop, args, names):
    """One loop with the tools of those names (all, if there are none): prints it, returns it."""
    with tempfile.TemporaryDirectory(prefix="kmscope-bench.", dir=args.out) as directory:
        bench = Bench(args.out, loop, directory)
        chosen = [t for t in loop.tools(bench) if not names or t.name in names]
        reasons = {t.name: bench.check(t) for t in chosen}
        usable = [t for t in chosen if reasons[t.name] is None]
        samples, untraced = run_rounds(bench, usable, loop.rounds, reasons)
        usable = [t for t in usable if reasons[t.name] is None]
        live, starts = ({}, {}) if args.no_extra else run_extra(bench, usable, args.rounds)

    rows = {}
    for tool in chosen:
        row = {"label": tool.label}
        if reasons[tool.name] is not None:
            row["unavailable"] = reasons[tool.name]
        else:
            row.update(figures.summarize(samples[tool.name]))
        rows[tool.name] = row
    figures.compare(rows, loop)
    figures.print_table(loop, bench.cpus, untraced, rows, loop.rounds)
    figures.print_extra(loop, live, starts)
    if loop.name != "pages":
        figures.print_targets(rows, live, starts)
    return {"unit": loop.unit, "units_a_turn": loop.units, "turns": loop.turns, "variants": rows,
            "live": live, "start_s": starts, "untraced": untraced, "samples": samples}


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("out", help="the build folder")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--turns", type=int, default=60000, help="of the one-CPU pipe loop (60000)")
    p.add_argument("--page-turns", type=int, default=10, help="of the one-CPU page loop (10)")
    p.add_argument("--page-mib", type=int, default=256, help="that each of them touches (256); the "
                   "more, the fewer of the pages come from a CPU's own list")
    p.add_argument("--fault-turns", type=int, default=400, help="of the one-CPU fault loop (400), whose "
                   "rounds are twice as many")
    p.add_argument("--only", help="names, separated by commas: empty bare slab leaks-none "
                   "leaks-auto leaks-all record perf bpftrace memleak (with pipes), pages-empty pages-bare "
                   "pages-all-empty pages-all-bare buddy buddy-map (with pages), faults-empty faults-bare "
                   "faults faults-sample (with touch); pipes, pages, touch: all of these")
    p.add_argument("--no-extra", action="store_true", help="skip live objects and start times")
    p.add_argument("--json", help="write the figures there (OUTDIR/bench.json)")
    args = p.parse_args()
    if min(args.rounds, args.turns, args.page_turns, args.page_mib, args.fault_turns) < 1:
        p.error("--rounds, --turns, --page-turns, --page-mib and --fault-turns must be at least 1")
    return args


def select(loops, only):
    """[(a loop, names of its tools, empty for all)] of what was asked for."""
    if not only:
        return [(loop, ()) for loop in loops]
    left, chosen = set(only.split(",")), []
    for loop in loops:
        mine = left & {t.name for t in loop.tools(Bench(".", loop, "."))}
        if loop.name in left:
            chosen.append((loop, ()))
        elif mine:
            chosen.append((loop, mine))
        left -= mine | {loop.name}
    if left:
        sys.exit("bench: unknown: " + " ".join(sorted(left)))
    return chosen


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to stop"))
    chosen = select([loop(args) for loop in LOOPS], args.only)
    results = {}
    for loop, names in chosen:
        if results:
            print()
        results[loop.name] = run_loop(loop, args, names)
    with open(args.json or os.path.join(args.out, "bench.json"), "w") as f:
        json.dump({"schema": 2, "kernel": platform.release(), "machine": platform.machine(),
                   "cpus": len(os.sched_getaffinity(0)), "rounds": args.rounds, "loops": results},
                  f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
