/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What policy.h needs of the kernel's header of this name, in userspace.
 */
#ifndef UNIT_LINUX_TYPES_H
#define UNIT_LINUX_TYPES_H

#include <stdbool.h>
#include <stdint.h>

typedef int64_t s64;
typedef uint64_t u64;
typedef int32_t s32;
typedef uint32_t u32;

#endif /* UNIT_LINUX_TYPES_H */
