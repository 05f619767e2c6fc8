#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""decode_recording.py FILE [REPORT]: decodes a recording as docs/recording-format.md describes it.

It shares nothing with kmscope but that page. Prints numbers of records by kind and of allocations by
call site, and some more, as JSON; or, with a report of kmscope on that recording (--json), a line for
each thing that is another one there, and exits 1 if there is any. So does a file that is not as the
page says.
"""
import collections
import json
import pathlib
import struct
import sys
import zlib

U64, FRAME = (1 << 64) - 1, (1 << 48) - 1
CONTEXT, EVENTS, DEFLATED = 1, 2, 1  # pools only say again what was overwritten
OWN, REUSE, AGAIN = 1, 4, 8  # flags of records
LAST_EVENT = 31  # kinds above are from user space
# Where in the body of what allocates its call site is.
SITES = {"kmalloc": 8, "cache_alloc": 8, "vmalloc": 16, "ioremap": 24}

# Kind, name, bytes of its body; its values: offset, coding (address, frame, delta, before, plain),
# name, width where it is not 8.
KINDS = """
1 kmalloc 32 0:a:ptr; 2 cache_alloc 32 0:a:ptr; 3 kfree 8 0:a:ptr; 4 cache_free 8 0:a:ptr;
5 cache 64; 6 task 32; 7 page_alloc 16 0:f:block; 8 page_free 8 0:f:block;
9 page_fallback 16 0:f:block; 10 page_refill 8 0:f:block; 11 page_drain 8 0:f:block;
12 page_bulk 16 4:p:pages:4; 13 compaction 16; 14 reclaim 16 4:p:pages:4;
15 area_alloc 24 0:a:address; 16 area_free 24 0:a:address 8:d:lazy;
17 area_purge 24 0:d:start 8:d:end 16:d:areas;
18 area_pages 24 0:a:address 8:p:pages:4 12:p:runs:4; 19 vmalloc 40 0:a:address 24:b:began;
20 ioremap 48 16:a:address; 21 iounmap 8 0:a:ptr; 22 register 72 8:d:value;
23 fault 32 0:d:address 8:d:ip 16:b:began; 24 fault_counts 24 0:p:minor 8:p:major 16:d:tid:4;
32 tick 0; 33 stack 8 0:d:id:4; 34 counters 40; 35 misses 16; 36 start 48; 37 end 0;
38 snapshot 24 0:b:before 8:p:first; 39 process 24; 40 map 56 0:d:start 8:p:bytes 16:p:offset;
41 maps_lost 8; 42 program 8
"""
BODY, EVENT_NAMES = {}, set()
for line in KINDS.split(";"):
    kind, name, size, *values = line.split()
    fields = [(v + ":8").split(":") for v in values]
    BODY[int(kind)] = (name, int(size), [(int(o), int(w[0]), c, n) for o, c, n, *w in fields])
    if int(kind) <= LAST_EVENT and name not in ("cache", "task", "fault_counts"):
        EVENT_NAMES.add(name)


def number(data, offset, width):
    return int.from_bytes(data[offset:offset + width], "little")


class Bytes:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        if self.at + n > len(self.data):
            raise ValueError("it ends too early")
        self.at += n
        return self.data[self.at - n:self.at]

    def varint(self):
        byte = self.take(1)[0]
        return byte if byte < 0x80 else (byte & 0x7f | self.varint() << 7) & U64

    def zigzag(self):
        v = self.varint()
        return v >> 1 ^ -(v & 1)

    def string(self):
        return self.take(self.varint()).decode("utf-8", "backslashreplace")


class Template:
    def __init__(self, column):
        self.kind, self.flags = column.take(2)
        self.name, size, self.values = BODY[self.kind]
        self.body, self.last = b"", {}
        while len(self.body) < size:
            mask = column.take(1)[0]
            self.body += bytes(column.take(1)[0] if mask >> i & 1 else 0 for i in range(8))
        self.path = column.take(number(self.body, 48, 4)) if self.name == "map" else b""


def read_value(template, field, coding, column, time, table):
    last = template.last.get(field, 0)
    if coding == "p":
        return column.varint()
    if coding == "b":
        return time - column.zigzag() & U64
    if coding == "d":
        value = last + column.zigzag() & U64
    else:
        v = column.varint()
        tag, rest = v & 3, v >> 2
        step = rest >> 1 ^ -(rest & 1)
        value = (last + 8 * step, table[rest & 4095], last + step, None)[tag]
        value = number(column.take(8), 0, 8) if value is None else value & U64
        table[(value * 0x9e3779b97f4a7c15 & U64) >> 52] = value
    template.last[field] = value
    return value


def records(payload):
    """What a block of events holds: whether it is of the preamble, and the record."""
    p = Bytes(payload)
    preamble, behind = p.varint(), p.varint()
    time = number(p.take(8), 0, 8)
    columns = [Bytes(p.take(n)) for n in [p.varint() for _ in range(6)]]
    keys, places, times, values, described, tails = columns
    templates, known, place, table = [], [], None, [0] * 4096
    for i in range(preamble + behind):
        key = keys.varint()
        if key >> 1 == len(templates):
            templates.append(Template(described))
        t = templates[key >> 1]
        if key & 1:
            if not (v := places.varint()):
                known.append((places.varint(), places.varint()))
            place = known[v - 1]
        time = time + times.zigzag() & U64
        body = bytearray(t.body)
        e = {"kind": t.name, "time": time, "cpu": place[0], "pid": place[1], "flags": t.flags}
        for offset, width, coding, name in t.values:
            v = read_value(t, offset, coding, values, time, table)
            e[name] = v | (number(t.body, offset, 8) & ~FRAME if coding == "f" else 0)
            body[offset:offset + width] = (e[name] & U64).to_bytes(8, "little")[:width]
        if t.name in SITES:
            e["site"] = number(body, SITES[t.name], 8)
        if t.name == "stack":
            e["frames"] = [number(tails.take(8), 0, 8) for _ in range(number(body, 4, 4))]
        if t.name == "snapshot":
            tails.take(number(body, 16, 4))
        if t.name == "map":
            e["path"] = t.path.rstrip(b"\0").decode("utf-8", "backslashreplace")
        e["body"] = bytes(body).hex()
        yield i < preamble, e
    if any(c.at != len(c.data) for c in (p, *columns)):
        raise ValueError("bytes are left over")


def blocks(data):
    """All whole blocks in their order: number, type, records, oldest, newest, payload."""
    found, at = {}, 64
    while (at := data.find(b"KMSB", at)) >= 0 and at + 48 <= len(data):
        _, kind, flags, _, size, raw, sequence, n, crc, oldest, newest = \
            struct.unpack_from("<4sBBHIIQIIQQ", data, at)
        payload = data[at + 48:at + 48 + size]
        if len(payload) < size or crc != zlib.crc32(
                data[at:at + 28] + data[at + 32:at + 48] + payload):
            at += 1
            continue
        if flags & DEFLATED:
            payload = zlib.decompress(payload)
        if len(payload) != raw:
            raise ValueError(f"block {sequence}: {len(payload)} bytes, not {raw}")
        found[sequence] = (sequence, kind, n, oldest, newest, payload)
        at += 48 + size
    return [found[n] for n in sorted(found)]


def read_header(data):
    names = "magic version size abi byte_order word_size state page_size keep wall_ns last crc"
    h = dict(zip(names.split(), struct.unpack_from("<8sHHIBBBxIQQ8xQ4xI", data)))
    if h["magic"] != b"\x89KMSREC\n" or h["version"] != 1 or h["size"] != 64:
        raise ValueError("not a recording of version 1")
    if zlib.crc32(data[:60]) != h["crc"]:
        raise ValueError("the header's checksum is wrong")
    return h


def read_block(sequence, n, oldest, newest, payload):
    """The records of a block but its preamble's, which a header does not count."""
    rest = [e for again, e in records(payload) if not again]
    times = [e["time"] for e in rest]
    if (len(rest), min(times), max(times)) != (n, oldest, newest):
        raise ValueError("block %d contradicts its header" % sequence)
    return rest


