# SPDX-License-Identifier: GPL-2.0
"""What is run in a guest, and what must come out. Checks yield (title, None or what is wrong)."""
import os
import re

import device_checks
import record_checks
from results import Results, Wrong, need, pairs

TURNS = 1009
HELD = 23
METHODS = ("auto", "classic", "raw")
BOARDS = ("armhf", "arm64")  # where the program as it is built for boards (MINIMAL=1) is run, too

RENEWING = 503  # processes of tests/vm/rings: some 16 MiB of a ring each
TOOL_MEMORY = 12 * 1024  # KiB on a machine with 128 MB, kernel maps included

SLAB = "kmscope slab --json --comm pipes --settle 1 --probe %s -- sh -c 'exec work_pipes %d >&2'"

# fs/pipe.c: 16 buffers (PIPE_DEF_BUFFERS) of struct pipe_buffer a pipe
PIPE_BUFFERS = {"amd64": 640, "arm64": 640, "armhf": 384}
# enum bpf_prog_type
PROG_TRACEPOINT, PROG_RAW = "5", "17"

# Registers that may be mapped, and are not touched: the HPET's, a PL061's.
DEVICE = {"amd64": 0xfed00000, "arm64": 0x9030000, "armhf": 0x9030000}

HERE = os.path.dirname(os.path.abspath(__file__))
FIXTURES = os.path.join(os.path.dirname(HERE), "unit", "data", "capset")

MACHINE = {"amd64": "x86_64", "arm64": "aarch64", "armhf": "armv7l"}


def steps(row, programs, modules):
    """The guest's /steps, sourced by tests/vm/init; programs: of tests/live; modules: of kmod/."""
    lines = [
        "step capset 60 kmscope doctor --capabilities",
        "step doctor 60 kmscope doctor",
        "step slabinfo 10 cat /proc/slabinfo",
        "step meminfo 10 cat /proc/meminfo",
    ]
    for method in METHODS:
        lines.append("step plan-%s 60 kmscope doctor --json --probe %s" % (method, method))
        lines.append("step slab-%s 120 %s" % (method, SLAB % (kept(method, "slab"), TURNS)))
        lines.append("step leaks-%s 120 held %d --probe %s" % (method, HELD, kept(method, "leaks")))
    if row.arch in BOARDS:
        for method in ("auto", "classic"):
            lines.append("step minimal-%s 120 /build/minimal/%s" % (method, SLAB % (method, TURNS)))
    if "kmscope_truth" in modules:
        lines += module_steps(row)
    lines += record_checks.steps(modules)
    if "kmscope_truth" in modules:
        lines.append("step rmmod 60 rmmod kmscope_truth")
    if "kmscope_gpio" in modules:
        lines += device_checks.steps(row)
    lines.append("step loaded 120 loaded %d --stacks auto" % load_seconds(row))
    if row.arch == "armhf":
        lines.append("step rings 400 rings %d" % RENEWING)
    for name in programs:
        lines.append("step %s 900 sh -c 'exec /build/tests/live/%s 2>&1'" % (name, name))
    lines += [
        "step doctor-user 60 su -s /bin/sh nobody -c 'kmscope doctor'",
        "echo 2 >/proc/sys/kernel/kptr_restrict",
        "step doctor-kptr 60 kmscope doctor",
        "umount /sys/kernel/tracing",
        "step doctor-tracefs 60 kmscope doctor",
    ]
    return "\n".join(lines) + "\n"


def load_seconds(row):
    """How long the machine is kept busy: a minute on a small one, where memory that grows would be seen."""
    return 60 if (row.arch, row.kernel) == ("armhf", "6.1") else 10


def kept(method, name):
    """A word for --probe, and for one of the methods a recording that tests/vm/record_checks.py replays."""
    return "auto --write %s.kms" % name if method == "auto" else method


