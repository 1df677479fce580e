/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * The pressure queue: an experimental extension of the virtio balloon device
 * (device 5), by which the host says how hard it is pressed for memory.
 *
 * With VIRTIO_BALLOON_F_HOST_PRESSURE the device has one more queue, its last.
 * The driver keeps one buffer in it: first, readable by the device, its reply
 * to the last hint, then, writable by the device, the space for the next hint.
 * The device uses the buffer when it has something to say; the driver gives it
 * back when it has acted on the hint.
 */
#ifndef _UAPI_LINUX_VIRTIO_BALLOON_PRESSURE_H
#define _UAPI_LINUX_VIRTIO_BALLOON_PRESSURE_H

#include <linux/types.h>
#include <linux/virtio_types.h>

/* Not reserved by the virtio specification: never negotiated unasked. */
#define VIRTIO_BALLOON_F_HOST_PRESSURE		56

/* How hard the host is pressed: virtio_balloon_pressure_hint.level */
#define VIRTIO_BALLOON_PRESSURE_NONE		0
#define VIRTIO_BALLOON_PRESSURE_LOW		1
#define VIRTIO_BALLOON_PRESSURE_MEDIUM		2
#define VIRTIO_BALLOON_PRESSURE_CRITICAL	3

/* The longest time that a hint may hold. */
#define VIRTIO_BALLOON_PRESSURE_TTL_MAX_MS	(60 * 60 * 1000)

/* The most that a host may lack, 1 PiB: it has no such memory. */
#define VIRTIO_BALLOON_PRESSURE_NEED_MAX	0x4000000000000ULL

/* The hint broke the rules of this page: nothing was changed, yielded is 0. */
#define VIRTIO_BALLOON_PRESSURE_REPLY_INVALID	0x1

/**
 * struct virtio_balloon_pressure_reply - what the driver did about a hint
 * @seq: of the hint that this answers; 0 when there was none yet, or when it was
 *	too short to be read
 * @flags: VIRTIO_BALLOON_PRESSURE_REPLY_*; all others are 0
 * @yielded: bytes that the guest gave since its last reply
 * @slack: bytes that it could still give without hurting itself
 */
struct virtio_balloon_pressure_reply {
	__le32 seq;
	__le32 flags;
	__le64 yielded;
	__le64 slack;
};

/**
 * struct virtio_balloon_pressure_hint - what the device says of the host
 * @seq: number of the hint, never 0; each one is one more than the last since
 *	the device was reset
 * @level: VIRTIO_BALLOON_PRESSURE_NONE to _CRITICAL
 * @reserved: 0
 * @need: bytes that the host lacks, 0 when it does not say
 * @ttl_ms: how long this holds, 0 for as long as the driver thinks right
 * @reserved2: 0
 */
struct virtio_balloon_pressure_hint {
	__le32 seq;
	__u8 level;
	__u8 reserved[3];
	__le64 need;
	__le32 ttl_ms;
	__le32 reserved2;
};

#ifdef __cplusplus
static_assert(sizeof(struct virtio_balloon_pressure_reply) == 24, "wire format");
static_assert(sizeof(struct virtio_balloon_pressure_hint) == 24, "wire format");
#else
_Static_assert(sizeof(struct virtio_balloon_pressure_reply) == 24, "wire format");
_Static_assert(sizeof(struct virtio_balloon_pressure_hint) == 24, "wire format");
#endif

#endif /* _UAPI_LINUX_VIRTIO_BALLOON_PRESSURE_H */
