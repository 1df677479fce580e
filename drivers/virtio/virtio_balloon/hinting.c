// SPDX-License-Identifier: GPL-2.0-only
/*
 * Free page hints: while it migrates the guest, the host asks which memory is
 * free, and does not copy that.
 *
 * The guest allocates what free blocks there are and hands them in; they stay
 * out of use until the host says that it is done, but reclaim may have them
 * at any time: the host copies what is written to after all.
 */
#include <linux/mmzone.h>
#include <linux/scatterlist.h>
#include <linux/swap.h>
#include <linux/virtio_config.h>

#include "balloon.h"

#define BLOCK_ORDER	MAX_PAGE_ORDER
#define BLOCK_PAGES	BIT(BLOCK_ORDER)
/* Free memory as it lies: without reclaim, reserves or noise. */
#define BLOCK_GFP	(__GFP_NORETRY | __GFP_NOWARN | __GFP_NOMEMALLOC)

static unsigned long return_blocks(struct vb_hint *hint, unsigned long nr)
{
	struct page *page, *next;
	unsigned long taken = 0;
	LIST_HEAD(blocks);

	spin_lock(&hint->lock);
	list_for_each_entry_safe(page, next, &hint->blocks, lru) {
		if (taken == nr)
			break;
		list_move(&page->lru, &blocks);
		taken++;
	}
	hint->nr_blocks -= taken;
	spin_unlock(&hint->lock);

	list_for_each_entry_safe(page, next, &blocks, lru) {
		list_del(&page->lru);
		__free_pages(page, BLOCK_ORDER);
		cond_resched();
	}
	return taken;
}

/**
 * vb_hint_return - give hinted blocks back to a guest in need
 * @vb: the device
 * @pages: how many pages it needs
 *
 * Context: process, reclaim and OOM included; may be scheduled.
 * Return: how many pages came back; in whole blocks.
 */
unsigned long vb_hint_return(struct vb_dev *vb, unsigned long pages)
{
	unsigned long nr = return_blocks(&vb->hint,
					 DIV_ROUND_UP(pages, BLOCK_PAGES));

	vb_count(vb, VB_CNT_hint_shrunk_blocks, nr);
	return nr * BLOCK_PAGES;
}

/**
 * vb_hint_return_all - give all hinted blocks back to the guest
 * @vb: the device
 *
 * Context: process.
 */
void vb_hint_return_all(struct vb_dev *vb)
{
	return_blocks(&vb->hint, ULONG_MAX);
}

/* The ring keeps one entry for the end mark. */
static int wait_for_room(struct vb_queue *q)
{
	unsigned int size = virtqueue_get_vring_size(q->vq);

	return size < 2 ? -ENOSPC : vb_queue_wait(q, size - 2);
}

/*
 * What leaves the balloon is free before the host has answered, or even heard of
 * it: in its books the block must be free before it is hinted at. Return: 0;
 * -ENOMEM when it is not; -ESHUTDOWN.
 */
static int wait_for_deflates(struct vb_dev *vb, struct page *page)
{
	struct vb_queue *q = &vb->queues[VB_VQ_DEFLATE];
	int err;

	if (!vb_queue_names(q, page, BLOCK_PAGES))
		return 0;
	vb_queue_kick(q);
	err = vb_queue_wait(q, 0);
	return !err || err == -ESHUTDOWN ? err : -ENOMEM;
}

/* Return: 0, -ENOMEM when there are no more blocks, or a negative errno. */
static int hint_block(struct vb_dev *vb)
{
	struct vb_queue *q = &vb->queues[VB_VQ_HINT];
	struct scatterlist sg;
	struct page *page;
	int err;

	err = wait_for_room(q);
	if (err)
		return err;
	page = alloc_pages(BLOCK_GFP, BLOCK_ORDER);
	if (!page)
		return -ENOMEM;
	sg_init_table(&sg, 1);
	sg_set_page(&sg, page, BLOCK_PAGES << PAGE_SHIFT, 0);
	err = wait_for_deflates(vb, page);
	if (!err)
		err = vb_queue_post_in(q, &sg, 1);
	if (err) {
		__free_pages(page, BLOCK_ORDER);
		return err;
	}
	vb_queue_kick(q);
	spin_lock(&vb->hint.lock);
	list_add(&page->lru, &vb->hint.blocks);
	vb->hint.nr_blocks++;
	spin_unlock(&vb->hint.lock);
	vb_count(vb, VB_CNT_hinted_blocks, 1);
	return 0;
}

