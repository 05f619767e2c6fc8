# SPDX-License-Identifier: GPL-2.0
"""Device registers: the module kmscope_gpio against its own events, and `kmscope mmio` against the module."""
import json
import re

from results import need

# Step: words for tests/vm/registers. On ARM, QEMU's machine has a PL061, with nothing at pins 4 to 7.
REGISTERS = {
    "gpio-sim": "21-24 sim=1",
    "gpio-sim-pl061": "4-7 sim=1 layout=pl061 base=0x9030000 pins=4-7",
    "gpio-pl061": "4-7 layout=pl061 base=0x9030000 pins=4-7",
}

# Step: words for tests/vm/askregisters; the second number is how many reads follow without --trace.
MMIO = {
    "mmio-sim": "21-24 10007 sim=1",
    "mmio-pl061": "4-7 10007 layout=pl061 base=0x9030000 pins=4-7",
    "mmio-edu": "4-7 10007 layout=edu pins=4-7",
    "mmio-beagle": "21-24 1000003",
}
BEAGLE = ["step mmio-beagle 300 askregisters " + MMIO["mmio-beagle"],
          "step example-led 60 env KMSCOPE=/build/kmscope sh /bin/beaglebone-led /kmscope_gpio.ko 5 20"]
REGMAP = 1009  # turns of the truth module's command «registers»


def steps(row):
    """The lines of the guest's /steps."""
    where = {"mmio-sim": True, "mmio-pl061": row.arch != "amd64", "mmio-edu": row.arch == "amd64"}
    lines = ["step %s 60 registers %s" % (step, words) for step, words in REGISTERS.items()
             if row.arch != "amd64" or "sim=1" in words]
    return lines + ["step %s 120 askregisters %s" % (step, MMIO[step])
                    for step, wanted in where.items() if wanted]


def planned(r):
    """(title, function, arguments) of all checks."""
    for step in REGISTERS:
        if step + ".rc" in r.files:
            for check in (check_registers, check_refusals, check_restored):
                yield "%s: %s" % (step, check.__doc__), check, (step,)
    for step in MMIO:
        if step + ".rc" in r.files:
            for check in (check_mmio, check_mmio_trace, check_mmio_maps, check_mmio_many,
                          check_mmio_again):
                yield "%s: %s" % (step, check.__doc__), check, (step,)
    if "mmio-beagle.rc" in r.files:
        yield "mmio-beagle: " + check_line.__doc__, check_line, ()
        yield "examples/beaglebone-led: " + check_example.__doc__, check_example, ()


# --- the module kmscope_gpio against its own events; see kmod/kmscope_gpio/README.md -------------------

# What tests/vm/registers asks for.
BLINKS, WALKS, READS = 23, 31, 29


def said(r, step):
    """[(command, lines of the answer)] of the module."""
    parts = r.text(step + ".answers").split("> ")[1:]
    return [(p.split("\n")[0], p.splitlines()[1:]) for p in parts]


def traced(r, name):
    """[(event, its fields)], numbers as such, nothing lost."""
    text = r.text(name)
    found = re.search(r"entries-in-buffer/entries-written: (\d+)/(\d+)", text)
    need(found and found[1] == found[2] != "0", "%s is not whole: %s", name, found and found[0])
    events = re.findall(r": (reg_read|reg_write|map|unmap): (.*)", text)
    need(len(events) == int(found[1]), "%d events instead of %s", len(events), found[1])
    fields = [dict(re.findall(r"(\w+)=(\S+)", line)) for _, line in events]
    return [(event, {k: v if k == "bank" else int(v, 0) for k, v in f.items()})
            for (event, _), f in zip(events, fields)]


def drive(layout, high, low):
    """The writes that make pins high and low."""
    if layout == "pl061":
        return [("reg_write", (high | low) << 2, high)]
    return [("reg_write", o, v) for o, v in ((0x190, low), (0x194, high)) if v]


def pattern(layout, steps, pins, real):
    """A run of pins that were inputs, and low where that can be known; value None: any."""
    direction, latch = (0x400, pins << 2) if layout == "pl061" else (0x134, 0x13C)
    begin = [("reg_read", o, None) for o in (direction, latch, direction)]
    change = [("reg_write", direction, None)]
    end = drive(layout, 0, pins) if layout != "pl061" else []
    last = [("reg_read", direction, None)]
    return (begin + change + [x for high, low in steps for x in drive(layout, high, low)]
            + end + last + change + (last if real else []))


