/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SESSION_SESSION_H
#define KMSCOPE_SESSION_SESSION_H
/*
 * One run: source → analyzer → reports, until the time is up, PROGRAM has ended, the source has, or
 * a signal came. One loop, no threads.
 */
#include "analyze/analyzer.h"
#include "base/failure.h"
#include "session/program.h"
#include "session/recording.h"
#include "source/source.h"

struct session {
	struct source *source; /* not started yet */
	struct analyzer *analyzer;
	/* What is kept of the run; not begun yet, and ended with it. NULL: nothing is. */
	struct recording *recording;
	struct analyzer *code; /* gets the records, too: recording_names(); or NULL */
	bool only_recording; /* the run ends where nothing more can be written */
	struct program *program; /* forked, not let go; NULL: none */
	const char *program_name;
	uint64_t duration_ns; /* 0: no limit */
	uint64_t interval_ticks; /* a report each so many ticks; 0: only the last */
	uint64_t settle_ns; /* go on for so long after PROGRAM ended */
	bool user_files; /* /proc/PID of others and user files are read after attaching */
	const char *ready_file; /* created once everything is attached; or NULL */
	/* Called once everything is attached. */
	void (*armed)(void *arg);
	/* Called for each report; an error ends the run. */
	int (*report)(void *arg, uint64_t number, bool final, struct failure *f);
	/* Called when what there was has been analysed; an error ends the run. NULL: no need. */
	int (*flush)(void *arg, struct failure *f);
	/* Called once a second; an error ends the run. NULL: no need. */
	int (*second)(void *arg, struct failure *f);
	/* Asked whenever what there was has been analysed: whether the run is to end. NULL: it is not. */
	bool (*enough)(void *arg);
	void *arg;
};

/* Runs to the end, with the final report. SIGINT and SIGTERM are not blocked when it returns. */
int session_run(const struct session *s, struct failure *f);

#endif
