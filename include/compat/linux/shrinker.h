/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * <linux/shrinker.h> with what 7.3 has.
 *
 * Supplies shrinker_alloc(), shrinker_register(), shrinker_free() and the
 * field private_data (since 6.7). Before, a shrinker was a struct of the
 * driver's own that it registered. Such a one is wrapped in one of the newer
 * shape, and `struct shrinker` means the wrapper from here on: the headers
 * that embed the kernel's are included first, so that theirs stays as it is.
 */
#ifndef COMPAT_LINUX_SHRINKER_H
#define COMPAT_LINUX_SHRINKER_H

#ifdef COMPAT_HAVE_SHRINKER_ALLOC
#include_next <linux/shrinker.h>
#else

#include_next <linux/shrinker.h>
#include <linux/fs.h>			/* struct super_block embeds one */
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/stdarg.h>

struct compat_shrinker {
	unsigned long (*count_objects)(struct compat_shrinker *s,
				       struct shrink_control *sc);
	unsigned long (*scan_objects)(struct compat_shrinker *s,
				      struct shrink_control *sc);
	long batch;
	int seeks;
	unsigned int flags;
	void *private_data;
	struct shrinker core;
	char name[32];
};

static inline unsigned long compat_shrinker_count(struct shrinker *core,
						  struct shrink_control *sc)
{
	struct compat_shrinker *s =
		container_of(core, struct compat_shrinker, core);

	unsigned long count = s->count_objects(s, sc);

	/* The driver may have changed it; counts from the next pass on. */
	WRITE_ONCE(core->batch, s->batch);
	return count;
}

static inline unsigned long compat_shrinker_scan(struct shrinker *core,
						 struct shrink_control *sc)
{
	struct compat_shrinker *s =
		container_of(core, struct compat_shrinker, core);

	return s->scan_objects(s, sc);
}

static inline __printf(2, 3)
struct compat_shrinker *shrinker_alloc(unsigned int flags, const char *fmt, ...)
{
	struct compat_shrinker *s = kzalloc(sizeof(*s), GFP_KERNEL);
	va_list args;

	if (!s)
		return NULL;
	va_start(args, fmt);
	vsnprintf(s->name, sizeof(s->name), fmt, args);
	va_end(args);
	s->flags = flags;
	s->seeks = DEFAULT_SEEKS;
	return s;
}

/*
 * Since 6.7 all that can fail is done in shrinker_alloc(). Before, it is done
 * here, and a failure leaves the shrinker allocated and never called.
 */
static inline void shrinker_register(struct compat_shrinker *s)
{
	int err;

	s->core.count_objects = compat_shrinker_count;
	s->core.scan_objects = compat_shrinker_scan;
	s->core.batch = s->batch;
	s->core.seeks = s->seeks;
	s->core.flags = s->flags;
	err = register_shrinker(&s->core, "%s", s->name);
	if (err)
		pr_warn("shrinker %s is not registered: error %d\n", s->name, err);
}

static inline void shrinker_free(struct compat_shrinker *s)
{
	if (!s)
		return;
	/* Does nothing where registering failed or was not tried. */
	unregister_shrinker(&s->core);
	kfree(s);
}

#define shrinker	compat_shrinker

#endif /* !COMPAT_HAVE_SHRINKER_ALLOC */

#endif /* COMPAT_LINUX_SHRINKER_H */