def module_steps(row):
    lines = ["step insmod 60 insmod /kmscope_truth.ko ioremap_phys=0x%x ioremap_size=4096"
             % DEVICE[row.arch]]
    for method in METHODS:
        for command in ("slab --top 0", "leaks --objects"):
            step = "truth-%s-%s" % (command.split()[0], method)
            lines.append("step %s 120 ask %s --probe %s" % (step, command, method))
    lines.append("echo 1 >/proc/sys/kernel/kptr_restrict")
    lines.append("step truth-vmalloc 120 askareas --write vmalloc.kms")
    lines.append("echo 0 >/proc/sys/kernel/kptr_restrict")
    lines.append("step truth-vmalloc-hidden 120 askareas --comm askareas")
    lines.append("step truth-buddy 180 askpages --map --write buddy.kms")
    lines.append("step truth-buddy-comm 180 askpages --comm askpages")
    return lines


# Boots of their own, with so many MB, in which only `kmscope layout` is looked at. With 2 GB an ARM32
# kernel has high memory.
LAYOUT_MEMORY = {
    ("amd64", "6.1"): (512,),
    ("arm64", "6.1"): (512,),
    ("armhf", "6.1"): (512, 2048),
    ("armhf", "6.12"): (2048,),
}


def layout_steps():
    return "\n".join([
        "step layout 60 kmscope layout --json",
        "step iomem 10 cat /proc/iomem",
        "step zoneinfo 10 cat /proc/zoneinfo",
        "step layout-text 60 kmscope layout",
        "step layout-user 60 su -s /bin/sh nobody -c 'kmscope layout --json'",
    ]) + "\n"


# --- the checks -------------------------------------------------------------------------------------


def check_capset(r):
    """doctor --capabilities tells of this machine"""
    text = r.output("capset")
    need("arch %s\n" % MACHINE[r.row.arch] in text, "wrong arch: %.200s", text)
    need("privileged 1\n" in text and "ringbuf 1\n" in text, "not privileged: %.200s", text)


def check_doctor(r):
    """doctor is content"""
    r.output("doctor")


def check_quality(report):
    q = report["quality"]
    for name in ("lost", "late", "map_full"):
        need(q[name] == 0, "%s is %d of %d events", name, q[name], q["events"])
    parts = ("analysed", "lost", "recursion_misses", "filtered", "own")
    added = sum(q[name] or 0 for name in parts)
    need(added == q["events"], "%d events, but %d add up: %s", q["events"], added, q)


def site_rows(report, table):
    return [t for t in report["tables"][table] if t["site"].startswith("alloc_pipe_info+")]


def check_pipes(r, step):
    """every pipe's two allocations and frees, their bytes and waste"""
    report = r.report(step)
    need(report["arch"] == MACHINE[r.row.arch], "arch is %s", report["arch"])
    check_quality(report)
    rows = site_rows(report, "sites")
    need(len(rows) == 2, "%d sites in alloc_pipe_info instead of 2", len(rows))
    for row in rows:
        size = row["typical_req"]
        given = r.kmalloc_class(size)
        expected = {
            "allocs": TURNS,
            "frees": TURNS,
            "bytes_req": TURNS * size,
            "bytes_alloc": TURNS * given,
            "waste": TURNS * (given - size),
            "live_objects": 0,
            "live_bytes": 0,
            "failed": 0,
        }
        for name, value in expected.items():
            need(row[name] == value, "%s: %s is %s, not %s", row["site"], name, row[name], value)
    sizes = [row["typical_req"] for row in rows]
    need(PIPE_BUFFERS[r.row.arch] in sizes, "no request of %d: %s", PIPE_BUFFERS[r.row.arch], sizes)


def check_stacks(r, report, rows, functions):
    if r.row.arch == "armhf":
        need(not report["stacks"], "call chains on ARM32: %s", report["stacks"][:1])
        return
    chains = {s["id"]: s["frames"] for s in report["stacks"]}
    for row in rows:
        need(row["stacks"], "%s has no call chain", row["site"])
        names = " ".join(str(f) for f in chains[row["stacks"][0]["stack"]])
        for name in functions:
            need(name in names, "%s: no %s in its call chain: %s", row["site"], name, names)


def check_held(r, step):
    """pipes that are held are leaks, none else of that function"""
    report = r.report(step)
    check_quality(report)
    rows = site_rows(report, "candidates")
    need(len(rows) == 2, "%d sites in alloc_pipe_info instead of 2", len(rows))
    for row in rows:
        need(row["objects"] == HELD, "%s: %s objects, not %d", row["site"], row["objects"], HELD)
    check_stacks(r, report, rows, ("alloc_pipe_info", "do_pipe2"))


