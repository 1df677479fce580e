// SPDX-License-Identifier: GPL-2.0-only
/* The metrics by HTTP: libmicrohttpd in our own event loop, without a thread. */
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostd.h"

#define LOCAL		"127.0.0.1"	/* for an address without a host */
#define CONNECTIONS	16u
#define PATIENCE_S	10u

struct http {
	struct MHD_Daemon *daemon;
	sd_event_source *io, *timer;
};

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status, char *text,
			      size_t size)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(size, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", "text/plain; version=0.0.4");
	result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
				  const char *url, const char *method, const char *version,
				  const char *data, size_t *data_size, void **state)
{
	bool known = !strcmp(url, "/metrics");
	char *text;
	size_t size;

	(void)version;
	(void)data;
	(void)state;
	*data_size = 0;
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return MHD_NO;
	text = known ? metrics_text(context, &size) : strdup("There is only /metrics.\n");
	if (!text)
		return MHD_NO;
	return answer(connection, known ? MHD_HTTP_OK : MHD_HTTP_NOT_FOUND, text,
		      known ? size : strlen(text));
}

/* Let it work, and find out when it wants to again. */
static void work(struct http *http)
{
	MHD_UNSIGNED_LONG_LONG wait_ms;

	MHD_run(http->daemon);
	if (MHD_get_timeout(http->daemon, &wait_ms) != MHD_YES) {
		sd_event_source_set_enabled(http->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time_relative(http->timer, wait_ms * 1000);
	sd_event_source_set_enabled(http->timer, SD_EVENT_ONESHOT);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *context)
{
	(void)source;
	(void)fd;
	(void)events;
	work(context);
	return 0;
}

static int on_time(sd_event_source *source, uint64_t usec, void *context)
{
	(void)source;
	(void)usec;
	work(context);
	return 0;
}

/* "127.0.0.1:9133", "[::1]:9133", "9133" */
static int resolve(const char *text, struct addrinfo **address)
{
	const struct addrinfo wanted = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(text, ':');
	const char *port = colon ? colon + 1 : text;
	char host[64] = LOCAL;
	size_t size;

	if (colon) {
		bool brackets = *text == '[' && colon > text + 1 && colon[-1] == ']';

		size = (size_t)(colon - text) - (brackets ? 2 : 0);
		if (size >= sizeof(host))
			return -EINVAL;
		memcpy(host, text + brackets, size);
		host[size] = '\0';
	}
	return getaddrinfo(host, port, &wanted, address) ? -EINVAL : 0;
}

static int watch(struct http *http, sd_event *event)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	int error = info ? 0 : -EIO;

	if (!error)
		error = sd_event_add_io(event, &http->io, info->epoll_fd, EPOLLIN, on_io, http);
	if (error >= 0)
		error = sd_event_add_time_relative(event, &http->timer, CLOCK_MONOTONIC, 0, 0,
						   on_time, http);
	return error;
}

int http_start(struct hostd *hostd)
{
	struct addrinfo *address;
	struct http *http;
	int error;

	if (!hostd->config->metrics)
		return 0;
	error = resolve(hostd->config->metrics, &address);
	if (error)
		return error;
	http = calloc(1, sizeof(*http));
	errno = ENOMEM;
	if (http)
		http->daemon = MHD_start_daemon(MHD_USE_EPOLL |
						(address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0),
						0, NULL, NULL, on_request, hostd,
						MHD_OPTION_SOCK_ADDR, address->ai_addr,
						MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
						MHD_OPTION_CONNECTION_TIMEOUT, PATIENCE_S,
						MHD_OPTION_END);
	error = http && http->daemon ? 0 : -errno;
	freeaddrinfo(address);
	if (error) {
		free(http);
		return error;
	}
	hostd->http = http;
	return watch(http, hostd->event);
}

void http_stop(struct hostd *hostd)
{
	struct http *http = hostd->http;

	if (!http)
		return;
	sd_event_source_disable_unref(http->io);
	sd_event_source_disable_unref(http->timer);
	MHD_stop_daemon(http->daemon);
	free(http);
	hostd->http = NULL;
}
