// SPDX-License-Identifier: GPL-2.0
/* Lines and paragraphs of the text renderer. */
#include "render/text.h"

#include <errno.h>
#include <string.h>

#include "render/safe.h"

static const char *const styles[] = {
	[STYLE_PLAIN] = "",
	[STYLE_BOLD] = "\033[1m",
	[STYLE_ALARM] = "\033[1;31m",
};

void text_style_on(struct text *t, enum text_style style)
{
	if (t->colour)
		out_puts(&t->out, styles[style]);
}

void text_style_off(struct text *t, enum text_style style)
{
	if (t->colour && style != STYLE_PLAIN)
		out_puts(&t->out, "\033[0m");
}

void text_paragraph(struct text *t, enum text_style style, const char *lead, size_t indent,
		    const char *s)
{
	_cleanup_free_ char *safe = safe_text(s);
	size_t used = strlen(lead);
	bool first = true; /* word of its line */

	if (!safe) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	text_style_on(t, style);
	out_puts(&t->out, lead);
	for (char *rest = safe, *word; (word = strsep(&rest, " "));) {
		size_t width = text_width(word);

		if (!first && used + 1 + width > t->width) {
			text_style_off(t, style);
			out_puts(&t->out, "\n");
			out_spaces(&t->out, indent);
			text_style_on(t, style);
			used = indent;
			first = true;
		}
		if (!first)
			out_puts(&t->out, " ");
		out_puts(&t->out, word);
		used += width + !first;
		first = false;
	}
	text_style_off(t, style);
	out_puts(&t->out, "\n");
}

void text_line(struct text *t, size_t indent, const char *s)
{
	_cleanup_free_ char *safe = safe_text(s);
	_cleanup_free_ char *fit = NULL;

	if (safe)
		fit = text_shorten(safe, t->width > indent ? t->width - indent : 1);
	if (!fit) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	out_spaces(&t->out, indent);
	out_puts(&t->out, fit);
	out_puts(&t->out, "\n");
}

void text_field(struct text *t, const char *s, size_t width, bool left)
{
	_cleanup_free_ char *fit = NULL;
	size_t pad;

	if (width == 0)
		return;
	fit = text_shorten(s, width);
	if (!fit) {
		out_fail(&t->out, -ENOMEM);
		return;
	}
	pad = width - text_width(fit);
	out_spaces(&t->out, left ? 0 : pad);
	out_puts(&t->out, fit);
	out_spaces(&t->out, left ? pad : 0);
}

struct units text_value(enum cell_type unit, uint64_t v)
{
	switch (unit) {
	case CELL_NS:
		return units_ns(v);
	case CELL_BYTES:
		return units_bytes(v);
	default:
		return units_count(v);
	}
}