static int post_mark(struct vb_queue *q, __virtio32 *mark)
{
	int err = wait_for_room(q);

	if (!err)
		err = vb_queue_post_out(q, mark, sizeof(*mark));
	if (!err)
		vb_queue_kick(q);
	return err;
}

/*
 * QEMU shows the command only until it has seen our start mark, so it is read
 * when the host says that something changed, and not at each block.
 */
static bool still_wanted(struct vb_dev *vb, u32 cmd)
{
	return !test_and_clear_bit(VB_HINT_CMD, &vb->flags) ||
	       vb_read_hint_cmd(vb) == cmd;
}

static void hint_session(struct vb_dev *vb, u32 cmd)
{
	struct vb_queue *q = &vb->queues[VB_VQ_HINT];
	int err;

	/*
	 * The host may have left an earlier session's marks unread, which must
	 * not change under it.
	 */
	vb_queue_remind(q);
	err = vb_queue_wait(q, 0);
	if (!err) {
		vb->hint.cmd_active = cpu_to_virtio32(vb->vdev, cmd);
		err = post_mark(q, &vb->hint.cmd_active);
	}
	while (!err && still_wanted(vb, cmd))
		err = hint_block(vb);
	if (!err || err == -ENOMEM)
		err = post_mark(q, &vb->hint.cmd_stop);
	if (err && err != -ESHUTDOWN)
		dev_err(&vb->vdev->dev, "free page hints ended early: %d\n",
			err);
}

static void hint_work(struct work_struct *work)
{
	struct vb_dev *vb = container_of(work, struct vb_dev, hint.work);
	u32 active = virtio32_to_cpu(vb->vdev, vb->hint.cmd_active);
	u32 cmd;

	clear_bit(VB_HINT_CMD, &vb->flags);
	cmd = vb_read_hint_cmd(vb);
	if (cmd == VIRTIO_BALLOON_CMD_ID_DONE)
		vb_hint_return_all(vb);
	else if (cmd != VIRTIO_BALLOON_CMD_ID_STOP && cmd != active)
		hint_session(vb, cmd);
}

/* Context: reclaim. The blocks are free memory: all of them may be had. */
static unsigned long count_blocks(struct shrinker *shrinker,
				  struct shrink_control *sc)
{
	struct vb_dev *vb = shrinker->private_data;

	return READ_ONCE(vb->hint.nr_blocks) * BLOCK_PAGES;
}

static unsigned long scan_blocks(struct shrinker *shrinker,
				 struct shrink_control *sc)
{
	struct vb_dev *vb = shrinker->private_data;
	unsigned long pages = vb_hint_return(vb, sc->nr_to_scan);

	if (!pages)
		return SHRINK_STOP;
	sc->nr_scanned = pages;
	mm_account_reclaimed_pages(pages);
	return pages;
}

/**
 * vb_hint_init - no session yet
 * @vb: the device
 */
void vb_hint_init(struct vb_dev *vb)
{
	struct vb_hint *hint = &vb->hint;

	INIT_WORK(&hint->work, hint_work);
	spin_lock_init(&hint->lock);
	INIT_LIST_HEAD(&hint->blocks);
	hint->cmd_active = cpu_to_virtio32(vb->vdev, VIRTIO_BALLOON_CMD_ID_STOP);
	hint->cmd_stop = cpu_to_virtio32(vb->vdev, VIRTIO_BALLOON_CMD_ID_STOP);
}

/**
 * vb_hint_register - have reclaim take hinted blocks
 * @vb: the device; nothing is done without FREE_PAGE_HINT
 *
 * Return: 0 or a negative errno.
 */
int vb_hint_register(struct vb_dev *vb)
{
	struct shrinker *shrinker;

	if (!virtio_has_feature(vb->vdev, VIRTIO_BALLOON_F_FREE_PAGE_HINT))
		return 0;
	shrinker = shrinker_alloc(0, "virtio-balloon-hint");
	if (!shrinker)
		return -ENOMEM;
	shrinker->count_objects = count_blocks;
	shrinker->scan_objects = scan_blocks;
	/* Half of them at any priority, and before the balloon: see shrinker.c. */
	shrinker->seeks = 0;
	shrinker->private_data = vb;
	shrinker_register(shrinker);
	vb->hint.shrinker = shrinker;
	return 0;
}

/**
 * vb_hint_unregister - the opposite of vb_hint_register()
 * @vb: the device
 *
 * Context: process; waits for a scan that runs.
 */
void vb_hint_unregister(struct vb_dev *vb)
{
	if (vb->hint.shrinker)
		shrinker_free(vb->hint.shrinker);
	vb->hint.shrinker = NULL;
}
