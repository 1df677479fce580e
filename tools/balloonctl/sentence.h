/* SPDX-License-Identifier: GPL-2.0-only */
/* Decisions in sentences, with their arithmetic. */
#ifndef BALLOONCTL_SENTENCE_H
#define BALLOONCTL_SENTENCE_H

#include <stddef.h>

#include "model.h"

#define SENTENCE_SIZE 320

void sentence_of(char *text, size_t size, const struct decision *all, int i);

#endif /* BALLOONCTL_SENTENCE_H */
