// SPDX-License-Identifier: GPL-2.0
/*
 * The workload of the vmalloc range: makes BPF arrays of a MiB, one after the other, each of which takes an
 * area, and closes all but the first KEEP ones, which are held until standard input ends. READY is created
 * when all have been made. Its name (comm) is «areas». Prints, as the last line:
 *
 *	arrays N
 */
#include <linux/bpf.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "work.h"

#define ARRAY_BYTES (1u << 20)

static int make_array(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 8,
		.max_entries = ARRAY_BYTES / 8,
	};

	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

int main(int argc, char **argv)
{
	/* up to 5.10 maps are locked memory of the user, until they are free, which takes its time */
	const struct rlimit no_limit = { RLIM_INFINITY, RLIM_INFINITY };
	unsigned long n, i, keep = 0;
	char byte;

	if ((argc != 2 && argc != 4) || !work_parse_count(argv[1], &n) ||
	    (argc == 4 && !work_parse_count(argv[2], &keep))) {
		fprintf(stderr, "usage: work_areas ARRAYS [KEEP READY]\n");
		return 2;
	}
	prctl(PR_SET_NAME, "areas");
	setrlimit(RLIMIT_MEMLOCK, &no_limit); /* newer kernels do without, and may refuse it */
	for (i = 0; i < n; i++) {
		int fd = make_array();

		if (fd < 0)
			return work_fail("BPF_MAP_CREATE");
		if (i >= keep)
			close(fd);
	}
	printf("arrays %lu\n", n);
	if (argc == 4 && work_create(argv[3]))
		return work_fail(argv[3]);
	while (keep && read(STDIN_FILENO, &byte, 1) > 0)
		continue;
	return 0;
}
