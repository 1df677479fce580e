// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent [PORT] - runs commands in a guest for the lab, over the virtio port
 * "lab.cmd", or over a serial port.
 *
 * Lines of text both ways, so that a lost byte spoils one line only:
 *
 *	R <id> <base64>		run the command line in a shell
 *	I <id> <base64>		bytes for its standard input
 *	C <id>			end of its standard input
 *	K <id>			kill it and all that it started
 *	H <text>		hello
 *
 *	H <text>		answer to hello, with the same text
 *	O <id> <base64>		output (stdout and stderr together)
 *	E <id> <status>		the command ended; 128 + signal if killed
 *
 * Many commands run at a time, each in a session of its own. As process 1 it
 * also collects orphans. The port's descriptor survives suspend, hibernation
 * and migration; while no host listens, output waits here.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PORT_NAME	"lab.cmd"
#define MAX_JOBS	64
#define MAX_PENDING	(1 << 20)	/* stop reading from commands beyond this */
#define CHUNK		3072		/* a multiple of 3: no padding inside */

struct buffer {
	char *data;
	size_t len, room;
};

struct job {
	char id[32];
	pid_t pid;
	int out, in;
	struct buffer input;
	int input_ended;
};

static struct job jobs[MAX_JOBS];
static struct buffer to_host, from_host;
static int port = -1, signals = -1;
static sigset_t blocked;

static void append(struct buffer *b, const void *data, size_t len)
{
	if (b->len + len > b->room) {
		b->room = (b->len + len) * 2;
		b->data = realloc(b->data, b->room);
		if (!b->data) {
			perror("agent: realloc");
			abort();
		}
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void drop_front(struct buffer *b, size_t len)
{
	memmove(b->data, b->data + len, b->len - len);
	b->len -= len;
}

static void append_base64(struct buffer *b, const unsigned char *p, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (; len; p += 3, len -= len < 3 ? len : 3) {
		unsigned int v = p[0] << 16;
		char four[4];

		if (len > 1)
			v |= p[1] << 8;
		if (len > 2)
			v |= p[2];
		four[0] = digits[v >> 18];
		four[1] = digits[(v >> 12) & 63];
		four[2] = len > 1 ? digits[(v >> 6) & 63] : '=';
		four[3] = len > 2 ? digits[v & 63] : '=';
		append(b, four, 4);
	}
}

static int digit_value(int c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decode in place; return the number of bytes. */
static size_t decode_base64(char *text)
{
	unsigned int v = 0, bits = 0;
	size_t n = 0;
	char *p;

	for (p = text; *p && digit_value(*p) >= 0; p++) {
		v = v << 6 | digit_value(*p);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			text[n++] = v >> bits;
		}
	}
	return n;
}

static struct job *find_job(const char *id)
{
	int i;

	for (i = 0; i < MAX_JOBS; i++)
		if (jobs[i].pid && !strcmp(jobs[i].id, id))
			return &jobs[i];
	return NULL;
}

static void say(char kind, const char *id, const char *text)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "%c %s%s%s\n", kind, id, *text ? " " : "", text);

	append(&to_host, line, n);
}

/* The child must be killable by the OOM killer again, whatever its parent is. */
static void become_killable(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	if (fd >= 0) {
		if (write(fd, "0", 1) != 1)
			perror("agent: oom_score_adj");
		close(fd);
	}
}

static void start_job(const char *id, char *command)
{
	struct job *j = NULL;
	int out[2], in[2], i;

	for (i = 0; i < MAX_JOBS && !j; i++)
		if (!jobs[i].pid)
			j = &jobs[i];
	if (!j || pipe2(out, O_CLOEXEC)) {
		say('E', id, "125");
		return;
	}
	if (pipe2(in, O_CLOEXEC)) {
		close(out[0]);
		close(out[1]);
		say('E', id, "125");
		return;
	}
	memset(j, 0, sizeof(*j));
	j->pid = fork();
	if (!j->pid) {
		setsid();
		sigprocmask(SIG_UNBLOCK, &blocked, NULL);
		become_killable();
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(126);
	}
	close(in[0]);
	close(out[1]);
	if (j->pid < 0) {
		j->pid = 0;
		close(in[1]);
		close(out[0]);
		say('E', id, "125");
		return;
	}
	snprintf(j->id, sizeof(j->id), "%s", id);
	j->in = in[1];
	j->out = out[0];
	fcntl(j->in, F_SETFL, O_NONBLOCK);
	fcntl(j->out, F_SETFL, O_NONBLOCK);
}

/* Returns what read() did. */
static ssize_t read_output(struct job *j)
{
	unsigned char data[CHUNK];
	ssize_t n = read(j->out, data, sizeof(data));

	if (n > 0) {
		append(&to_host, "O ", 2);
		append(&to_host, j->id, strlen(j->id));
		append(&to_host, " ", 1);
		append_base64(&to_host, data, n);
		append(&to_host, "\n", 1);
	} else if (!n) {
		close(j->out);
		j->out = -1;
	}
	return n;
}

