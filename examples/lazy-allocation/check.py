#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""check.py PAGE_SIZE FILE RESULTS REPORT: what lazy printed against what must be, and against the report.

RESULTS is lazy's output with FILE, REPORT that of «kmscope faults --json». Exits with 1 if they differ.
"""
import json
import sys

SIZE = 1 << 20
AROUND = 64 << 10  # as much of a file the kernel maps at once, where it can: fault_around_bytes


def last_report(path):
    """The report that is marked as the final one: with an interval there are several."""
    with open(path, encoding="ascii") as f:
        final = [r for r in map(json.loads, f) if r["final"]]
    if not final:
        sys.exit("lazy-allocation: no final report")
    if final[-1]["program"]["exit_code"] != 0:
        sys.exit("lazy-allocation: the program failed: %s" % final[-1]["program"])
    return final[-1]


def read_results(path):
    """({step: {column: number}}, {step: why it was not done}), in the order in which they ran."""
    steps, skipped = {}, {}
    with open(path, encoding="utf-8") as f:
        columns = f.readline().split()[1:]
        for line in f:
            name, first, rest = line.split(None, 2)
            if first == "-":
                skipped[name] = rest.strip()
            else:
                steps[name] = dict(zip(columns, map(int, [first, *rest.split()])))
    return steps, skipped


def expected(page):
    """{step: (least, most minor faults, least, most major ones)} of what the step is about."""
    pages = SIZE // page
    around = -(-SIZE // max(AROUND, page)) + 1  # a block need not begin where the file does
    return {
        "nothing": (0, 0, 0, 0),
        "malloc": (1, 1, 0, 0),
        "calloc": (1, 1, 0, 0),
        "touch": (pages, pages, 0, 0),
        "half": (pages // 2, pages // 2, 0, 0),
        "read-write": (2 * pages, 2 * pages, 0, 0),
        "populate": (pages, pages, 0, 0),
        # how much is read at once is a setting of the disk
        "file-cold": (0, pages - 1, 1, pages),
        "file-warm": (1, around, 0, 0),
        "file-random": (0, 0, pages, pages),
    }


class Check:
    def __init__(self, report):
        self.report, self.failed = report, False
        quality = report["quality"]
        # each event that was missed may be one of those; null is «the kernel does not tell»
        self.slack = quality["lost"] + (quality["recursion_misses"] or 0)

    def between(self, what, value, least, most):
        if not least <= value <= most:
            wanted = "%d" % most if least == most else "%d to %d" % (least, most)
            print("lazy-allocation: %s: %d is not %s" % (what, value, wanted), file=sys.stderr)
            self.failed = True

    def seen(self, what, value, wanted):
        self.between("kmscope, " + what, value, wanted - self.slack, wanted)

    def process(self, pid, name):
        """All that is told of a process: it began with its parent's name, before it took its own."""
        rows = [r for r in self.report["tables"]["processes"] if r["pid"] == pid]
        if name not in [r["comm"] for r in rows]:
            sys.exit("lazy-allocation: process %d, %s, is not in the report" % (pid, name))
        gup = [r["gup"] for r in rows]
        return {"minor": sum(r["minor"] for r in rows), "major": sum(r["major"] for r in rows),
                "gup": None if None in gup else sum(gup)}

    def regions(self, pid, column, **wanted):
        return sum(r[column] or 0 for r in self.report["tables"]["regions"]
                   if r["pid"] == pid and all(r[k] == v for k, v in wanted.items()))

    def step(self, name, step, nothing, path):
        """Of a step's process all faults, and the step's own in the memory that it is about."""
        row = self.process(step["pid"], name)
        self.seen(name + ", major", row["major"], step["all_major"])
        if row["gup"] is None:
            print("%s: what get_user_pages() took is not known on this kernel." % name)
            self.between(name + ", minor", row["minor"], 0, step["all_minor"])
        else:
            self.seen(name + ", minor and gup", row["minor"] + row["gup"], step["all_minor"])
        if name == "populate":
            if row["gup"] is not None:
                self.seen("populate, gup",
                          row["gup"] - self.process(nothing, "nothing")["gup"], step["minor"])
        elif name.startswith("file-"):
            for column in ("minor", "major"):
                self.seen("%s, %s in the file" % (name, column),
                          self.regions(step["pid"], column, kind="file", path=path), step[column])
        else:
            self.seen(name + ", anonymous", self.regions(step["pid"], "minor", kind="anon") -
                      self.regions(nothing, "minor", kind="anon"), step["minor"])


def main(page, path, results, report):
    steps, skipped = read_results(results)
    check = Check(last_report(report))
    wanted = expected(page)
    if set(steps) | set(skipped) != set(wanted):
        sys.exit("lazy-allocation: other steps than expected: %s" % ", ".join(steps))
    print("1 MiB is %d pages of %d bytes." % (SIZE // page, page))
    for name, step in steps.items():
        least, most, least_major, most_major = wanted[name]
        check.between(name + ", minor", step["minor"], least, most)
        check.between(name + ", major", step["major"], least_major, most_major)
        check.step(name, step, steps["nothing"]["pid"], path)
        print("%-12s %4d minor, %3d major faults" % (name, step["minor"], step["major"]))
    for name, why in skipped.items():
        print("%-12s not done: %s" % (name, why))
    print("%d events were lost or missed." % check.slack)
    if check.failed:
        sys.exit(1)
    print("getrusage() and kmscope agree.")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: check.py PAGE_SIZE FILE RESULTS REPORT")
    main(int(sys.argv[1]), *sys.argv[2:])