def read_recording(data):
    """Context, and all records of a run that is all there."""
    header, context, run, before = read_header(data), {}, [], 0
    for sequence, kind, n, oldest, newest, payload in blocks(data):
        if sequence != before + 1:
            raise ValueError("block %d is missing" % (before + 1))
        before = sequence
        if kind == CONTEXT and not context:
            p = Bytes(payload)
            context = {p.string(): p.string() for _ in range(p.varint())}
        elif kind == EVENTS:
            run += read_block(sequence, n, oldest, newest, payload)
    if header["last"] != before:
        raise ValueError("the last block is missing")
    return context, run


def count_sites(run):
    """Allocations by call site. One that is told again has another site now."""
    sites, last = collections.Counter(), {}
    for e in run:
        if e["kind"] not in SITES or e["flags"] & (OWN | REUSE) or not e["site"]:
            continue
        address = e.get("ptr", e.get("address"))
        if e["flags"] & AGAIN and address in last:
            sites[last[address]] -= 1
        last[address] = e["site"]
        sites[e["site"]] += 1
    return +sites


def summarize(context, run):
    """What a report should say, by the names it has there."""
    events = [e for e in run if e["kind"] in EVENT_NAMES and not e["flags"] & AGAIN]
    newest = {e["cpu"]: e for e in run if e["kind"] == "counters"}.values()
    sums = {name: sum(number(bytes.fromhex(e["body"]), at, 8) for e in newest)
            for name, at in (("lost", 0), ("lost_frees", 8), ("filtered", 16), ("nulls", 24))}
    took = [e["time"] - e["began"] for e in run
            if e["kind"] == "fault" and e["began"] and not e["flags"] & OWN]
    return {
        "kernel": context["kernel"],
        "arch": context["arch"],
        "start_ns": run[0]["time"],
        "end_ns": run[-1]["time"],
        "start_wall_ns": number(bytes.fromhex(run[0]["body"]), 0, 8),
        "events": len(events) + sum(sums.values()),
        "filtered": sums["filtered"] + sum(bool(e["flags"] & REUSE) for e in events),
        "own": sum(bool(e["flags"] & OWN) for e in events),
        "longest": max(took, default=0),
        "sites": {"%#x" % site: n for site, n in sorted(count_sites(run).items())},
        "kinds": collections.Counter(e["kind"] for e in run),
    }


def said_by(report):
    """The same of a report; sites only where it has allocations by site."""
    tables, quality = report["tables"], report["quality"]
    names = ("kernel", "arch", "start_ns", "end_ns", "start_wall_ns")
    said = {name: report[name] for name in names}
    said.update({name: quality[name] for name in ("events", "filtered")})
    if report["command"] == "faults":
        said["own"] = quality["own"]
        said["longest"] = max(row["max_ns"] or 0 for row in tables["totals"])
    if report["command"] in ("slab", "vmalloc"):
        said["sites"] = collections.Counter()
        for row in tables["sites"]:
            said["sites"][row["address"]] += row["allocs"]
    return said


def main():
    try:
        found = summarize(*read_recording(pathlib.Path(sys.argv[1]).read_bytes()))
    except (ValueError, LookupError, struct.error, zlib.error) as e:
        print("%s: %s" % (sys.argv[1], e))
        return 1
    if len(sys.argv) < 3:
        print(json.dumps(found, indent=1))
        return 0
    said = said_by(json.loads(pathlib.Path(sys.argv[2]).read_text(encoding="utf-8")))
    wrong = [name for name in said if said[name] != found[name]]
    for name in wrong:
        print("%s: %s, but the report says %s" % (name, found[name], said[name]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
