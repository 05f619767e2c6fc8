// SPDX-License-Identifier: GPL-2.0
/*
 * How a guest tells QEMU how it ended, and hands over files, without a network or modules:
 *	semi exit STATUS	QEMU ends with 2 × STATUS + 1; does not return
 *	semi put NAME <DATA	DATA becomes the file NAME in QEMU's folder
 * ARM has semihosting (QEMU: -semihosting-config enable=on,userspace=on), by which a guest opens any
 * file of the host: for test machines only. x86 has the isa-debug-exit device, and the second serial
 * port, which QEMU writes to the one file it was given (NAME is not used).
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <fcntl.h>
#include <sys/io.h>
#include <termios.h>

#define EXIT_PORT 0xf4
#define FILE_PORT "/dev/ttyS1"

static int leave(unsigned int status)
{
	if (ioperm(EXIT_PORT, 4, 1))
		return -errno;
	outl(status, EXIT_PORT); /* the device makes 2 × status + 1 of it */
	return -EIO;
}

static int write_all(int fd, const char *data, size_t n)
{
	while (n) {
		ssize_t done = write(fd, data, n);

		if (done < 0)
			return -errno;
		data += done;
		n -= (size_t)done;
	}
	return 0;
}

static int put(const char *name)
{
	static char block[65536];
	struct termios raw;
	int fd = open(FILE_PORT, O_RDWR | O_NOCTTY), err = 0;
	ssize_t n;

	(void)name;
	if (fd < 0 || tcgetattr(fd, &raw))
		return -errno;
	cfmakeraw(&raw);
	cfsetspeed(&raw, B115200);
	if (tcsetattr(fd, TCSANOW, &raw))
		return -errno;
	while (!err && (n = read(STDIN_FILENO, block, sizeof(block))) > 0)
		err = write_all(fd, block, (size_t)n);
	if (tcdrain(fd) && !err)
		err = -errno;
	close(fd);
	return err;
}

#elif defined(__arm__) || defined(__aarch64__)

/* Arm's «Semihosting for AArch32 and AArch64» */
enum { SYS_OPEN = 1, SYS_CLOSE = 2, SYS_WRITE = 5, SYS_EXIT_EXTENDED = 0x20 };
#define OPEN_WB		     5
#define ADP_STOPPED_APP_EXIT 0x20026

#if defined(__arm__)
__attribute__((noinline, target("arm"))) /* another instruction in Thumb code */
#endif
static long
semihost(long operation, void *arguments)
{
#if defined(__arm__)
	register long r0 __asm__("r0") = operation;
	register void *r1 __asm__("r1") = arguments;

	__asm__ volatile("svc 0x123456" : "+r"(r0) : "r"(r1) : "memory", "lr");
	return r0;
#else
	register long x0 __asm__("x0") = operation;
	register void *x1 __asm__("x1") = arguments;

	__asm__ volatile("hlt 0xf000" : "+r"(x0) : "r"(x1) : "memory");
	return x0;
#endif
}

static int leave(unsigned int status)
{
	uintptr_t arguments[2] = { ADP_STOPPED_APP_EXIT, 2 * status + 1 };

	semihost(SYS_EXIT_EXTENDED, arguments);
	return -EIO;
}

static int put(const char *name)
{
	static char block[65536]; /* QEMU reads mapped pages only: read() has touched them */
	uintptr_t file[3] = { (uintptr_t)name, OPEN_WB, strlen(name) };
	long handle = semihost(SYS_OPEN, file);
	uintptr_t close_it[1] = { (uintptr_t)handle };
	ssize_t n;
	int err = 0;

	if (handle < 0)
		return -ENOENT;
	while (!err && (n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
		uintptr_t data[3] = { (uintptr_t)handle, (uintptr_t)block, (uintptr_t)n };

		if (semihost(SYS_WRITE, data)) /* bytes that were not written */
			err = -EIO;
	}
	semihost(SYS_CLOSE, close_it);
	return err;
}

#else
#error "no channel out of this guest"
#endif

int main(int argc, char **argv)
{
	int err = -EINVAL;

	if (argc == 3 && !strcmp(argv[1], "exit"))
		err = leave((unsigned int)strtoul(argv[2], NULL, 10));
	else if (argc == 3 && !strcmp(argv[1], "put"))
		err = put(argv[2]);
	if (err)
		fprintf(stderr, "semi: %s\n", strerror(-err));
	return err ? 1 : 0;
}
