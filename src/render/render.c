// SPDX-License-Identifier: GPL-2.0
#include "render/render.h"

#include <string.h>

static const struct renderer renderers[] = {
	{ "text", render_text },
	{ "json", render_json },
	{ NULL, NULL },
};

const struct renderer *renderer_find(const char *name)
{
	for (const struct renderer *r = renderers; r->name; r++)
		if (strcmp(r->name, name) == 0)
			return r;
	return NULL;
}
