// SPDX-License-Identifier: GPL-2.0-only
/* balloon-hostd: decides how much memory each guest has. */
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "hostd.h"
#include "log.h"
#include "show.h"
#include "trace.h"

enum { OPT_DRY_RUN = 256, OPT_ONCE, OPT_REPLAY, OPT_CHECK };

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "check", no_argument, NULL, OPT_CHECK },
	{ "socket", required_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char usage[] =
"usage: balloon-hostd [options]\n"
"       balloon-hostd status [--json] [--socket PATH]\n"
"Decides how much memory each guest has, by what the host lacks and the guests can spare.\n"
"\n"
"  -c, --config PATH   read this (default: " CONFIG_PATH ", which need not be there)\n"
"      --check         only say whether the config is good\n"
"      --dry-run       change nothing, only say what would be\n"
"  -v, --verbose       log what is asked of each guest; --dry-run does, too\n"
"      --once          decide once and end\n"
"      --replay TRACE  what the policy would do with the snapshots in that file\n"
"  -s, --socket PATH   status: of the daemon there (default: " STATUS_PATH ")\n"
"  -j, --json          status: for programs\n"
"  -h, --help          this\n"
"\n"
"Policies:\n";

struct choices {
	const char *config, *replay, *socket;
	bool dry_run, once, check, verbose, json, status;
};

static void help(void)
{
	const struct policy *policy;

	fputs(usage, stdout);
	for (size_t i = 0; (policy = policy_number(i)); i++)
		printf("  %-13s %s\n", policy->name, policy->what);
}

/* Returns the exit status, or -1 to go on. */
static int parse(struct choices *choices, int argc, char **argv)
{
	int option;

	while ((option = getopt_long(argc, argv, "c:s:vjh", long_options, NULL)) != -1) {
		switch (option) {
		case 'c':
			choices->config = optarg;
			break;
		case 's':
			choices->socket = optarg;
			break;
		case 'v':
			choices->verbose = true;
			break;
		case 'j':
			choices->json = true;
			break;
		case OPT_DRY_RUN:
			choices->dry_run = true;
			break;
		case OPT_ONCE:
			choices->once = true;
			break;
		case OPT_REPLAY:
			choices->replay = optarg;
			break;
		case OPT_CHECK:
			choices->check = true;
			break;
		case 'h':
			help();
			return EXIT_SUCCESS;
		default:
			return EXIT_FAILURE;
		}
	}
	choices->status = optind < argc && !strcmp(argv[optind], "status");
	if (optind + choices->status == argc)
		return -1;
	fprintf(stderr, "balloon-hostd: %s: unknown; see --help\n", argv[optind]);
	return EXIT_FAILURE;
}

/* Three descriptors a guest; and lines have buffers that are mostly untouched memory. */
static void make_room(void)
{
	struct rlimit limit;

	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* Mapped one by one they go back to the host when a guest goes. */
	mallopt(M_MMAP_THRESHOLD, JSONLINE_MAX / 2);
	srand((unsigned int)(time(NULL) ^ getpid()));
}

static int on_hangup(sd_event_source *source, const struct signalfd_siginfo *info, void *context)
{
	(void)source;
	(void)info;
	hostd_reload(context);
	return 0;
}

static int run(struct hostd *hostd)
{
	sigset_t signals;
	int error;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	make_room();
	error = sd_event_default(&hostd->event);
	if (error >= 0)
		error = sd_event_add_signal(hostd->event, NULL, SIGTERM, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(hostd->event, NULL, SIGINT, NULL, NULL);
	if (error >= 0)
		error = sd_event_add_signal(hostd->event, NULL, SIGHUP, on_hangup, hostd);
	if (error >= 0)
		error = sd_event_set_watchdog(hostd->event, true);
	if (error >= 0)
		error = hostd_start(hostd);
	if (error >= 0) {
		sd_notify(0, "READY=1");
		error = sd_event_loop(hostd->event);
		sd_notify(0, "STOPPING=1");
	}
	hostd_stop(hostd);
	sd_event_unref(hostd->event);
	return error < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static struct hostd hostd = { .lock = -1 };
	struct choices choices = { 0 };
	int status = parse(&choices, argc, argv);
	char error[1024];

	if (status >= 0)
		return status;
	hostd.config_path = choices.config;
	if (!choices.config && !access(CONFIG_PATH, F_OK))
		hostd.config_path = CONFIG_PATH;
	if (choices.status && choices.socket)
		return show_status(choices.socket, choices.json);
	hostd.config = hostd.config_path ?
		config_read(hostd.config_path, error, sizeof(error)) : config_default();
	if (!hostd.config) {
		say(LOG_ERR, NULL, "%s", hostd.config_path ? error : "no memory");
		return EXIT_FAILURE;
	}
	hostd.dry_run = choices.dry_run;
	hostd.once = choices.once;
	hostd.verbose = choices.verbose || choices.dry_run;
	if (choices.status)
		status = show_status(hostd.config->status, choices.json);
	else if (choices.replay)
		status = trace_replay(choices.replay, hostd.config);
	else
		status = choices.check ? EXIT_SUCCESS : run(&hostd);
	config_free(hostd.config);
	return status;
}
