/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/slab.h> with what 7.3 has.
 *
 * Supplies kmalloc_obj(), kmalloc_objs(), kzalloc_obj() and kzalloc_objs()
 * (since 7.0 and 6.12.97): memory for one object, or an array of them, of the
 * type of the first argument. The gfp flags may be left out: GFP_KERNEL.
 */
#ifndef COMPAT_LINUX_SLAB_H
#define COMPAT_LINUX_SLAB_H

#include_next <linux/slab.h>

#ifndef kmalloc_obj
#define COMPAT_GFP_PICK(none, gfp, ...)	gfp
#define COMPAT_GFP(...)	COMPAT_GFP_PICK(, ##__VA_ARGS__, GFP_KERNEL)

#define kmalloc_obj(type, ...) \
	kmalloc(sizeof(typeof(type)), COMPAT_GFP(__VA_ARGS__))
#define kmalloc_objs(type, n, ...) \
	kmalloc_array(n, sizeof(typeof(type)), COMPAT_GFP(__VA_ARGS__))
#define kzalloc_obj(type, ...) \
	kzalloc(sizeof(typeof(type)), COMPAT_GFP(__VA_ARGS__))
#define kzalloc_objs(type, n, ...) \
	kcalloc(n, sizeof(typeof(type)), COMPAT_GFP(__VA_ARGS__))
#endif

#endif /* COMPAT_LINUX_SLAB_H */
