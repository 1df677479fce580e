// SPDX-License-Identifier: GPL-2.0-only
/* The config file; see config.h, and balloon-hostd.conf(5) for what is in it. */
#include <errno.h>
#include <ini.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config_value.h"

#define GUEST_SECTION	"guest "
#define TIB		(1024 * GIB)
#define SOCKET_PATH	107		/* what sun_path holds */
#define FILE_PATH	4000

struct key {
	const char *section;
	const char *name;
	size_t offset;
	struct value_rule rule;
};

#define CONFIG(member)	offsetof(struct config, member)
#define GUEST(member)	offsetof(struct guest_config, member)

static const struct key keys[] = {
	{ "daemon", "policy", CONFIG(policy), { VALUE_POLICY, 0, 0 } },
	{ "daemon", "interval", CONFIG(interval_ms), { VALUE_TIME, 1000, 3600000 } },
	{ "daemon", "timeout", CONFIG(timeout_ms), { VALUE_TIME, 100, 600000 } },
	{ "daemon", "status", CONFIG(status), { VALUE_TEXT, 0, SOCKET_PATH } },
	{ "daemon", "metrics", CONFIG(metrics), { VALUE_TEXT, 0, FILE_PATH } },
	{ "daemon", "textfile", CONFIG(textfile), { VALUE_TEXT, 0, FILE_PATH } },
	{ "daemon", "trace", CONFIG(trace), { VALUE_TEXT, 0, FILE_PATH } },
	{ "host", "reserve", CONFIG(reserve), { VALUE_AMOUNT, 0, 1024 * TIB } },
	{ "host", "cgroup", CONFIG(cgroup), { VALUE_TEXT, 0, FILE_PATH } },
	{ "host", "source", CONFIG(source), { VALUE_SOURCE, 0, 0 } },
	{ "guests", "floor", CONFIG(floor), { VALUE_AMOUNT, 0, 1024 * TIB } },
	{ "guests", "libvirt", CONFIG(libvirt), { VALUE_TEXT, 0, FILE_PATH } },
	{ "hint", "ttl", CONFIG(hint_ttl_ms), { VALUE_TIME, 4000, 3600000 } },
	{ "proportional", "target", CONFIG(options.target_percent), { VALUE_NUMBER, 1, 100 } },
	{ "fixed", "low", CONFIG(options.fixed[LEVEL_LOW]), { VALUE_BYTES, 0, TIB } },
	{ "fixed", "medium", CONFIG(options.fixed[LEVEL_MEDIUM]), { VALUE_BYTES, 0, TIB } },
	{ "fixed", "critical", CONFIG(options.fixed[LEVEL_CRITICAL]), { VALUE_BYTES, 0, TIB } },
	{ GUEST_SECTION, "qmp", GUEST(qmp), { VALUE_TEXT, 0, SOCKET_PATH } },
	{ GUEST_SECTION, "device", GUEST(device), { VALUE_TEXT, 0, SOCKET_PATH } },
	{ GUEST_SECTION, "hint", GUEST(hint), { VALUE_TEXT, 0, SOCKET_PATH } },
	{ GUEST_SECTION, "memory", GUEST(memory), { VALUE_BYTES, MIB, 1024 * TIB } },
	{ GUEST_SECTION, "floor", GUEST(floor), { VALUE_AMOUNT, 0, 1024 * TIB } },
	{ GUEST_SECTION, "size", GUEST(size), { VALUE_AMOUNT, 0, 1024 * TIB } },
	{ GUEST_SECTION, "shares", GUEST(shares), { VALUE_NUMBER, 0, 1 << 20 } },
};

#define KEYS	(sizeof(keys) / sizeof(*keys))

struct reading {
	struct config *config;
	const char *path;
	FILE *file;
	unsigned int line;		/* the one that is being read */
	char section[256];
	unsigned int seen[KEYS];	/* the line that gave it; guests': in this section */
	char *error;
	size_t size;
};

/* The first error is the one that is told. Returns what inih takes for an error. */
__attribute__((format(printf, 3, 4)))
static int wrong(struct reading *reading, unsigned int line, const char *format, ...)
{
	va_list arguments;
	int used;

	if (*reading->error)
		return 0;
	used = snprintf(reading->error, reading->size, "%s:%u: ", reading->path, line);
	if (used < 0 || (size_t)used >= reading->size)
		return 0;
	va_start(arguments, format);
	vsnprintf(reading->error + used, reading->size - used, format, arguments);
	va_end(arguments);
	return 0;
}

