# SPDX-License-Identifier: GPL-2.0
"""What the samples come to, and the tables that show it."""
import platform
import statistics


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
           "added_cpu_ns": added("one_cpu_ns"),
           "events_per_s": median([s["events"] / s["load_s"] for s in samples
                                   if s["events"] is not None])}
    lost = [s["lost"] for s in samples if s["lost"] is not None]
    row["lost"] = sum(lost) if lost else None
    for key in ("cpu_s", "load_s", "peak_bytes", "peak_with_rings_bytes", "anon_bytes",
                "ring_bytes", "kernel_map_bytes", "start_s", "bytes_per_event", "replay_s",
                "replay_peak_bytes"):
        row[key] = of(key)
    # per second that the loops took, and per second of CPU time
    row["cpu_share"] = median([ratio(s["cpu_s"], s["load_s"]) for s in samples])
    row["to_replay"] = median([ratio(s["replay_s"], s["load_s"]) for s in samples
                               if "replay_s" in s])
    row["two_to_one"] = ratio(row["added_ns_two_cpus"], row["added_ns"])
    return row


def compare(rows, loop):
    others = ((loop.floor, "to_floor"), (loop.bare, "to_bare"), ("memleak", "to_memleak"))
    for row in rows.values():
        if "added_ns" not in row:
            continue
        for other, key in others:
            row[key] = ratio(row["added_ns"], rows.get(other, {}).get("added_ns"))


def number(value, form="%.0f", scale=1.0):
    return "-" if value is None else form % (value * scale)


LEGEND = """
added: median of the differences to the untraced loops before and after; 2 CPUs: a loop on each, the
tool's own work included; lost: in all rounds, as the tool tells; CPU s: the tool's, a round; peak:
resident, without ring buffers; start: until it traces."""


def print_table(loop, cpus, untraced, rows, rounds):
    def one(key):
        return median([u.get(key) for u in untraced])

    print("%s, %d rounds of %d %ss, Linux %s, CPUs %s" %
          (loop.title, rounds, loop.turns * loop.units, loop.unit, platform.release(),
           ",".join(map(str, cpus))))
    print("untraced: %.0f ns a %s on one CPU, %s ns on both" %
          (one("one_ns"), loop.unit, number(one("two_ns"))))
    print("\n%-26s %8s %6s %6s %8s %6s %8s %6s %6s %7s %6s" %
          ("", "added", "to", "to", "2 CPUs", "2 CPUs", "events", "", "CPU", "peak", "start"))
    print("%-26s %8s %6s %6s %8s %6s %8s %6s %6s %7s %6s" %
          ("", "ns/" + loop.unit, "floor", "bare", "ns/" + loop.unit, "to one", "k/s", "lost", "s", "MiB", "ms"))
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


def print_extra(loop, live, starts):
    if live:
        print("\nwith %d live %s: peak MiB without rings (anonymous; BPF maps)" % loop.live)
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
    targets += [("faults added, to bare", get("faults", "to_bare"), 1.5),
                ("faults-sample added, to floor", get("faults-sample", "to_floor"), 1.3)]
    targets += [("record, bytes an event", get("record", "bytes_per_event"), 10),
                ("record, CPU time to load", get("record", "cpu_share"), 0.5),
                ("replay, CPU time to load", get("record", "to_replay"), 1 / 3)]
    targets += [("leaks-auto added, to memleak", get("leaks-auto", "to_memleak"), 0.125),
                ("peak MiB with many live objects", max(peaks, default=None), 24),
                ("start, to bpftrace's", ratio(max(ours, default=None), peer[0] if peer else None),
                 1)]
    targets = [t for t in targets if t[1] is not None]
    if targets:
        print("\ntargets")
    for what, value, limit in targets:
        print("  %-34s %7.2f  aim %.4g %s" % (what, value, limit, "met" if value <= limit else
                                            "MISSED"))
