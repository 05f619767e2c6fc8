// SPDX-License-Identifier: GPL-2.0
#include "live_faults.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/vfs.h>
#include <unistd.h>

#define MAX_MAPS "/proc/sys/vm/max_map_count"

char faults_path[LIVE_PATH_MAX];
static char file_path[LIVE_PATH_MAX]; /* of faults_file(); empty: there is none */
static const char *swap_path; /* of faults_swap(); NULL: there is none */
static char old_max_maps[32]; /* to be restored; empty: it was not changed */

void faults_find(void)
{
	snprintf(faults_path, sizeof(faults_path), "%.*s/work_faults",
		 (int)(strrchr(live_pipes, '/') - live_pipes), live_pipes);
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

int faults_teardown(void **state)
{
	int err = live_teardown(state);

	if (swap_path && swapoff(swap_path))
		err = -1;
	swap_path = NULL;
	if (*file_path)
		unlink(file_path);
	if (*old_max_maps && !write_file(MAX_MAPS, old_max_maps))
		err = -1;
	*file_path = *old_max_maps = '\0';
	return err;
}

/* --- runs ------------------------------------------------------------------------------------------ */

static void start_load(struct live *l, const struct faults_how *how, const char *gate,
		       const char *hold, va_list words)
{
	const struct live_how gated = { .in_pipe = true };
	const char *argv[FAULTS_WORDS + 10];
	size_t n = 0;

	for (; how->command && how->command[n]; n++)
		argv[n] = how->command[n];
	if (!n)
		argv[n++] = faults_path;
	argv[n++] = "--gate";
	argv[n++] = gate;
	argv[n++] = "--hold";
	argv[n++] = hold;
	while ((argv[n] = va_arg(words, const char *)))
		check(++n < ARRAY_SIZE(argv), "too many words");
	unlink(gate);
	unlink(hold);
	live_spawnv(l, &gated, argv);
	if (live_await(gate, l->pidfd))
		return;
	live_end(l);
	fail_msg("%s ended with %d: %s", argv[0], l->code, l->err);
}

uint64_t faults_peak_kib(pid_t pid)
{
	char path[64], text[4096];
	const char *line;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	check(live_read_file(path, text, sizeof(text)), "%s: %s", path, strerror(errno));
	line = strstr(text, "\nVmHWM:");
	check(line, "%s has no VmHWM", path);
	return strtoull(line + strlen("\nVmHWM:"), NULL, 10);
}

static void call(void (*fn)(void))
{
	if (fn)
		fn();
}

json_t *faults_gated(struct faults_run *ret, const struct faults_how *how, ...)
{
	static const struct faults_how plain;
	const char *gate = live_temp("gate"), *hold = live_temp("hold");
	const struct {
		const char *name;
		uint64_t *to;
	} more[] = { { "maps", &ret->maps },
		     { "huge", &ret->huge },
		     { "of", &ret->huge_pages },
		     { "swapped", &ret->swapped } };
	struct live tracer, load;
	char pid[16], name[16];
	va_list words;
	json_t *r;

	how = how ? how : &plain;
	va_start(words, how);
	start_load(&load, how, gate, hold, words);
	va_end(words);
	call(how->before);
	*ret = (struct faults_run){ .pid = (uint64_t)load.pid };
	snprintf(pid, sizeof(pid), "%d", (int)load.pid);
	live_start(&tracer, "faults", "--json", how->comm ? "--comm" : "--pid",
		   how->comm ? how->comm : pid, how->more[0], how->more[1], how->more[2], NULL);
	call(how->during);
	check(write(load.in_fd, "x", 1) == 1, "the gate: %s", strerror(errno));
	check(live_await(hold, load.pidfd), "the workload ended: %s", load.err);
	call(how->after);
	ret->peak_kib = faults_peak_kib(tracer.pid);
	check(!live_end_by(&tracer, SIGINT), "kmscope ended with %d: %s", tracer.code, tracer.err);
	r = live_final(&tracer);
	check(!live_end(&load), "the workload ended with %d: %s", load.code, load.err);
	ret->minor = faults_told(load.out, "minor");
	ret->major = faults_told(load.out, "major");
	for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
		snprintf(name, sizeof(name), " %s=", more[i].name);
		if (strstr(load.out, name))
			*more[i].to = faults_told(load.out, more[i].name);
	}
	live_check_whole(r);
	free(tracer.out);
	free(tracer.err);
	free(load.out);
	free(load.err);
	return r;
}

/* --- reports --------------------------------------------------------------------------------------- */

uint64_t faults_told(const char *out, const char *name)
{
	const char *line = NULL, *at = out, *value;
	char wanted[32];

	for (; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (!strncmp(at, "faults ", strlen("faults ")))
			line = at;
	}
	check(line, "the workload printed: %s", out ? out : "nothing");
	snprintf(wanted, sizeof(wanted), " %s=", name);
	value = strstr(line, wanted);
	check(value && value < strchrnul(line, '\n'), "it told no %s: %s", name, line);
	return strtoull(value + strlen(wanted), NULL, 10);
}

