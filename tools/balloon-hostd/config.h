/* SPDX-License-Identifier: GPL-2.0-only */
/* The config file: everything is checked before anything is used. */
#ifndef CONFIG_H
#define CONFIG_H

#include "policy.h"

#define CONFIG_PATH	"/etc/balloon-hostd.conf"
#define STATUS_PATH	"/run/balloon-hostd/status"
#define LIBVIRT_URI	"qemu:///system"

/* Memory, in bytes or as a part of something that is known later. */
struct amount {
	uint64_t bytes;
	uint64_t percent;		/* if bytes is 0 */
};

/* Where host pressure is told from. */
enum source {
	SOURCE_AUTO,
	SOURCE_PSI,			/* the host's own, or a cgroup's memory.pressure */
	SOURCE_VMPRESSURE,		/* memory.pressure_level of a cgroup of version 1 */
	SOURCE_MEMINFO,			/* what is available, once a round */
	SOURCES
};

extern const char * const source_names[SOURCES];

struct guest_config {
	struct guest_config *next;
	char *name;
	unsigned int line;
	char *qmp;			/* sockets; none of them: a libvirt domain of that name */
	char *device;
	char *hint;
	uint64_t memory;		/* behind balloon-device, which does not know it */
	struct amount floor;
	struct amount size;		/* for the policy static */
	uint64_t shares;
};

struct config {
	const struct policy *policy;
	struct policy_options options;
	uint64_t interval_ms;		/* of the rounds */
	uint64_t timeout_ms;		/* for an answer */
	uint64_t hint_ttl_ms;
	struct amount floor;		/* of guests that have none of their own */
	struct amount reserve;		/* of the host */
	char *cgroup;			/* folder of the guests', or NULL */
	uint64_t source;
	char *status;			/* sockets and files; NULL: not wanted */
	char *metrics;
	char *textfile;
	char *trace;
	char *libvirt;			/* URI */
	struct guest_config *guests;
	void *names;			/* a tree of them */
};

/* NULL: what is wrong has been written to `error`, with file and line. */
struct config *config_read(const char *path, char *error, size_t size);
/* What there is without a file: all of libvirt's guests. */
struct config *config_default(void);
void config_free(struct config *config);
/* Of that guest, or of any other one. */
const struct guest_config *config_guest(const struct config *config, const char *name);
uint64_t amount_of(const struct amount *amount, uint64_t whole);

#endif
