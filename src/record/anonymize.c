// SPDX-License-Identifier: GPL-2.0
#include "record/anonymize.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/vec.h"
#include "record/anonymize_parts.h"

/* Frames in between are of no code. */
#define USER_MAX   (1ull << 47)
#define KERNEL_MIN (0 - (1ull << 48))

/* Whose call chain it is. */
enum stack_of {
	STACK_FAULT = 1 << 0, /* user code's */
	STACK_OTHER = 1 << 1,
};

/* --- addresses in records --------------------------------------------------------------------------- */

struct address_field {
	uint8_t offset; /* 0: none */
	uint8_t bytes; /* offset of how much is there; 0: that is not told */
	uint8_t kind; /* enum shift_kind */
};

#define ADDRESS(type, member, what)                            \
	{                                                      \
		offsetof(struct type, member), 0, SHIFT_##what \
	}
#define RANGE(type, member, length, what)                                                  \
	{                                                                                  \
		offsetof(struct type, member), offsetof(struct type, length), SHIFT_##what \
	}

static const struct address_field address_fields[][2] = {
	[EVENT_KMALLOC] = { ADDRESS(event_alloc, ptr, OBJECT), ADDRESS(event_alloc, site, CODE) },
	[EVENT_CACHE_ALLOC] = { ADDRESS(event_alloc, ptr, OBJECT),
				ADDRESS(event_alloc, site, CODE) },
	[EVENT_KFREE] = { ADDRESS(event_free, ptr, OBJECT) },
	[EVENT_CACHE_FREE] = { ADDRESS(event_free, ptr, OBJECT) },
	[EVENT_AREA_ALLOC] = { RANGE(event_area, address, bytes, AREA) },
	[EVENT_AREA_FREE] = { ADDRESS(event_area_free, address, AREA) },
	[EVENT_AREA_PURGE] = { ADDRESS(event_area_purge, start, AREA) },
	[EVENT_AREA_PAGES] = { ADDRESS(event_area_pages, address, AREA) },
	[EVENT_VMALLOC] = { RANGE(event_vmalloc, address, bytes, AREA),
			    ADDRESS(event_vmalloc, site, CODE) },
	[EVENT_IOREMAP] = { RANGE(event_ioremap, address, bytes, AREA),
			    ADDRESS(event_ioremap, site, CODE) },
	[EVENT_IOUNMAP] = { ADDRESS(event_free, ptr, AREA) },
	[EVENT_REGISTER] = { ADDRESS(event_register, site, CODE) },
	[EVENT_FAULT] = { ADDRESS(event_fault, address, USER) },
	[EVENT_MAP] = { RANGE(event_map, start, bytes, USER) },
};

static const struct address_field *fields_of(const struct event_header *h)
{
	static const struct address_field none[2];

	return h->kind < ARRAY_SIZE(address_fields) ? address_fields[h->kind] : none;
}

static uint64_t *word_at(const struct event_header *h, uint8_t offset)
{
	return (uint64_t *)(void *)((char *)h + offset);
}

/* --- lifecycle ---------------------------------------------------------------------------------------- */

