/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_BASE_LOG_H
#define KMSCOPE_BASE_LOG_H
/*
 * Messages for people, on standard error. Everything but src/cli and src/main.c stays at
 * log_debug(); failures travel as struct failure instead.
 */
#include "base/base.h"

enum log_level { LOG_LEVEL_QUIET, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Show messages up to @level; LOG_LEVEL_INFO until called. Errors are always shown. */
void log_set_level(enum log_level level);
bool log_enabled(enum log_level level);

void log_error(const char *fmt, ...) _printf_(1, 2);
void log_warn(const char *fmt, ...) _printf_(1, 2);
void log_info(const char *fmt, ...) _printf_(1, 2);
void log_debug(const char *fmt, ...) _printf_(1, 2);

#endif
