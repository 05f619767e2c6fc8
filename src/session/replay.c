// SPDX-License-Identifier: GPL-2.0
#include "session/replay.h"

#include <errno.h>
#include <string.h>

#include "base/digits.h"
#include "source/file.h"
#include "sym/memo.h"

static int learn_symbol(void *arg, const struct record_symbol *s)
{
	struct replay *r = arg;

	return memo_learn(r->memo, &(struct memo_entry){ s->address, s->start, s->size, s->name,
							 s->module });
}

static int learn_code(void *arg, const struct record_code *c)
{
	struct replay *r = arg;
	struct report_object o = {
		.path = (char *)c->path,
		.major = c->major,
		.minor = c->minor,
		.pid = c->pid,
		.inode = c->inode,
		.generation = c->generation,
		.start = c->start,
		.end = c->end,
	};

	return user_symbols_learn(r->user, &o, c->offset, c->name, c->into);
}

int replay_open(const char *path, struct replay *ret, struct failure *f)
{
	struct replay r = { 0 };
	struct record_names_visitor names = { learn_symbol, learn_code, &r };
	int err = file_open(path, &r.source, f);

	if (err)
		return err;
	r.reader = file_reader(r.source);
	err = memo_new(NULL, &r.memo);
	if (!err)
		err = user_symbols_new(&r.user);
	if (!err) {
		user_symbols_remember(r.user, false);
		err = record_reader_names(r.reader, &names);
	}
	/* a text that can't be read is as good as none */
	if (!err && capset_read(replay_text(&r, "capabilities", ""), &r.capset, NULL))
		memset(&r.capset, 0, sizeof(r.capset));
	if (err) {
		replay_free(&r);
		return fail(f, FAILURE_INTERNAL, err, "%.300s can't be read: %s", path,
			    strerror(-err));
	}
	*ret = r;
	return 0;
}

void replay_free(struct replay *r)
{
	source_free(&r->source);
	symbolizer_free(&r->memo);
	user_symbols_free(&r->user);
	memset(r, 0, sizeof(*r));
}

const char *replay_text(const struct replay *r, const char *key, const char *otherwise)
{
	const char *text = record_reader_text(r->reader, key);

	return text ? text : otherwise;
}

/* As the session does it when it traces. */
static void replay_tick(struct replay_sink *s, const struct event_header *tick)
{
	const struct replay_run *run = s->run;

	s->ticks++;
	if (!run->report || !run->interval_ticks || s->ticks % run->interval_ticks ||
	    tick->flags & EVENT_ENDING)
		return;
	if (run->flush)
		s->err = run->flush(run->arg, s->failure);
	if (!s->err)
		s->err = run->report(run->arg, ++s->reports, false, s->failure);
}

void replay_consume(void *sink, const struct event_header *const *records, size_t n)
{
	struct replay_sink *s = sink;
	const struct event_header *newest = records[n - 1];

	if (s->err)
		return;
	/* these come alone */
	if (newest->kind == EVENT_PROGRAM) {
		const struct event_program *e = (const struct event_program *)newest;

		s->replay->program = (struct program_status){
			.present = true,
			.pid = (int)e->h.pid,
			.exit_code = e->exit_code,
			.signal = e->signal,
		};
		return;
	}
	s->run->analyzer->ops->consume(s->run->analyzer, records, n);
	if (newest->kind == EVENT_TICK)
		replay_tick(s, newest);
}

int replay_run(struct replay *r, const struct replay_run *run, struct failure *f)
{
	struct replay_sink *end = &r->end;
	struct event_sink sink = { replay_consume, end };
	int got = SOURCE_AT_ONCE;

	*end = (struct replay_sink){ .replay = r, .run = run, .failure = f };
	while (got > 0 && !end->err) {
		got = r->source->ops->read(r->source, r->stage.consume ? &r->stage : &sink);
		if (!end->err && got >= 0 && run->flush)
			end->err = run->flush(run->arg, f);
		if (run->enough && run->enough(run->arg))
			break;
	}
	if (got < 0)
		return fail(f, FAILURE_INTERNAL, got, "the recording can't be read: %s",
			    strerror(-got));
	if (!end->err && run->report)
		end->err = run->report(run->arg, ++end->reports, true, f);
	return end->err;
}

bool replay_damaged(const struct replay *r)
{
	struct record_damage d;

	record_reader_damage(r->reader, &d);
	return d.open || d.full || d.blocks || d.cut || d.bytes;
}

/* What was overwritten told more than events; a ring says it again as far as there is room. */
static void note_left_out(const struct replay *r, struct report *to)
{
	static const struct {
		enum record_left_out what;
		const char *one, *several, *why;
	} whats[] = {
		{ LEFT_STACKS, "call chain", "call chains", "a larger --keep has room for them" },
		{ LEFT_CACHES, "cache", "caches", "there were too many" },
	};
	size_t i;

	/* mappings are in the quality of what needs them */
	for (i = 0; i < ARRAY_SIZE(whats); i++) {
		uint64_t n = record_reader_left_out(r->reader, whats[i].what);

		if (n)
			report_add_note(to, "up to %s %s told in what was overwritten %s lost: %s",
					digits_grouped(n).s,
					n == 1 ? whats[i].one : whats[i].several,
					n == 1 ? "is" : "are", whats[i].why);
	}
}

bool replay_note_damage(const struct replay *r, struct report *to)
{
	struct record_damage d;
	uint64_t window;

	if (record_reader_window(r->reader, &window))
		report_add_note(to,
				"the recording has its newest part only (--keep): the first %.1f s "
				"were overwritten",
				(double)window / (double)NSEC_PER_SEC);
	note_left_out(r, to);
	record_reader_damage(r->reader, &d);
	if (d.full)
		report_add_note(to, "the recording ends where nothing more could be written: "
				    "what came later is missing");
	else if (d.open)
		report_add_note(to,
				"the recording was not ended: whoever made it was killed, or is "
				"still at it; up to a second of what it had is missing");
	if (d.blocks)
		report_add_note(to, "%s block%s of the recording %s damaged or missing%s%s%s",
				digits_grouped(d.blocks).s, d.blocks == 1 ? "" : "s",
				d.blocks == 1 ? "is" : "are", d.records ? ", with " : "",
				d.records ? digits_grouped(d.records).s : "",
				d.records ? " records" : "");
	if (d.cut)
		report_add_note(to, "the recording ends in the middle of a block: it was cut off");
	else if (d.bytes && !d.open)
		report_add_note(to, "%s bytes of the recording make no sense",
				digits_grouped(d.bytes).s);
	return d.open || d.full || d.blocks || d.cut || d.bytes;
}
