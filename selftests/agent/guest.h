/* SPDX-License-Identifier: GPL-2.0-only */
/* A whole agent in a guest of scratch folders, and the host at the other end of a socket. */
#ifndef GUEST_H
#define GUEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "agent.h"

#define GIB		(1ull << 30)
#define FOLDER_SIZE	64

extern struct agent agent;
extern int host;
extern char device[FOLDER_SIZE], proc[FOLDER_SIZE];	/* the folders */

/* Setup and teardown of each test. */
int make(void **state);
int destroy(void **state);
/* The driver comes, with all its files, or goes. */
void load(void);
void unload(void);
/* The driver replies to the hint of this number. */
void reply(unsigned int seq, uint64_t yielded, uint64_t slack);

void put_file(const char *folder, const char *name, const char *text);
/* The text of a file; empty if there is none. In a buffer that the next call uses again. */
const char *get_file(const char *folder, const char *name);

/* Run the loop until nothing is left to do. */
void run(void);
void tell(const char *text, size_t size);
/* The next answer, or NULL if there is none within `ms`. Put it. */
struct json_object *hear(unsigned int ms);
/* Say this, and hear the answer. */
struct json_object *ask(const char *line);
/* Say this: the answer has to be an error with this text in it. */
void refused(const char *line, const char *why);
/* The whole number at a place like "/snapshot/slack". */
int64_t member(struct json_object *object, const char *path);
bool is_good(struct json_object *answer);
uint64_t random_number(void);

#endif
