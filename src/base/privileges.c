// SPDX-License-Identifier: GPL-2.0
#include "base/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/base.h"

int privileges_drop(void)
{
	static const unsigned int keep[] = { CAP_BPF, CAP_PERFMON, CAP_SYSLOG };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 }, kept[2] = { 0 };
	size_t i;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(keep); i++) {
		uint32_t bit = 1u << keep[i] % 32;

		if (!(data[keep[i] / 32].permitted & bit))
			return -EPERM; /* an older kernel or container: CAP_SYS_ADMIN stands for them */
		kept[keep[i] / 32].permitted |= bit;
		kept[keep[i] / 32].effective |= bit;
	}
	return syscall(SYS_capset, &header, kept) ? -errno : 0;
}