static int draw(void *arg _unused_, uint64_t *ret)
{
	size_t done = 0;

	while (done < sizeof(*ret)) {
		ssize_t n = getrandom((char *)ret + done, sizeof(*ret) - done, 0);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

struct anonymizer *anonymizer_new(const struct record_header *of, const struct shift_random *random)
{
	struct anonymizer *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->random = random ? *random : (struct shift_random){ .draw = draw };
	a->word_size = of->word_size;
	a->tasks.prefix = "task";
	a->folders.prefix = "path";
	a->files.prefix = "file";
	a->marks.prefix = "name";
	a->functions.prefix = "func";
	a->groups.prefix = "cgroup";
	a->programs.prefix = "bpf_prog";
	a->shifts = shifts_new(of->word_size);
	if (!a->shifts)
		anonymizer_free(&a);
	return a;
}

void anonymizer_free(struct anonymizer **pa)
{
	struct anonymizer *a = *pa;

	if (!a)
		return;
	shifts_free(&a->shifts);
	aliases_free(&a->tasks);
	aliases_free(&a->folders);
	aliases_free(&a->files);
	aliases_free(&a->marks);
	aliases_free(&a->functions);
	aliases_free(&a->groups);
	aliases_free(&a->programs);
	aliases_free(&a->paths);
	u64map_free(&a->inodes);
	u64map_free(&a->generations);
	u64map_free(&a->devices);
	u64map_free(&a->caches);
	u64map_free(&a->cgroups);
	free(a->code.items);
	free(a->room);
	freep(pa);
}

/* --- what there is ------------------------------------------------------------------------------------ */

static void note_code_range(struct anonymizer *a, const struct event_map *e)
{
	struct code_range *to;

	if (!(e->protection & PROT_EXEC))
		return;
	to = vec_add(&a->code);
	if (to)
		*to = (struct code_range){ e->start, e->start + (e->bytes - 1) };
	else
		a->oom = true;
}

/* Frames of user code may be junk, which is not to be heeded; code that is mapped is noted for itself. */
static void note_stack(struct anonymizer *a, const struct event_stack *e)
{
	uint32_t i;

	for (i = 0; i < e->n; i++)
		if (e->frames[i] >= KERNEL_MIN)
			shifts_note(a->shifts, e->frames[i], 1, SHIFT_CODE);
		else if (e->frames[i] < USER_MAX)
			shifts_note(a->shifts, e->frames[i], 1, SHIFT_USER);
}

static void note_snapshot(struct anonymizer *a, const struct event_snapshot *e)
{
	if (e->h.flags != SNAPSHOT_FRAMES)
		anonymous_note_text(a, (enum snapshot_file)e->h.flags, (const char *)e->data);
}

void anonymizer_note(struct anonymizer *a, const struct event_header *h)
{
	const struct event_area_purge *purge = (const void *)h;
	const struct event_register *access = (const void *)h;
	const struct event_fault *fault = (const void *)h;
	const struct address_field *f = fields_of(h);
	int32_t stack = event_stack_id(h);
	size_t i;

	for (i = 0; i < 2 && f[i].offset; i++)
		shifts_note(a->shifts, *word_at(h, f[i].offset),
			    f[i].bytes ? *word_at(h, f[i].bytes) : 1, (enum shift_kind)f[i].kind);
	if (stack >= 0 && stack < EVENT_STACKS_MAX)
		a->stacks[stack] |= h->kind == EVENT_FAULT ? STACK_FAULT : STACK_OTHER;
	switch (h->kind) {
	case EVENT_AREA_PURGE:
		shifts_note(a->shifts, purge->end - 1, 1, SHIFT_AREA);
		break;
	case EVENT_REGISTER:
		if (access->source == REGISTER_RWMMIO)
			shifts_note(a->shifts, access->place, 1, SHIFT_AREA);
		break;
	case EVENT_FAULT:
		shifts_note(a->shifts, fault->ip, 1,
			    fault->what & FAULT_KERNEL ? SHIFT_CODE : SHIFT_USER);
		break;
	case EVENT_MAP:
		note_code_range(a, (const struct event_map *)h);
		break;
	case EVENT_STACK:
		note_stack(a, (const struct event_stack *)h);
		break;
	case EVENT_SNAPSHOT:
		note_snapshot(a, (const struct event_snapshot *)h);
		break;
	}
}

void anonymizer_note_symbol(struct anonymizer *a, const struct record_symbol *s)
{
	enum shift_kind kind = strcmp(s->module, "vmlinux") ? SHIFT_MODULE : SHIFT_KERNEL;

	if (s->start <= s->address)
		shifts_note(a->shifts, s->start, s->address - s->start + 1, kind);
}

void anonymizer_note_code(struct anonymizer *a, const struct record_code *c)
{
	if (c->start < c->end)
		shifts_note(a->shifts, c->start, c->end - c->start, SHIFT_USER);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct code_range *x = a, *y = b;

	return CMP(x->start, y->start);
}

static void join_ranges(struct anonymizer *a)
{
	size_t i, n = 0;

	if (!a->code.n)
		return;
	qsort(a->code.items, a->code.n, sizeof(*a->code.items), compare_ranges);
	for (i = 0; i < a->code.n; i++) {
		const struct code_range *r = &a->code.items[i];
		struct code_range *last = n ? &a->code.items[n - 1] : NULL;

		if (last && r->start <= last->last)
			last->last = MAX(last->last, r->last);
		else
			a->code.items[n++] = *r;
	}
	a->code.n = n;
}

int anonymizer_plan(struct anonymizer *a)
{
	size_t i;
	int err = a->oom ? -ENOMEM : shifts_plan(a->shifts, &a->random);

	for (i = 0; i < ARRAY_SIZE(a->keys) && !err; i++)
		err = a->random.draw(a->random.arg, &a->keys[i]);
	join_ranges(a);
	return err;
}

/* --- names ---------------------------------------------------------------------------------------------- */

/* Whether @text is as @form, in which «#» stands for digits. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++) {
		size_t n = strspn(text, "0123456789");

		if (*form == '#' ? !n : *text != *form)
			return false;
		text += *form == '#' ? n : 1;
	}
	return !*text;
}

/*
 * The kernel's own threads, as they are useful to know. What has such a name may be anything: it says nothing
 * of anybody. Names that can have more in them than numbers (of a device, a file system, a work queue)
 * are not among them.
 */
static const char *const known_comms[] = {
	"",
	"kmscope",
	"swapper",
	"swapper/#",
	"kthreadd",
	"kworker/#:#",
	"kworker/#:#H",
	"kworker/u#:#",
	"kworker/u#:#H",
	"kworker/dying",
	"ksoftirqd/#",
	"ktimers/#",
	"migration/#",
	"cpuhp/#",
	"idle_inject/#",
	"rcuc/#",
	"rcub/#",
	"rcuog/#",
	"rcuop/#",
	"rcuos/#",
	"rcu_sched",
	"rcu_preempt",
	"rcu_bh",
	"rcu_gp",
	"rcu_par_gp",
	"kswapd#",
	"kcompactd#",
	"khugepaged",
	"ksmd",
	"oom_reaper",
	"kdevtmpfs",
	"kauditd",
	"khungtaskd",
	"kblockd",
	"kintegrityd",
	"watchdog/#",
	"rcu_tasks_kthre",
	"rcu_tasks_rude_",
	"rcu_tasks_trace",
	"pool_workqueue_",
	"rcu_exp_gp_kthr",
	"rcu_exp_par_gp_",
};

const char *anonymous_comm(struct anonymizer *a, const char *comm)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_comms); i++)
		if (has_form(comm, known_comms[i]))
			return comm;
	return aliases_get(&a->tasks, comm, strlen(comm));
}