def expected_registers(layout, pins, real):
    """(event, offset, value or None) of all accesses that the script asks for."""
    bits = [1 << n for n in range(32) if pins >> n & 1]
    walk, before = [], pins
    for n in range(WALKS):
        bit = bits[n % len(bits)]
        walk.append((bit, before & ~bit))
        before = bit
    seen = 0xFF << 2 if layout == "pl061" else 0x138
    return (pattern(layout, [(pins, 0), (0, pins)] * BLINKS, pins, real)
            + pattern(layout, walk, pins, real) + [("reg_read", seen, None)] * READS)


def check_registers(r, step):
    """every access is one event, in order, and counted"""
    r.output(step)
    events = traced(r, step + ".trace")
    shows = [lines for command, lines in said(r, step) if command == "show"]
    show = {k: v for k, v in re.findall(r"(\w+)=(\S+)", shows[0][0])}
    base, width = int(show["base"], 0), 1 if show["layout"] == "pl061" else 4
    accesses = [(e, f) for e, f in events if e.startswith("reg_")]
    right = expected_registers(show["layout"], int(show["pins"], 0), show["sim"] == "0")
    need(len(accesses) == len(right), "%d accesses instead of %d", len(accesses), len(right))
    for (event, f), (kind, offset, value) in zip(accesses, right):
        need((event, f["offset"]) == (kind, offset) and value in (None, f["value"]),
             "%s %s instead of %s 0x%x %s", event, f, kind, offset, value)
        need(f["phys"] == base + offset and f["width"] == width and f["bank"] == show["bank"],
             "%s", f)
    counts = {}
    for event, f in accesses:
        c = counts.setdefault(f["offset"], {"reads": 0, "writes": 0})
        c["reads" if event == "reg_read" else "writes"] += 1
        c["last"] = f["value"]
    told = {}
    for line in shows[0][1:]:
        f = {k: int(v, 0) for k, v in re.findall(r"(\w+)=(\w+)", line) if k != "register"}
        told[f["offset"]] = {k: f[k] for k in ("reads", "writes", "last")}
    need(told == counts, "show: %s, events: %s", told, counts)
    maps = [(e, f) for e, f in events if not e.startswith("reg_")]
    need([e for e, _ in maps] == ["map", "unmap"] * 3, "%s", maps)
    need(show["maps"] == show["unmaps"] == "3", "%s", show)
    for (_, up), (_, down) in zip(maps[::2], maps[1::2]):
        need(up == down and up["phys"] == base and up["size"] == 0x1000 and up["virt"], "%s %s", up,
             down)


def check_refusals(r, step):
    """what is asked wrongly gets one line and touches nothing"""
    answers = said(r, step)
    shows = [lines for command, lines in answers if command == "show"]
    need(shows[0][1:] == shows[1][1:], "%s became %s", shows[0], shows[1])
    words = [lines[0].split(":")[0] for _, lines in answers if lines[0].startswith("error")]
    right = ["device", "refused", "range", "syntax", "syntax", "syntax", "range", "range", "unknown"]
    right += ["busy"] * (1 if "sim=1" in REGISTERS[step] else 2)
    need(words == ["error " + w for w in right], "%s", words)
    need(all(len(x) == 1 for _, x in answers if x[0].startswith("error")), "more than one line")


def check_restored(r, step):
    """unloading and unbinding end the traffic, and leave the pins as they were"""
    states = [re.search(r"state=(\w+)", lines[0])[1] for command, lines in said(r, step)
              if command in ("stop", "wait")]
    sim = "sim=1" in REGISTERS[step]
    right = ["done"] * 3 + ["stopped", "done", "done" if sim else "unbound"]
    need(states == right, "%s", states)
    show = [lines[0] for command, lines in said(r, step) if command == "show"][2]
    need("state=stopped" in show and "maps=45 unmaps=45" in show, "%s", show)
    first, second = ([f for e, f in traced(r, step + end) if e == "reg_read"]
                     for end in (".trace", ".after"))
    need(first[0] == second[0], "%s became %s", first[0], second[0])
    need(not sim or second[-1]["value"] == 128, "not the inputs: %s", second[-1])


# --- kmscope mmio -------------------------------------------------------------------------------------


def shown(r, step, number):
    """The module's answer to its command «show»: (its words, {offset: its counts})."""
    lines = [lines for command, lines in said(r, step) if command == "show"][number]
    words = dict(re.findall(r"(\w+)=(\S+)", lines[0]))
    counts = {}
    for line in lines[1:]:
        name = re.search(r"register=(\S+)", line)[1]
        counts[int(re.search(r"offset=(\w+)", line)[1], 16)] = (name, {
            k: int(v, 0) for k, v in re.findall(r"(reads|writes|width|last)=(\w+)", line)})
    return words, counts


