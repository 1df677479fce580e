// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection to the VMM: whole messages in, answers out.
 *
 * Debian has one library for this, librte-vhost of DPDK, which wants DPDK's
 * environment (its own memory, threads and command line) in the process, and
 * hides the rings and the descriptors of the memory that this device is about.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "protocol.h"

#define RECONNECT_USEC	200000

/* One connection at a time: a message that is on its way. */
static struct message incoming;
static size_t have;
static sd_event_source *front_source, *listen_source, *back_source, *retry_source;

static void forget_fds(struct message *message)
{
	while (message->fd_count) {
		int fd = message->fds[--message->fd_count];

		if (fd >= 0)
			close(fd);
	}
}

static bool collect_fds(struct msghdr *header)
{
	struct cmsghdr *part;
	bool good = !(header->msg_flags & MSG_CTRUNC);

	for (part = CMSG_FIRSTHDR(header); part; part = CMSG_NXTHDR(header, part)) {
		int fds[MESSAGE_FDS];
		size_t i, count;

		if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
			continue;
		count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(part), count * sizeof(int));
		for (i = 0; i < count; i++) {
			if (incoming.fd_count < MESSAGE_FDS) {
				incoming.fds[incoming.fd_count++] = fds[i];
				continue;
			}
			close(fds[i]);
			good = false;
		}
	}
	return good;
}

static bool sane(const struct message_header *header)
{
	return (header->flags & MESSAGE_VERSION_MASK) == MESSAGE_VERSION &&
		(header->size <= sizeof(struct message_memory) ||
		 header->size <= sizeof(struct message_config));
}

/*
 * How long is the message? Looked at first, so that it can be taken in one piece:
 * if we are killed and come again (keep.c), nothing must be missing.
 */
static size_t length(int fd)
{
	struct message_header header;

	if (have >= sizeof(header))
		return sizeof(header) + incoming.header.size;
	if (!have && recv(fd, &header, sizeof(header), MSG_PEEK | MSG_DONTWAIT) == sizeof(header) &&
	    sane(&header))
		return sizeof(header) + header.size;
	return sizeof(header);
}

/* Read more of the message; 1 if it is whole, 0 if not yet, -1 if this is the end. */
static int receive(int fd)
{
	const size_t first = sizeof(incoming.header);
	union {
		char data[CMSG_SPACE(MESSAGE_FDS * sizeof(int))];
		struct cmsghdr align;
	} control;
	size_t want = length(fd), behind = have > first ? have - first : 0;
	struct iovec parts[] = {
		{ (char *)&incoming.header + (have - behind), first - (have - behind) },
		{ (char *)&incoming.u64 + behind, want - first - behind },
	};
	struct msghdr header = {
		.msg_iov = parts, .msg_iovlen = 2,
		.msg_control = control.data, .msg_controllen = sizeof(control.data),
	};
	ssize_t got = recvmsg(fd, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!collect_fds(&header) || !got)
		return -1;
	have += (size_t)got;
	if (have < first)
		return 0;
	if (!sane(&incoming.header))
		return -1;
	return have == first + incoming.header.size;
}

static bool answer(int fd, struct message *message, uint32_t size)
{
	struct iovec parts[] = {
		{ &message->header, sizeof(message->header) },
		{ &message->u64, size },
	};
	struct msghdr header = { .msg_iov = parts, .msg_iovlen = 2 };

	message->header.flags = MESSAGE_VERSION | MESSAGE_REPLY;
	message->header.size = size;
	return sendmsg(fd, &header, MSG_NOSIGNAL) == (ssize_t)(sizeof(message->header) + size);
}

static bool always_answers(uint32_t request)
{
	return request == GET_CONFIG;
}

static int on_message(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct device *dev = context;
	uint32_t reply, request;
	int state = receive(fd);
	bool good;

	(void)source;
	(void)events;
	if (!state)
		return 0;
	if (state > 0) {
		have = 0;
		request = incoming.header.request;
		good = message_handle(dev, &incoming, &reply);
		forget_fds(&incoming);
		if (good && (!(reply || always_answers(request)) || answer(fd, &incoming, reply)))
			return 0;
		say("message %u makes no sense", request);
	} else if (dev->options.trace) {
		say("the VMM is gone");
	}
	protocol_close(dev);
	return protocol_listen(dev);
}

