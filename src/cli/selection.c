// SPDX-License-Identifier: GPL-2.0
#include "cli/selection.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/parse.h"
#include "probe/select.h"
#include "sym/symbolizer.h"

static int add_range(struct config *c, uint64_t start, uint64_t end, struct failure *f)
{
	if (c->n_ranges == CONFIG_MAX_RANGES)
		return fail(f, FAILURE_USAGE, -E2BIG, "more than %d functions have that name",
			    CONFIG_MAX_RANGES);
	/* call sites are return addresses: the first byte is never one, the one past the end may be */
	c->ranges[c->n_ranges++] = (struct site_range){ .start = start + 1, .end = end + 1 };
	c->select |= SELECT_SITE;
	return 0;
}

struct site_search {
	struct config *config;
	struct failure *failure;
};

static int add_symbol(const struct symbol *sym, void *arg)
{
	struct site_search *s = arg;

	return add_range(s->config, sym->start, sym->start + MAX(sym->size, (uint64_t)1),
			 s->failure);
}

static int select_code(const struct options *o, struct config *c, struct failure *f)
{
	_cleanup_(symbolizer_free) struct symbolizer *s = NULL;
	struct site_search search = { .config = c, .failure = f };
	uint64_t start, end;
	int err;

	if (!o->site && !o->module)
		return 0;
	if (o->site && o->module)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--site and --module exclude each other: a function is in one module");
	err = kallsyms_open("/proc/kallsyms", &s, f);
	if (err)
		return err;
	if (o->module) {
		if (s->ops->module_range(s, o->module, &start, &end))
			return fail(f, FAILURE_USAGE, -ENOENT,
				    "--module: no module named «%s» is loaded", o->module);
		return add_range(c, start, end, f);
	}
	err = s->ops->find(s, o->site, add_symbol, &search);
	if (err == -ENOENT)
		return fail(f, FAILURE_USAGE, err,
			    "--site: this kernel has no function named «%s» (it may have been "
			    "inlined: /proc/kallsyms lists what there is)",
			    o->site);
	return err;
}

static bool is_kmalloc_class(uint32_t size)
{
	return size == 96 || size == 192 || !(size & (size - 1));
}

/* kmalloc-192, kmalloc-cg-1k: a size class, and a type that allocation flags decide. */
static int select_kmalloc(const char *name, const struct capset *c, struct config *config,
			  struct failure *f)
{
	const struct {
		const char *prefix;
		uint32_t gfp;
	} types[] = {
		{ "dma-", c->gfp_dma },
		{ "rcl-", c->gfp_reclaimable },
		{ "cg-", c->gfp_account },
	};
	const char *rest = name + strlen("kmalloc-");
	uint64_t size;
	size_t i;

	config->kmalloc_gfp_mask = c->gfp_dma | c->gfp_reclaimable | c->gfp_account;
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		size_t len = strlen(types[i].prefix);

		if (strncmp(rest, types[i].prefix, len))
			continue;
		if (!types[i].gfp)
			return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
				    "--cache: the flags of «%s» are not known without tracefs",
				    name);
		rest += len;
		config->kmalloc_gfp = types[i].gfp;
		/* the kernel asks for these flags in this order, and the first one decides */
		config->kmalloc_gfp_mask = types[i].gfp;
		while (i--)
			config->kmalloc_gfp_mask |= types[i].gfp;
		break;
	}
	if (parse_size(rest, 8, c->kmalloc_max, &size) || !is_kmalloc_class((uint32_t)size))
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--cache: this kernel has no kmalloc class «%s»", name);
	config->kmalloc_class = (uint32_t)size;
	return 0;
}

/* Whether /proc/slabinfo lists @name: then a cache bears it, it is not merged into another. */
static bool in_slabinfo(const char *name)
{
	FILE *file = fopen("/proc/slabinfo", "re");
	char line[256], have[64];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = sscanf(line, "%63s", have) == 1 && !strcmp(have, name);
	if (file)
		fclose(file);
	return found;
}

/*
 * The kernel merges caches of like size: @name is then a link to what others link to as well, and one
 * of them is the name that the cache bears. Finds that one; false if @name is not merged.
 */
