/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_SESSION_REPLAY_H
#define KMSCOPE_SESSION_REPLAY_H
/* A recording instead of a run: the same records, to the same analyzers, with the same names. */
#include "analyze/analyzer.h"
#include "base/failure.h"
#include "probe/capset.h"
#include "record/reader.h"
#include "sym/symbolizer.h"

struct source;

struct replay;
struct replay_run;

/* Where records end up. */
struct replay_sink {
	struct replay *replay;
	const struct replay_run *run;
	struct failure *failure;
	uint64_t ticks, reports;
	int err; /* of a report that was made meanwhile */
};

struct replay {
	struct source *source;
	struct record_reader *reader; /* the source's */
	struct symbolizer *memo;
	struct user_symbols *user;
	struct capset capset; /* of the kernel that was traced; zero where that is not told */
	struct program_status program; /* as far as was replayed */
	/* What stands between the source and the analyzer; .consume NULL: nothing. */
	struct event_sink stage;
	struct replay_sink end; /* behind it; replay_run()'s */
};

/* Open recording @path and read its names. Failures as record_reader_open()'s. */
int replay_open(const char *path, struct replay *ret, struct failure *f);
void replay_free(struct replay *r);

/* What the recording says of @key; @otherwise if it does not. */
const char *replay_text(const struct replay *r, const char *key, const char *otherwise);

struct replay_run {
	struct analyzer *analyzer;
	uint64_t interval_ticks; /* a report each so many ticks; 0: only the last */
	/* Called for each report; an error ends the run. NULL: there is none. */
	int (*report)(void *arg, uint64_t number, bool final, struct failure *f);
	/* Called after some hundred records; an error ends the run. NULL: no need. */
	int (*flush)(void *arg, struct failure *f);
	bool (*enough)(
		void *arg); /* asked then, too: whether the rest need not be read; NULL: it has to be */
	void *arg;
};

/* As event_sink.consume; @sink is the replay's .end, for whoever stands between: see struct replay.stage. */
void replay_consume(void *sink, const struct event_header *const *records, size_t n);

/* Replay to the end, with the final report. */
int replay_run(struct replay *r, const struct replay_run *run, struct failure *f);

/* Whether not all of the recording could be read. */
bool replay_damaged(const struct replay *r);
/* Say in @to what of the recording is missing; whether anything is. */
bool replay_note_damage(const struct replay *r, struct report *to);

#endif
