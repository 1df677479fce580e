// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest memory as the host sees it: any frame, at any time, whoever owns it in
 * the guest. The memory checkers are switched off for this file (see Kbuild),
 * and volatile accesses keep the compiler from calling memset() or memcpy(),
 * which are watched.
 */
#include <linux/io.h>
#include <linux/memory_hotplug.h>
#include <linux/mm.h>
#include <linux/mmzone.h>

#include "balloonsim.h"

#define BSIM_PAGE_SIZE	(1UL << VIRTIO_BALLOON_PFN_SHIFT)
#define WORDS		(BSIM_PAGE_SIZE / sizeof(u64))
#define GOLDEN		0x9e3779b97f4a7c15ULL
/*
 * One word in every cache line is painted and looked at: whoever takes a page
 * clears or fills it, and emulated guests are slow.
 */
#define STRIDE		8

/* One more than the highest balloon page of this guest. */
u64 bsim_host_pages(void)
{
	unsigned long end = 0;
	int nid;

	for_each_online_node(nid)
		end = max(end, pgdat_end_pfn(NODE_DATA(nid)));

	return (u64)end << (PAGE_SHIFT - VIRTIO_BALLOON_PFN_SHIFT);
}

bool bsim_host_is_ram(u64 pfn)
{
	struct page *page;

	page = pfn_to_online_page(pfn >> (PAGE_SHIFT - VIRTIO_BALLOON_PFN_SHIFT));
	return page && !PageReserved(page);
}

/* Does the guest say that this page has no content? Crash dumps pass over it. */
bool bsim_host_is_offline(u64 pfn)
{
	return PageOffline(pfn_to_page(pfn >> (PAGE_SHIFT - VIRTIO_BALLOON_PFN_SHIFT)));
}

/* The kernel address of a buffer, or NULL when it is not all in RAM. */
void *bsim_host_map(u64 addr, u32 len)
{
	u64 pfn = addr >> VIRTIO_BALLOON_PFN_SHIFT;
	u64 last = (addr + len - 1) >> VIRTIO_BALLOON_PFN_SHIFT;

	if (!len)
		return NULL;
	for (; pfn <= last; pfn++)
		if (!bsim_host_is_ram(pfn))
			return NULL;

	return phys_to_virt(addr);
}

static u64 *host_page(u64 pfn)
{
	return phys_to_virt((phys_addr_t)pfn << VIRTIO_BALLOON_PFN_SHIFT);
}

/* Different in every page and every painted word, and needs no record. */
static u64 canary(u64 seed, u32 pfn)
{
	u64 x = (seed ^ pfn) * GOLDEN;

	x ^= x >> 29;
	return x * GOLDEN;
}

void bsim_host_paint(u64 seed, u32 pfn)
{
	u64 *p = host_page(pfn), word = canary(seed, pfn);
	unsigned int i;

	for (i = 0; i < WORDS; i += STRIDE, word += GOLDEN)
		WRITE_ONCE(p[i], word);
}

/* @word: the first that has changed */
bool bsim_host_painted(u64 seed, u32 pfn, unsigned int *word)
{
	u64 *p = host_page(pfn), want = canary(seed, pfn);
	unsigned int i;

	for (i = 0; i < WORDS; i += STRIDE, want += GOLDEN) {
		if (READ_ONCE(p[i]) != want) {
			*word = i;
			return false;
		}
	}
	return true;
}

/* Every word: a guest that poisons its free pages checks them all. */
void bsim_host_fill(u64 pfn, u32 pattern)
{
	u64 *p = host_page(pfn), word = ((u64)pattern << 32) | pattern;
	unsigned int i;

	for (i = 0; i < WORDS; i++)
		WRITE_ONCE(p[i], word);
}
