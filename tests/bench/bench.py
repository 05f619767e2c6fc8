#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What tracing costs: the pipe2+close loop untraced, under the floor and the bare reference, under
kmscope and under its peers, in interleaved rounds. Prints a table and writes OUTDIR/bench.json.

Added cost is the median over the rounds of the difference to the untraced loops run right before
and right after, so that other work on the machine falls on both.
Nothing here passes or fails: the ratios are to be read.
"""
import argparse
import json
import os
import platform
import pty
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

READY_TIMEOUT = 60  # seconds
STOP_TIMEOUT = 120
WARM_UP_TURNS = 5000
PIECES = 5  # a loop is run in so many pieces, and their median counts
SLAB_EVENTS = ["kmem:kmalloc", "kmem:kfree", "kmem:kmem_cache_alloc", "kmem:kmem_cache_free"]
RINGBUF = "27"  # BPF_MAP_TYPE_RINGBUF
RING_MAPPINGS = ("bpf-map", "[perf_event]")
LIVE_OBJECTS = 100000


class Unavailable(Exception):
    """This variant can't be measured here; the text says why."""


# --- the tools ---------------------------------------------------------------------------------


class Tool:
    """One tool with its options. command() may use self.dir; ready() waits until it traces."""

    def __init__(self, bench, name, label):
        self.bench, self.name, self.label = bench, name, label
        self.dir = os.path.join(bench.dir, name)

    def command(self):
        raise NotImplementedError

    def is_ready(self, run):
        """By default: the file that the tool was told to create."""
        return os.path.exists(os.path.join(self.dir, "ready"))

    def result(self, run):
        """(events, lost) as the tool itself tells, None where it doesn't."""
        return None, None

    terminal = False  # whether standard output must look like a terminal
    pass_fds = ()


class Reference(Tool):
    def command(self):
        return [self.bench.path("tests/bench/reference"), self.name,
                "--ready", os.path.join(self.dir, "ready")]

    def result(self, run):
        answer = json.loads(run.output())
        return answer["events"], answer["lost"]


class Kmscope(Tool):
    def __init__(self, bench, name, label, arguments):
        super().__init__(bench, name, label)
        self.arguments = arguments

    def command(self):
        program = self.bench.path("kmscope")
        if not os.path.exists(program):
            raise Unavailable("not built")
        return [program, *self.arguments, "--json", "-d", "3600",
                "--ready-file", os.path.join(self.dir, "ready")]

    def result(self, run):
        lines = run.output().strip().splitlines()
        if not lines:
            raise Unavailable("no report: " + run.last_words())
        quality = json.loads(lines[-1])["quality"]
        lost = (quality["lost"] or 0) + (quality.get("map_full") or 0)
        return quality["events"], lost


class Perf(Tool):
    """perf kmem record where it works; Debian's perf 6.1 wants tracepoints that 6.1 removed."""

    def __init__(self, bench):
        super().__init__(bench, "perf", "perf kmem record")
        self.plain = False

    def command(self):
        if not shutil.which("perf"):
            raise Unavailable("not installed")
        self.data = os.path.join(self.dir, "perf.data")
        self.control_read, self.control_write = os.pipe()
        self.ack_read, self.ack_write = os.pipe()
        os.set_blocking(self.ack_read, False)
        self.pass_fds = (self.control_read, self.ack_write)
        self.asked = False
        options = ["-o", self.data, "-D", "-1",
                   "--control", "fd:%d,%d" % (self.control_read, self.ack_write)]
        if not self.plain:
            return ["perf", "kmem", "record", *options]
        self.label = "perf record (4 events)"
        events = [word for e in SLAB_EVENTS for word in ("-e", e)]
        return ["perf", "record", "-a", "-R", "-c", "1", *events, *options]

    def is_ready(self, run):
        if not self.asked:
            os.write(self.control_write, b"enable\n")
            self.asked = True
        try:
            return b"ack" in os.read(self.ack_read, 64)
        except BlockingIOError:
            return False

    def failed(self):
        """The next thing to try, if there is one."""
        self.close()
        again, self.plain = not self.plain, True
        return again

    def close(self):
        for fd in (self.control_read, self.control_write, self.ack_read, self.ack_write):
            os.close(fd)

    def result(self, run):
        self.close()
        samples = re.search(r"\((\d+) samples\)", run.output())
        lost = re.search(r"lost (\d+)", run.output(), re.I)
        os.unlink(self.data)
        return int(samples.group(1)) if samples else None, int(lost.group(1)) if lost else None


