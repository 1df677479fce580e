// SPDX-License-Identifier: GPL-2.0-only
/*
 * watch FILE - once a second, for ever: "now AVAILABLE POSITION": the MiB that
 * are available to programs, and the MiB at which some process reads or writes
 * FILE (0 when none has it open). A program, because a shell would be a
 * workload of its own in an emulated guest.
 */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

static long available_mib(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib >> 10;
}

static long long position(const char *pid, const char *fd)
{
	char path[600], line[64];
	long long pos = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/fdinfo/%s", pid, fd);
	f = fopen(path, "r");
	if (f && fgets(line, sizeof(line), f))
		sscanf(line, "pos: %lld", &pos);
	if (f)
		fclose(f);
	return pos;
}

static long long position_in_process(const char *pid, const char *file)
{
	char path[600], target[256];
	long long pos = 0;
	struct dirent *d;
	ssize_t n;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while (!pos && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "/proc/%s/fd/%s", pid, d->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (!strcmp(target, file))
			pos = position(pid, d->d_name);
	}
	closedir(dir);
	return pos;
}

static long position_mib(const char *file)
{
	DIR *dir = opendir("/proc");
	long long pos = 0;
	struct dirent *d;

	while (dir && !pos && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			pos = position_in_process(d->d_name, file);
	if (dir)
		closedir(dir);
	return pos >> 20;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: watch FILE\n");
		return 1;
	}
	setpriority(PRIO_PROCESS, 0, -20);
	for (;;) {
		printf("now %ld %ld\n", available_mib(), position_mib(argv[1]));
		fflush(stdout);
		sleep(1);
	}
}
