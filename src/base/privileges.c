// SPDX-License-Identifier: GPL-2.0
#include "base/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Linux 5.9; the C library's headers may be older */
#ifndef CAP_CHECKPOINT_RESTORE
#define CAP_CHECKPOINT_RESTORE 40
#endif

/* Put @capability into @kept if it is permitted by @now. */
static bool keep(unsigned int capability, const struct __user_cap_data_struct *now,
		 struct __user_cap_data_struct *kept)
{
	uint32_t bit = 1u << capability % 32;

	if (!(now[capability / 32].permitted & bit))
		return false;
	kept[capability / 32].permitted |= bit;
	kept[capability / 32].effective |= bit;
	return true;
}

int privileges_drop(bool user_files)
{
	static const unsigned int needed[] = { CAP_BPF, CAP_PERFMON, CAP_SYSLOG };
	static const unsigned int useful[] = { CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH,
					       CAP_CHECKPOINT_RESTORE };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 }, kept[2] = { 0 };
	size_t i;

	if (syscall(SYS_capget, &header, data))
		return -errno;
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!keep(needed[i], data, kept))
			return -EPERM; /* an older kernel or container: CAP_SYS_ADMIN stands for them */
	for (i = 0; user_files && i < ARRAY_SIZE(useful); i++)
		keep(useful[i], data, kept);
	return syscall(SYS_capset, &header, kept) ? -errno : 0;
}
