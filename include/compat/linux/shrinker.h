/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/shrinker.h> with what 7.3 has.
 *
 * Supplies shrinker_alloc(), shrinker_register() and shrinker_free() (since 6.7).
 *
 * On every kernel, also on the newest: shrinker_data(), an lvalue for the
 * shrinker's private_data. The kernel's own struct cannot be given that field
 * here, because <linux/fs.h> embeds the struct.
 */
#ifndef COMPAT_LINUX_SHRINKER_H
#define COMPAT_LINUX_SHRINKER_H

#include_next <linux/shrinker.h>

#ifdef COMPAT_HAVE_SHRINKER_ALLOC

#define shrinker_data(s)	((s)->private_data)

#else

#include <linux/container_of.h>
#include <linux/printk.h>
#include <linux/slab.h>

struct compat_shrinker {
	struct shrinker shrinker;
	void *private_data;
	const char *name;
};

#define shrinker_data(s) \
	(container_of(s, struct compat_shrinker, shrinker)->private_data)

/* The name is not formatted; all callers here pass a plain string. */
static inline struct shrinker *shrinker_alloc(unsigned int flags,
					      const char *name)
{
	struct compat_shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->name = name;
	s->shrinker.flags = flags;
	s->shrinker.seeks = DEFAULT_SEEKS;
	return &s->shrinker;
}

/*
 * Since 6.7 all that can fail is done in shrinker_alloc(). Before, it is done
 * here, and a failure leaves the shrinker allocated and never called.
 */
static inline void shrinker_register(struct shrinker *shrinker)
{
	struct compat_shrinker *s =
		container_of(shrinker, struct compat_shrinker, shrinker);
	int err = register_shrinker(shrinker, "%s", s->name);

	if (err)
		pr_warn("shrinker %s is not registered: error %d\n", s->name, err);
}

static inline void shrinker_free(struct shrinker *shrinker)
{
	if (!shrinker)
		return;
	/* Does nothing where registering failed or was not tried. */
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct compat_shrinker, shrinker));
}

#endif /* !COMPAT_HAVE_SHRINKER_ALLOC */

#endif /* COMPAT_LINUX_SHRINKER_H */
