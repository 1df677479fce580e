/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of the system, or of a copy of one: all paths are taken below a root
 * folder. Paths are printf formats.
 */
#ifndef BALLOONCTL_ROOT_H
#define BALLOONCTL_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "helpers.h"

void root_set(const char *folder);
bool root_is_live(void);
bool root_exists(const char *path, ...) PRINTF(1, 2);
FILE *root_open(const char *path, ...) PRINTF(1, 2);
int root_text(char *text, size_t size, const char *path, ...) PRINTF(3, 4);
int root_number(int64_t *value, const char *path, ...) PRINTF(2, 3);
int root_link(char *name, size_t size, const char *path, ...) PRINTF(3, 4);
int root_list(char ***names, const char *path, ...) PRINTF(2, 3);
int root_write(const char *text, const char *path, ...) PRINTF(2, 3);
void free_list(char **names, int nr);

#endif /* BALLOONCTL_ROOT_H */