/* Names that the kernel gives to what is no file: what begins with one may have a name of somebody's behind. */
static const struct {
	const char *begin, *end;
} kernel_names[] = {
	{ "[heap]", "" },
	{ "[stack]", "" },
	{ "[vdso]", "" },
	{ "[vvar]", "" },
	{ "[vvar_vclock]", "" },
	{ "[vsyscall]", "" },
	{ "[sigpage]", "" },
	{ "[vectors]", "" },
	{ "[uprobes]", "" },
	{ "[unknown]", "" },
	{ "[anon]", "" },
	{ "[anon_shmem:", "]" },
	{ "[anon:", "]" },
	{ "[stack:", "]" },
	{ "[stack", "]" },
	{ "[vvar", "]" },
	{ "[", "]" },
	{ "//anon", "" },
	{ "//toolong", "" },
	{ "//enomem", "" },
	{ "//", "" },
	{ "/SYSV", "" },
	{ "/memfd:", "" },
	{ "/dev/shm/", "" },
	{ "/dev/zero", "" },
	{ "/anon_hugepage", "" },
	{ "anon_inode:", "" },
};

static bool begins(const char *text, const char *with)
{
	return !strncmp(text, with, strlen(with));
}

/* Of a path of @n bytes without what is behind it, @deleted. NULL: no memory. */
static char *make_path(struct anonymizer *a, const char *path, size_t n, const char *deleted)
{
	const char *slash = memrchr(path, '/', n), *folder, *file;
	char *made = NULL;
	size_t i;

	if (!n)
		return strdup(deleted);

	for (i = 0; i < ARRAY_SIZE(kernel_names); i++) {
		size_t begin = strlen(kernel_names[i].begin), own;

		if (!begins(path, kernel_names[i].begin) || begin > n)
			continue;
		own = n - begin;
		own -= own && *kernel_names[i].end == path[n - 1];
		file = own ? aliases_get(&a->marks, path + begin, own) : "";
		if (!file || asprintf(&made, "%.*s%s%s%s", (int)begin, path, file,
				      begin < n ? kernel_names[i].end : "", deleted) < 0)
			return NULL;
		return made;
	}
	file = path;
	/* what ends with a slash has no name but all of it: see report_base_name() */
	if (slash && slash + 1 < path + n)
		file = slash + 1;
	folder = file > path + 1 ? aliases_get(&a->folders, path, (size_t)(slash - path)) : "";
	file = aliases_get(&a->files, file, n - (size_t)(file - path));
	if (!folder || !file ||
	    asprintf(&made, "%s%s%s%s%s", *folder ? "/" : "", folder, slash ? "/" : "", file,
		     deleted) < 0)
		return NULL;
	return made;
}

