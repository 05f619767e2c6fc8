# SPDX-License-Identifier: GPL-2.0
"""The list of kernels (tests/vm/kernels), and what belongs to an architecture."""
import collections
import os

import debian

HERE = os.path.dirname(os.path.abspath(__file__))
USERLAND = "bookworm"  # of the guests' busybox and libraries

Row = collections.namedtuple("Row", "arch kernel suite package verdict")
Machine = collections.namedtuple("Machine", "make cross qemu package gcc args console")

MACHINES = {
    "amd64": Machine(
        "x86_64",
        "" if os.uname().machine == "x86_64" else "x86_64-linux-gnu-",
        "qemu-system-x86_64",
        "qemu-system-x86",
        "gcc-x86-64-linux-gnu",
        # One thread: with one for each CPU, QEMU before 8.1 may run a stale int3 where the kernel has
        # just patched a tracepoint's branch, which ends in «Oops: int3» (LKML, July 2023: «qemu-x86_64
        # booting with 8.0.0 still see int3: when running LTP tracing testing»).
        "-M q35 -cpu max -accel tcg,thread=single -net none -vga none -device edu"
        " -device isa-debug-exit,iobase=0xf4,iosize=0x04",
        "ttyS0",
    ),
    "arm64": Machine(
        "arm64",
        "" if os.uname().machine == "aarch64" else "aarch64-linux-gnu-",
        "qemu-system-aarch64",
        "qemu-system-arm",
        "gcc-aarch64-linux-gnu",
        "-M virt -cpu cortex-a57 -semihosting-config enable=on,userspace=on,target=native",
        "ttyAMA0",
    ),
    "armhf": Machine(
        "arm",
        "arm-linux-gnueabihf-",
        "qemu-system-arm",
        "qemu-system-arm",
        "gcc-arm-linux-gnueabihf",
        "-M virt -cpu cortex-a15 -semihosting-config enable=on,userspace=on,target=native",
        "ttyAMA0",
    ),
}
ALIASES = {"x86_64": "amd64", "aarch64": "arm64", "arm": "armhf"}


class Unknown(Exception):
    """No such row in the list."""


def select(arch="", kernel=""):
    """The rows of the list that fit; all without arguments."""
    arch = ALIASES.get(arch, arch)
    rows = []
    with open(os.path.join(HERE, "kernels"), encoding="utf-8") as f:
        for line in f:
            words = line.split("#")[0].split()
            if words:
                rows.append(Row(*words))
    chosen = [r for r in rows if arch in ("", r.arch) and kernel in ("", r.kernel)]
    if not chosen:
        known = ", ".join("%s %s" % (r.arch, r.kernel) for r in rows)
        raise Unknown("no kernel «%s %s» in the list: %s" % (arch, kernel, known))
    return chosen


def sysroot(arch):
    """A folder with the static libraries and headers that kmscope is linked with, and cmocka."""
    arch = ALIASES.get(arch, arch)
    names = ["libbpf-dev", "libelf-dev", "zlib1g-dev", "libjansson-dev"]
    names += ["libdw-dev", "liblzma-dev", "libbz2-dev"]
    names += ["libcmocka-dev", "libcmocka0"]
    return debian.packages(USERLAND, arch, names, "sysroot")


def disk_modules(row):
    """NAME.ko -> file of what tests/vm/init makes a disk with: single modules in all kernels."""
    found = debian.kernel_modules(row.suite, row.arch, row.package, ("brd", "minix"))
    return {name + ".ko": path for name, path in found.items()}


def host():
    """This machine's architecture."""
    return ALIASES[os.uname().machine]


def host_program():
    """This machine's kmscope, as it is built for guests; tests/vm/run builds it."""
    root = os.path.dirname(os.path.dirname(HERE))
    return os.path.join(root, "build", "vm", MACHINES[host()].make, "kmscope")


def headers(row):
    """A folder with what a module for this kernel is built against; see debian.headers()."""
    return debian.headers(row.suite, row.arch, row.package)


def busybox(arch):
    folder = debian.packages(USERLAND, arch, ["busybox-static"], "busybox")
    return os.path.join(folder, "bin", "busybox")
