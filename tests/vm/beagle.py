# SPDX-License-Identifier: GPL-2.0
"""
QEMU's ARM machine «virt» made to look like an AM335x to its GPIO driver. Its memory begins at 0x40000000, so
that with 160 MB of it AM335x's L4_WKUP and L4_PER are memory. They are taken away from the kernel, and the
device tree gets a node for each GPIO bank: the kernel's own gpio-omap binds to them. It is memory, not GPIO:
what is written stays, SETDATAOUT does not change DATAOUT.
"""
import os
import re
import subprocess

import matrix

MEMORY = 160  # MB; with 256 QEMU would put the initramfs over L4_PER
BANKS = (("gpio0", 0x44e07000), ("gpio1", 0x4804c000), ("gpio2", 0x481ac000), ("gpio3", 0x481ae000))
HIDDEN = ((0x44c00000, 0x400000), (0x48000000, 0x1000000))  # L4_WKUP, L4_PER


def words(folder):
    """What QEMU needs to be told: the tree, and that all pins are inputs, as after a reset."""
    more = ["-dtb", tree(folder)]
    for _, base in BANKS:
        more += ["-device", "loader,addr=0x%x,data=0xffffffff,data-len=4" % (base + 0x134)]
    return more


def nodes():
    """What the tree of «virt» lacks, in its own cells: 2 for addresses, 2 for sizes."""
    text = "\treserved-memory {\n\t\t#address-cells = <2>;\n\t\t#size-cells = <2>;\n\t\tranges;\n"
    for start, size in HIDDEN:
        text += "\t\tl4@%x {\n\t\t\treg = <0 0x%x 0 0x%x>;\n\t\t\tno-map;\n\t\t};\n" % (
            start, start, size)
    text += "\t};\n"
    for number, (_, base) in enumerate(BANKS):
        text += """\tgpio@%x {
\t\tcompatible = "ti,am3352-gpio", "ti,omap4-gpio";
\t\treg = <0 0x%x 0 0x1000>;
\t\tgpio-controller;
\t\t#gpio-cells = <2>;
\t\tinterrupt-controller;
\t\t#interrupt-cells = <2>;
\t\tinterrupts = <0 %d 4>;
\t};
""" % (base, base, 96 + number)
    return text


def tree(folder):
    """Write the device tree's blob into the folder; its path."""
    machine = matrix.MACHINES["armhf"]
    plain, made = os.path.join(folder, "virt.dtb"), os.path.join(folder, "beagle.dtb")
    command = [machine.qemu] + machine.args.replace("-M virt", "-M virt,dumpdtb=" + plain).split()
    command += ["-m", str(MEMORY), "-smp", "1", "-display", "none"]
    subprocess.run(command, check=True, capture_output=True)
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", plain], check=True,
                          capture_output=True, text=True).stdout
    end = text.rindex("};")
    text = text[:end] + nodes() + text[end:]
    text = re.sub(r"/memreserve/[^;]*;", "", text)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", made, "-"], check=True, input=text,
                   capture_output=True, text=True)
    return made
