// SPDX-License-Identifier: GPL-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum log_level log_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	log_level = level;
}

bool log_enabled(enum log_level level)
{
	return level <= log_level;
}

static void _printf_(2, 0) log_write(const char *prefix, const char *fmt, va_list args)
{
	char line[1024];
	const char *p;

	vsnprintf(line, sizeof(line), fmt, args);
	fprintf(stderr, "kmscope: %s", prefix);
	/* names of files and the like are anybody's: a message stays one line, and is only text */
	for (p = line; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			fprintf(stderr, "\\x%02x", (unsigned char)*p);
		else
			putc(*p, stderr);
	putc('\n', stderr);
}

#define DEFINE_LOG(name, shown, prefix)       \
	void name(const char *fmt, ...)       \
	{                                     \
		va_list args;                 \
                                              \
		if (!(shown))                 \
			return;               \
		va_start(args, fmt);          \
		log_write(prefix, fmt, args); \
		va_end(args);                 \
	}

DEFINE_LOG(log_error, true, "")
DEFINE_LOG(log_warn, log_enabled(LOG_LEVEL_WARN), "warning: ")
DEFINE_LOG(log_info, log_enabled(LOG_LEVEL_INFO), "")
DEFINE_LOG(log_debug, log_enabled(LOG_LEVEL_DEBUG), "debug: ")
