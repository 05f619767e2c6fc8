# SPDX-License-Identifier: GPL-2.0
"""What a guest left behind, and how a check says what is wrong with it."""
import json
import re


class Wrong(Exception):
    """A check that did not hold; the text says what was found."""


def need(condition, text, *args):
    if not condition:
        raise Wrong(text % args)


class Results:
    """What a guest left behind, by step."""

    def __init__(self, row, files):
        self.row, self.files = row, files

    def text(self, name):
        return self.files.get(name, b"").decode(errors="replace")

    def status(self, step):
        text = self.text(step + ".rc").strip()
        need(text, "the step was not run")
        return int(text)

    def output(self, step):
        """What a step printed, if it ended well."""
        status = self.status(step)
        said = (self.text(step + ".err") or self.text(step + ".out")).strip().splitlines()
        need(status == 0, "exit status %d: %s", status, said[-1] if said else "")
        return self.text(step + ".out")

    def report(self, step):
        try:
            return json.loads(self.output(step))
        except ValueError as problem:
            raise Wrong("not JSON: %s" % problem) from problem

    def kmalloc_class(self, size):
        """The kernel's own word for the size class that serves a request."""
        names = re.findall(r"^kmalloc-(?:cg-)?(\d+)(k?) ", self.text("slabinfo.out"), re.M)
        sizes = {int(n) * (1024 if k else 1) for n, k in names}
        return min((s for s in sizes if s >= size), default=0)

    def has_btf(self):
        return "\nbtf 1\n" in self.text("capset.out")


def pairs(line):
    """Its words KEY=VALUE, numbers as such."""
    found = re.findall(r"(\w+)=(\S+)", line)
    return {k: int(v) if v.isdigit() else v for k, v in found}
