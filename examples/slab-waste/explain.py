#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""explain.py REPORT: the row of «kmscope slab --json» that wastes most, in words."""
import json
import sys


def size(n):
    for unit, factor in (("MiB", 2**20), ("KiB", 2**10)):
        if n >= factor:
            return "%.1f %s" % (n / factor, unit)
    return "%d bytes" % n


def last_report(path):
    """The report that is marked as the final one: with an interval there are several."""
    with open(path, encoding="ascii") as f:
        reports = [json.loads(line) for line in f]
    final = [r for r in reports if r["final"]]
    if not final:
        sys.exit("slab-waste: no final report")
    return final[-1]


def explain(report):
    # Null is «unknown»: a row without sizes can't be ranked.
    rows = [row for row in report["tables"]["sites"] if row["waste"] is not None]
    if not rows:
        sys.exit("slab-waste: no allocation was seen")
    row = max(rows, key=lambda r: r["waste"])
    where = row["site"] or row["address"]
    print("%s wastes most, of %d call sites." % (where, len(rows)))
    print("  It allocated {:,} times and was given {} for the {} that it asked for:".format(
        row["allocs"], size(row["bytes_alloc"]), size(row["bytes_req"])))
    print("  {}, {:.1f} % of what it was given, was never used.".format(
        size(row["waste"]), row["waste_pct"] or 0))
    if row["typical_req"]:
        print("  Most often it asks for {:,} bytes; on average it is given {:,.0f}.".format(
            row["typical_req"], row["bytes_alloc"] / max(row["allocs"], 1)))
    if row["live_objects"]:
        print("  {:,} of its objects are still there: they waste {} now.".format(
            row["live_objects"], size(row["live_waste"])))
    else:
        print("  Nothing of it is left: such waste costs cache lines and work, not memory.")
    if row["advice"]:
        print("  " + row["advice"])
    quality = report["quality"]
    print("{:,} of {:,} events were lost.".format(quality["lost"], quality["events"]))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: explain.py REPORT")
    explain(last_report(sys.argv[1]))
