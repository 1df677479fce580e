// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that is taken away from the guest: what cannot be migrated out of it
 * goes back to the guest first, which takes it off line. The worker finds other
 * pages for the balloon.
 */
#include <linux/memory.h>

#include "balloon.h"

static int release(struct vb_dev *vb, unsigned long start, unsigned long nr)
{
	LIST_HEAD(chunks);
	LIST_HEAD(pages);

	vb_store_remove_range(&vb->store, start, nr, &chunks, &pages);
	if (list_empty(&chunks) && list_empty(&pages))
		return 0;
	return vb_deflate_these(vb, &chunks, &pages);
}

/*
 * Context: process, under the locks of memory hotplug. The blocks are isolated:
 * what is freed there is not allocated again.
 */
static int block_notify(struct notifier_block *nb, unsigned long action,
			void *data)
{
	struct vb_dev *vb = container_of(nb, struct vb_dev, memory_nb);
	struct memory_notify *arg = data;
	int err = -EBUSY;

	if (action != MEM_GOING_OFFLINE)
		return NOTIFY_OK;
	if (down_read_trylock(&vb->online_sem)) {
		vb_store_drop_range(&vb->store, arg->start_pfn, arg->nr_pages);
		err = vb->online ? release(vb, arg->start_pfn, arg->nr_pages) :
				   0;
		up_read(&vb->online_sem);
	}
	vb_kick_resize(vb);
	return notifier_from_errno(err);
}

/**
 * vb_hotplug_register - be asked before memory goes off line
 * @vb: the device
 *
 * Return: 0 or a negative errno.
 */
int vb_hotplug_register(struct vb_dev *vb)
{
	vb->memory_nb.notifier_call = block_notify;
	return register_memory_notifier(&vb->memory_nb);
}

/**
 * vb_hotplug_unregister - the opposite of vb_hotplug_register()
 * @vb: the device
 *
 * Context: process; waits for a notifier that runs.
 */
void vb_hotplug_unregister(struct vb_dev *vb)
{
	unregister_memory_notifier(&vb->memory_nb);
}