static char *read_line(char *text, int size, void *context)
{
	struct reading *reading = context;

	reading->line++;
	text = fgets(text, size, reading->file);
	if (text && !strchr(text, '\n') && !feof(reading->file))
		wrong(reading, reading->line, "the line is longer than %d bytes", size - 2);
	return text;
}

static int compare_guests(const void *a, const void *b)
{
	const struct guest_config *one = a, *other = b;

	return strcmp(one->name, other->name);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

const struct guest_config *config_guest(const struct config *config, const char *name)
{
	static const struct guest_config any = { .shares = 1000 };
	struct guest_config key = { .name = (char *)name };
	struct guest_config **found = tfind(&key, &config->names, compare_guests);

	return found ? *found : &any;
}

uint64_t amount_of(const struct amount *amount, uint64_t whole)
{
	return amount->bytes ? amount->bytes : scale_u64(whole, amount->percent, 100);
}

/* Another section has begun. */
static int enter(struct reading *reading, const char *section)
{
	bool guest = !strncmp(section, GUEST_SECTION, strlen(GUEST_SECTION));
	const char *name = section + strlen(GUEST_SECTION);
	struct guest_config *new;

	snprintf(reading->section, sizeof(reading->section), "%s", section);
	if (!guest)
		return 1;
	if (!*name || strlen(name) > 63)
		return wrong(reading, reading->line, "a guest's name has 1 to 63 bytes");
	if (config_guest(reading->config, name)->name)
		return wrong(reading, reading->line, "guest %s: there is one already, at line %u",
			     name, config_guest(reading->config, name)->line);
	for (size_t i = 0; i < KEYS; i++)
		if (!strcmp(keys[i].section, GUEST_SECTION))
			reading->seen[i] = 0;
	new = calloc(1, sizeof(*new));
	if (!new)
		return wrong(reading, reading->line, "no memory");
	new->next = reading->config->guests;
	reading->config->guests = new;
	new->line = reading->line;
	new->shares = 1000;
	new->name = strdup(name);
	if (!new->name || !tsearch(new, &reading->config->names, compare_guests))
		return wrong(reading, reading->line, "no memory");
	return 1;
}

static bool in_section(const struct key *key, const char *section)
{
	if (!strcmp(key->section, GUEST_SECTION))
		return !strncmp(section, GUEST_SECTION, strlen(GUEST_SECTION));
	return !strcmp(key->section, section);
}

/* Its number, or KEYS. */
static size_t find_key(const char *section, const char *name, bool *known)
{
	size_t i;

	*known = false;
	for (i = 0; i < KEYS; i++) {
		if (!in_section(&keys[i], section))
			continue;
		*known = true;
		if (!strcmp(keys[i].name, name))
			break;
	}
	return i;
}

static int on_value(void *context, const char *section, const char *name, const char *text)
{
	struct reading *reading = context;
	bool known;
	size_t i = find_key(section, name, &known);
	const char *good;
	char *base;

	if (strcmp(section, reading->section) && !enter(reading, section))
		return 0;
	if (!known)
		return wrong(reading, reading->line, "unknown section [%s]", section);
	if (i == KEYS)
		return wrong(reading, reading->line, "unknown key %s in section [%s]", name,
			     section);
	if (reading->seen[i])
		return wrong(reading, reading->line, "%s is given already, at line %u", name,
			     reading->seen[i]);
	reading->seen[i] = reading->line;
	base = strcmp(keys[i].section, GUEST_SECTION) ? (char *)reading->config :
		(char *)reading->config->guests;
	good = value_parse(&keys[i].rule, text, base + keys[i].offset);
	return !good || wrong(reading, reading->line, "%s = %s: %s is wanted", name, text, good);
}

/* The trees own nothing. */
static void keep(void *node)
{
	(void)node;
}

/* The socket of a guest that has one is no other guest's. */
static void check_socket(struct reading *reading, const struct guest_config *guest,
			 const char *path, void **sockets)
{
	char **found = path ? tsearch(path, sockets, compare_text) : NULL;

	if (found && *found != path)
		wrong(reading, guest->line, "guest %s: %s is used twice", guest->name, path);
}

/* What cannot be said of one value alone. */
static int check_guest(struct reading *reading, const struct guest_config *guest, void **sockets)
{
	uint64_t floor = guest->floor.bytes, size = guest->size.bytes;

	if (guest->qmp && guest->device)
		return wrong(reading, guest->line, "guest %s: either qmp or device", guest->name);
	if (!guest->device == !!guest->memory)
		return wrong(reading, guest->line,
			     "guest %s: with device, and only then, memory is needed", guest->name);
	if ((guest->memory && (floor > guest->memory || size > guest->memory)))
		return wrong(reading, guest->line, "guest %s: more than its memory", guest->name);
	if ((size && floor > size) ||
	    (guest->size.percent && guest->floor.percent > guest->size.percent))
		return wrong(reading, guest->line, "guest %s: its floor is above its size",
			     guest->name);
	if (!guest->qmp && !guest->device && !reading->config->libvirt)
		return wrong(reading, guest->line,
			     "guest %s: neither qmp nor device, and no libvirt", guest->name);
	check_socket(reading, guest, guest->qmp, sockets);
	check_socket(reading, guest, guest->device, sockets);
	check_socket(reading, guest, guest->hint, sockets);
	return 1;
}

static void check(struct reading *reading)
{
	const struct config *config = reading->config;
	const struct guest_config *guest;
	void *sockets = NULL;

	if (config->reserve.percent == 100)
		wrong(reading, 1, "reserve: all of the host is too much");
	if (config->source == SOURCE_VMPRESSURE && !config->cgroup)
		wrong(reading, 1, "source = vmpressure needs cgroup");
	for (guest = config->guests; guest; guest = guest->next)
		check_guest(reading, guest, &sockets);
	tdestroy(sockets, keep);
}

struct config *config_default(void)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return NULL;
	config->policy = &policy_hint;
	config->options = policy_defaults;
	config->interval_ms = 1000;
	config->timeout_ms = 3000;
	config->hint_ttl_ms = 10000;
	config->floor.percent = 25;
	config->reserve.percent = 10;
	config->status = strdup(STATUS_PATH);
	config->libvirt = strdup(LIBVIRT_URI);
	if (config->status && config->libvirt)
		return config;
	config_free(config);
	return NULL;
}

