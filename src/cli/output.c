// SPDX-License-Identifier: GPL-2.0
#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "cli/parse.h"
#include "render/render.h"

/* Columns of the terminal; as if 80 when there is none, COLUMNS overrides. */
static int output_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t n;

	if (columns && !parse_u64(columns, 40, 1000, &n))
		return (int)n;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= 40)
		return size.ws_col;
	return 80;
}

int output_report(const struct report *r, bool json, struct failure *f)
{
	const char *no_colour = getenv("NO_COLOR");
	struct render_options options = {
		.width = output_width(),
		.colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour),
	};
	int err = renderer_find(json ? "json" : "text")->render(r, &options, stdout);

	if (err)
		return fail(f, FAILURE_INTERNAL, err, "the report can't be written: %s",
			    strerror(-err));
	return 0;
}
