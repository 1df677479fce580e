// SPDX-License-Identifier: GPL-2.0-only
/* The system around the balloon: what the tools, or the host, may stumble over. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "model.h"
#include "root.h"

#define PCI "/sys/bus/pci/devices"

static void read_mounts(struct system *system)
{
	FILE *file = root_open("/proc/mounts");
	char line[1024], folder[256], type[64], options[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %255s %63s %255s", folder, type,
			   options) != 3)
			continue;
		if (!strcmp(type, "debugfs"))
			system->debugfs = true;
		if (!strcmp(type, "sysfs") && !strcmp(folder, "/sys"))
			system->sysfs_read_only = !strncmp(options, "ro", 2) &&
						  (options[2] == ',' ||
						   !options[2]);
	}
	if (file)
		fclose(file);
}

/* Encrypted memory: SEV and TDX guests have a flag. */
static bool is_confidential(void)
{
	FILE *file = root_open("/proc/cpuinfo");
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (file && !found && getline(&line, &size, file) > 0)
		found = !strncmp(line, "flags", 5) &&
			(strstr(line, " tdx_guest") || strstr(line, " sev_guest") ||
			 strstr(line, " sev_snp"));
	free(line);
	if (file)
		fclose(file);
	return found;
}

static long pci_id(const char *device, const char *name)
{
	char text[16];

	root_text(text, sizeof(text), PCI "/%s/%s", device, name);
	return strtol(text, NULL, 16);
}

/*
 * Hardware of the host that was passed to the guest keeps the vendor that it
 * has as a whole card; what a hypervisor emulates has none or Red Hat's.
 */
static bool is_suspect(const char *device)
{
	long vendor = pci_id(device, "vendor");
	long whole = pci_id(device, "subsystem_vendor");
	bool bridge = pci_id(device, "class") >> 16 == 0x06;
	bool red_hat = vendor == 0x1af4 || vendor == 0x1b36 || whole == 0x1af4;

	return !bridge && !red_hat && whole;
}

static void read_suspects(struct system *system)
{
	char **names;
	int i, nr = root_list(&names, PCI);

	for (i = 0; i < nr && system->nr_suspects < MAX_SUSPECTS; i++)
		if (is_suspect(names[i]))
			snprintf(system->suspects[system->nr_suspects++],
				 sizeof(system->suspects[0]), "%s", names[i]);
	free_list(names, nr);
}

void system_read(struct system *system)
{
	char text[64];

	root_text(system->release, sizeof(system->release),
		  "/proc/sys/kernel/osrelease");
	system->page_size = sysconf(_SC_PAGESIZE);
	root_text(text, sizeof(text), "/sys/kernel/security/lockdown");
	system->lockdown = strchr(text, '[') && !strstr(text, "[none]");
	read_mounts(system);
	system->confidential = is_confidential();
	read_suspects(system);
}
