/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one of these that the page store uses.
 */
#ifndef STORE_LINUX_MINMAX_H
#define STORE_LINUX_MINMAX_H

#define min(a, b)	((a) < (b) ? (a) : (b))

#endif /* STORE_LINUX_MINMAX_H */
