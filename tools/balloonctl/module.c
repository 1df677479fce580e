// SPDX-License-Identifier: GPL-2.0-only
/* The driver as a module: what is loaded, what is installed, what may be loaded. */
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "root.h"

#define MODULES "/lib/modules"
#define OBJECT DRIVER ".ko"
/* What the kernel's sign-file leaves at the end of a module. */
#define SIGNATURE "~Module signature appended~\n"

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_driver(const char *path)
{
	return !strncmp(base_name(path), OBJECT, strlen(OBJECT));
}

/* The first path of the driver in one of depmod's lists; a ':' may end it. */
static bool find_in_list(char *path, size_t size, const char *release,
			 const char *list)
{
	FILE *file = root_open(MODULES "/%s/%s", release, list);
	char line[4096];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		line[strcspn(line, ":\n")] = '\0';
		found = is_driver(line);
		if (found)
			snprintf(path, size, "%.*s", (int)size - 1, line);
	}
	if (file)
		fclose(file);
	return found;
}

/* Where `make install` and DKMS put ours. */
static bool find_ours(char *path, size_t size, const char *release)
{
	static const char *const folders[] = {
		"updates", "updates/dkms",
		"updates/drivers/virtio/virtio_balloon", "extra",
		"extra/drivers/virtio/virtio_balloon",
	};
	static const char *const packed[] = { "", ".xz", ".zst", ".gz" };
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(folders); i++)
		for (j = 0; j < ARRAY_SIZE(packed); j++) {
			snprintf(path, size, "%s/" OBJECT "%s", folders[i],
				 packed[j]);
			if (root_exists(MODULES "/%s/%s", release, path))
				return true;
		}
	path[0] = '\0';
	return false;
}

/* Is it certain that the file has no signature? A packed one does not show it. */
static bool lacks_signature(const char *release, const char *path)
{
	char tail[sizeof(SIGNATURE)] = "";
	FILE *file;

	if (strcmp(base_name(path), OBJECT))
		return false;
	file = root_open(MODULES "/%s/%s", release, path);
	if (!file)
		return false;
	if (!fseek(file, -(long)strlen(SIGNATURE), SEEK_END) &&
	    fread(tail, 1, strlen(SIGNATURE), file) < strlen(SIGNATURE))
		tail[0] = '\0';
	fclose(file);
	return strcmp(tail, SIGNATURE);
}

/* Another kernel that has ours, as after an upgrade of the kernel without DKMS. */
static void find_elsewhere(struct module *module, const char *release)
{
	char **releases, path[128];
	int i, nr = root_list(&releases, MODULES);

	for (i = 0; i < nr; i++)
		if (strcmp(releases[i], release) &&
		    find_ours(path, sizeof(path), releases[i]))
			snprintf(module->elsewhere, sizeof(module->elsewhere),
				 "%s", releases[i]);
	free_list(releases, nr);
}

static bool must_be_signed(void)
{
	char text[64];

	root_text(text, sizeof(text), "/sys/kernel/security/lockdown");
	if (strchr(text, '[') && !strstr(text, "[none]"))
		return true;
	root_text(text, sizeof(text),
		  "/sys/module/module/parameters/sig_enforce");
	return !strcmp(text, "Y");
}

void module_read(struct module *module, const char *release)
{
	char builtin[128];

	module->builtin = find_in_list(builtin, sizeof(builtin), release,
				       "modules.builtin");
	module->loaded = root_exists("/sys/module/" DRIVER "/initstate");
	root_text(module->version, sizeof(module->version),
		  "/sys/module/" DRIVER "/version");
	find_in_list(module->preferred, sizeof(module->preferred), release,
		     "modules.dep");
	if (find_ours(module->installed, sizeof(module->installed), release))
		module->unsigned_file = lacks_signature(release,
							module->installed);
	else
		find_elsewhere(module, release);
	module->headers = root_exists(MODULES "/%s/build", release);
	module->must_be_signed = must_be_signed();
}
