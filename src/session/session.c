// SPDX-License-Identifier: GPL-2.0
#include "session/session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/privileges.h"

/* How long records may lie in the rings when nothing wakes us. */
#define SESSION_POLL_MS 100

enum session_tag { TAG_SIGNAL, TAG_SOURCE, TAG_PROGRAM };

struct run {
	const struct session *s;
	struct failure *f;
	int epoll, signals;
	uint64_t deadline; /* UINT64_MAX: none */
	uint64_t ticks, reports;
	bool recorded; /* the recording was begun */
	bool stop;
	int err; /* of a report made while records were being delivered */
};

static void run_each_live(void *arg, void (*mark)(void *ctx, uint64_t ptr), void *ctx)
{
	const struct run *r = arg;

	r->s->analyzer->ops->each_live(r->s->analyzer, mark, ctx);
}

/* A second has passed in the stream. */
static void run_tick(struct run *r, const struct event_header *tick)
{
	/* right before the end, whose report would say the same */
	bool ending = tick->time + SESSION_POLL_MS * NSEC_PER_MSEC >= r->deadline;

	r->ticks++;
	if (r->s->recording)
		recording_tick(r->s->recording, tick, ending);
	if (r->s->source->ops->age)
		r->s->source->ops->age(r->s->source, run_each_live, r);
	if (r->s->second)
		r->err = r->s->second(r->s->arg, r->f);
	if (r->err || !r->s->interval_ticks || r->ticks % r->s->interval_ticks || ending)
		return;
	/* what came before the report is printed before it, however it was delivered */
	if (r->s->flush)
		r->err = r->s->flush(r->s->arg, r->f);
	if (!r->err)
		r->err = r->s->report(r->s->arg, ++r->reports, false, r->f);
}

/* The source's sink: to the recording and the analyzer, with reports between ticks. */
static void run_consume(void *arg, const struct event_header *const *records, size_t n)
{
	struct run *r = arg;
	/* it always comes alone: the source makes it itself */
	bool tick = n && records[n - 1]->kind == EVENT_TICK;

	if (r->s->recording && !tick)
		recording_consume(r->s->recording, records, n);
	if (r->s->code)
		r->s->code->ops->consume(r->s->code, records, n);
	r->s->analyzer->ops->consume(r->s->analyzer, records, n);
	if (tick && !r->err)
		run_tick(r, records[n - 1]);
}

static int run_watch(struct run *r, int fd, enum session_tag tag)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u32 = tag };

	return epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

/* What ends a run with its last report; a terminal that goes away does, too. */
static void ending_signals(sigset_t *ret)
{
	struct sigaction hangup;

	sigemptyset(ret);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGTERM);
	/* nohup asked for it not to */
	if (!sigaction(SIGHUP, NULL, &hangup) && hangup.sa_handler != SIG_IGN)
		sigaddset(ret, SIGHUP);
}

static int run_open(struct run *r)
{
	sigset_t signals;
	int err, fd = r->s->source->ops->fd(r->s->source);

	ending_signals(&signals);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	r->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	r->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (r->signals < 0 || r->epoll < 0)
		return -errno;
	err = run_watch(r, r->signals, TAG_SIGNAL);
	if (!err && fd >= 0)
		err = run_watch(r, fd, TAG_SOURCE);
	if (!err && r->s->program)
		err = run_watch(r, r->s->program->pidfd, TAG_PROGRAM);
	return err;
}

static void run_close(struct run *r)
{
	sigset_t signals;

	closep(&r->signals);
	closep(&r->epoll);
	ending_signals(&signals);
	sigprocmask(SIG_UNBLOCK, &signals, NULL);
}

static int run_ready(struct run *r)
{
	const char *path = r->s->ready_file;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(r->f, FAILURE_INTERNAL, -errno, "--ready-file: can't create %s: %s",
			    path, strerror(errno));
	close(fd);
	return 0;
}

static void run_note_program(struct run *r)
{
	if (r->s->recording)
		recording_program(r->s->recording, &r->s->program->status);
}

