// SPDX-License-Identifier: GPL-2.0-only
/* balloon-agent: takes the host's memory-pressure hints to the balloon driver. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent.h"

static const char usage[] =
"usage: balloon-agent [--port NAME | --vsock PORT] [--device FOLDER]\n"
"Takes the host's memory-pressure hints to the balloon driver of this guest.\n"
"\n"
"  -p, --port NAME        the port of virtio-serial to listen to, or its path;\n"
"                         by default " PORT_NAME "\n"
"  -v, --vsock PORT       listen for the host on this port of vsock instead\n"
"  -d, --device FOLDER    the driver's folder in sysfs; by default the first one below\n"
"                         /sys/bus/virtio/drivers/virtio_balloon\n"
"  -V, --version\n"
"  -h, --help             this\n";

static const struct option options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "vsock", required_argument, NULL, 'v' },
	{ "device", required_argument, NULL, 'd' },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool parse_vsock(struct agent *agent, const char *text)
{
	unsigned long port;
	char *end;

	errno = 0;
	port = strtoul(text, &end, 10);
	agent->vsock = true;
	agent->vsock_port = (unsigned int)port;
	/* The largest is the kernel's word for any port. */
	return !errno && *text >= '0' && *text <= '9' && !*end && port < UINT32_MAX;
}

/* Returns the exit status, or -1 to go on. */
static int parse(struct agent *agent, int argc, char **argv)
{
	bool port = false;
	int option;

	while ((option = getopt_long(argc, argv, "p:v:d:Vh", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			port = true;
			agent->port = optarg;
			break;
		case 'v':
			if (parse_vsock(agent, optarg))
				break;
			say("%s is no port of vsock", optarg);
			return EXIT_FAILURE;
		case 'd':
			agent->device = optarg;
			break;
		case 'V':
			puts(AUTOBALLOON_VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	if (optind == argc && !(port && agent->vsock))
		return -1;
	say("either --port or --vsock, and no other words; see --help");
	return EXIT_FAILURE;
}

static int start(struct agent *agent)
{
	int error = sd_event_default(&agent->event);

	if (error >= 0)
		error = sd_event_add_signal(agent->event, NULL, SIGTERM, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(agent->event, NULL, SIGINT, NULL, NULL);
	if (error >= 0)
		error = sd_event_set_watchdog(agent->event, true);
	if (error >= 0)
		error = link_start(agent);
	return error;
}

int main(int argc, char **argv)
{
	static struct agent agent = { .port = PORT_NAME, .sys = "/sys", .proc = "/proc" };
	sigset_t signals;
	int status = parse(&agent, argc, argv);

	if (status >= 0)
		return status;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	status = start(&agent);
	if (status < 0) {
		say("cannot start: %s", strerror(-status));
		return EXIT_FAILURE;
	}
	sd_notify(0, "READY=1");
	status = sd_event_loop(agent.event);
	link_stop(&agent);
	sd_event_unref(agent.event);
	return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