const char *anonymous_path(struct anonymizer *a, const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t n = strlen(path), n_deleted = sizeof(deleted) - 1;
	const char *known = aliases_known(&a->paths, path);
	char *made;

	if (known)
		return known;
	if (n > n_deleted && !strcmp(path + n - n_deleted, deleted))
		n -= n_deleted;
	made = make_path(a, path, n, path[n] ? deleted : "");
	return made ? aliases_set(&a->paths, path, made) : NULL;
}

/* Programs are called «bpf_prog_» with their tag and the name that they were loaded with. */
const char *anonymous_symbol(struct anonymizer *a, const char *name, size_t n)
{
	static const char begin[] = "bpf_prog_";
	size_t skip = sizeof(begin) - 1;

	if (n >= skip + 16 && !strncmp(name, begin, skip) &&
	    strspn(name + skip, "0123456789abcdef") >= 16)
		return aliases_get(&a->programs, name, n);
	return name;
}

/* --- records -------------------------------------------------------------------------------------------- */

/* Room for a record of @size bytes, all zero; NULL: no memory. */
static void *make_room(struct anonymizer *a, size_t size)
{
	void *more = size > a->room_size ? realloc(a->room, size) : a->room;

	if (!more)
		return NULL;
	a->room = more;
	a->room_size = MAX(a->room_size, size);
	return memset(more, 0, size);
}

static void *copy_record(struct anonymizer *a, const struct event_header *h)
{
	size_t size = event_size(h);
	void *to = make_room(a, MAX(size, sizeof(struct event_stack)));

	return to ? memcpy(to, h, size) : NULL;
}

/* What is behind the end of a name is nobody's business. */
static void set_name(char *to, size_t size, const char *name)
{
	size_t n = strnlen(name, size - 1);

	memmove(to, name, n);
	memset(to + n, 0, size - n);
}

static int set_comm(struct anonymizer *a, char comm[16])
{
	char name[17] = "";
	const char *alias;

	memcpy(name, comm, 16);
	alias = anonymous_comm(a, name);
	if (alias)
		set_name(comm, 16, alias);
	return alias ? 0 : -ENOMEM;
}

static int replace_task(struct anonymizer *a, struct event_task *e)
{
	e->unused = 0;
	if (e->cgroup)
		e->cgroup = aliases_number(&a->cgroups, e->cgroup);
	return set_comm(a, e->comm);
}

static int replace_map(struct anonymizer *a, const struct event_map *from, struct event_map **ret)
{
	const char *path = anonymous_path(a, from->path);
	size_t n = path ? strlen(path) + 1 : 0;
	uint64_t device = (uint64_t)from->major << 32 | from->minor;
	struct event_map *e = path ? make_room(a, sizeof(*e) + n + 8) : NULL;

	if (!e)
		return -ENOMEM;
	memcpy(e, from, sizeof(*e));
	memcpy(e->path, path, n);
	e->size = (uint32_t)n;
	e->inode = aliases_number(&a->inodes, e->inode);
	e->generation = (uint32_t)aliases_number(&a->generations, e->generation);
	e->major = aliases_number(&a->devices, device);
	e->minor = 0;
	*ret = e;
	return (from->inode && !e->inode) || (from->generation && !e->generation) ||
			       (device && !e->major)
		       ? -ENOMEM
		       : 0;
}