def quality_of(report):
    q = report["quality"]
    need(not q["lost"] and not q["late"] and not q["map_full"] and not q["frees_unknown"], "%s", q)
    return q


def compare_registers(report, words, counts):
    """The module's rows of the table «registers»."""
    base = int(words["base"], 16)
    rows = {int(t["offset"], 16): t for t in report["tables"]["registers"]
            if t["source"] == "kmscope_gpio"}
    need(set(rows) == set(counts), "%s are not %s", sorted(rows), sorted(counts))
    for offset, (name, right) in counts.items():
        row = rows[offset]
        found = {k: row[k] for k in ("reads", "writes", "width")}
        need(found == {k: right[k] for k in found}, "0x%x: %s, not %s", offset, row, right)
        need(int(row["last_value"], 16) == right["last"] & 0xffffffff, "%s: last 0x%x", row,
             right["last"])
        need(int(row["phys"], 16) == base + offset, "%s", row)
        known = {"DATA": "GPIODATA", "DIR": "GPIODIR"}.get(name, name)
        need(words["layout"] == "edu" or row["register"] == known, "%s is %s", row, known)
    return rows


def check_mmio(r, step):
    """registers by name, with every access, value and bit; those of regmap, too"""
    report = r.report(step)
    words, counts = shown(r, step, 0)
    q = quality_of(report)
    rows = compare_registers(report, words, counts)
    pins = int(words["pins"], 16)
    if words["layout"] == "am335x":
        need(int(rows[0x194]["bits_set"], 16) == pins == int(rows[0x190]["bits_set"], 16), "%s", rows)
    if words["layout"] == "edu":
        need(rows[4]["register"] == "LIVENESS", "--registers was not heeded: %s", rows[4])
    regmap = [t for t in report["tables"]["registers"] if t["source"] == "regmap"]
    need([t["device"] for t in regmap] == ["truth.registers"] * 8, "%s", regmap)
    need(sum(t["reads"] for t in regmap) == sum(t["writes"] for t in regmap) == REGMAP, "%s", regmap)
    for n, row in enumerate(regmap):
        last = (REGMAP - 1 - n) // 8 * 8 + n
        need(int(row["last_value"], 16) == last, "%s: not 0x%x", row, last)
    need(regmap[7]["register"] == "LAST", "--registers was not heeded: %s", regmap[7])
    accesses = sum(t[k] for t in report["tables"]["registers"]
                   for k in ("reads", "writes", "inputs", "outputs"))
    maps = sum(t["maps"] for t in report["tables"]["mappings"])
    need(q["allocs"] == maps and q["analysed"] >= accesses + 2 * maps, "%s", q)


def pieces_of(r, step):
    """The accesses of --trace, in the order in which they were printed."""
    return [a for line in r.text(step + ".pieces").splitlines()
            for a in json.loads(line)["tables"]["accesses"]]


def expected_edu(pins):
    """As expected_registers(): what is read is the inverse of what was written last."""
    value, found = 0xffffffff, []  # the register is 0 at first

    def read():
        found.append(("reg_read", 4, ~value & 0xffffffff))

    read()
    bits = [1 << n for n in range(32) if pins >> n & 1]
    runs = [[(pins, 0), (0, pins)] * BLINKS]
    before, walk = pins, []
    for n in range(WALKS):
        bit = bits[n % len(bits)]
        walk.append((bit, before & ~bit))
        before = bit
    runs.append(walk)
    for number, run in enumerate(runs):
        if number:
            read()
        saved = value & pins
        for high, low in run + [(saved, pins & ~saved)]:
            read()
            value = value & ~low | high
            found.append(("reg_write", 4, value))
    for _ in range(READS):
        read()
    return found


def check_mmio_trace(r, step):
    """--trace prints every access in order, with its value"""
    words, _ = shown(r, step, 0)
    accesses = [a for a in pieces_of(r, step) if a["source"] == "kmscope_gpio"]
    pins, base = int(words["pins"], 16), int(words["base"], 16)
    if words["layout"] == "edu":
        right = expected_edu(pins)
    else:
        right = expected_registers(words["layout"], pins, words["sim"] == "0")
    need(len(accesses) == len(right), "%d accesses instead of %d", len(accesses), len(right))
    times = [a["time_ns"] for a in accesses]
    need(times == sorted(times), "not in order")
    for access, (kind, offset, value) in zip(accesses, right):
        need(kind == "reg_" + access["access"] and int(access["phys"], 16) == base + offset
             and value in (None, int(access["value"], 16)), "%s instead of %s 0x%x %s", access, kind,
             offset, value)
    if words["layout"] == "pl061":
        check_direction(accesses)


