// SPDX-License-Identifier: GPL-2.0
/* kmscope layout: where things are in memory. Traces nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/output.h"
#include "layout/gather.h"

/* «0x…»: without it, 1000 could be either. */
static int parse_address(const char *text, uint64_t *ret, struct failure *f)
{
	size_t n = strlen(text);

	if (n < 3 || strncasecmp(text, "0x", 2) ||
	    strspn(text + 2, "0123456789abcdefABCDEF") != n - 2)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--address: «%.60s» is no address: write it in hexadecimal, as in "
			    "0xffff888000000000",
			    text);
	errno = 0;
	*ret = strtoull(text + 2, NULL, 16);
	return errno ? fail(f, FAILURE_USAGE, -EINVAL, "--address: «%.60s» has more than 64 bits",
			    text)
		     : 0;
}

static int describe(const struct layout_facts *facts, const struct options *o, uint64_t address,
		    struct report *r)
{
	int n;

	snprintf(r->kernel, sizeof(r->kernel), "%s", facts->kernel);
	snprintf(r->arch, sizeof(r->arch), "%s", facts->arch);
	r->interval = 1;
	r->final = true;
	if (o->address)
		n = asprintf(&r->subject, "what 0x%" PRIx64 " is", address);
	else
		n = asprintf(&r->subject, "memory layout of Linux %s, %s", facts->kernel,
			     facts->arch);
	if (n >= 0)
		return 0;
	r->subject = NULL; /* undefined after a failure */
	return -ENOMEM;
}

int cmd_layout(const struct command *cmd, const struct options *o, struct failure *f)
{
	_cleanup_(layout_input_free) struct layout_input in = { 0 };
	_cleanup_(layout_free) struct layout l = { 0 };
	_cleanup_(report_free) struct report *r = report_new("layout");
	uint64_t address = 0;
	int err;

	(void)cmd;
	if (o->address && parse_address(o->address, &address, f))
		return -EINVAL;
	err = r ? layout_gather(&in) : -ENOMEM;
	if (!err)
		err = layout_find(&in, &l);
	if (!err)
		err = describe(&in.facts, o, address, r);
	if (err)
		return fail(f, FAILURE_INTERNAL, err, "not enough memory");
	if (o->address)
		layout_report_address(&l, address, r);
	else
		layout_report(&l, r);
	return r->oom ? fail(f, FAILURE_INTERNAL, -ENOMEM, "not enough memory")
		      : output_report(r, o->json, f);
}
