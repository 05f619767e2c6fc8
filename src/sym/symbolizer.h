/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SYM_SYMBOLIZER_H
#define KMSCOPE_SYM_SYMBOLIZER_H
/*
 * Kernel addresses to names and back. One interface; kallsyms is the live kernel's, recordings
 * bring their own.
 */
#include "base/base.h"
#include "base/failure.h"
#include "report/report.h"
#include "sym/user.h"

struct symbol {
	const char *name; /* owned by the symbolizer */
	const char *module; /* «vmlinux» for the kernel itself */
	uint64_t start;
	uint64_t size; /* to the next symbol; 0 if unknown */
};

struct symbolizer;

struct symbolizer_ops {
	/* Find the symbol that covers @address. 0, or -ENOENT. */
	int (*lookup)(struct symbolizer *s, uint64_t address, struct symbol *ret);
	/*
	 * Visit every symbol named @name (functions can have duplicates). Stops at and returns the
	 * first non-zero value of @visit; -ENOENT if there is none.
	 */
	int (*find)(struct symbolizer *s, const char *name,
		    int (*visit)(const struct symbol *sym, void *arg), void *arg);
	/* The lowest and one past the highest text address of module @name. 0, or -ENOENT. */
	int (*module_range)(struct symbolizer *s, const char *name, uint64_t *ret_start,
			    uint64_t *ret_end);
	void (*free)(struct symbolizer *s);
};

struct symbolizer {
	const struct symbolizer_ops *ops;
};

/* Frees *@s (NULL is fine) through its ops. */
void symbolizer_free(struct symbolizer **s);

/*
 * Find the function that a call returning to @address was made from. A call can be the last
 * instruction of its function, so that its return address already is the next function's first
 * byte: such an address belongs to the function before it (@address - @ret->start is then
 * @ret->size). Other addresses are looked up as they are. 0, or -ENOENT.
 */
int symbolizer_lookup_return(struct symbolizer *s, uint64_t address, struct symbol *ret);

/*
 * Read @path (normally /proc/kallsyms). Data symbols, ARM's mapping symbols ($a $d $t $x, also with
 * a suffix such as $d.12) and the padding in front of functions (__pfx_…) are left out. Of several
 * symbols at one address lookup answers the best: no section marks, global before weak before
 * local, few leading underscores, then the file's order. Lines that make no sense are skipped.
 *
 * The caller frees *@ret with symbolizer_free(). Errors: -EPERM with a failure that names
 * kptr_restrict or the missing privilege when every address reads as zero, -ENODATA for a file
 * without functions, what open() and read() say, -E2BIG, -ENOMEM.
 */
int kallsyms_open(const char *path, struct symbolizer **ret, struct failure *f);

/*
 * Fill in the names of every CELL_SITE, CELL_MODULE and stack frame of @r that has none yet, of the
 * kernel's code and of user code (report_code()). Kernel sites and all frames but the innermost of the
 * kernel's and of user code's are return addresses, see symbolizer_lookup_return(); a user site is
 * where the CPU stood. Offsets are those of the address itself.
 *
 * Either may be NULL. For kernel addresses that are not known the texts stay NULL: renderers print the
 * address. User code has its object's path as module in any case; without a known function a site's text
 * is «file+0x1234», the offset in the file, and a frame's symbol stays NULL. 0, or -ENOMEM with part of
 * the names missing.
 */
int symbolize_report(struct symbolizer *kernel, struct user_symbols *user, struct report *r);

#endif
