#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Records what a guest's processes and its page cache take, as a trace for the
# simulator, until it is interrupted:
#
#	record.sh [SECONDS] >day.trace		a sample every second, or every SECONDS
kib()	# names...: their sum in /proc/meminfo
{
	awk -v names=" $* " '{ sub(":", "", $1) } index(names, " " $1 " ") { n += $2 }
		END { print n + 0 }' /proc/meminfo
}

seconds()
{
	cut -d ' ' -f 1 /proc/uptime
}

start=$(seconds)
balloon=$(cat /sys/bus/virtio/drivers/virtio_balloon/virtio*/balloon/actual_pages 2>/dev/null |
	head -n 1)
echo "0 memory $((($(kib MemTotal) + ${balloon:-0} * 4) / 1024)) # with the balloon, if it counts as gone"
echo "0 swap $(($(kib SwapTotal) / 1024))"
while :; do
	now=$(echo "$(seconds) $start" | awk '{ printf "%.2f", $1 - $2 }')
	target=$(cat /sys/bus/virtio/drivers/virtio_balloon/virtio*/balloon/target_pages \
		2>/dev/null | head -n 1)
	[ -z "$target" ] || echo "$now target $((target / 256))"
	echo "$now anon $(($(kib AnonPages Shmem SUnreclaim KernelStack PageTables) / 1024))"
	cache=$(($(kib Cached Buffers) - $(kib Shmem)))
	echo "$now read $((cache / 1024))"
	sleep "${1:-1}"
done
