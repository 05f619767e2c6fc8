# SPDX-License-Identifier: GPL-2.0
"""Recordings: what a guest recorded and what it printed of that, against itself, the modules and this machine."""
import os
import re
import subprocess
import tempfile

import device_checks
import matrix
from results import need, pairs

TURNS = 1009  # of tests/vm/recorded: pipes, and pages that are touched
BLINKS = 23
SIZE = 2 << 20  # bytes that a recording of all that may have
AREAS = "slab allocations, page allocations, vmalloc areas, page faults, device registers"

# Step: what it replays. Recordings lie in the guest's /tmp; those at the end were written by other steps.
REPLAYS = {
    "replay-slab": "slab -f recorded.kms --json",
    "replay-pipes": "slab -f recorded.kms --json --comm pipes",
    "replay-leaks": "leaks -f recorded.kms --json --objects",
    "replay-buddy": "buddy -f recorded.kms --json",
    "replay-vmalloc": "vmalloc -f recorded.kms --json",
    "replay-mmio": "mmio -f recorded.kms --json --timeline",
    "replay-trace": "mmio -f recorded.kms --trace --top 0",
    "replay-faults": "faults -f recorded.kms --json",
    "replay-report": "report recorded.kms",
    "replay-folded": "export recorded.kms --to folded",
    "replay-perfetto": "export recorded.kms --to perfetto",
    "replay-diff": "diff slab.kms recorded.kms --json",
    "again-slab-auto": "slab -f slab.kms --json",
    "again-leaks-auto": "leaks -f leaks.kms --json",
    "again-faults-written": "faults -f faults.kms --json",
}
# The same, of steps with the module kmscope_truth.
TRUTH_REPLAYS = {
    "replay-module": "slab -f recorded.kms --json --module kmscope_truth",
    "again-truth-vmalloc": "vmalloc -f vmalloc.kms --json --top 0",
    "again-truth-buddy": "buddy -f buddy.kms --json --map",
}
FAULTS = ("kmscope faults --json --stacks all --write faults.kms -- "
          "sh -c 'exec work_faults anon %d >&2'" % TURNS)


def steps(modules):
    """The lines of the guest's /steps; after all others that write a recording."""
    replays = dict(REPLAYS)
    if "kmscope_truth" in modules:
        replays.update(TRUTH_REPLAYS)
    lines = ["step faults-written 120 " + FAULTS]
    lines.append("echo 1 >/proc/sys/kernel/kptr_restrict")
    lines.append("step recorded 180 recorded")
    lines.append("echo 0 >/proc/sys/kernel/kptr_restrict")
    lines += ["step %s 60 kmscope %s" % (step, words) for step, words in replays.items()]
    return lines + ["mv *.kms /out"]


# --- here and there ---------------------------------------------------------------------------------


def here(r, words):
    """What this machine's kmscope says of the guest's recordings: (exit status, output, errors)."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in r.files.items():
            if name.endswith(".kms"):
                with open(os.path.join(folder, name), "wb") as f:
                    f.write(data)
        done = subprocess.run([matrix.host_program()] + words.split(), cwd=folder, check=False,
                              env={"COLUMNS": "80"}, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def first_difference(one, other):
    """The first two lines that differ, from a little before on."""
    pair = zip(one.splitlines() + [b""], other.splitlines() + [b""])
    for number, (a, b) in enumerate(pair, 1):
        if a != b:
            at = max(len(os.path.commonprefix([a, b])) - 60, 0)
            return "line %d: «%s», «%s»" % (number, a[at:at + 160].decode(errors="replace"),
                                            b[at:at + 160].decode(errors="replace"))
    return "one goes on: %d bytes, %d bytes" % (len(one), len(other))


def check_replay(r, step, words):
    """the same, byte for byte, in the guest and here"""
    out = r.output(step)
    need(out, "nothing was printed")
    status, found, said = here(r, words)
    need(status == 0, "exit status %d here: %s", status, said.decode(errors="replace")[-300:])
    need(found == r.files[step + ".out"], "there and here: %s",
         first_difference(r.files[step + ".out"], found))
    need(said == r.files[step + ".err"], "there and here: %s",
         first_difference(r.files[step + ".err"], said))


def check_again(r, live, step):
    """--write FILE, and -f FILE afterwards: the same report"""
    r.output(live)
    r.output(step)
    need(r.files[live + ".out"] == r.files[step + ".out"], "live and again: %s",
         first_difference(r.files[live + ".out"], r.files[step + ".out"]))


# --- exact numbers ------------------------------------------------------------------------------------


def rows(r, step, table, **wanted):
    """Those of a report's table that have these values."""
    return [t for t in r.report(step)["tables"][table]
            if all(t[name] == value for name, value in wanted.items())]


def check_recorded(r):
    """everything is recorded, and nothing lost"""
    r.output("recorded")
    said = r.text("recorded.err")
    need("recording %s while" % AREAS in said, "not all areas: %s", said)
    need(re.search(r"recorded [\d,]+ events .* 0 lost", said), "%s", said)
    size = len(r.files["recorded.kms"])
    need(size < SIZE, "the recording has %d bytes", size)
    for step in REPLAYS:
        if step.startswith("replay-") and "--json" in REPLAYS[step] and "diff" not in step:
            q = r.report(step)["quality"]
            need(not q["lost"] and not q["late"] and not q["map_full"], "%s: %s", step, q)


