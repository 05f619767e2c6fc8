# SPDX-License-Identifier: GPL-2.0
"""check.py DIFF N: whether a report of kmscope diff says that N more pipes are held."""
import json
import sys


def main(path, expected):
    with open(path, encoding="utf-8") as f:
        tables = json.load(f)["tables"]
    # A pipe is two allocations of alloc_pipe_info(): struct pipe_inode_info and its buffers.
    rows = [r for r in tables["leaks_objects"] if (r["site"] or "").startswith("alloc_pipe_info+")]
    changes = [r["change"] for r in rows]
    if changes != [expected, expected]:
        sys.exit("alloc_pipe_info() changed by %s, not twice by %d" % (changes, expected))
    print("the new version keeps %d more pipes than the old one" % expected)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
