// SPDX-License-Identifier: GPL-2.0
#include "render/export.h"

#include <errno.h>
#include <string.h>

const struct exporter exporters[] = {
	{ "folded", export_folded },
	{ "pprof", export_pprof },
	{ "perfetto", export_perfetto },
	{ "csv", export_csv },
	{ NULL, NULL },
};

const struct exporter *exporter_find(const char *name)
{
	for (const struct exporter *e = exporters; e->name; e++)
		if (strcmp(e->name, name) == 0)
			return e;
	return NULL;
}

const struct report *export_report(const struct report *const *reports, size_t n,
				   const char *command)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strcmp(reports[i]->command, command) == 0)
			return reports[i];
	return NULL;
}

int export_check(const struct report *const *reports, size_t n, struct failure *f)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (reports[i]->oom)
			return export_result(-ENOMEM, f);
	return 0;
}

int export_result(int err, struct failure *f)
{
	if (err == -ENOMEM)
		return fail(f, FAILURE_INTERNAL, err, "out of memory");
	if (err)
		return fail(f, FAILURE_INTERNAL, err, "can't write the export: %s", strerror(-err));
	return 0;
}