def check_work(r):
    """pipes and page faults, exactly"""
    for step in ("replay-slab", "replay-pipes"):
        sites = [t for t in r.report(step)["tables"]["sites"]
                 if t["site"].startswith("alloc_pipe_info+")]
        need(len(sites) == 2, "%s: %d sites in alloc_pipe_info instead of 2", step, len(sites))
        for row in sites:
            found = [row[name] for name in ("allocs", "frees", "live_objects", "failed")]
            need(found == [TURNS, TURNS, 0, 0], "%s: %s: %s", step, row["site"], found)
    told = pairs(re.search(r"^faults .*", r.text("recorded.out"), re.M)[0])
    need(told["minor"] == TURNS and told["major"] == 0, "getrusage() says %s", told)
    [anon] = rows(r, "replay-faults", "regions", comm="faults", kind="anon")
    # the program's own start takes a few
    need(TURNS <= anon["minor"] <= TURNS + 16, "%s", anon)
    [site] = [t for t in r.report("replay-faults")["tables"]["sites"]
              if "work_faults" in (t["object"] or "") and t["minor"] >= TURNS]
    need(site["minor"] <= TURNS + 16, "%s", site)


def check_written_faults(r):
    """faults --stacks all --write: the code that wrote, with its call chain"""
    [site] = [t for t in r.report("again-faults-written")["tables"]["sites"]
              if "work_faults" in (t["object"] or "") and t["minor"] >= TURNS]
    need(site["stacks"], "no call chain: %s", site)


def check_truth(r, truth, compare_sites):
    """what the module did to slab, vmalloc and pages, exactly"""
    for step in ("replay-slab", "replay-module"):
        for name in ("kmalloc", "large", "leak", "cache_keep"):
            compare_sites(r.report(step), truth.kinds[name])
    for name in ("leak", "cache_keep"):
        site = truth.kinds[name]["site"] + "+"
        found = sorted(int(o["address"], 16)
                       for o in r.report("replay-leaks")["tables"]["objects"]
                       if o["site"].startswith(site))
        right = truth.addresses(name)
        need(found == right != [], "%s: %s are not %s", name, found, right)
    for name in ("vmalloc", "ioremap"):
        kind = truth.kinds[name]
        [row] = [t for t in r.report("replay-vmalloc")["tables"]["sites"]
                 if t["site"].startswith(kind["site"] + "+")]
        right = [kind[k] for k in ("allocs", "frees", "given", "live", "live_given")]
        found = [row[k] for k in ("allocs", "frees", "bytes", "live_areas", "live_bytes")]
        need(found == right, "%s: %s, not %s", kind["site"], found, right)
        areas = sorted(int(a["address"], 16)
                       for a in rows(r, "replay-vmalloc", "areas", site=row["site"]))
        need(areas == truth.addresses(name), "%s: %s", name, [hex(a) for a in areas])
    for line in truth.answers["pages"][1:]:
        right = pairs(line)
        mine = [u for u in rows(r, "replay-buddy", "users", comm="recorded", order=right["order"])
                if u["gfp"] == "GFP_KERNEL|__GFP_NOWARN"]
        found = [sum(u[k] for u in mine) for k in ("allocs", "frees", "live_pages")]
        need(found == [right["allocs"], right["frees"], 0], "%s: %s", line, found)


def check_registers(r):
    """the accesses of kmscope_gpio: counted, with their last values, and each on a line"""
    words, counts = device_checks.shown(r, "recorded", 1)
    device_checks.compare_registers(r.report("replay-mmio"), words, counts)
    right = sum(c["reads"] + c["writes"] for _, c in counts.values())
    lines = re.findall(r"^ *\d[\d.]* .* (?:read|write) +gpio1 ", r.output("replay-trace"), re.M)
    need(len(lines) == right >= 2 * BLINKS, "%d lines, %d accesses", len(lines), right)


def planned(r, truth_of, compare_sites):
    """(title, function, arguments) of all checks; truth_of(r, step): checks.Truth."""
    replays = {**REPLAYS, **TRUTH_REPLAYS}
    yield "record: " + check_recorded.__doc__, check_recorded, ()
    for step, words in replays.items():
        if step + ".rc" in r.files:
            yield "%s: %s" % (words, check_replay.__doc__), check_replay, (step, words)
    for step in replays:
        live = step[len("again-"):]
        if step.startswith("again-") and live + ".rc" in r.files:
            yield "%s: %s" % (live, check_again.__doc__), check_again, (live, step)
    yield "record: " + check_work.__doc__, check_work, ()
    yield check_written_faults.__doc__, check_written_faults, ()
    if "insmod.rc" in r.files:
        def with_truth(results):
            check_truth(results, truth_of(results, "recorded"), compare_sites)
        yield "record: " + check_truth.__doc__, with_truth, ()
    if "gpio-sim.rc" in r.files and "insmod.rc" in r.files:
        yield "record: " + check_registers.__doc__, check_registers, ()
