// SPDX-License-Identifier: GPL-2.0
/*
 * A little of everything that allocates slab memory, for demonstrations: «work_noise SECONDS».
 * Odd sizes waste memory by rounding, sizes over 8 KiB leave the size classes, and a pipe that is
 * kept now and then makes one thing grow. Prints «turns N».
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEEP_EVERY 10 /* turns */
#define KEEP_MAX   400 /* pipes */
#define PAUSE_NS   4000000l

struct noise {
	char dir[64];
	int queue; /* System V message queue, or -1 */
	unsigned long turns;
	int kept[KEEP_MAX][2];
	unsigned kept_n;
};

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

static void close_both(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

static void pipes(struct noise *n)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return;
	if (n->turns % KEEP_EVERY == 0 && n->kept_n < KEEP_MAX)
		memcpy(n->kept[n->kept_n++], fds, sizeof(fds));
	else
		close_both(fds);
}

static void events(struct noise *n)
{
	struct epoll_event e = { .events = EPOLLIN };
	struct itimerspec never = { .it_value.tv_sec = 3600 };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	int event = eventfd(0, EFD_CLOEXEC);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);

	(void)n;
	epoll_ctl(epoll, EPOLL_CTL_ADD, event, &e);
	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &e);
	timerfd_settime(timer, 0, &never, NULL);
	close(timer);
	close(event);
	close(epoll);
}

static void sockets(struct noise *n)
{
	static const size_t sizes[] = { 100, 700, 1100, 3000, 5000 };
	static const char data[5000];
	int fds[2];

	(void)n;
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds))
		return;
	/* Unread messages are freed with the socket. */
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (send(fds[0], data, sizes[i], 0) < 0)
			break;
	close_both(fds);
}

static void messages(struct noise *n)
{
	static const size_t sizes[] = { 33, 700, 2100, 3000 };
	struct {
		long type;
		char text[3000];
	} m = { .type = 1 };

	if (n->queue < 0)
		return;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (msgsnd(n->queue, &m, sizes[i], IPC_NOWAIT))
			break;
		if (msgrcv(n->queue, &m, sizeof(m.text), 0, IPC_NOWAIT | MSG_NOERROR) < 0)
			break;
	}
}

static void files(struct noise *n)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/file-%lu", n->dir, n->turns % 7);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (write(fd, path, sizeof(path)) < 0)
		stop = 1;
	close(fd);
	unlink(path);
}

/* The kernel copies the vector: 600 entries of 16 bytes are 9,600, which rounds to 16 KiB. */
static void vectors(struct noise *n)
{
	static char bytes[600];
	struct iovec v[600];
	int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	(void)n;
	if (fd < 0)
		return;
	for (size_t i = 0; i < 600; i++)
		v[i] = (struct iovec){ .iov_base = bytes + i, .iov_len = 1 };
	if (readv(fd, v, 600) != 600)
		stop = 1;
	close(fd);
}

static void children(struct noise *n)
{
	pid_t pid;

	if (n->turns % 4)
		return;
	pid = fork();
	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	static void (*const kinds[])(struct noise *) = {
		pipes, events, sockets, messages, files, vectors, children,
	};
	const struct timespec pause_time = { .tv_nsec = PAUSE_NS };
	struct sigaction action = { .sa_handler = on_signal };
	struct noise n = { .dir = "/dev/shm/work_noise.XXXXXX" };
	double seconds = argc == 2 ? strtod(argv[1], NULL) : 0;
	struct timespec begin, now;

	if (seconds <= 0) {
		fprintf(stderr, "usage: work_noise SECONDS\n");
		return 2;
	}
	prctl(PR_SET_NAME, "noise");
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (!mkdtemp(n.dir)) {
		strcpy(n.dir, "/tmp/work_noise.XXXXXX");
		if (!mkdtemp(n.dir)) {
			perror("work_noise: temporary folder");
			return 1;
		}
	}
	n.queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
			kinds[i](&n);
		n.turns++;
		nanosleep(&pause_time, NULL);
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!stop &&
		 (double)(now.tv_sec - begin.tv_sec) + (double)(now.tv_nsec - begin.tv_nsec) / 1e9 <
			 seconds);
	while (n.kept_n)
		close_both(n.kept[--n.kept_n]);
	if (n.queue >= 0)
		msgctl(n.queue, IPC_RMID, NULL);
	rmdir(n.dir);
	printf("turns %lu\n", n.turns);
	return 0;
}
