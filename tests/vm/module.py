# SPDX-License-Identifier: GPL-2.0
"""Builds kmod/kmscope_truth for the kernels of the list, in folders of their own."""
import os
import shutil
import subprocess

import debian
import matrix

ROOT = os.path.dirname(os.path.dirname(matrix.HERE))
SOURCES = os.path.join(ROOT, "kmod", "kmscope_truth")
NAME = "kmscope_truth.ko"


def compiler(kernel_folder, cross):
    """
    CC=… where the compiler that the headers name is not installed, else nothing. Debian 11's name
    gcc-10; a module made by Debian 12's gcc loads and works there.
    """
    with open(os.path.join(kernel_folder, ".kernelvariables"), encoding="utf-8") as f:
        named = [line.split()[-1] for line in f if line.startswith("CC ")]
    if named and shutil.which(named[0].replace("$(CROSS_COMPILE)", cross)):
        return []
    return ["CC=%sgcc" % cross]


def build(row, out):
    """The stripped module for a kernel, made in the folder out."""
    if row.suite == "sid":
        return build_in_sid(row, out)
    headers = matrix.headers(row)
    cross = matrix.MACHINES[row.arch].cross
    folder = copy_sources(out)
    command = ["make", "-C", folder, "KDIR=" + headers] + compiler(headers, cross)
    run_make(row, command + (["CROSS_COMPILE=" + cross] if cross else []))
    return strip(cross + "strip", folder)
