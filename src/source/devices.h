/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SOURCE_DEVICES_H
#define KMSCOPE_SOURCE_DEVICES_H
/* Who has which registers, as far as the kernel's device model knows. */
#include "base/base.h"

/*
 * What SNAPSHOT_DEVICES holds, from below @sys (normally /sys). A line a range of registers, of devices on
 * the platform, AMBA and PCI buses,
 *     mem 0xSTART 0xEND NAME DRIVER COMPATIBLE
 * with END inclusive, the names of compatible devices (of the device tree) joined by «;», and «-» for what
 * there is not; and one a GPIO controller, with the number of its first line, how many there are, its
 * device and its label,
 *     gpio FIRST N DEVICE LABEL
 * Names are a word each: other bytes than printable ones of ASCII read «?». *@ret is the caller's, to be
 * freed with free(). 0 or -ENOMEM: what can't be read is left out.
 */
int devices_text(const char *sys, char **ret);

#endif
