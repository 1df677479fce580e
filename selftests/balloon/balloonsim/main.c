// SPDX-License-Identifier: GPL-2.0-only
/*
 * balloonsim: a virtio balloon device made inside the guest, for tests.
 * See balloonsim.h for how it is laid out, and debugfs.c for how it is used.
 */
#include <linux/module.h>

#include "balloonsim.h"

static int __init bsim_init(void)
{
	return bsim_debugfs_init();
}

static void __exit bsim_exit(void)
{
	/* nobody can open the files of a module that is going: no new devices */
	bsim_del_all();
	bsim_debugfs_exit();
}

module_init(bsim_init);
module_exit(bsim_exit);

MODULE_DESCRIPTION("Simulated virtio balloon device for tests");
MODULE_LICENSE("GPL");
