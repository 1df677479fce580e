// SPDX-License-Identifier: GPL-2.0-only
/* balloon-device: a virtio balloon device as a vhost-user backend. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "device.h"

enum {
	OPT_NO_RELEASE = 256,
	OPT_VERIFY,
	OPT_TRACE,
	OPT_STATS_INTERVAL,
	OPT_HOSTILE,
	OPT_LIST,
};

static const struct option long_options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "connect", required_argument, NULL, 'c' },
	{ "control", required_argument, NULL, 'C' },
	{ "books", required_argument, NULL, 'b' },
	{ "profile", required_argument, NULL, 'p' },
	{ "features", required_argument, NULL, 'f' },
	{ "target", required_argument, NULL, 't' },
	{ "stats-interval", required_argument, NULL, OPT_STATS_INTERVAL },
	{ "no-release", no_argument, NULL, OPT_NO_RELEASE },
	{ "verify", no_argument, NULL, OPT_VERIFY },
	{ "hostile", required_argument, NULL, OPT_HOSTILE },
	{ "trace", no_argument, NULL, OPT_TRACE },
	{ "queues", no_argument, NULL, OPT_LIST },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
"usage: balloon-device --socket PATH | --connect PATH [options]\n"
"A virtio balloon device for one guest, as a vhost-user backend.\n"
"\n"
"  -s, --socket PATH      listen there for the VMM\n"
"  -c, --connect PATH     connect to the VMM there, again and again\n"
"  -C, --control PATH     listen there for clients: a JSON object a line\n"
"  -b, --books PATH       keep the books in this file, over restarts\n"
"  -p, --profile NAME     accept what another VMM accepts; see below\n"
"  -f, --features LIST    offer these beyond the profile's, or with - in front not:\n"
"                         stats,deflate-on-oom,must-tell-host,reporting,page-poison,\n"
"                         pressure,event-idx,indirect\n"
"  -t, --target PAGES     ask for this at first (4 KiB pages in the balloon)\n"
"      --stats-interval S read the statistics every S seconds\n"
"      --no-release       keep books only, give no memory back to the host\n"
"      --verify           see that no page is used before its deflate is answered\n"
"                         (with must-tell-host)\n"
"      --hostile SEED[:NAME,...]  misbehave: silent,late,order,twice,length,id,\n"
"                         targets,config,hints,storm,features; by name only:\n"
"                         hangup,die\n"
"      --trace            say what happens, on standard error\n"
"      --queues           print how many queues the VMM has to give, and end\n"
"  -h, --help             this\n"
"\n"
"With QEMU 10.2 or newer:\n"
"  -object memory-backend-memfd,id=m0,size=2G,share=on -machine memory-backend=m0\n"
"  -chardev socket,id=c0,path=PATH -device vhost-user-test-device-pci,chardev=c0,\n"
"   virtio-id=5,num_vqs=QUEUES,vq_size=128,config_size=16\n"
"\n"
"Profiles:\n";

static const struct {
	const char *name;
	unsigned int bit;
} features[] = {
	{ "must-tell-host", VIRTIO_BALLOON_F_MUST_TELL_HOST },
	{ "stats", VIRTIO_BALLOON_F_STATS_VQ },
	{ "deflate-on-oom", VIRTIO_BALLOON_F_DEFLATE_ON_OOM },
	{ "page-poison", VIRTIO_BALLOON_F_PAGE_POISON },
	{ "reporting", VIRTIO_BALLOON_F_REPORTING },
	{ "pressure", VIRTIO_BALLOON_F_HOST_PRESSURE },
	{ "event-idx", VIRTIO_RING_F_EVENT_IDX },
	{ "indirect", VIRTIO_RING_F_INDIRECT_DESC },
};

static void help(void)
{
	const struct profile *profile;
	unsigned int i;

	fputs(usage, stdout);
	for (i = 0; (profile = profile_number(i)); i++)
		printf("  %-18s %s\n", profile->name, profile->limits);
}

static bool change_features(uint64_t *set, char *text)
{
	char *rest, *name;
	unsigned int i;

	for (name = strtok_r(text, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		bool off = *name == '-';

		for (i = 0; i < sizeof(features) / sizeof(*features); i++)
			if (!strcmp(name + off, features[i].name))
				break;
		if (i == sizeof(features) / sizeof(*features))
			return false;
		if (off)
			*set &= ~F_BIT(features[i].bit);
		else
			*set |= F_BIT(features[i].bit);
	}
	return true;
}

static bool parse_number(const char *text, unsigned long most, unsigned long *number)
{
	char *end;

	errno = 0;
	*number = strtoul(text, &end, 0);
	return !errno && *text >= '0' && *text <= '9' && !*end && *number <= most;
}

static bool parse_option(struct device *dev, int option, char *value)
{
	struct options *options = &dev->options;
	unsigned long number;

	switch (option) {
	case 's':
		options->socket = value;
		return true;
	case 'c':
		options->connect = value;
		return true;
	case 'C':
		options->control = value;
		return true;
	case 'b':
		options->books = value;
		return true;
	case 'p':
		options->profile = profile_find(value);
		return options->profile;
	case 'f':
		options->changes = value;
		return true;
	case 't':
		options->has_target = parse_number(value, UINT32_MAX, &number);
		options->target = (uint32_t)number;
		return options->has_target;
	case OPT_STATS_INTERVAL:
		if (!parse_number(value, 86400, &number))
			return false;
		options->stats_interval = (unsigned int)number;
		return true;
	case OPT_NO_RELEASE:
		options->release = false;
		return true;
	case OPT_VERIFY:
		options->verify = true;
		return true;
	case OPT_TRACE:
		options->trace = true;
		return true;
	case OPT_LIST:
		options->list = true;
		return true;
	case OPT_HOSTILE:
		return !hostile_parse(dev, value);
	default:
		return false;
	}
}

/* Returns the exit status, or -1 to go on. */
static int parse(struct device *dev, int argc, char **argv)
{
	struct options *options = &dev->options;
	int option, index = 0;

	options->profile = profile_number(0);
	options->release = true;
	while ((option = getopt_long(argc, argv, "s:c:C:b:p:f:t:h", long_options, &index)) != -1) {
		if (option == 'h') {
			help();
			return EXIT_SUCCESS;
		}
		if (option == '?')
			return EXIT_FAILURE;
		if (!parse_option(dev, option, optarg)) {
			say("%s is no value for %s; see --help", optarg, argv[optind - 2]);
			return EXIT_FAILURE;
		}
	}
	options->features = options->profile->features;
	if (options->changes && !change_features(&options->features, options->changes)) {
		say("unknown feature in --features; see --help");
		return EXIT_FAILURE;
	}
	if (optind != argc || (!options->list && !options->socket == !options->connect)) {
		say("either --socket or --connect is needed, and no other words; see --help");
		return EXIT_FAILURE;
	}
	return -1;
}