def check_attached(r, method):
    """what doctor announced is what is attached"""
    chosen = [c for c in r.report("plan-" + method)["tables"]["capabilities"] if c["chosen"]]
    chosen = [c for c in chosen if c["area"] == "slab"]  # what leaks attaches
    raw = {c["capability"] for c in chosen if c["method"] == "raw"}
    classic = [c for c in chosen if c["method"] == "classic"]
    fdinfo = r.text("leaks-%s.fdinfo" % method)
    links = [x for x in fdinfo.split("pos:") if re.search(r"link_type:\s*raw_tracepoint", x)]
    attached = {re.search(r"tp_name:\s*(\w+)", link).group(1) for link in links}
    types = re.findall(r"^prog_type:\s*(\d+)", fdinfo, re.M)
    need(chosen, "doctor announced nothing")
    need(attached == raw, "raw: announced %s, attached %s", sorted(raw), sorted(attached))
    need(types.count(PROG_TRACEPOINT) == len(classic) and types.count(PROG_RAW) == len(raw),
         "%d classic and %d raw announced, program types %s", len(classic), len(raw), types)


def fixture_path(row):
    return os.path.join(FIXTURES, "guest-%s-%s.txt" % (row.kernel, row.arch))


def without_release(text):
    return [x for x in text.splitlines() if not x.startswith(("#", "kernel "))]


def check_fixture(r):
    """its capabilities are those recorded in tests/unit"""
    try:
        with open(fixture_path(r.row), encoding="utf-8") as f:
            recorded = without_release(f.read())
    except FileNotFoundError:
        raise Wrong("not recorded yet: run tests/vm/run --record") from None
    found = without_release(r.output("capset"))
    changed = [line for line in found if line not in recorded]
    need(found == recorded, "differs: %s", "; ".join(changed))


def record_fixture(row, files):
    """Store a guest's capabilities for the unit tests."""
    r = Results(row, files)
    text = "# recorded in a guest: Debian %s, %s %s\n" % (row.suite, row.arch, row.kernel)
    with open(fixture_path(row), "w", encoding="utf-8") as f:
        f.write(text + r.output("capset"))


def check_refusal(r, step):
    """--probe raw without BTF is refused with the reason"""
    need(r.status(step) == 3, "exit status %d", r.status(step))
    said = r.text(step + ".err").strip().splitlines()
    need(said and "BTF" in said[-1], "no word about BTF: %s", said[-1:])


def check_line(r, step, status, pattern):
    text = " ".join((r.text(step + ".out") + r.text(step + ".err")).split()) # without line breaks
    need(r.status(step) == status, "exit status %d: %s", r.status(step), text[-300:])
    need(re.search(pattern, text), "no line like «%s»", pattern)