class Bpftrace(Tool):
    terminal = True

    def __init__(self, bench, name, label, events):
        super().__init__(bench, name, label)
        self.events = events

    def command(self):
        if not shutil.which("bpftrace"):
            raise Unavailable("not installed")
        # What BEGIN prints is shown once everything is attached.
        program = 'BEGIN { printf("ready\\n"); } '
        program += " ".join("tracepoint:%s { @[args->call_site] = count(); }" % e
                            for e in self.events)
        return ["bpftrace", "-e", program]

    def is_ready(self, run):
        return "ready" in run.output()

    def result(self, run):
        counts = re.findall(r"^@\[.*\]: (\d+)", run.output(), re.M)
        lost = re.findall(r"Lost (\d+) events", run.output())
        return sum(map(int, counts)), sum(map(int, lost))


class Memleak(Tool):
    """bcc's memleak: $MEMLEAK, else the CO-RE one, else the Python one. It never tells a loss."""

    terminal = True

    def __init__(self, bench):
        super().__init__(bench, "memleak", "bcc memleak")
        names = ["memleak", "memleak-libbpf", "memleak-bpfcc"]
        if os.environ.get("MEMLEAK"):
            names = [os.environ["MEMLEAK"]]
        self.candidates = [p for p in map(shutil.which, names) if p]

    def command(self):
        if not self.candidates:
            raise Unavailable("not installed")
        self.label = os.path.basename(self.candidates[0])
        return [self.candidates[0], "3600"]

    def is_ready(self, run):
        # "Attaching to kernel allocators, Ctrl+C to quit." or "Tracing outstanding …"
        return bool(re.search(r"Ctrl.C", run.output()))

    def failed(self):
        return bool(self.candidates[1:]) and bool(self.candidates.pop(0))


# --- running one -------------------------------------------------------------------------------


