// SPDX-License-Identifier: GPL-2.0-only
/* balloonctl: looks into the balloon of this guest, and sets it. */
#include <getopt.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"
#include "root.h"

enum {
	OPT_ROOT = 1 << 0,
	OPT_DEVICE = 1 << 1,
	OPT_JSON = 1 << 2,
	OPT_PROMETHEUS = 1 << 3,
	OPT_ASCII = 1 << 4,
	OPT_TEXT = 1 << 5,
	OPT_INTERVAL = 1 << 6,
	OPT_COUNT = 1 << 7,
	OPT_SPEED = 1 << 8,
	OPT_REPLAY = 1 << 9,
	OPT_OUTPUT = 1 << 10,
	OPT_HELP = 1 << 11,
	OPT_VERSION = 1 << 12,
	/* Every command takes these. */
	OPT_COMMON = OPT_ROOT | OPT_DEVICE | OPT_HELP | OPT_VERSION,
};

static const struct option long_options[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "prometheus", no_argument, NULL, OPT_PROMETHEUS },
	{ "ascii", no_argument, NULL, OPT_ASCII },
	{ "text", no_argument, NULL, OPT_TEXT },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "count", required_argument, NULL, OPT_COUNT },
	{ "speed", required_argument, NULL, OPT_SPEED },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "output", required_argument, NULL, OPT_OUTPUT },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(const struct options *o);
	int options;
	int max_args;
} commands[] = {
	{ "status", cmd_status, OPT_JSON | OPT_ASCII, 0 },
	{ "watch", cmd_watch, OPT_ASCII | OPT_INTERVAL | OPT_COUNT | OPT_SPEED |
	  OPT_REPLAY, 0 },
	{ "set", cmd_set, OPT_JSON, 2 },
	{ "why", cmd_why, OPT_JSON | OPT_ASCII | OPT_COUNT, 0 },
	{ "record", cmd_record, OPT_INTERVAL | OPT_COUNT | OPT_OUTPUT, 0 },
	{ "plot", cmd_plot, OPT_TEXT | OPT_ASCII | OPT_OUTPUT, 1 },
	{ "export", cmd_export, OPT_JSON | OPT_PROMETHEUS, 0 },
	{ "doctor", cmd_doctor, OPT_JSON, 0 },
};

static const char usage[] =
"usage: balloonctl COMMAND [options]\n"
"Looks into the memory balloon of this guest, and sets it.\n"
"\n"
"  status               what there is, in a line and a picture\n"
"  watch                sizes, pressure and events on a time axis\n"
"  set [KEY VALUE]      change a tunable; or list them, with their ranges\n"
"  why                  what the balloon does, the decisions, their arithmetic\n"
"  record               a snapshot a line, for plot and watch --replay\n"
"  plot [FILE]          a recording as SVG\n"
"  export               for programs: --json or --prometheus\n"
"  doctor               what is wrong, and what to do\n"
"\n"
"  --device NAME        another balloon than the first, for instance virtio3\n"
"  --json               status, set, why, doctor: for programs\n"
"  --ascii              status, watch, why, plot: no character beyond ASCII\n"
"  --interval SECONDS   watch, record: the pace; 1 if not said\n"
"  --count N            watch, record: end after so many; why: so many decisions\n"
"  --replay FILE        watch: a recording\n"
"  --speed N            watch --replay: so many times as fast\n"
"  --text               plot: as the strips of watch\n"
"  --output FILE        record, plot: not to standard output\n"
"  --root FOLDER        read a copy of /proc, /sys and /lib/modules there\n"
"  --help, --version\n"
"\n"
"NO_COLOR in the environment switches colours off.\n";

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

static bool parse_number(const char *text, double least, double most,
			 double *value)
{
	char *end;

	*value = strtod(text, &end);
	return end != text && !*end && *value >= least && *value <= most;
}

static bool take_option(struct options *o, int option, const char *value)
{
	double number;

	switch (option) {
	case OPT_ROOT:
		root_set(value);
		break;
	case OPT_DEVICE:
		o->device = value;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_PROMETHEUS:
		o->prometheus = true;
		break;
	case OPT_ASCII:
		o->ascii = true;
		break;
	case OPT_TEXT:
		o->text = true;
		break;
	case OPT_INTERVAL:
		return parse_number(value, 0.01, 3600, &o->interval);
	case OPT_SPEED:
		return parse_number(value, 0.1, 10000, &o->speed);
	case OPT_COUNT:
		if (!parse_number(value, 1, 1e9, &number))
			return false;
		o->count = (int)number;
		break;
	case OPT_REPLAY:
		o->replay = value;
		break;
	case OPT_OUTPUT:
		o->output = value;
		break;
	}
	return true;
}

/* The options that were given, or -1 after a message. */
static int parse_options(struct options *o, int argc, char **argv)
{
	int option, given = 0;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (option == '?')
			return -1;
		if (!take_option(o, option, optarg)) {
			fail("\"%s\" is out of range", optarg);
			return -1;
		}
		given |= option;
	}
	o->args = argv + optind;
	o->nr_args = argc - optind;
	return given;
}

static int misused(const struct command *command, int given,
		   const struct options *o)
{
	size_t i;

	given &= ~(command->options | OPT_COMMON);
	for (i = 0; long_options[i].name; i++)
		if (given & long_options[i].val)
			return fail("%s takes no --%s", command->name,
				    long_options[i].name);
	if (o->nr_args > command->max_args)
		return fail("%s: what is \"%s\"? See balloonctl --help",
			    command->name, o->args[command->max_args]);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .interval = 1, .speed = 1 };
	const struct command *command;
	int given;

	setlocale(LC_CTYPE, "");
	given = parse_options(&o, argc, argv);
	if (given < 0)
		return EXIT_USAGE;
	if (given & OPT_HELP) {
		fputs(usage, stdout);
		return EXIT_GOOD;
	}
	if (given & OPT_VERSION) {
		puts("balloonctl " AUTOBALLOON_VERSION);
		return EXIT_GOOD;
	}
	if (!o.nr_args) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	command = find_command(o.args[0]);
	if (!command) {
		fail("there is no command %s; see balloonctl --help", o.args[0]);
		return EXIT_USAGE;
	}
	o.args++;
	o.nr_args--;
	if (misused(command, given, &o))
		return EXIT_USAGE;
	return command->run(&o);
}
