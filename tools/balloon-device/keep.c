// SPDX-License-Identifier: GPL-2.0-only
/*
 * Over a restart of this program the connection to the VMM stays: the service
 * manager keeps the descriptors (FileDescriptorStoreMax= in the unit), the books
 * keep what they are for. The VMM does not notice. QEMU could not do without:
 * up to 11.1 its vhost-user-test-device cannot connect a second time.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "device.h"

#define NAME_SIZE	16

/* Have a descriptor kept as NAME or NAME3; without one (-1), forget it. */
void keep_fd(const char *name, int number, int fd)
{
	char full[NAME_SIZE], text[64];

	snprintf(full, sizeof(full), number < 0 ? "%s" : "%s%d", name, number);
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", full);
	sd_notify(0, text);
	if (fd < 0)
		return;
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", full);
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

/* Write down what belongs to the descriptors. Cheap: after every message. */
void keep_session(struct device *dev)
{
	struct books_session *session = &dev->books.header->session;
	unsigned int i;

	session->features = dev->features;
	session->protocol_features = dev->protocol_features;
	session->ranges = dev->memory.count;
	for (i = 0; i < dev->memory.count; i++)
		session->range[i] = dev->memory.regions[i].range;
	for (i = 0; i < dev->count; i++) {
		session->place[i] = dev->queues[i].place;
		session->running[i] = dev->queues[i].ring.size;
	}
}

/* The digit behind a name, or more than any if this is not that name. */
static unsigned int number_of(const char *full, const char *name)
{
	size_t size = strlen(name);

	if (strncmp(full, name, size) || full[size] < '0' || full[size] > '9' || full[size + 1])
		return UINT_MAX;
	return (unsigned int)(full[size] - '0');
}

/* Put each descriptor where it was; those that nobody wants are closed. */
static void sort_fds(struct device *dev, char * const *names, const int *fds, int count,
		     int *front, int memory[MEMORY_REGIONS])
{
	int i;

	for (i = 0; i < count; i++) {
		unsigned int region = number_of(names[i], "memory");
		unsigned int kick = number_of(names[i], "kick");
		unsigned int call = number_of(names[i], "call");
		int *place = NULL;

		if (!strcmp(names[i], "front"))
			place = front;
		else if (!strcmp(names[i], "back"))
			place = &dev->back;
		else if (region < MEMORY_REGIONS)
			place = &memory[region];
		else if (kick < dev->count)
			place = &dev->queues[kick].kick;
		else if (call < dev->count)
			place = &dev->queues[call].call;
		if (place && *place < 0)
			*place = fds[i];
		else
			close(fds[i]);
	}
}

static int resume_memory(struct device *dev, int fds[MEMORY_REGIONS])
{
	struct books_session *session = &dev->books.header->session;
	struct memory_range ranges[MEMORY_REGIONS];
	unsigned int i;

	if (session->ranges > MEMORY_REGIONS)
		return -EINVAL;
	for (i = 0; i < session->ranges; i++)
		if (fds[i] < 0)
			return -EBADF;
	memcpy(ranges, session->range, sizeof(ranges));
	i = session->ranges;
	return i ? device_set_memory(dev, ranges, fds, i) : 0;
}

/* Go on with descriptors that were kept; false if there is nothing to go on with. */
bool keep_resume(struct device *dev, char * const *names, const int *fds, int count)
{
	struct books_session *session = &dev->books.header->session;
	int front = -1, memory[MEMORY_REGIONS];
	unsigned int i;

	memset(memory, 0xff, sizeof(memory));
	sort_fds(dev, names, fds, count, &front, memory);
	if (front < 0 || resume_memory(dev, memory) || protocol_attach(dev, front) < 0) {
		protocol_close(dev);
		return false;
	}
	dev->features = session->features;
	dev->protocol_features = session->protocol_features;
	for (i = 0; i < dev->count; i++) {
		struct queue *queue = &dev->queues[i];

		queue->place = session->place[i];
		queue->enabled = session->running[i];
	}
	device_resume(dev);
	return true;
}

/* What the service manager kept for us. */
bool keep_start(struct device *dev)
{
	char **names = NULL;
	int fds[64], i, count = sd_listen_fds_with_names(1, &names);
	bool resumed = false;

	for (i = 0; i < count && i < 64; i++)
		fds[i] = SD_LISTEN_FDS_START + i;
	if (count > 0 && count <= 64)
		resumed = keep_resume(dev, names, fds, count);
	for (i = 0; i < count; i++)
		free(names[i]);
	free(names);
	return resumed;
}
