/* SPDX-License-Identifier: GPL-2.0-only */
/* The features of a virtio balloon device. */
#ifndef BALLOONCTL_FEATURES_H
#define BALLOONCTL_FEATURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	F_MUST_TELL_HOST = 0,
	F_STATS_VQ = 1,
	F_DEFLATE_ON_OOM = 2,
	F_FREE_PAGE_HINT = 3,
	F_PAGE_POISON = 4,
	F_REPORTING = 5,
	F_INDIRECT_DESC = 28,
	F_ACCESS_PLATFORM = 33,
};

/* Longest list that features_print() makes. */
#define FEATURES_SIZE 512

static inline bool has_feature(uint64_t features, int bit)
{
	return features >> bit & 1;
}

const char *feature_name(int bit);
void features_print(char *text, size_t size, uint64_t features);

#endif /* BALLOONCTL_FEATURES_H */
