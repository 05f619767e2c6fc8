#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""check_perfetto.py FILE: is it a trace as the Trace Event Format has them, and as viewers take them?

Prints a line that counts what is there and exits 0, or one that names the first violation and exits 1.
What is checked: members that each phase must have, and their types; that time does not go back; that
begins and ends are balanced; that slices of a thread nest; that every thread and process has a name;
that a counter has the same keys throughout.
"""
import json
import sys
from decimal import Decimal

NUMBER = (int, Decimal)
# What members events of a phase have besides ph, pid, tid and name.
PHASES = {
    "M": {"args": dict},
    "C": {"ts": NUMBER, "args": dict},
    "X": {"ts": NUMBER, "dur": NUMBER, "cat": str, "args": dict},
    "B": {"ts": NUMBER, "cat": str},
    "E": {"ts": NUMBER},
    "i": {"ts": NUMBER, "cat": str, "s": str},
    "b": {"ts": NUMBER, "cat": str, "id": (str, int)},
    "n": {"ts": NUMBER, "cat": str, "id": (str, int)},
    "e": {"ts": NUMBER, "cat": str, "id": (str, int)},
}
EVERYWHERE = {"ph": str, "pid": int, "tid": int, "name": str}
# Metadata, and the member of its args.
METADATA = {
    "process_name": ("name", str),
    "thread_name": ("name", str),
    "process_labels": ("labels", str),
    "process_sort_index": ("sort_index", int),
    "thread_sort_index": ("sort_index", int),
}
SCOPES = {"g", "p", "t"}


class Violation(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Violation(text)


def is_a(value, types):
    return isinstance(value, types) and not isinstance(value, bool)


def member(event, name, types):
    need(name in event, "%s is missing" % name)
    need(is_a(event[name], types), "%s is %r" % (name, event[name]))


def without_duplicates(pairs):
    found = {}
    for name, value in pairs:
        need(name not in found, "member %s stands twice" % name)
        found[name] = value
    return found


def refuse_constant(name):
    raise Violation("%s is no JSON" % name)


def read(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f, parse_float=Decimal, parse_constant=refuse_constant,
                         object_pairs_hook=without_duplicates)


class Checker:
    def __init__(self):
        self.last = None
        self.named = {"process_name": set(), "thread_name": set()}
        self.slices = {}  # by thread: ends of those that are open
        self.begun = {}  # by thread: names of B
        self.asynchronous = {}  # by category and id: how many are open
        self.counters = {}  # by process and name: keys
        self.counts = dict.fromkeys(PHASES, 0)

    def metadata(self, e):
        need(e["name"] in METADATA, "metadata is called %r" % e["name"])
        name, types = METADATA[e["name"]]
        member(e["args"], name, types)
        if e["name"] in self.named:
            key = e["pid"] if e["name"] == "process_name" else (e["pid"], e["tid"])
            need(key not in self.named[e["name"]], "%s of %s stands twice" % (e["name"], key))
            self.named[e["name"]].add(key)

    def counter(self, e):
        need(e["args"], "a counter has no values")
        for key, value in e["args"].items():
            need(is_a(value, NUMBER), "value %s is %r" % (key, value))
        keys = self.counters.setdefault((e["pid"], e["name"]), list(e["args"]))
        need(keys == list(e["args"]), "a counter's keys were %s" % keys)

    def slice(self, e):
        need(e["dur"] >= 0, "dur is negative")
        ends = self.slices.setdefault((e["pid"], e["tid"]), [])
        while ends and ends[-1] <= e["ts"]:
            ends.pop()
        need(not ends or e["ts"] + e["dur"] <= ends[-1], "overlaps the slice before it in its thread")
        ends.append(e["ts"] + e["dur"])

    def instant(self, e):
        need(e["s"] in SCOPES, "scope s is %r" % e["s"])

    def begin(self, e):
        self.begun.setdefault((e["pid"], e["tid"]), []).append(e["name"])

    def end(self, e):
        need(self.begun.get((e["pid"], e["tid"])), "E without its B")
        self.begun[e["pid"], e["tid"]].pop()

    def async_begin(self, e):
        key = (e["cat"], e["id"])
        self.asynchronous[key] = self.asynchronous.get(key, 0) + 1

    def async_step(self, e):
        need(self.asynchronous.get((e["cat"], e["id"])), "%s without its b" % e["ph"])
        if e["ph"] == "e":
            self.asynchronous[e["cat"], e["id"]] -= 1

    def named_thread(self, e):
        need(e["pid"] in self.named["process_name"], "process %d has no name" % e["pid"])
        # counters and marks are a process's; their thread is its first
        if e["ph"] != "C" and e.get("s") != "p":
            need((e["pid"], e["tid"]) in self.named["thread_name"],
                 "thread %d has no name" % e["tid"])

    def event(self, e):
        need(isinstance(e, dict), "it is no object")
        for name, types in EVERYWHERE.items():
            member(e, name, types)
        need(e["ph"] in PHASES, "phase ph is %r" % e["ph"])
        for name, types in PHASES[e["ph"]].items():
            member(e, name, types)
        need(e["pid"] >= 0 and e["tid"] >= 0, "pid or tid is negative")
        self.counts[e["ph"]] += 1
        if e["ph"] == "M":
            self.metadata(e)
            return
        need(e["ts"] >= 0, "ts is negative")
        need(self.last is None or e["ts"] >= self.last, "ts goes back from %s" % self.last)
        self.last = e["ts"]
        self.named_thread(e)
        {"C": self.counter, "X": self.slice, "i": self.instant, "B": self.begin, "E": self.end,
         "b": self.async_begin, "n": self.async_step, "e": self.async_step}[e["ph"]](e)

    def trace(self, root):
        need(isinstance(root, dict), "it is no object")
        member(root, "traceEvents", list)
        need(root.get("displayTimeUnit") in ("ms", "ns"), "displayTimeUnit is not ms or ns")
        for number, e in enumerate(root["traceEvents"]):
            try:
                self.event(e)
            except Violation as v:
                raise Violation("event %d, %s: %s" % (number, json.dumps(e, default=str), v))
        need(not any(self.begun.values()), "a B has no E")
        need(not any(self.asynchronous.values()), "a b has no e")


def main():
    if len(sys.argv) != 2:
        print("usage: check_perfetto.py FILE", file=sys.stderr)
        return 2
    checker = Checker()
    try:
        checker.trace(read(sys.argv[1]))
    except (Violation, ValueError, OSError, RecursionError) as problem:
        print("%s: %s" % (sys.argv[1], problem))
        return 1
    print("%s: %s" % (sys.argv[1], ", ".join("%d %s" % (n, phase) for phase, n in
                                             checker.counts.items() if n)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