uint64_t faults_of(const json_t *report, const char *kind, const char *column)
{
	const json_t *row = live_row(live_table(report, "kinds"), "kind", kind, 0);

	return row ? live_u64(row, column) : 0;
}

bool faults_has_symbols(const char *program, const char *function)
{
	int fd = open(program, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *text;
	bool has;

	check(fd >= 0 && !fstat(fd, &st), "%s: %s", program, strerror(errno));
	text = malloc((size_t)st.st_size);
	check(text && read(fd, text, (size_t)st.st_size) == st.st_size, "can't read %s", program);
	has = memmem(text, (size_t)st.st_size, function, strlen(function));
	free(text);
	close(fd);
	return has;
}

void faults_check_site(const json_t *site, const char *program)
{
	const char *symbol = live_text(site, "symbol"), *object = live_text(site, "object");
	const char *name = strrchr(program, '/') + 1;

	/* «… (deleted)» after it; before it, where its root is another one, that one's path */
	check(object && strstr(object, program), "the code is in %s", object);
	if (faults_has_symbols(faults_path, "write_area"))
		check(live_is_in(symbol, "write_area"), "the code is named %s", symbol);
	else
		check(symbol && !strncmp(symbol, name, strlen(name)) && strstr(symbol, "+0x"),
		      "the code is named %s", symbol);
}

/* --- files ------------------------------------------------------------------------------------------- */

/* f_type is signed and as wide as a long: 32 bits of it are the number. */
static bool magic_is(const struct statfs *fs, uint32_t magic)
{
	return (uint32_t)fs->f_type == magic;
}

/* KMSCOPE_DISK names a folder for it. */
static const char *disk(void)
{
	const char *folder = getenv("KMSCOPE_DISK");
	static char why[LIVE_PATH_MAX + 64];
	struct statfs fs;

	folder = folder ? folder : "/var/tmp";
	if (statfs(folder, &fs))
		snprintf(why, sizeof(why), "%s: %s", folder, strerror(errno));
	else if (magic_is(&fs, TMPFS_MAGIC) || magic_is(&fs, RAMFS_MAGIC) ||
		 magic_is(&fs, OVERLAYFS_SUPER_MAGIC))
		snprintf(why, sizeof(why), "%s is on no disk; KMSCOPE_DISK names none", folder);
	else
		return folder;
	live_skip(why);
}

const char *faults_file(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	char *text = malloc(page);
	int fd;

	snprintf(file_path, sizeof(file_path), "%s/kmscope-cold", disk());
	fd = open(file_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	check(fd >= 0 && text, "%s: %s", file_path, strerror(errno));
	for (i = 0; i < pages; i++) {
		memset(text, (int)i + 1, page);
		check(write(fd, text, page) == (ssize_t)page, "%s: %s", file_path, strerror(errno));
	}
	check(!fsync(fd) && !close(fd), "%s: %s", file_path, strerror(errno));
	free(text);
	return file_path;
}

/* What mkswap writes: union swap_header of include/linux/swap.h, and the magic that ends the page. */
static bool write_swap_header(int fd, size_t page, uint32_t pages)
{
	static const char magic[] = "SWAPSPACE2";
	const struct {
		uint32_t version, last_page, bad_pages;
	} info = { .version = 1, .last_page = pages - 1 };
	char *header = calloc(1, page);
	bool written;

	if (!header)
		return false;
	memcpy(header + 1024, &info, sizeof(info));
	memcpy(header + page - strlen(magic), magic, strlen(magic));
	written = pwrite(fd, header, page, 0) == (ssize_t)page && !fsync(fd);
	free(header);
	return written;
}

void faults_swap(size_t pages)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const char *path = faults_file(pages + 1);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	check(fd >= 0 && write_swap_header(fd, page, (uint32_t)pages + 1), "%s: %s", path,
	      strerror(errno));
	close(fd);
	if (!swapon(path, SWAP_FLAG_PREFER | SWAP_FLAG_PRIO_MASK /* first of all */)) {
		swap_path = path;
		return;
	}
	check(errno == ENOSYS || errno == EINVAL || errno == EPERM, "swapon(%s): %s", path,
	      strerror(errno));
	live_skip("no swap files here");
}

void faults_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	struct stat st;
	ssize_t n = 1;

	check(in >= 0 && out >= 0 && !fstat(in, &st), "%s, %s: %s", from, to, strerror(errno));
	for (off_t left = st.st_size; left && n > 0; left -= n)
		n = sendfile(out, in, NULL, (size_t)left);
	check(n > 0 && !fchmod(out, 0755), "%s: %s", to, strerror(errno));
	close(in);
	close(out);
}

bool faults_allow_maps(unsigned long n)
{
	char text[32], old[32];

	if (!live_read_file(MAX_MAPS, old, sizeof(old)))
		return false;
	if (strtoul(old, NULL, 10) >= n)
		return true;
	snprintf(text, sizeof(text), "%lu", n);
	if (!write_file(MAX_MAPS, text))
		return false;
	snprintf(old_max_maps, sizeof(old_max_maps), "%s", old);
	return true;
}
