# SPDX-License-Identifier: GPL-2.0
"""One guest: its initramfs, its boot under QEMU, and what it left behind."""
import collections
import gzip
import io
import os
import shutil
import stat
import subprocess
import tarfile
import time

import matrix

HERE = matrix.HERE
GOT_TO_THE_END = 2 * 16 + 1  # tests/vm/init: «semi exit 16»
MEMORY = {"amd64": 1024, "arm64": 1024, "armhf": 128}  # MB; a board has little
TIMEOUT = int(os.environ.get("VM_TIMEOUT", "3000"))  # seconds, from power on to power off

# What never stands in the log of a healthy kernel.
TROUBLE = (
    "Oops",
    "BUG:",
    "WARNING: ",
    "Unhandled fault",
    "Internal error",
    "general protection fault",
    "cut here",
    "Kernel panic",
    "soft lockup",
    "rcu_sched detected",
    "rcu_preempt detected",
    "self-detected stall",
    "blocked for more than",
    "NOT YET: opcode",
    "kernel BUG at",
    "Out of memory",
)

# .lost: why the guest did not get to the end, or None; .files: NAME -> bytes of its results.
Outcome = collections.namedtuple("Outcome", "lost files console seconds")


# --- initramfs --------------------------------------------------------------------------------------


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One entry in the «newc» format, in which nothing has to exist on this machine's disk."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, device[0], device[1], len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def pack_initramfs(path, programs, texts):
    """programs: NAME -> file to put there; texts: NAME -> its text. All become executable."""
    names = dict(texts)
    for name, source in programs.items():
        with open(source, "rb") as f:
            names[name] = f.read()
    folders = set()
    for name in names:
        while os.path.dirname(name):
            name = os.path.dirname(name)
            folders.add(name)
    with gzip.open(path, "wb", compresslevel=1) as out:
        for folder in sorted(folders | {"dev"}):
            out.write(cpio_entry(folder, stat.S_IFDIR | 0o755))
        out.write(cpio_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1)))
        for name, data in sorted(names.items()):
            data = data.encode() if isinstance(data, str) else data
            out.write(cpio_entry(name, stat.S_IFREG | 0o755, data))
        out.write(cpio_entry("TRAILER!!!", 0))


# --- boot ---------------------------------------------------------------------------------------------


def qemu_command(row, image, initramfs, cpus, memory, more):
    machine = matrix.MACHINES[row.arch]
    words = ["quiet", "loglevel=4", "panic=-1", "oops=panic", "rdinit=/init"]
    command = [machine.qemu] + machine.args.split()
    command += ["-m", str(memory), "-smp", str(cpus)]
    command += ["-display", "none", "-monitor", "none", "-no-reboot", "-serial", "stdio"]
    if row.arch == "amd64":
        command += ["-serial", "file:results.tar.gz"]
    command += ["-kernel", image, "-initrd", initramfs] + list(more)
    return command + ["-append", " ".join(["console=" + machine.console] + words)]


def boot(row, image, initramfs, folder, cpus, memory=None, more=()):
    """
    Run the guest to its end; its results and its console lie in the folder afterwards. memory: MB,
    instead of what the architecture has; more: words for QEMU.
    """
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    console = os.path.join(folder, "console")
    begin = time.monotonic()
    with open(console, "wb") as out:
        try:
            status = subprocess.run(
                qemu_command(row, image, initramfs, cpus, memory or MEMORY[row.arch], more),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            status = None
    seconds = time.monotonic() - begin
    with open(console, encoding="utf-8", errors="replace") as f:
        text = f.read()
    files = read_results(os.path.join(folder, "results.tar.gz"))
    return Outcome(why_lost(status, text, files), files or {}, text, seconds)


def why_lost(status, console, files):
    steps = [line[2:].strip() for line in console.splitlines() if line.startswith("@ ")]
    where = "in step «%s»" % steps[-1] if steps else "before the first step"
    if status is None:
        return "no end after %d s, %s" % (TIMEOUT, where)
    if status != GOT_TO_THE_END:
        return "QEMU ended with %d, %s" % (status, where)
    return None if files else "its results did not arrive"


def read_results(path):
    """NAME -> bytes, or None if there is no whole archive."""
    try:
        with open(path, "rb") as f:
            data = io.BytesIO(f.read())
        with tarfile.open(fileobj=data, mode="r:gz") as tar:
            return {
                m.name[2:] if m.name.startswith("./") else m.name: tar.extractfile(m).read()
                for m in tar
                if m.isfile()
            }
    except (OSError, EOFError, tarfile.TarError):
        return None


def trouble_in(text):
    return [line.strip() for line in text.splitlines() if any(t in line for t in TROUBLE)]