def check_loaded(r):
    """leaks --stacks auto under load: call chains right or absent, and the memory it takes"""
    report = r.report("loaded")
    q = report["quality"]
    need(q["allocs"] > 1000 * load_seconds(r.row) // 10, "no load: %s", q)
    added = sum(q[name] or 0 for name in ("analysed", "lost", "recursion_misses", "filtered", "own"))
    need(added == q["events"] and not q["late"], "%s", q)
    rows = [t for t in report["tables"]["candidates"] if t["stacks"]]
    if r.row.arch == "armhf":
        need(not rows and not report["stacks"], "call chains on ARM32: %s", report["stacks"][:1])
        need(any("no call chains" in n for n in report["notes"]), "nothing says why there are none")
    else:
        need(rows, "no call chains")
    chains = {s["id"]: s["frames"] for s in report["stacks"]}
    for row in rows:
        function = row["site"].split("+")[0]
        for share in row["stacks"]:
            frames = chains[share["stack"]]
            need(any(function in str(f) for f in frames), "%s is not in its chain: %s", function,
                 frames)
    if r.row.arch == "armhf":
        memory = dict(line.split() for line in r.text("loaded.memory").splitlines())
        less = int(memory["available_before"]) - int(memory["available_during"])
        need(int(memory["peak"]) < TOOL_MEMORY and less < TOOL_MEMORY, "%s", memory)


def check_rings(r):
    """more than 5 GiB of events through a ring, which is renewed twice: all of them counted"""
    report = r.report("rings")
    check_quality(report)
    carried = re.findall(r"a new ring, the old ones carried (\d+) MiB", r.text("rings.err"))
    need(carried and max(map(int, carried)) > 5 * 1024, "renewals after %s MiB", carried)
    for row in site_rows(report, "sites"):
        numbers = [row[name] for name in ("allocs", "frees", "live_objects")]
        need(numbers == [RENEWING, RENEWING, 0], "%s: %s", row["site"], numbers)
    need(len(site_rows(report, "sites")) == 2, "not two sites")


def planned(r):
    """(title, function, arguments) of all checks."""
    yield check_capset.__doc__, check_capset, ()
    if r.row.verdict == "required":
        yield check_fixture.__doc__, check_fixture, ()
    yield check_doctor.__doc__, check_doctor, ()
    for method in METHODS:
        refused = method == "raw" and not r.has_btf()
        slab, leaks = "slab-" + method, "leaks-" + method
        if refused:
            yield check_refusal.__doc__, check_refusal, (slab,)
            continue
        yield "slab --probe %s: %s" % (method, check_pipes.__doc__), check_pipes, (slab,)
        yield "leaks --probe %s: %s" % (method, check_held.__doc__), check_held, (leaks,)
        yield "--probe %s: %s" % (method, check_attached.__doc__), check_attached, (method,)
    if r.row.arch in BOARDS:
        for method in ("auto", "classic"):
            title = "MINIMAL=1, slab --probe %s: %s" % (method, check_pipes.__doc__)
            yield title, check_pipes, ("minimal-" + method,)
    if "insmod.rc" in r.files:
        yield from planned_module(r)
    yield from record_checks.planned(r, Truth, compare_sites)
    yield from device_checks.planned(r)
    yield check_loaded.__doc__, check_loaded, ()
    if "rings.rc" in r.files:
        yield check_rings.__doc__, check_rings, ()
    yield "doctor tells an ordinary user what is missing", check_line, (
        "doctor-user", 3, "root")
    yield "doctor tells of kptr_restrict=2", check_line, (
        "doctor-kptr", 0, "no names: .*kptr_restrict is 2")
    yield "doctor needs no mounted tracefs", check_line, (
        "doctor-tracefs", 0, "tracefs not mounted")


# --- kmscope against the module kmscope_truth; see kmod/README.md -------------------------------------

# Allocated in bulk, which no event tells.
UNSEEN_ALLOCS = ("alloc_bulk", "bulk")
# Freed in bulk or by RCU: some kernels fire events for some of these.
UNSEEN_FREES = ("kfree_rcu", "witness", "free_bulk", "kfree_bulk", "bulk")
UNSEEN_BOTH = UNSEEN_ALLOCS + UNSEEN_FREES
# «ask» keeps these.
KEPT = ("leak", "cache_keep")


class Truth:
    """What the module answered during a step."""

    def __init__(self, r, step):
        self.text = r.text(step + ".answers")
        self.answers = {}
        for part in self.text.split("> ")[1:]:
            command, _, answer = part.partition("\n")
            need(answer.startswith("ok "), "the module to «%s»: %s", command, answer.strip())
            self.answers.setdefault(command, answer.splitlines())
        need("show" in self.answers, "the module was not asked")
        kinds = [pairs(x) for x in self.answers["show"] if x.startswith("kind=")]
        self.kinds = {k["kind"]: k for k in kinds if k["tries"]}

    def addresses(self, kind):
        kept = [pairs(x) for x in self.answers["addresses"] if x.startswith("kind=%s " % kind)]
        return sorted(int(k["address"], 16) for k in kept)


def truth_row(report, table, kind):
    """What kmscope says of a kind's site; an object for each column, None if nothing."""
    name = kind["site"] + "+"
    rows = [t for t in report["tables"][table] if (t["site"] or "").startswith(name)]
    need(len(rows) <= 1, "%d rows of %s in %s", len(rows), kind["site"], table)
    return rows[0] if rows else None


def compare(kind, row, expected):
    for name, value in expected.items():
        need(row[name] == value, "%s: %s is %s, not %s", kind["site"], name, row[name], value)


def compare_sites(report, kind):
    """A kind's row of the table «sites»."""
    row = truth_row(report, "sites", kind)
    if kind["kind"] in UNSEEN_ALLOCS or not kind["allocs"]:
        need(row is None, "%s: allocations that fire no event: %s", kind["site"], row)
        return
    need(row, "%s: no row, %d were allocated", kind["site"], kind["allocs"])
    compare(kind, row, {
        "allocs": kind["allocs"],
        "failed": kind["failed"],
        "bytes_req": kind["requested"],
        "bytes_alloc": kind["given"],
        "waste": kind["given"] - kind["requested"],
        "live_objects": row["allocs"] - row["frees"],
    })
    need(row["frees"] <= kind["frees"], "%s: %s frees instead of %d", kind["site"], row["frees"],
         kind["frees"])
    if kind["kind"] not in UNSEEN_FREES:
        compare(kind, row, {
            "frees": kind["frees"],
            "live_objects": kind["live"],
            "live_bytes": kind["live_given"],
        })


def compare_cache(truth, report):
    """The cache that «cache» uses; without BTF some kernels do not tell its name."""
    kind, size = truth.kinds["cache"], 200
    names = (None, "kmscope_truth_%d" % size)
    caches = report["tables"]["caches"]
    rows = [c for c in caches if c["object_size"] == size and c["cache"] in names]
    need(len(rows) == 1, "%d rows of the cache %s", len(rows), names[1])
    compare({"site": names[1]}, rows[0], {
        "slab_size": kind["given"] // kind["allocs"],
        "allocs": kind["allocs"],
        "frees": kind["frees"],
        "waste": kind["given"] - kind["requested"],
        "live_objects": kind["live"],
        "live_bytes": kind["live_given"],
    })


def check_truth_slab(r, step):
    """the module's allocations and frees by site, exactly"""
    truth, report = Truth(r, step), r.report(step)
    check_quality(report)
    need(len(truth.kinds) >= 19, "the module did %s only", " ".join(truth.kinds))
    wrong = []
    for kind in truth.kinds.values():
        try:
            compare_sites(report, kind)
        except Wrong as problem:
            wrong.append(str(problem))
    q = report["quality"]
    need(not wrong, "%s\n%s events missed by recursion", "\n".join(wrong), q["recursion_misses"])
    compare_cache(truth, report)
    seen = [k for k in truth.kinds.values() if k["kind"] not in UNSEEN_ALLOCS]
    allocs = sum(k["allocs"] for k in seen)
    need(q["allocs"] == allocs, "%d allocations in all, not %d", q["allocs"], allocs)
    nothing = sum(truth.kinds[name]["tries"] for name in ("zero", "kfree_null"))
    need(q["frees_null"] >= nothing, "%d frees of nothing, not %d", q["frees_null"], nothing)


def check_truth_leaks(r, step):
    """what the module keeps, object by object, and nothing that it has freed"""
    truth, report = Truth(r, step), r.report(step)
    check_quality(report)
    for name, kind in truth.kinds.items():
        row = truth_row(report, "candidates", kind)
        if name in UNSEEN_FREES:
            need(not row or row["objects"] <= kind["frees"], "%s: %s", kind["site"], row)
            continue
        if not kind["live"]:
            need(row is None, "%s: has %s objects", kind["site"], row and row["objects"])
            continue
        need(row, "%s: no row, %d are live", kind["site"], kind["live"])
        compare(kind, row, {"objects": kind["live"], "bytes": kind["live_given"]})
        check_stacks(r, report, [row], (kind["site"], "vfs_write"))
        found = [o for o in report["tables"]["objects"] if o["site"] == row["site"]]
        addresses = sorted(int(o["address"], 16) for o in found)
        right = truth.addresses(name)
        need(len(right) == kind["live"], "%s: %d addresses", kind["site"], len(right))
        need(addresses == right, "%s: addresses %s, not %s", kind["site"],
             [hex(a) for a in addresses if a not in right],
             [hex(a) for a in right if a not in addresses])
    need(set(KEPT) <= set(truth.kinds), "the module did %s only", " ".join(truth.kinds))


def check_truth_vmalloc(r, step):
    """areas by site: sizes, pairing, pages, devices; and those that were there before"""
    truth, report = Truth(r, step), r.report(step)
    q, tables = report["quality"], report["tables"]
    hidden = step.endswith("hidden")
    need(not q["lost"] and not q["late"] and not q["map_full"], "%s", q)
    for name in ("vmalloc", "ioremap"):
        kind = truth.kinds[name]
        row = truth_row(report, "sites", kind)
        need(row, "%s: no row", kind["site"])
        compare(kind, row, {
            "kind": name,
            "allocs": kind["allocs"],
            "frees": kind["frees"],
            "failed": 0,
            "bytes": kind["given"],
            "bytes_req": kind["requested"],
            "live_areas": kind["live"],
            "live_bytes": kind["live_given"],
        })
        need(name == "ioremap" or row["mean_ns"] > 0, "calls take no time: %s", row)
        mine = [a for a in tables["areas"] if a["site"] == row["site"]]
        right = truth.addresses(name)
        need(sorted(int(a["address"], 16) for a in mine) == right, "%s are not %s", mine, right)
        need(name == "vmalloc" or all(int(a["phys"], 16) == DEVICE[r.row.arch] for a in mine), "%s",
             mine)
        runs = r.has_btf() and name == "vmalloc"
        for area in mine:
            need(area["physical_runs"] in (range(1, 4) if runs else (None,)), "%s", area)
            need(area["pages"] == (3 if runs else None), "%s", area)
        check_area_chain(r, report, row, kind)
    before = len(truth.answers["drop vmalloc"]) and 17
    need(hidden or q["frees_unknown"] >= before, "%s", q)
    freed = [c for c in tables["existing"] if (c["caller"] or "").startswith("truth_vmalloc_site+")]
    need(len(freed) == 1 and freed[0]["areas"] == before, "%s", freed)
    need(freed[0]["freed"] == (None if hidden else before), "%s", freed)
    numbers = [v for rows in tables.values() for t in rows for v in t.values()
               if isinstance(v, (int, float))]
    need(min(numbers) >= 0, "a number is negative")


def check_area_chain(r, report, row, kind):
    if r.row.arch == "armhf":
        need(not row["stacks"], "a call chain on ARM32: %s", row)
        return
    if r.row.kernel == "5.10":
        return  # it can't unwind beyond a function whose return is probed
    chains = {s["id"]: s["frames"] for s in report["stacks"]}
    names = " ".join(str(f) for f in chains[row["stacks"][0]["stack"]])
    need(kind["site"] in names and "vfs_write" in names, "no call chain: %s", names)


def page_truth(truth):
    """{order: {kind: its counts}} of the module's answer to «pages»."""
    orders = {}
    for line in truth.answers["pages"]:
        if line.startswith("kind="):
            counts = pairs(line)
            orders.setdefault(counts["order"], {})[counts["kind"]] = counts
    return orders


def check_truth_buddy(r, step):
    """blocks of every order, failures, blocks freed in pieces, pages in bulk"""
    report = r.report(step)
    text = r.text(step + ".answers")
    need("> pages\nok " in text, "the module was not asked: %s", text[-300:])
    truth = Truth.__new__(Truth)
    truth.answers = {p.partition("\n")[0]: p.partition("\n")[2].splitlines()
                     for p in text.split("> ")[1:]}
    q, tables = report["quality"], report["tables"]
    need(q["lost"] == 0 and q["late"] == 0, "%s", q)
    orders = page_truth(truth)
    need(set(range(11)) <= set(orders), "the module did orders %s", sorted(orders))
    for order, kinds in sorted(orders.items()):
        blocks = [kinds[k] for k in ("page", "page_split", "page_exact") if k in kinds]
        mine = [u for u in tables["users"] if u["comm"] == "askpages" and u["order"] == order
                and (u["gfp"] == "GFP_KERNEL|__GFP_NOWARN" or order == 10)]
        for name in ("allocs", "failed"):
            found, right = sum(u[name] for u in mine), sum(k[name] for k in blocks)
            need(found == right, "order %d: %s are %d, not %d", order, name, found, right)
        found = sum(u["live_pages"] for u in mine)
        need(found == 0, "order %d: %d pages are live", order, found)
        found, right = sum(u["frees"] for u in mine), sum(k["allocs"] for k in blocks)
        need(found == right, "order %d: %d blocks are gone, not %d", order, found, right)
    need(orders[10]["page"]["failed"] >= 3, "no order-10 try failed: %s", orders[10])
    split = sum(t["split_blocks"] for t in tables["orders"] if t["order"] == 3)
    right = sum(orders[3][k]["allocs"] for k in ("page_split", "page_exact"))
    need(split >= right, "%d blocks freed in pieces, not %d", split, right)
    if not step.endswith("-comm"):
        check_orders(report)
        check_bulk(r, truth, report)


def check_orders(report):
    """The table «orders» holds every allocation and free of the quality record."""
    q, rows = report["quality"], report["tables"]["orders"]
    sums = {n: sum(t[n] for t in rows) for n in ("allocs", "failed", "frees", "pieces")}
    need(sums["allocs"] == q["allocs"] and sums["failed"] == q["failed"], "%s: %s", sums, q)
    need(sums["frees"] + sums["pieces"] == q["frees_matched"] + q["frees_unknown"], "%s: %s",
         sums, q)


def check_bulk(r, truth, report):
    bulk = next(k for k in truth.answers if k.startswith("page_bulk"))
    line = " ".join(truth.answers[bulk])
    if line.startswith("error unsupported"):
        return
    given = pairs(line)["allocs"] - pairs(line)["single"]
    hooked = re.search(r"^function ", r.text("capset.out"), re.M)
    if hooked:
        need(report["quality"]["bulk_pages"] >= given, "%s pages in bulk, not %d",
             report["quality"]["bulk_pages"], given)


def frees_shown(r):
    """
    By method, how many of the frees that need not fire an event kmscope knows, in words: some by
    events, some because their address was given out again.
    """
    lines = []
    for method in METHODS:
        step = "truth-slab-" + method
        if method == "raw" and not r.has_btf():
            continue
        try:
            truth, report = Truth(r, step), r.report(step)
            rows = {n: truth_row(report, "sites", kind) for n, kind in truth.kinds.items()}
            known = {n: row["frees"] for n, row in rows.items() if row and n in UNSEEN_FREES}
            exact = sum(kind["frees"] for n, kind in truth.kinds.items() if n not in UNSEEN_BOTH)
            q = report["quality"]
            words = ["%s %d of %d" % (n, f, truth.kinds[n]["frees"]) for n, f in known.items()]
            lines.append("--probe %s knows of frees: %s; %d by events, %d by reuse" % (
                method, ", ".join(words), q["frees_matched"] - exact, q["frees_implied"]["reuse"]))
        except (Wrong, KeyError, TypeError, ValueError):
            continue # a check has said so
    return lines


def planned_module(r):
    """(title, function, arguments) of the checks with the module."""
    yield "the module kmscope_truth loads", Results.output, ("insmod",)
    for method in METHODS:
        slab, leaks = "truth-slab-" + method, "truth-leaks-" + method
        if method == "raw" and not r.has_btf():
            continue  # refused: check_refusal
        yield "slab --probe %s: %s" % (method, check_truth_slab.__doc__), check_truth_slab, (slab,)
        title = "leaks --probe %s: %s" % (method, check_truth_leaks.__doc__)
        yield title, check_truth_leaks, (leaks,)
    for step in ("truth-vmalloc", "truth-vmalloc-hidden"):
        yield "%s: %s" % (step[6:], check_truth_vmalloc.__doc__), check_truth_vmalloc, (step,)
    for step in ("truth-buddy", "truth-buddy-comm"):
        yield "%s: %s" % (step[6:], check_truth_buddy.__doc__), check_truth_buddy, (step,)
    yield "the module is unloaded", Results.output, ("rmmod",)


# --- kmscope layout against /proc ------------------------------------------------------------------------


def flat(nodes, depth=0):
    """(depth, start, end, name) of a tree's nodes, as /proc/iomem lists them."""
    for node in nodes:
        yield depth, int(node["start"], 16), int(node["end"], 16), node["name"]
        yield from flat(node["children"], depth + 1)


def check_iomem(r):
    """the physical tree is /proc/iomem"""
    report = r.report("layout")
    lines = [re.match(r"( *)([0-9a-f]+)-([0-9a-f]+) : (.*)", x)
             for x in r.output("iomem").splitlines()]
    right = [(len(m[1]) // 2, int(m[2], 16), int(m[3], 16), m[4]) for m in lines]
    found = list(flat(report["trees"]["physical"]))
    need(len(right) > 3 and found == right, "%s", [f for f in found if f not in right][:3])


def check_zones(r, memory):
    """the zones are those of /proc/zoneinfo, high memory apart"""
    rows = {(z["node"], z["zone"]): z for z in r.report("layout")["tables"]["zones"]}
    parts = re.split(r"^Node (\d+), zone +(\w+)$", r.output("zoneinfo"), flags=re.M)[1:]
    need(len(parts) == 3 * len(rows), "%d zones instead of %d", len(rows), len(parts) // 3)
    present = 0
    for node, zone, text in zip(*[iter(parts)] * 3):
        row = rows[int(node), zone]
        for name in ("spanned", "present", "managed"):
            right = int(re.search(r"^ +%s +(\d+)" % name, text, re.M)[1])
            need(row[name + "_pages"] == right, "%s: %s is %s, not %d", zone, name,
                 row[name + "_pages"], right)
        present += row["present_bytes"]
    need(memory * 0.9 < present >> 20 <= memory, "%d MB of %d are present", present >> 20, memory)
    high = [z for (_, zone), z in rows.items() if zone == "HighMem" and z["present_pages"]]
    need(bool(high) == (r.row.arch == "armhf" and memory >= 2048), "high memory: %s", high)


def check_hidden(r):
    """an ordinary user is told that addresses are hidden, none is shown as 0"""
    report = r.report("layout-user")
    need("physical" not in report["trees"], "%s", report["trees"].get("physical"))
    need(any("/proc/iomem hides" in n for n in report["notes"]), "no note: %s", report["notes"])


def layout_run(row, files, memory):
    """(title, None or what is wrong) of the checks of a boot with that memory."""
    r = Results(row, files)
    for function, arguments in ((check_iomem, ()), (check_zones, (memory,)), (check_hidden, ())):
        title = "layout with %d MB: %s" % (memory, function.__doc__)
        try:
            function(r, *arguments)
            yield title, None
        except Wrong as wrong:
            yield title, str(wrong)
        except (KeyError, TypeError, ValueError) as problem:
            yield title, "the report has another form: %r" % problem


SKIPPED = "skipped: "


def live_tests(r, program):
    """(title, None or what is wrong) of each test in a program's TAP."""
    title, said, results, planned_tests = None, [], [], None
    for line in r.text(program + ".out").splitlines():
        plan = re.match(r"1\.\.(\d+)", line)
        test = re.match(r"(not ok|ok)\s*\d*\s*(?:- )?(.*)", line)
        if plan:
            planned_tests = int(plan.group(1))
        elif test and "# SKIP" in test.group(2):
            title = test.group(2).replace("# SKIP", "").strip()
            results.append([title, SKIPPED + " ".join(said)])
        elif test:
            why = "".join(x + "\n" for x in said if x.strip())
            results.append([test.group(2), None if test.group(1) == "ok" else why])
        elif results and results[-1][1] is not None and line.startswith("#"):
            results[-1][1] += line.lstrip("# ") + "\n"
        if test:
            said = []
        elif not line.startswith("#"):
            said.append(line)
    status = r.text(program + ".rc").strip()
    if planned_tests != len(results):
        text = "planned %s tests, ran %d, exit status %s; %s"
        last = r.text(program + ".out").strip().splitlines()[-3:]
        results.append(["all of it", text % (planned_tests, len(results), status, last)])
    return [("%s: %s" % (program, title), wrong) for title, wrong in results]


def evaluate(row, files, plan):
    """(title, None or what is wrong) of the checks that plan(Results) yields."""
    r = Results(row, files)
    for title, function, arguments in plan(r):
        try:
            function(r, *arguments)
            yield title, None
        except Wrong as wrong:
            yield title, str(wrong)
        except (KeyError, IndexError, TypeError, ValueError) as problem:
            yield title, "the report has another form: %r" % problem


def run(row, files):
    """(title, None or what is wrong) of every check on a guest's results."""
    yield from evaluate(row, files, planned)
    r = Results(row, files)
    for name in sorted(files):
        if re.match(r"test_\w+\.rc$", name):
            yield from live_tests(r, name[:-3])
