/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_LIVE_FAULTS_H
#define KMSCOPE_TESTS_LIVE_FAULTS_H
/* Runs of work_faults that `kmscope faults` watches, and what is looked up in its reports. */
#include "live.h"

#define FAULTS_WORDS 12

extern char faults_path[LIVE_PATH_MAX]; /* work_faults */

/* As live_test(), for tests that use faults_file(), faults_swap() or faults_allow_maps(). */
#define faults_test(fn, name, arg)                                   \
	{                                                            \
		name, fn, live_setup, faults_teardown, (void *)(arg) \
	}

/* How the workload is run and traced; NULL or zero: as it is, by its number. */
struct faults_how {
	const char *comm; /* not by its number but by this name */
	const char *more[3]; /* options of kmscope */
	const char *const
		*command; /* what comes before --gate, instead of work_faults; ends with NULL */
	void (*before)(void); /* called when the workload waits at the gate, before kmscope starts */
	void (*during)(void); /* called when it is traced and waits at the gate … */
	void (*after)(void); /* … and when it has done its work, before kmscope's report */
};

/* What the workload said of itself, and what became of kmscope. */
struct faults_run {
	uint64_t pid, minor, major;
	uint64_t maps; /* in the mode «maps» */
	uint64_t huge, huge_pages; /* in the mode «huge»: how many there are, and pages in one */
	uint64_t swapped; /* in the mode «swap»: pages that were there */
	uint64_t peak_kib; /* kmscope's memory */
};

void faults_find(void);
int faults_teardown(void **state);
/*
 * Start the workload in the mode of these words, which end with NULL; have it go through the gate once it is
 * traced; end the tracing when its work is done. Returns the report, of which live_check_whole() holds.
 */
json_t *faults_gated(struct faults_run *ret, const struct faults_how *how, ...)
	__attribute__((sentinel));
/* A number in the last line that the workload printed; fails if it is not there. */
uint64_t faults_told(const char *out, const char *name);
/* Of the row of a kind; 0 if there is no such row. */
uint64_t faults_of(const json_t *report, const char *kind, const char *column);
/*
 * @site is in the function of the workload that writes to each page, and in the file @program. Where
 * work_faults has no symbols it has the file's name and where in it.
 */
void faults_check_site(const json_t *site, const char *program);
/* Whether the name of a function is in the file, which it is not where that is stripped. */
bool faults_has_symbols(const char *program, const char *function);
/* A file of @pages pages on a file system that is not in memory; skips where there is none. */
const char *faults_file(size_t pages);
/* Swap of @pages pages in such a file, taken first, until the test ends; skips where there can't be any. */
void faults_swap(size_t pages);
void faults_copy(const char *from, const char *to);
/* The most memory that a process had. */
uint64_t faults_peak_kib(pid_t pid);
/* Let a process have @n mappings, until the test ends; false if that can't be. */
bool faults_allow_maps(unsigned long n);

#endif
