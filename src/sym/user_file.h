/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_USER_FILE_H
#define KMSCOPE_SYM_USER_FILE_H
/* Finding the file that an object is, and the debug file that belongs to it, and being sure of both. */
#include <gelf.h>

#include "base/base.h"
#include "report/report.h"

/*
 * Open the file of @o: by what its process has mapped (also a deleted file), by its path as its process
 * sees it, by its path as we do. 0, -ENOENT for no file or none that is known to be the same, -ESTALE for
 * the same one if it may have been written to since its code was first seen at work, -ENOMEM.
 */
int user_file_open(const struct report_object *o, int *ret_fd);
/* Whether it is at its path as we see it, unchanged: it will be found without its process. */
bool user_file_stays(const struct report_object *o);
/*
 * Open the debug file of @elf, which is the file @fd of @o: below /usr/lib/debug by build ID, or by
 * .gnu_debuglink; also where the object's process sees those folders. It has @elf's build ID, or the
 * checksum that @elf demands. 0, -ENOENT, -ENOMEM.
 */
int user_file_open_debug(const struct report_object *o, int fd, Elf *elf, int *ret_fd);
/* A copy of the image that «[vdso]» is, if it is that of this process too. 0, -ENOENT, -ENOMEM. */
int user_file_vdso(const struct report_object *o, char **ret, size_t *ret_n);

#endif