static int run_arm(struct run *r)
{
	const struct session *s = r->s;
	int err;

	err = s->source->ops->start(s->source, r->f);
	if (!err && s->recording)
		err = recording_begin(s->recording, r->f);
	r->recorded = !err;
	if (!err && s->program)
		err = program_run(s->program, s->program_name, r->f);
	if (!err && s->program)
		run_note_program(r);
	if (!err)
		err = run_ready(r);
	if (err)
		return err;
	err = privileges_drop(s->user_files);
	if (err)
		log_debug("privileges stay as they are: %s", strerror(-err));
	if (s->duration_ns)
		r->deadline = clock_monotonic_ns() + s->duration_ns;
	s->armed(s->arg);
	return 0;
}

static void run_signal(struct run *r)
{
	struct signalfd_siginfo info;

	while (read(r->signals, &info, sizeof(info)) == sizeof(info))
		r->stop = true;
}

static void run_program_ended(struct run *r)
{
	uint64_t end = clock_monotonic_ns() + r->s->settle_ns;

	program_reap(r->s->program);
	run_note_program(r);
	if (!r->s->program->pid)
		r->deadline = MIN(r->deadline, end);
}

/* Milliseconds until there is something to do even if nothing is reported. */
static int run_timeout(const struct run *r, int got)
{
	uint64_t now = clock_monotonic_ns(), left;
	uint64_t poll = got == SOURCE_SOON ? 1 : SESSION_POLL_MS;

	if (got == SOURCE_AT_ONCE || r->deadline <= now)
		return 0;
	left = (r->deadline - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;
	return (int)MIN(left, poll);
}

/* Read once, and let be shown what is to be seen at once. */
static int run_read(struct run *r, const struct event_sink *sink)
{
	int got = r->s->source->ops->read(r->s->source, sink);
	const struct analyzer_ops *analyzer = r->s->analyzer->ops;
	uint32_t pid;

	while (analyzer->wonder && r->s->source->ops->look &&
	       (pid = analyzer->wonder(r->s->analyzer)))
		r->s->source->ops->look(r->s->source, pid);
	if (!r->err && got >= 0 && r->s->flush)
		r->err = r->s->flush(r->s->arg, r->f);
	if (r->s->enough && r->s->enough(r->s->arg))
		r->stop = true;
	if (r->s->only_recording && recording_error(r->s->recording))
		r->stop = true;
	return got;
}

static int run_loop(struct run *r)
{
	struct source *source = r->s->source;
	struct event_sink sink = { .consume = run_consume, .arg = r };
	int got = SOURCE_LATER;

	while (!r->stop && got > 0 && clock_monotonic_ns() < r->deadline) {
		struct epoll_event events[4];
		int i, n = epoll_wait(r->epoll, events, ARRAY_SIZE(events), run_timeout(r, got));

		if (n < 0 && errno != EINTR)
			return -errno;
		for (i = 0; i < n; i++) {
			if (events[i].data.u32 == TAG_SIGNAL)
				run_signal(r);
			else if (events[i].data.u32 == TAG_PROGRAM)
				run_program_ended(r);
		}
		got = run_read(r, &sink);
		if (r->err)
			return r->err;
	}
	if (got < 0)
		return got;
	source->ops->stop(source);
	if (r->s->program) {
		program_reap(r->s->program);
		run_note_program(r);
	}
	while (got > 0)
		got = run_read(r, &sink);
	return got < 0 ? got : r->err;
}

/* The last report, and the end of the recording, which there is also of a run that failed. */
static int run_end(struct run *r, int err)
{
	const struct session *s = r->s;
	struct failure why = { 0 };
	int written = 0;

	if (s->recording && r->recorded)
		recording_settle(s->recording);
	if (!err)
		err = s->report(s->arg, ++r->reports, true, r->f);
	if (s->recording && r->recorded)
		written = recording_end(s->recording, &why);
	if (!err && written)
		*r->f = why;
	return err ? err : written;
}

int session_run(const struct session *s, struct failure *f)
{
	struct run r = { .s = s, .f = f, .epoll = -1, .signals = -1, .deadline = UINT64_MAX };
	int err;

	err = run_open(&r);
	if (err)
		fail(f, FAILURE_INTERNAL, err, "can't set up the event loop: %s", strerror(-err));
	if (!err)
		err = run_arm(&r);
	if (!err) {
		err = run_loop(&r);
		if (err && !f->text[0])
			fail(f, FAILURE_INTERNAL, err, "reading events failed: %s", strerror(-err));
	}
	run_close(&r);
	return run_end(&r, err);
}
