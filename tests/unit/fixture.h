/* SPDX-License-Identifier: GPL-2.0 */
#ifndef KMSCOPE_TESTS_UNIT_FIXTURE_H
#define KMSCOPE_TESTS_UNIT_FIXTURE_H
/* What several tests need: whole files, and scripts of events. Include before cmocka.h. */
#include <stdio.h>
#include <stdlib.h>

#include "source/synth.h"

/* The whole of a file, terminated; the test program ends where it can't be read. */
static inline char *fixture_read(const char *path)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 1 << 16);
	size_t n;

	if (!f || !text) {
		perror(path);
		exit(1);
	}
	n = fread(text, 1, (1 << 16) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* Plays a script to its end; the test program ends where the script is wrong. */
static inline void fixture_play(const char *script, const struct event_sink *sink)
{
	struct source *s = NULL;
	struct failure f = { .text = "out of memory" };

	if (synth_open(script, &s, &f) || s->ops->start(s, &f)) {
		fprintf(stderr, "%s\n", f.text);
		exit(1);
	}
	while (s->ops->read(s, sink) > 0)
		continue;
	source_free(&s);
}

#endif