void config_free(struct config *config)
{
	struct guest_config *guest;

	if (!config)
		return;
	tdestroy(config->names, keep);
	while ((guest = config->guests)) {
		config->guests = guest->next;
		free(guest->name);
		free(guest->qmp);
		free(guest->device);
		free(guest->hint);
		free(guest);
	}
	free(config->cgroup);
	free(config->status);
	free(config->metrics);
	free(config->textfile);
	free(config->trace);
	free(config->libvirt);
	free(config);
}

/* libvirt is the default; whoever names sockets and no libvirt wants none. */
static void choose_libvirt(struct config *config, bool said)
{
	const struct guest_config *guest = config->guests;

	while (guest && !guest->qmp && !guest->device)
		guest = guest->next;
	if (said || !guest)
		return;
	free(config->libvirt);
	config->libvirt = NULL;
}

struct config *config_read(const char *path, char *error, size_t size)
{
	struct reading reading = { .path = path, .error = error, .size = size };
	bool libvirt = false;
	int line;

	*error = '\0';
	reading.file = fopen(path, "re");
	reading.config = config_default();
	if (!reading.file || !reading.config) {
		snprintf(error, size, "%s: %s", path, strerror(errno));
	} else {
		line = ini_parse_stream(read_line, &reading, on_value, &reading);
		if (line)
			wrong(&reading, line > 0 ? (unsigned int)line : 1,
			      "neither a [section] nor key = value");
		for (size_t i = 0; i < KEYS; i++)
			libvirt |= !strcmp(keys[i].name, "libvirt") && reading.seen[i];
		choose_libvirt(reading.config, libvirt);
		if (!*error)
			check(&reading);
	}
	if (reading.file)
		fclose(reading.file);
	if (!*error)
		return reading.config;
	config_free(reading.config);
	return NULL;
}
