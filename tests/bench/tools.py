# SPDX-License-Identifier: GPL-2.0
"""The tools that the bench measures, and what it takes to run one and to ask it what it did."""
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import threading
import time

READY_TIMEOUT = 60  # seconds
STOP_TIMEOUT = 120
SLAB_EVENTS = ["kmem:kmalloc", "kmem:kfree", "kmem:kmem_cache_alloc", "kmem:kmem_cache_free"]
RINGBUF = "27"  # BPF_MAP_TYPE_RINGBUF
RING_MAPPINGS = ("bpf-map", "[perf_event]")


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
    """What nobody can do better: tests/bench/reference with the set of programs of that name."""

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


class Record(Tool):
    """kmscope record; what it costs to read the recording is measured afterwards."""

    def command(self):
        self.program, self.data = self.bench.path("kmscope"), os.path.join(self.dir, "kms")
        if not os.path.exists(self.program):
            raise Unavailable("not built")
        return [self.program, "record", "-q", "--areas", "slab", "--stacks", "none", "-o",
                self.data, "-d", "3600", "--ready-file", os.path.join(self.dir, "ready")]

    def result(self, run):
        usage = os.path.join(self.dir, "replay")
        done = subprocess.run([self.bench.path("tests/bench/meter"), usage, self.program, "slab",
                               "-f", self.data, "--json"], capture_output=True, text=True)
        if done.returncode:
            raise Unavailable("can't be read: " + done.stderr.strip()[-200:])
        quality = json.loads(done.stdout)["quality"]
        with open(usage) as f:
            usage = json.load(f)
        events = quality["events"]
        self.extra = {"bytes_per_event": os.path.getsize(self.data) / events if events else None,
                      "replay_s": usage["user_s"] + usage["system_s"],
                      "replay_peak_bytes": usage["max_rss_kb"] * 1024}
        os.unlink(self.data)
        return events, quality["lost"]


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
        return {**getattr(self.tool, "extra", {}),
                "events": events, "lost": lost, "start_s": self.start_s,
                "cpu_s": usage["user_s"] + usage["system_s"],
                "peak_bytes": peak - memory["rings"], "peak_with_rings_bytes": peak,
                "anon_bytes": memory["anon"], "ring_bytes": memory["rings"],
                "kernel_map_bytes": memory["maps"]}

    def end(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


# --- which tools for which loop ----------------------------------------------------------------


def slab_tools(bench):
    return [
        Reference(bench, "empty", "empty programs (floor)"),
        Reference(bench, "bare", "bare streaming"),
        Kmscope(bench, "slab", "kmscope slab", ["slab"]),
        *[Kmscope(bench, "leaks-" + s, "kmscope leaks, stacks " + s, ["leaks", "--stacks", s])
          for s in ("none", "auto", "all")],
        Record(bench, "record", "kmscope record"),
        Perf(bench),
        Bpftrace(bench, "bpftrace", "bpftrace, count by site", SLAB_EVENTS),
        Memleak(bench),
    ]


def page_tools(bench):
    """«all»: with mm_page_alloc_zone_locked and mm_page_pcpu_drain."""
    return [
        Reference(bench, "pages-empty", "empty programs (floor)"),
        Reference(bench, "pages-bare", "bare streaming"),
        Reference(bench, "pages-all-empty", "empty programs, all"),
        Reference(bench, "pages-all-bare", "bare streaming, all"),
        Kmscope(bench, "buddy", "kmscope buddy", ["buddy", "-q"]),
        Kmscope(bench, "buddy-map", "kmscope buddy, --map", ["buddy", "-q", "--map"]),
    ]


def fault_tools(bench):
    return [
        Reference(bench, "faults-empty", "empty programs (floor)"),
        Reference(bench, "faults-bare", "bare streaming"),
        Kmscope(bench, "faults", "kmscope faults", ["faults", "-q"]),
        Kmscope(bench, "faults-sample", "kmscope faults, 1 in 100",
                ["faults", "-q", "--sample", "100"]),
    ]
