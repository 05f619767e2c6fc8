#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""compare.py MIB PAGE_SIZE HUGE_SIZE FOLDER: the reports of «kmscope buddy --json» in words.

FOLDER has the report «small» of MIB touched page by page, and «huge» of the same in huge pages, if
HUGE_SIZE is not 0. Exits with 1 if the blocks are not those that must have been allocated.
"""
import json
import os
import sys


def last_report(path):
    """The report that is marked as the final one: with an interval there are several."""
    with open(path, encoding="ascii") as f:
        final = [r for r in map(json.loads, f) if r["final"]]
    if not final:
        sys.exit("huge-pages: no final report")
    if final[-1]["program"]["exit_code"] != 0:
        sys.exit("huge-pages: the workload failed: %s" % final[-1]["program"])
    return final[-1]


def area(report, order):
    """
    (blocks, live pages) of the workload's memory: the largest user of movable blocks of that order.
    The others are few: a page of a file that was read, say.
    """
    rows = [r for r in report["tables"]["users"]
            if r["order"] == order and r["migratetype"] == "Movable"]
    first = max(rows, key=lambda r: r["pages"], default={"allocs": 0, "live_pages": 0})
    return first["allocs"], first["live_pages"]


def unmovable(report):
    return sum(r["allocs"] for r in report["tables"]["orders"] if r["migratetype"] == "Unmovable")


def missed(report):
    """Events that are not in the report. Null is «the kernel does not tell»: maybe some."""
    quality = report["quality"]
    return quality["lost"] + (quality["recursion_misses"] or 0)


def tell(report, what, order, page):
    allocs, live = area(report, order)
    print("{}: {:,} blocks of order {}, {} KiB each; {:,} pages of them are left.".format(
        what, allocs, order, (page << order) >> 10, live))
    print("  Beside them {:,} unmovable blocks: page tables, and lists of what is to be freed.".format(
        unmovable(report)))
    print("  {:,} of {:,} events were lost or missed.".format(
        missed(report), report["quality"]["events"]))
    return allocs


def check(what, allocs, wanted, slack):
    """As many as wanted; each event that was missed may be one of them."""
    if not wanted - slack <= allocs <= wanted:
        sys.exit("huge-pages: %s: %d blocks are not %d" % (what, allocs, wanted))


def main(mib, page, huge, folder):
    size = mib << 20
    small = last_report(os.path.join(folder, "small"))
    print("%d MiB of fresh memory:" % mib)
    allocs = tell(small, "page by page", 0, page)
    check("page by page", allocs, size // page, missed(small))
    if not huge:
        print("This kernel has no huge pages, or they are turned off.")
        return
    order = (huge // page).bit_length() - 1
    report = last_report(os.path.join(folder, "huge"))
    allocs = tell(report, "in huge pages", order, page)
    if not allocs:
        print("  No huge page was free: memory is too fragmented. «kmscope buddy» shows by how much.")
        return
    # where no huge page is to be had, the kernel takes single ones for it
    singles, _ = area(report, 0)
    check("in huge pages", allocs + singles * page // huge, size // huge, missed(report))
    if singles * page >= huge:
        print("  %d pages came one by one: there was no huge page for them." % singles)
    else:
        print("The same memory: {:,} requests instead of {:,}.".format(allocs, size // page))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit("usage: compare.py MIB PAGE_SIZE HUGE_SIZE FOLDER")
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