static int on_stats_time(sd_event_source *source, uint64_t usec, void *context)
{
	struct device *dev = context;

	(void)usec;
	stats_refresh(dev);
	sd_event_source_set_time_relative(source, dev->options.stats_interval * 1000000ull);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Every step, in order; the name of the one that failed is in *what. */
static int start(struct device *dev, const char **what)
{
	int error;

	*what = "the event loop";
	error = sd_event_default(&dev->event);
	if (error >= 0)
		error = sd_event_add_signal(dev->event, NULL, SIGTERM, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(dev->event, NULL, SIGINT, NULL, NULL);
	if (error >= 0)
		error = sd_event_set_watchdog(dev->event, true);
	if (error >= 0 && dev->options.stats_interval)
		error = sd_event_add_time_relative(dev->event, NULL, CLOCK_MONOTONIC,
						   dev->options.stats_interval * 1000000ull, 0,
						   on_stats_time, dev);
	if (error >= 0 && dev->hostile)
		error = hostile_start(dev);
	if (error < 0)
		return error;
	*what = dev->options.books ? dev->options.books : "the books";
	error = books_open(&dev->books, dev->options.books);
	if (error < 0)
		return error;
	device_init(dev);
	if (dev->options.has_target)
		dev->books.header->target = dev->options.target;
	*what = dev->options.control;
	error = control_open(dev);
	if (error < 0)
		return error;
	*what = dev->options.socket ? dev->options.socket : dev->options.connect;
	if (keep_start(dev) && dev->options.connect)
		return 0;
	return protocol_listen(dev);
}

int main(int argc, char **argv)
{
	static struct device device;
	const char *what;
	sigset_t signals;
	int status = parse(&device, argc, argv);

	if (status >= 0)
		return status;
	if (device.options.list) {
		device_init(&device);
		printf("%u\n", device.count);
		return EXIT_SUCCESS;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	device.front = -1;
	device.back = -1;
	device.books.fd = -1;
	status = start(&device, &what);
	if (status < 0) {
		say("%s: %s", what, strerror(-status));
		return EXIT_FAILURE;
	}
	sd_notify(0, "READY=1");
	status = sd_event_loop(device.event);
	/* The VMM is not told of the end: the next life may go on, see keep.c. */
	protocol_end();
	control_close(&device);
	if (device.hostile)
		hostile_free(&device);
	books_close(&device.books);
	sd_event_unref(device.event);
	return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
