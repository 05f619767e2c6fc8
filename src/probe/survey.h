/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_PROBE_SURVEY_H
#define KMSCOPE_PROBE_SURVEY_H
/* Finds out what the running kernel offers. Attaches nothing; needs no privileges to say «no». */
#include "probe/capset.h"

/*
 * Fill @ret from the running kernel, with all that a run of @areas (of enum probe_area; ~0u: any) may use;
 * *ret_tracefs (static text) says where tracefs was found, or NULL. What can't be read counts as not there.
 */
void survey_kernel(unsigned int areas, struct capset *ret, const char **ret_tracefs);

#endif