def check_direction(accesses):
    """The device reads back which pins it was told to drive."""
    written, reads = None, 0
    for access in accesses:
        if access["register"] != "GPIODIR":
            continue
        if access["access"] == "write":
            written = access["value"]
        elif written is not None:
            reads += 1
            need(access["value"] == written, "%s, but %s was written", access, written)
    need(reads >= 2, "%d reads of the direction", reads)


def check_mmio_maps(r, step):
    """the module's mappings, by device, caller and kind; and what was mapped before"""
    report = r.report(step)
    words, _ = shown(r, step, 0)
    base, real = int(words["base"], 16), words["sim"] == "0"
    rows = [m for m in report["tables"]["mappings"] if m["maps"]]
    mine = [m for m in rows if m["phys"] and int(m["phys"], 16) == base]
    need(len(mine) == 1 and mine[0]["bytes"] == 4096, "%s", rows)
    need(mine[0]["maps"] == mine[0]["unmaps"] == int(words["maps"]) == 3, "%s", mine)
    need(not mine[0]["live"], "%s", mine)
    if real:
        need(mine[0]["site"].startswith("kgpio_bank_open+") and mine[0]["module"] == "kmscope_gpio",
             "%s", mine)
        need(mine[0]["cache_mode"] in ("uncached-minus", "device-nGnRE", "device"), "%s", mine)
        need(re.search(r"%x|:" % base, mine[0]["device"]), "%s", mine)
    before = [m for m in report["tables"]["mappings"] if m["existing"]]
    need(len(before) > 2 and all(m["live"] for m in before), "%s", before)
    text = r.text(step + ".text")
    for row in before:
        need(row["phys"] is None or row["phys"] in text, "%s is not in the report for people", row)
    lines = report["grids"]["timeline"]["rows"]
    need(words["layout"] == "edu" or len(lines) >= 4, "%s", lines)


def check_mmio_many(r, step):
    """many accesses, none of them lost"""
    report = json.loads(r.text(step + ".many"))
    quality_of(report)
    words, counts = shown(r, step, 1)
    compare_registers(report, words, counts)
    reads = sum(c["reads"] for _, c in counts.values())
    need(reads >= int(MMIO[step].split()[1]), "%d reads", reads)


def check_mmio_again(r, step):
    """--write FILE, and -f FILE afterwards: the same report"""
    need(r.output(step) == r.text(step + ".again"), "%s", r.text(step + ".again")[-300:])


def check_line(r):
    """a line that its own driver drives, by gpiolib's events"""
    report = r.report("mmio-beagle")
    line = int([lines for command, lines in said(r, "mmio-beagle") if command == "line"][0][0].split()[1])
    rows = [t for t in report["tables"]["registers"] if t["source"] == "gpio"]
    need(len(rows) == 1 and rows[0]["register"] == "line %d" % line, "%s", rows)
    row = rows[0]
    need(row["device"] == "4804c000.gpio" and row["writes"] >= 5 and row["last_value"] == "0x1", "%s", row)
    need(row["outputs"] == 1 and row["inputs"] >= 1, "%s", row)
    names = {m["device"] for m in report["tables"]["mappings"]}
    banks = {"44e07000.gpio", "4804c000.gpio", "481ac000.gpio", "481ae000.gpio"}
    need(banks <= names, "%s are not all in %s", banks, names)
    pin = [x for x in report["grids"]["timeline"]["rows"] if x["label"] == "4804c000.gpio 28"]
    need(len(pin) == 1 and set(pin[0]["cells"]) & set("_#x"), "%s", pin)


def check_example(r):
    """every write of five blinks is seen, and drawn"""
    text = r.output("example-led")
    need("\n13 writes were made, 13 were seen." in text, "%s", text[-300:])
    need(len(re.findall(r" write +4804c000.gpio +SETDATAOUT +0x1e00000 ", text)) == 5, "%s", text)
    drawn = re.findall(r"^4804c000.gpio 2[1-4] +([_#x]+)$", text, re.M)
    need(len(drawn) == 4 and all("#" in d and "_" in d for d in drawn), "%s", drawn)