class Run:
    """A tool that was started and is ready; use with `with`, then stop()."""

    def __init__(self, tool):
        self.tool = tool
        shutil.rmtree(tool.dir, ignore_errors=True)
        os.makedirs(tool.dir)
        self.usage_file = os.path.join(tool.dir, "usage")
        self.chunks, self.reader = [], None
        command = [tool.bench.path("tests/bench/meter"), self.usage_file, *tool.command()]
        begin = time.monotonic()
        if tool.terminal:
            master, slave = pty.openpty()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=slave,
                                            stderr=slave, start_new_session=True)
            os.close(slave)
            self.reader = threading.Thread(target=self.read_terminal, args=(master,), daemon=True)
            self.reader.start()
        else:
            with open(os.path.join(tool.dir, "out"), "w") as out, \
                    open(os.path.join(tool.dir, "err"), "w") as err:
                self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                                stderr=err, pass_fds=tool.pass_fds,
                                                start_new_session=True)
        try:
            self.wait_until_ready(begin)
        except BaseException:
            self.end()
            raise

    def wait_until_ready(self, begin):
        while not self.tool.is_ready(self):
            if self.process.poll() is not None:
                raise Unavailable(self.last_words())
            if time.monotonic() - begin > READY_TIMEOUT:
                raise Unavailable("not ready after %d s" % READY_TIMEOUT)
            time.sleep(0.0005)
        self.start_s = time.monotonic() - begin
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid)) as f:
            self.pid = int(f.read().split()[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def read_terminal(self, fd):
        try:
            while chunk := os.read(fd, 65536):
                self.chunks.append(chunk)
        except OSError:  # the other side was closed
            pass
        os.close(fd)

    def output(self):
        if self.reader:
            return b"".join(self.chunks).decode(errors="replace").replace("\r", "")
        text = ""
        for name in ("out", "err") if isinstance(self.tool, Perf) else ("out",):
            with open(os.path.join(self.tool.dir, name), errors="replace") as f:
                text += f.read()
        return text

    def last_words(self):
        self.end()
        text = self.output()
        if not self.reader:
            with open(os.path.join(self.tool.dir, "err"), errors="replace") as f:
                text += f.read()
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][:200] if lines else "ended with %s" % self.process.returncode

    def memory(self):
        """Bytes now: resident anonymous, peak, the part that is ring buffers, kernel maps."""
        m = {"anon": 0, "peak": 0, "rings": 0, "maps": 0}
        with open("/proc/%d/status" % self.pid) as f:
            for line in f:
                if line.startswith("VmHWM:"):
                    m["peak"] = int(line.split()[1]) * 1024
                elif line.startswith("RssAnon:"):
                    m["anon"] = int(line.split()[1]) * 1024
        with open("/proc/%d/smaps" % self.pid) as f:
            ring = False
            for line in f:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    ring = line.strip().endswith(RING_MAPPINGS)
                elif ring and line.startswith("Rss:"):
                    m["rings"] += int(line.split()[1]) * 1024
        maps = {}
        for fd in os.listdir("/proc/%d/fdinfo" % self.pid):
            try:
                with open("/proc/%d/fdinfo/%s" % (self.pid, fd)) as f:
                    info = dict(line.split(":\t", 1) for line in f.read().splitlines()
                                if ":\t" in line)
            except OSError:
                continue
            if "map_type" in info and info["map_type"].strip() != RINGBUF:
                maps[info["map_id"]] = int(info["memlock"])
        m["maps"] = sum(maps.values())
        return m

    def stop(self):
        """End it as a user would, and return what it used and told."""
        try:
            memory = self.memory()
            os.kill(self.pid, signal.SIGINT)
        except OSError:
            raise Unavailable("ended by itself: " + self.last_words()) from None
        try:
            self.process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            raise Unavailable("still running %d s after SIGINT" % STOP_TIMEOUT) from None
        if self.reader:
            self.reader.join(5)
        with open(self.usage_file) as f:
            usage = json.load(f)
        events, lost = self.tool.result(self)
        # The report is made after SIGINT, so the final peak is the truer one.
        peak = max(memory["peak"], usage["max_rss_kb"] * 1024)
        return {"events": events, "lost": lost, "start_s": self.start_s,
                "cpu_s": usage["user_s"] + usage["system_s"],
                "peak_bytes": peak - memory["rings"], "peak_with_rings_bytes": peak,
                "anon_bytes": memory["anon"], "ring_bytes": memory["rings"],
                "kernel_map_bytes": memory["maps"]}

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


# --- the bench ---------------------------------------------------------------------------------


class Bench:
    def __init__(self, out, turns, directory):
        self.out, self.turns, self.dir = os.path.abspath(out), turns, directory
        self.cpus = sorted(os.sched_getaffinity(0))[:2]

    def path(self, name):
        return os.path.join(self.out, name)

    def loops(self, cpus, *arguments):
        """Run a loop on each of the CPUs at once; the mean of what they measured."""
        program = self.path("tests/live/work_pipes")
        loops = [subprocess.Popen([program, "--gate", "--cpu", str(cpu), *arguments], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE) for cpu in cpus]
        for loop in loops:
            loop.stdin.close()
        texts = []
        for loop in loops:
            texts.append(loop.stdout.read())
            if loop.wait():
                sys.exit("bench: work_pipes failed")
        times = [float(re.search(r"^ns_per_turn ([\d.]+)", t).group(1)) for t in texts]
        turns = [int(re.search(r"^turns (\d+)", t, re.M).group(1)) for t in texts]
        return statistics.mean(times), sum(turns)

    def load(self):
        """One CPU (the last, so that a consumer has the other), then both for the same time."""
        last = self.cpus[-1:]
        self.loops(last, str(WARM_UP_TURNS))
        one = [self.loops(last, str(max(self.turns // PIECES, 1))) for _ in range(PIECES)]
        two = []
        sample = {"one_ns": median([ns for ns, _ in one])}
        if len(self.cpus) > 1:
            seconds = "%.3f" % max(sample["one_ns"] * self.turns / PIECES / 1e9, 0.01)
            two = [self.loops(self.cpus, "--seconds", seconds) for _ in range(PIECES)]
            sample["two_ns"] = median([ns for ns, _ in two])
        sample["turns"] = sum(turns for _, turns in one + two) + WARM_UP_TURNS
        sample["load_s"] = (sum(ns * turns for ns, turns in one) +
                            sum(ns * turns / len(self.cpus) for ns, turns in two)) / 1e9
        return sample

    def measure(self, tool):
        with Run(tool) as run:
            sample = self.load()
            sample.update(run.stop())
        return sample

    def live_objects(self, tool):
        """What it needs while LIVE_OBJECTS objects that it saw allocated are alive."""
        ready = os.path.join(self.dir, "held")
        if os.path.exists(ready):
            os.unlink(ready)
        with Run(tool) as run:
            holder = subprocess.Popen([self.path("tests/live/work_pipes"), "--ready", ready,
                                       "--objects", str(LIVE_OBJECTS)], stdout=subprocess.DEVNULL)
            while not os.path.exists(ready):
                if holder.poll() is not None:
                    sys.exit("bench: work_pipes --objects failed")
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


def tools(bench):
    return [
        Reference(bench, "empty", "empty programs (floor)"),
        Reference(bench, "bare", "bare streaming"),
        Kmscope(bench, "slab", "kmscope slab", ["slab"]),
        *[Kmscope(bench, "leaks-" + s, "kmscope leaks, stacks " + s, ["leaks", "--stacks", s])
          for s in ("none", "auto", "all")],
        Perf(bench),
        Bpftrace(bench, "bpftrace", "bpftrace, count by site", SLAB_EVENTS),
        Memleak(bench),
    ]


# --- figures -----------------------------------------------------------------------------------


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def ratio(a, b):
    return a / b if a is not None and b and b > 0 else None


def summarize(samples):
    """The medians of one tool's rounds."""
    def added(key):
        return median([s[key] - s["untraced"][key] for s in samples if key in s])

    def of(key):
        return median([s.get(key) for s in samples])

    row = {"added_ns": added("one_ns"), "added_ns_two_cpus": added("two_ns"),
           "events_per_s": median([s["events"] / s["load_s"] for s in samples
                                   if s["events"] is not None])}
    lost = [s["lost"] for s in samples if s["lost"] is not None]
    row["lost"] = sum(lost) if lost else None
    for key in ("cpu_s", "load_s", "peak_bytes", "peak_with_rings_bytes", "anon_bytes",
                "ring_bytes", "kernel_map_bytes", "start_s"):
        row[key] = of(key)
    row["two_to_one"] = ratio(row["added_ns_two_cpus"], row["added_ns"])
    return row


def compare(rows):
    for row in rows.values():
        if "added_ns" not in row:
            continue
        for other, key in (("empty", "to_floor"), ("bare", "to_bare"), ("memleak", "to_memleak")):
            row[key] = ratio(row["added_ns"], rows.get(other, {}).get("added_ns"))


def number(value, form="%.0f", scale=1.0):
    return "-" if value is None else form % (value * scale)


LEGEND = """
added: median of the differences to the untraced loops before and after; 2 CPUs: a loop on each, the
tool's own work included; lost: in all rounds, as the tool tells; CPU s: the tool's, a round; peak:
resident, without ring buffers; start: until it traces."""


def print_table(bench, untraced, rows, rounds):
    def one(key):
        return median([u.get(key) for u in untraced])

    print("pipe2+close loop, %d rounds of %d turns, Linux %s, CPUs %s" %
          (rounds, bench.turns, platform.release(), ",".join(map(str, bench.cpus))))
    print("untraced: %.0f ns a turn on one CPU, %s ns on both" %
          (one("one_ns"), number(one("two_ns"))))
    print("\n%-26s %8s %6s %6s %8s %6s %8s %6s %6s %7s %6s" %
          ("", "added", "to", "to", "2 CPUs", "2 CPUs", "events", "", "CPU", "peak", "start"))
    print("%-26s %8s %6s %6s %8s %6s %8s %6s %6s %7s %6s" %
          ("", "ns/turn", "floor", "bare", "ns/turn", "to one", "k/s", "lost", "s", "MiB", "ms"))
    for row in rows.values():
        if "unavailable" in row:
            print("%-26s not measured: %s" % (row["label"], row["unavailable"]))
            continue
        print("%-26s %8s %6s %6s %8s %6s %8s %6s %6s %7s %6s" % (
            row["label"], number(row["added_ns"]), number(row["to_floor"], "%.2f"),
            number(row["to_bare"], "%.2f"), number(row["added_ns_two_cpus"]),
            number(row["two_to_one"], "%.2f"), number(row["events_per_s"], "%.0f", 1e-3),
            number(row["lost"]), number(row["cpu_s"], "%.2f"),
            number(row["peak_bytes"], "%.1f", 2**-20), number(row["start_s"], "%.0f", 1e3)))
    print(LEGEND)


def print_extra(live, starts):
    if live:
        print("\nwith %d live objects: peak MiB without rings (anonymous; BPF maps)" % LIVE_OBJECTS)
        for label, m in live.items():
            print("  %-28s %7.1f (%.1f; %.1f)" % (
                label, m["peak_bytes"] / 2**20, m["anon_bytes"] / 2**20,
                m["kernel_map_bytes"] / 2**20))
    if starts:
        print("\nstart to ready, median ms")
        for label, seconds in starts.items():
            print("  %-28s %7.0f" % (label, seconds * 1e3))


def print_targets(rows, live, starts):
    """The project's own targets (design.md §4), as ratios of this run."""
    def get(name, key):
        return rows.get(name, {}).get(key)

    peaks = [m["peak_bytes"] / 2**20 for m in live.values() if m["kmscope"]]
    ours = [s for label, s in starts.items() if label.startswith("kmscope")]
    peer = [s for label, s in starts.items() if label.startswith("bpftrace")]
    targets = [(name + " added, to bare", get(name, "to_bare"), limit)
               for name, limit in (("slab", 1.25), ("leaks-none", 1.25), ("leaks-auto", 1.5))]
    targets += [(name + " both CPUs, to one", get(name, "two_to_one"), 1.6)
                for name in ("slab", "leaks-none", "leaks-auto")]
    targets += [("leaks-auto added, to memleak", get("leaks-auto", "to_memleak"), 0.125),
                ("peak MiB with %d objects" % LIVE_OBJECTS, max(peaks, default=None), 24),
                ("start, to bpftrace's", ratio(max(ours, default=None), peer[0] if peer else None),
                 1)]
    targets = [t for t in targets if t[1] is not None]
    if targets:
        print("\ntargets")
    for what, value, limit in targets:
        print("  %-34s %7.2f  aim %s %s" % (what, value, limit, "met" if value <= limit else
                                            "MISSED"))


# --- main --------------------------------------------------------------------------------------


def parse_arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("out", help="the build folder")
    p.add_argument("--rounds", type=int, default=11)
    p.add_argument("--turns", type=int, default=60000, help="of the one-CPU loop (60000)")
    p.add_argument("--only", help="names, separated by commas: empty bare slab leaks-none "
                   "leaks-auto leaks-all perf bpftrace memleak")
    p.add_argument("--no-extra", action="store_true", help="skip live objects and start times")
    p.add_argument("--json", help="write the figures there (OUTDIR/bench.json)")
    args = p.parse_args()
    if args.rounds < 1 or args.turns < 1:
        p.error("--rounds and --turns must be at least 1")
    return args


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
    """Memory with many live objects, and start times; empty where a tool failed."""
    live, starts = {}, {}
    try:
        for tool in usable:
            if isinstance(tool, (Kmscope, Memleak)):
                live[tool.label] = bench.live_objects(tool)
                live[tool.label]["kmscope"] = isinstance(tool, Kmscope)
        starts = start_times(bench, usable, rounds)
    except Unavailable as reason:
        print("bench: live objects and start times: %s" % reason, file=sys.stderr)
    return live, starts


def start_times(bench, usable, rounds):
    one_line = Bpftrace(bench, "bpftrace-1", "bpftrace, one-line program", SLAB_EVENTS[:1])
    contenders = [t for t in usable if isinstance(t, Kmscope)]
    if contenders and bench.check(one_line) is None:
        contenders.append(one_line)
        times = {t.label: [] for t in contenders}
        for _ in range(rounds):
            for tool in contenders:
                times[tool.label].append(bench.start_time(tool))
        return {label: median(values) for label, values in times.items()}
    return {}


def main():
    args = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: told to stop"))
    with tempfile.TemporaryDirectory(prefix="kmscope-bench.", dir=args.out) as directory:
        bench = Bench(args.out, args.turns, directory)
        chosen = tools(bench)
        if args.only:
            names = args.only.split(",")
            unknown = set(names) - {t.name for t in chosen} - {"untraced"}
            if unknown:
                sys.exit("bench: unknown: " + " ".join(sorted(unknown)))
            chosen = [t for t in chosen if t.name in names]
        reasons = {t.name: bench.check(t) for t in chosen}
        usable = [t for t in chosen if reasons[t.name] is None]
        samples, untraced = run_rounds(bench, usable, args.rounds, reasons)
        usable = [t for t in usable if reasons[t.name] is None]
        live, starts = ({}, {}) if args.no_extra else run_extra(bench, usable, args.rounds)

    rows = {}
    for tool in chosen:
        row = {"label": tool.label}
        if reasons[tool.name] is not None:
            row["unavailable"] = reasons[tool.name]
        else:
            row.update(summarize(samples[tool.name]))
        rows[tool.name] = row
    compare(rows)
    print_table(bench, untraced, rows, args.rounds)
    print_extra(live, starts)
    print_targets(rows, live, starts)
    with open(args.json or bench.path("bench.json"), "w") as f:
        json.dump({"schema": 1, "kernel": platform.release(), "machine": platform.machine(),
                   "cpus": len(bench.cpus), "rounds": args.rounds, "turns": args.turns,
                   "variants": rows, "live_objects": live, "start_s": starts,
                   "untraced": untraced, "samples": samples}, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