static void feed_input(struct job *j)
{
	ssize_t n;

	if (j->in < 0)
		return;
	if (j->input.len) {
		n = write(j->in, j->input.data, j->input.len);
		if (n > 0)
			drop_front(&j->input, n);
		else if (n < 0 && errno != EAGAIN)
			j->input.len = 0;	/* it does not want any more */
	}
	if (!j->input.len && j->input_ended) {
		close(j->in);
		j->in = -1;
	}
}

static void end_job(struct job *j, int status)
{
	char text[16];

	while (j->out >= 0 && read_output(j) > 0)
		;
	snprintf(text, sizeof(text), "%d",
		 WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	say('E', j->id, text);
	if (j->out >= 0)
		close(j->out);
	if (j->in >= 0)
		close(j->in);
	free(j->input.data);
	memset(j, 0, sizeof(*j));
}

static void collect_children(void)
{
	int status, i;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (i = 0; i < MAX_JOBS; i++)
			if (jobs[i].pid == pid)
				end_job(&jobs[i], status);
}

static void obey(char *line)
{
	char *id = strtok(line + 1, " "), *rest = strtok(NULL, " ");
	struct job *j;
	size_t n;

	if (!id)
		return;
	if (*line == 'H') {
		say('H', id, "");
		return;
	}
	if (*line == 'R' && rest) {
		n = decode_base64(rest);
		rest[n] = '\0';
		start_job(id, rest);
		return;
	}
	j = find_job(id);
	if (!j)
		return;
	if (*line == 'I' && rest) {
		n = decode_base64(rest);
		append(&j->input, rest, n);
		feed_input(j);
	} else if (*line == 'C') {
		j->input_ended = 1;
		feed_input(j);
	} else if (*line == 'K') {
		kill(-j->pid, SIGKILL);
	}
}

static void read_port(void)
{
	char data[4096], *end;
	ssize_t n = read(port, data, sizeof(data));

	if (n <= 0) {
		usleep(20000);	/* no host on the other side: it reads as an end of file */
		return;
	}
	append(&from_host, data, n);
	while ((end = memchr(from_host.data, '\n', from_host.len))) {
		*end = '\0';
		n = end + 1 - from_host.data;
		obey(from_host.data);
		drop_front(&from_host, n);
	}
}

static void write_port(void)
{
	/* The driver takes at most 32 KiB at a time and sends it at once. */
	size_t len = to_host.len < 16384 ? to_host.len : 16384;
	ssize_t n = write(port, to_host.data, len);

	if (n > 0)
		drop_front(&to_host, n);
	else
		usleep(5000);
}

static int open_port(void)
{
	char path[300], name[64];
	struct dirent *d;
	DIR *dir;
	FILE *f;
	int fd = -1;

	dir = opendir("/sys/class/virtio-ports");
	if (!dir)
		return -1;
	while (fd < 0 && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fscanf(f, "%63s", name) == 1 && !strcmp(name, PORT_NAME)) {
			snprintf(path, sizeof(path), "/dev/%s", d->d_name);
			fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
		}
		fclose(f);
	}
	closedir(dir);
	return fd;
}

static int open_serial(const char *path)
{
	int fd = open(path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct termios t;

	if (fd < 0 || tcgetattr(fd, &t))
		return -1;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	return tcsetattr(fd, TCSANOW, &t) ? -1 : fd;
}

static void loop(void)
{
	struct pollfd p[2 + 2 * MAX_JOBS];
	struct signalfd_siginfo info;
	int i, n;

	p[0] = (struct pollfd){ port, POLLIN | (to_host.len ? POLLOUT : 0), 0 };
	p[1] = (struct pollfd){ signals, POLLIN, 0 };
	n = 2;
	for (i = 0; i < MAX_JOBS; i++) {
		int out = jobs[i].pid && to_host.len < MAX_PENDING ? jobs[i].out : -1;
		int in = jobs[i].pid && jobs[i].input.len ? jobs[i].in : -1;

		p[n++] = (struct pollfd){ out, POLLIN, 0 };
		p[n++] = (struct pollfd){ in, POLLOUT, 0 };
	}
	if (poll(p, n, -1) < 0)
		return;
	for (i = 0; i < MAX_JOBS; i++) {
		if (p[2 + 2 * i].revents)
			read_output(&jobs[i]);
		if (p[3 + 2 * i].revents)
			feed_input(&jobs[i]);
	}
	if (p[1].revents && read(signals, &info, sizeof(info)) > 0)
		collect_children();
	if (p[0].revents & POLLOUT)
		write_port();
	if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
		read_port();
}

int main(int argc, char **argv)
{
	int tries;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigaddset(&blocked, SIGPIPE);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	signals = signalfd(-1, &blocked, SFD_CLOEXEC | SFD_NONBLOCK);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	mlockall(MCL_CURRENT | MCL_FUTURE);

	for (tries = 0; port < 0; tries++) {
		port = argc > 1 ? open_serial(argv[1]) : open_port();
		if (port < 0 && tries == 500) {
			fprintf(stderr, "agent: no port %s\n", argc > 1 ? argv[1] : PORT_NAME);
			return 1;
		}
		if (port < 0)
			usleep(20000);
	}
	say('H', "ready", "");
	for (;;)
		loop();
}
