// SPDX-License-Identifier: GPL-2.0-only
/* Reading and writing files below the root folder. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "root.h"

static const char *root = "";

void root_set(const char *folder)
{
	root = folder;
}

/* Is this the system that we run on, and not a copy of another one? */
bool root_is_live(void)
{
	return !root[strspn(root, "/")];
}

#define MAKE_PATH(full, path)						\
	do {								\
		va_list args;						\
									\
		va_start(args, path);					\
		make_path(full, path, args);				\
		va_end(args);						\
	} while (0)

static void make_path(char full[PATH_MAX], const char *path, va_list args)
{
	int length = snprintf(full, PATH_MAX, "%s", root);

	if (length < PATH_MAX)
		vsnprintf(full + length, (size_t)(PATH_MAX - length), path,
			  args);
}

bool root_exists(const char *path, ...)
{
	char full[PATH_MAX];

	MAKE_PATH(full, path);
	return !access(full, F_OK);
}

FILE *root_open(const char *path, ...)
{
	char full[PATH_MAX];

	MAKE_PATH(full, path);
	return fopen(full, "re");
}

static int read_file(char *text, size_t size, const char *full)
{
	int fd = open(full, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t got;

	text[0] = '\0';
	if (fd < 0)
		return -errno;
	do {
		got = read(fd, text + length, size - 1 - length);
		if (got > 0)
			length += (size_t)got;
	} while (got > 0);
	if (got < 0)
		got = -errno;
	close(fd);
	while (length && text[length - 1] == '\n')
		length--;
	text[length] = '\0';
	return (int)got;
}

/* The start of a file, without newlines at the end: 0, or -errno and no text. */
int root_text(char *text, size_t size, const char *path, ...)
{
	char full[PATH_MAX];

	MAKE_PATH(full, path);
	return read_file(text, size, full);
}

/* A file with one number. */
int root_number(int64_t *value, const char *path, ...)
{
	char full[PATH_MAX], text[32], *end;
	intmax_t number;
	int err;

	MAKE_PATH(full, path);
	err = read_file(text, sizeof(text), full);
	if (err)
		return err;
	errno = 0;
	number = strtoimax(text, &end, 10);
	if (errno || end == text || *end)
		return -EINVAL;
	*value = number;
	return 0;
}

/* The last part of what a symbolic link points at. */
int root_link(char *name, size_t size, const char *path, ...)
{
	char full[PATH_MAX], target[PATH_MAX];
	const char *slash;
	ssize_t length;

	MAKE_PATH(full, path);
	name[0] = '\0';
	length = readlink(full, target, sizeof(target) - 1);
	if (length < 0)
		return -errno;
	target[length] = '\0';
	slash = strrchr(target, '/');
	snprintf(name, size, "%s", slash ? slash + 1 : target);
	return 0;
}

/* The names in a folder, in order (virtio2 before virtio10); how many. */
int root_list(char ***names, const char *path, ...)
{
	char full[PATH_MAX];
	struct dirent **entries;
	int nr, i, kept = 0;

	MAKE_PATH(full, path);
	*names = NULL;
	nr = scandir(full, &entries, NULL, versionsort);
	if (nr < 0)
		return 0;
	*names = calloc((size_t)nr + 1, sizeof(**names));
	for (i = 0; i < nr; i++) {
		if (*names && entries[i]->d_name[0] != '.')
			(*names)[kept++] = strdup(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return kept;
}

void free_list(char **names, int nr)
{
	while (nr--)
		free(names[nr]);
	free(names);
}

/* One write, as sysfs wants it. */
int root_write(const char *text, const char *path, ...)
{
	char full[PATH_MAX];
	int fd, err = 0;

	MAKE_PATH(full, path);
	fd = open(full, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}
