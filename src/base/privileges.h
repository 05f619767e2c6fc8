/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_PRIVILEGES_H
#define KMSCOPE_BASE_PRIVILEGES_H
#include "base/base.h"

/*
 * Keep of this process's capabilities only what reading maps, program statistics and kallsyms needs
 * (CAP_BPF, CAP_PERFMON, CAP_SYSLOG), for as long as it lives. With @user_files also those of
 * CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH and CAP_CHECKPOINT_RESTORE that there are, which /proc/PID/maps,
 * map_files and root of other processes and their files need. Called once everything is attached.
 * 0 or negative errno; nothing has changed then.
 */
int privileges_drop(bool user_files);

#endif
