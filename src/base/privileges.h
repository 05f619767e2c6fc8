/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_PRIVILEGES_H
#define KMSCOPE_BASE_PRIVILEGES_H
/*
 * Keep of this process's capabilities only what reading maps, program statistics and kallsyms needs
 * (CAP_BPF, CAP_PERFMON, CAP_SYSLOG), for as long as it lives. Called once everything is attached.
 * 0 or negative errno; nothing has changed then.
 */
int privileges_drop(void);

#endif