static bool is_user_code(const struct anonymizer *a, uint64_t address)
{
	size_t low = 0, high = a->code.n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (a->code.items[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address <= a->code.items[low - 1].last;
}

/*
 * Behind a frame of user code that is in no code there is junk, which may be anything that was on the stack,
 * and which analyses don't heed. A chain that nothing names is not needed.
 */
static void replace_stack(struct anonymizer *a, struct event_stack *e)
{
	uint8_t of = a->stacks[e->id];
	uint32_t i, n = of ? e->n : 0;

	for (i = 1; of == STACK_FAULT && i < n; i++)
		if (!is_user_code(a, e->frames[i]))
			n = i;
	for (i = 0; i < EVENT_STACK_DEPTH; i++)
		e->frames[i] = i < n ? shifts_move(a->shifts, e->frames[i]) : 0;
	e->n = n;
}

static int replace_snapshot(struct anonymizer *a, const struct event_snapshot *from,
			    struct event_snapshot **ret)
{
	_cleanup_free_ char *text = NULL;
	struct event_snapshot *e;
	size_t n = from->size;

	if (from->h.flags != SNAPSHOT_FRAMES) {
		text = anonymous_snapshot(a, (enum snapshot_file)from->h.flags,
					  (const char *)from->data);
		if (!text)
			return -ENOMEM;
		n = strlen(text) + 1;
	}
	e = make_room(a, sizeof(*e) + n + 8);
	if (!e)
		return -ENOMEM;
	memcpy(e, from, sizeof(*e));
	memcpy(e->data, text ? text : (const char *)from->data, n);
	e->size = (uint32_t)n;
	*ret = e;
	return 0;
}

/* What records have beside the fields of the table; those whose length changes are not here. */
static int replace_rest(struct anonymizer *a, struct event_header *h)
{
	struct event_alloc *alloc = (void *)h;
	struct event_cache *cache = (void *)h;
	struct event_area_purge *purge = (void *)h;
	struct event_register *access = (void *)h;
	struct event_fault *fault = (void *)h;

	switch (h->kind) {
	case EVENT_CACHE_ALLOC:
		if (!(h->flags & EVENT_SIZES))
			alloc->what = aliases_number(&a->caches, alloc->what);
		break;
	case EVENT_CACHE:
		cache->id = aliases_number(&a->caches, cache->id);
		set_name(cache->name, sizeof(cache->name), cache->name);
		break;
	case EVENT_TASK:
		return replace_task(a, (struct event_task *)h);
	case EVENT_PROCESS:
		return set_comm(a, ((struct event_process *)h)->comm);
	case EVENT_AREA_PURGE:
		purge->end = shifts_move_end(a->shifts, purge->end);
		break;
	case EVENT_REGISTER:
		if (access->source == REGISTER_RWMMIO)
			access->place = shifts_move(a->shifts, access->place);
		else if (access->source != REGISTER_GPIO_MODULE)
			access->place = 0;
		set_name(access->name, sizeof(access->name), access->name);
		break;
	case EVENT_FAULT:
		fault->ip = shifts_move(a->shifts, fault->ip);
		break;
	case EVENT_STACK:
		replace_stack(a, (struct event_stack *)h);
		break;
	case EVENT_START:
		((struct event_start *)h)->wall_ns = 0;
		break;
	}
	return 0;
}

int anonymizer_record(struct anonymizer *a, const struct event_header *from,
		      const struct event_header **ret)
{
	const struct address_field *f = fields_of(from);
	struct event_header *h = NULL;
	size_t i;
	int err = 0;

	if (from->kind == EVENT_MAP)
		err = replace_map(a, (const struct event_map *)from, (struct event_map **)&h);
	else if (from->kind == EVENT_SNAPSHOT)
		err = replace_snapshot(a, (const struct event_snapshot *)from,
				       (struct event_snapshot **)&h);
	else
		h = copy_record(a, from);
	if (err || !h)
		return -ENOMEM;
	for (i = 0; i < 2 && f[i].offset; i++)
		*word_at(h, f[i].offset) = shifts_move(a->shifts, *word_at(h, f[i].offset));
	err = replace_rest(a, h);
	if (err)
		return err;
	*ret = event_valid(h, event_size(h)) ? h : NULL;
	return 0;
}

/* --- names of code ---------------------------------------------------------------------------------------- */

int anonymizer_symbol(struct anonymizer *a, const struct record_symbol *s,
		      struct record_symbol *ret)
{
	uint64_t moved = shifts_move(a->shifts, s->address);

	*ret = *s;
	ret->address = moved;
	ret->start = s->start + (moved - s->address);
	ret->name = anonymous_symbol(a, s->name, strlen(s->name));
	return ret->name ? 0 : -ENOMEM;
}

int anonymizer_code(struct anonymizer *a, const struct record_code *c, struct record_code *ret)
{
	bool in_file = c->path[0] != '[' || begins(c->path, "[v") || begins(c->path, "[anon_shmem");

	*ret = *c;
	ret->path = anonymous_path(a, c->path);
	/* without a name it takes one back */
	ret->name = *c->name ? aliases_get(&a->functions, c->name, strlen(c->name)) : "";
	ret->major = aliases_number(&a->devices, (uint64_t)c->major << 32 | c->minor);
	ret->minor = 0;
	ret->inode = aliases_number(&a->inodes, c->inode);
	ret->generation = (uint32_t)aliases_number(&a->generations, c->generation);
	ret->start = shifts_move(a->shifts, c->start);
	ret->end = ret->start + (c->end - c->start);
	/* what is in no file has its address for an offset */
	if (!in_file)
		ret->offset = shifts_move(a->shifts, c->offset);
	if (!ret->path || !ret->name || (c->inode && !ret->inode) ||
	    (c->generation && !ret->generation))
		return -ENOMEM;
	return (c->major || c->minor) && !ret->major ? -ENOMEM : 0;
}
