# SPDX-License-Identifier: GPL-2.0
"""Builds the modules of kmod/ for the kernels of the list."""
import os
import shutil
import subprocess

import debian
import matrix

ROOT = os.path.dirname(os.path.dirname(matrix.HERE))
NAMES = ("kmscope_truth", "kmscope_gpio")


def copy_sources(name, out):
    """Kbuild leaves its objects beside the sources. Times are kept, so that it builds only once."""
    sources = os.path.join(ROOT, "kmod", name)
    os.makedirs(out, exist_ok=True)
    for file in os.listdir(sources):
        if file == "Makefile" or file.endswith((".c", ".h")):
            shutil.copy2(os.path.join(sources, file), out)


def strip(tool, name, out):
    """Without debugging data, 1 MB becomes 50 to 90 KB."""
    file = name + ".ko"
    stripped = os.path.join(out, "stripped", file)
    os.makedirs(os.path.dirname(stripped), exist_ok=True)
    subprocess.run([tool, "-g", "-o", stripped, os.path.join(out, file)], check=True)
    return stripped


def need_success(done):
    if done.returncode:
        said = (done.stderr or done.stdout).strip()
        raise debian.Unavailable("the module was not built: " + said)


def sid_root(row, headers):
    """
    sid's headers take sid's compiler, and its kbuild sid's libc: a folder with both, to be run by
    chroot. The same one has the compilers of all of sid's kernels.
    """
    compiler = compiler_named(headers)
    names = ["%s-%s" % (compiler, t) for t in ("x86-64-linux-gnu", "aarch64-linux-gnu")]
    release = os.path.basename(headers)[len("linux-headers-"):]
    names.append("linux-kbuild-" + release[: -len("-" + row.arch)])
    return debian.root(row.suite, tuple(names + ["make"]))


def build_in_sid(row, headers, out):
    if os.geteuid() != 0:
        raise debian.Unavailable("sid's compiler is run by chroot, which takes root")
    unpacked = os.path.dirname(os.path.dirname(os.path.dirname(headers)))
    command = ["make", "-s", "-C", out, "KDIR=" + headers]
    done = debian.run_in_root(sid_root(row, headers), [unpacked, out], command)
    need_success(done)


def compiler_named(headers):
    """What Debian's headers were made with: gcc-12."""
    with open(os.path.join(headers, ".kernelvariables"), encoding="utf-8") as f:
        named = [line.split(")")[-1].strip() for line in f if line.startswith("CC ")]
    if not named:
        raise debian.Unavailable("%s names no compiler" % headers)
    return named[0]


def build(row, name, out):
    """The module of that name for a kernel, made in the folder out."""
    headers = matrix.headers(row)
    cross = matrix.MACHINES[row.arch].cross
    copy_sources(name, out)
    if row.suite == "sid":
        build_in_sid(row, headers, out)
    else:
        command = ["make", "-s", "-C", out, "KDIR=" + headers]
        if cross:
            command.append("CROSS_COMPILE=" + cross)
        # Debian 11's gcc-10 is nowhere in Debian 12, whose gcc makes modules that load there
        if not shutil.which(cross + compiler_named(headers)):
            command.append("CC=%sgcc" % cross)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        need_success(subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        ))
    return strip(cross + "strip", name, out)