void protocol_close(struct device *dev)
{
	device_stop(dev);
	memory_clear(&dev->memory);
	forget_fds(&incoming);
	have = 0;
	dev->features = 0;
	dev->protocol_features = 0;
	front_source = sd_event_source_disable_unref(front_source);
	back_source = sd_event_source_disable_unref(back_source);
	if (dev->front >= 0)
		close(dev->front);
	if (dev->back >= 0)
		close(dev->back);
	dev->front = -1;
	dev->back = -1;
	keep_fd("front", -1, -1);
	keep_fd("back", -1, -1);
}

int protocol_attach(struct device *dev, int fd)
{
	int error = sd_event_add_io(dev->event, &front_source, fd, EPOLLIN, on_message, dev);

	if (error < 0) {
		close(fd);
		return error;
	}
	dev->front = fd;
	keep_fd("front", -1, fd);
	if (dev->options.trace)
		say("a VMM is here");
	return 0;
}

static int on_connect(sd_event_source *source, int fd, uint32_t events, void *context)
{
	struct device *dev = context;
	int new = accept4(fd, NULL, NULL, SOCK_CLOEXEC);

	(void)source;
	(void)events;
	if (new < 0)
		return 0;
	/* One VMM at a time. */
	if (dev->front >= 0) {
		close(new);
		return 0;
	}
	protocol_attach(dev, new);
	return 0;
}

static int open_socket(const char *path, struct sockaddr_un *address)
{
	int fd;

	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(address->sun_path))
		return -ENAMETOOLONG;
	memcpy(address->sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

int socket_listen(const char *path)
{
	struct sockaddr_un address;
	int fd = open_socket(path, &address), error;
	struct stat stat;

	if (fd < 0)
		return fd;
	/* What an earlier life of ours left behind, but nothing else. */
	if (!lstat(path, &stat) && S_ISSOCK(stat.st_mode))
		unlink(path);
	if (!bind(fd, (struct sockaddr *)&address, sizeof(address)) && !listen(fd, 8))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int on_retry(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	return protocol_listen(context);
}

static int try_connect(struct device *dev)
{
	struct sockaddr_un address;
	int fd = open_socket(dev->options.connect, &address);

	if (fd < 0)
		return fd;
	if (!connect(fd, (struct sockaddr *)&address, sizeof(address)))
		return protocol_attach(dev, fd);
	close(fd);
	retry_source = sd_event_source_disable_unref(retry_source);
	return sd_event_add_time_relative(dev->event, &retry_source, CLOCK_MONOTONIC,
					  RECONNECT_USEC, 0, on_retry, dev);
}

/* Be ready for a VMM, the first or the next one. */
int protocol_listen(struct device *dev)
{
	int fd, error;

	if (dev->options.connect)
		return try_connect(dev);
	if (listen_source)
		return 0;
	fd = socket_listen(dev->options.socket);
	if (fd < 0)
		return fd;
	error = sd_event_add_io(dev->event, &listen_source, fd, EPOLLIN, on_connect, dev);
	if (error >= 0)
		error = sd_event_source_set_io_fd_own(listen_source, true);
	return error;
}

void protocol_end(void)
{
	listen_source = sd_event_source_disable_unref(listen_source);
	retry_source = sd_event_source_disable_unref(retry_source);
}

static int on_back_ready(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	protocol_config_changed(context);
	return 0;
}

/* Tell the VMM, which tells the driver, that the configuration has changed. */
void protocol_config_changed(struct device *dev)
{
	const struct message_header header = { BACKEND_CONFIG_CHANGE, MESSAGE_VERSION, 0 };

	/* Without a driver nobody is to be told; a QEMU that starts was seen to die of it. */
	if (dev->back < 0 || !dev->in_session || hostile_hushed(dev))
		return;
	back_source = sd_event_source_disable_unref(back_source);
	/* The VMM may be slow to read, and while we waited it might wait for us. */
	if (send(dev->back, &header, sizeof(header), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN &&
	    sd_event_add_io(dev->event, &back_source, dev->back, EPOLLOUT, on_back_ready, dev) >= 0)
		sd_event_source_set_enabled(back_source, SD_EVENT_ONESHOT);
}

/* Of what was said of the configuration, how many bytes has the VMM not read? */
unsigned int protocol_unread(const struct device *dev)
{
	int bytes = 0;

	if (dev->back < 0 || ioctl(dev->back, SIOCOUTQ, &bytes) < 0)
		return 0;
	return (unsigned int)bytes;
}