static bool merged_with(const char *name, char *ret, size_t n)
{
	char target[128], other[128], path[300];
	struct dirent *entry;
	bool found = false;
	ssize_t len;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s", name);
	len = readlink(path, target, sizeof(target));
	if (len <= 0 || (size_t)len == sizeof(target) || in_slabinfo(name))
		return false;
	dir = opendir("/sys/kernel/slab");
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t got;

		snprintf(path, sizeof(path), "/sys/kernel/slab/%s", entry->d_name);
		got = readlink(path, other, sizeof(other));
		found = got == len && !memcmp(target, other, (size_t)len) &&
			in_slabinfo(entry->d_name);
		if (found)
			snprintf(ret, n, "%.*s", (int)n - 1, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return found;
}

/*
 * Whether allocations tell their cache: the raw tracepoint has an argument for it in 6.1 but not in
 * 5.10, the classic one's record has its name in 6.18 but not in 6.12.
 */
static bool knows_caches(const struct options *o, const struct capset *c)
{
	const struct capset_event *e = &c->events[TRACE_CACHE_ALLOC];
	bool raw = e->prototype && e->args.cache != CONFIG_NO_ARG && c->cache_offsets;

	if (o->probe == PROBE_CLASSIC || !e->prototype)
		return e->classic_name;
	return raw;
}

static int select_cache(const struct options *o, const struct capset *c, struct config *config,
			struct failure *f)
{
	char path[128];

	if (!o->cache)
		return 0;
	config->select |= SELECT_CACHE;
	if (!strncmp(o->cache, "kmalloc-", 8))
		return select_kmalloc(o->cache, c, config, f);
	snprintf(path, sizeof(path), "/sys/kernel/slab/%s", o->cache);
	if (*o->cache == '.' || strchr(o->cache, '/'))
		return fail(f, FAILURE_USAGE, -EINVAL, "--cache: «%s» is no cache's name",
			    o->cache);
	if (!access("/sys/kernel/slab", F_OK) && access(path, F_OK))
		return fail(f, FAILURE_USAGE, -ENOENT,
			    "--cache: there is no cache named «%s» (/sys/kernel/slab lists them)",
			    o->cache);
	if (!knows_caches(o, c))
		return fail(
			f, FAILURE_UNSUPPORTED, -ENOTSUP,
			"--cache: the tracepoints that are used on this kernel (%s) do not tell "
			"from which cache an object is; only kmalloc classes can be chosen",
			c->kernel);
	if (merged_with(o->cache, config->cache_name, sizeof(config->cache_name)))
		log_info("%s is merged into %s: objects of both are shown", o->cache,
			 config->cache_name);
	else
		snprintf(config->cache_name, sizeof(config->cache_name), "%s", o->cache);
	return 0;
}

static int select_cgroup(const struct options *o, struct config *config, int *ret_cgroup,
			 struct failure *f)
{
	int fd;

	*ret_cgroup = -1;
	if (!o->cgroup)
		return 0;
	fd = open(o->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(f, FAILURE_USAGE, -errno, "--cgroup: %s: %s", o->cgroup,
			    strerror(errno));
	config->select |= SELECT_CGROUP;
	*ret_cgroup = fd;
	return 0;
}

/* The process that thread @tid belongs to; 0: not known. */
static unsigned long process_of(unsigned long tid)
{
	char path[64], line[128];
	unsigned long pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%lu/status", tid);
	file = fopen(path, "re");
	while (file && !pid && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %lu", &pid) != 1)
			pid = 0;
	if (file)
		fclose(file);
	return pid;
}

int selection_make(const struct options *o, const struct capset *c, struct config *config,
		   int *ret_cgroup, struct failure *f)
{
	unsigned long leader;
	int err;

	if ((option_given(o, OPTION_PID) || o->child) && !c->initial_pids)
		return fail(f, FAILURE_UNSUPPORTED, -ENOTSUP,
			    "--pid and --child need the machine's own process numbers: run kmscope "
			    "outside this PID namespace (container)");
	if (option_given(o, OPTION_PID)) {
		if (kill((pid_t)o->pid, 0) && errno == ESRCH)
			return fail(f, FAILURE_USAGE, -ESRCH, "--pid: there is no process %llu",
				    (unsigned long long)o->pid);
		leader = process_of((unsigned long)o->pid);
		if (leader && leader != o->pid)
			return fail(f, FAILURE_USAGE, -EINVAL,
				    "--pid: %llu is a thread of process %lu: give that number",
				    (unsigned long long)o->pid, leader);
		config->select |= SELECT_PID;
		config->pid = (uint32_t)o->pid;
	}
	if (o->comm) {
		config->select |= SELECT_COMM;
		snprintf(config->comm, sizeof(config->comm), "%s", o->comm);
	}
	if (o->child)
		config->select |= SELECT_CHILD;
	if (option_given(o, OPTION_MIN_SIZE) || option_given(o, OPTION_MAX_SIZE)) {
		config->select |= SELECT_SIZE;
		config->min_size = (uint32_t)o->min_size;
		config->max_size = (uint32_t)o->max_size;
	}
	err = select_code(o, config, f);
	if (!err)
		err = select_cache(o, c, config, f);
	if (!err)
		err = select_cgroup(o, config, ret_cgroup, f);
	return err;
}

/* Code by its names in the recording, which has those of all code that allocated in it. */
static int replay_code(const struct options *o, const struct replay *r, struct config *c,
		       struct failure *f)
{
	struct site_search search = { .config = c, .failure = f };
	uint64_t start, end;
	int err = 0;

	if (o->site && o->module)
		return fail(f, FAILURE_USAGE, -EINVAL,
			    "--site and --module exclude each other: a function is in one module");
	if (o->module) {
		if (r->memo->ops->module_range(r->memo, o->module, &start, &end))
			return fail(f, FAILURE_USAGE, -ENOENT,
				    "--module: nothing in the recording is of a module «%s»",
				    o->module);
		return add_range(c, start, end, f);
	}
	if (o->site)
		err = r->memo->ops->find(r->memo, o->site, add_symbol, &search);
	if (err == -ENOENT)
		return fail(f, FAILURE_USAGE, err,
			    "--site: nothing in the recording is of a function «%s»", o->site);
	return err;
}

int selection_replay(const struct options *o, const struct replay *r, struct filter_options *ret,
		     bool *ret_needed, struct failure *f)
{
	struct config *c = &ret->config;
	int err;

	if (option_given(o, OPTION_PID)) {
		c->select |= SELECT_PID;
		c->pid = (uint32_t)o->pid;
	}
	if (o->comm) {
		c->select |= SELECT_COMM;
		snprintf(c->comm, sizeof(c->comm), "%s", o->comm);
	}
	if (o->cgroup) {
		if (parse_u64(o->cgroup, 1, UINT64_MAX, &ret->cgroup))
			return fail(f, FAILURE_USAGE, -EINVAL,
				    "--cgroup: a recording knows cgroups by number (as --by cgroup "
				    "shows them), not «%.60s»",
				    o->cgroup);
		c->select |= SELECT_CGROUP;
	}
	if (option_given(o, OPTION_MIN_SIZE) || option_given(o, OPTION_MAX_SIZE)) {
		c->select |= SELECT_SIZE;
		c->min_size = (uint32_t)o->min_size;
		c->max_size = (uint32_t)o->max_size;
	}
	err = replay_code(o, r, c, f);
	if (!err && o->cache) {
		c->select |= SELECT_CACHE;
		if (!strncmp(o->cache, "kmalloc-", 8))
			err = select_kmalloc(o->cache, &r->capset, c, f);
		else
			snprintf(c->cache_name, sizeof(c->cache_name), "%s", o->cache);
	}
	*ret_needed |= c->select;
	return err;
}

char *selection_describe(const struct options *o, const char *what)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fputs(what, out);
	if (option_given(o, OPTION_PID))
		fprintf(out, " of process %llu", (unsigned long long)o->pid);
	if (o->comm)
		fprintf(out, " of tasks named %s", o->comm);
	if (o->child)
		fprintf(out, " of %s and its descendants", o->program[0]);
	if (o->cgroup)
		fprintf(out, " in cgroup %s", o->cgroup);
	if (o->site)
		fprintf(out, " by %s()", o->site);
	if (o->module)
		fprintf(out, " by module %s", o->module);
	if (o->cache)
		fprintf(out, " from %s", o->cache);
	if (option_given(o, OPTION_MIN_SIZE))
		fprintf(out, " of at least %llu bytes", (unsigned long long)o->min_size);
	if (option_given(o, OPTION_MAX_SIZE))
		fprintf(out, " of at most %llu bytes", (unsigned long long)o->max_size);
	if (o->sample > 1)
		fprintf(out, ", one in %llu followed", (unsigned long long)o->sample);
	/* last: it is about the report, the others about what was traced */
	if (option_given(o, OPTION_BY) && o->by)
		fprintf(out, ", by %s", option_choice(OPTION_BY, o->by));
	fclose(out);
	return text;
}
