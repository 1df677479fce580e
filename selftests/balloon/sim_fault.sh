#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Allocations that fail: of every one that the start of the driver makes, and of many
# while it works. Needs a kernel with failslab and fail_page_alloc.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/faults.sh
. ./lib/faults.sh

# Fails the n-th allocation of one start of the driver. Beyond the first hundred they
# are messages, one like the other: every seventh will do.
# bind runs in a process of its own, so that nothing else is hit.
fail_each_of_probe()	# features
{
	sim_new "$1"
	wait_for 10 bound && driver_unbind
	n=0
	failed=0
	while [ "$n" -lt 2000 ]; do
		n=$((n + (n < 100 ? 1 : 7)))
		# something is left of n: there are no more than n
		left=$(bind_with_failure "$n")
		if bound; then
			[ $((n % 6)) != 0 ] || sim_resize 300
			driver_unbind
		else
			failed=$((failed + 1))
		fi
		[ -z "$case_failed" ] || {
			note "when allocation $n failed"
			break
		}
		[ "${left:-0}" = 0 ] || break
	done
	note "some $n allocations, the start failed for $failed"
	check_ge "allocations of a start" "$n" 10
	check_le "allocations of a start" "$n" 1999
	check_ge "failed starts" "$failed" 5
	driver_bind
	sim_resize 700
	sim_del
	no_violations
}

# Prints what is left of n. To open the file for that takes allocations, too:
# nothing is printed when it was one of them that failed.
bind_with_failure()	# n
{
	name=$(sim_get name)
	sh -c 'echo "$0" >/proc/self/fail-nth
		echo "$1" >/sys/bus/virtio/drivers/virtio_balloon/bind
		read -r left </proc/self/fail-nth && echo 0 >/proc/self/fail-nth && echo "$left"
		' "$1" "$name" 2>/dev/null
}

in_motion()	# features
{
	sim_new "$1" overwrite=1
	wait_for 10 bound || fail "no driver"
	span=$(roomy_pages 25)
	"$PATTERN" verify 64 8 &
	pattern=$!
	faults_on 20
	for target in "$span" 100 "$span" $((span / 3)) 5; do
		sim_set target "$target"
		sim_set hint_cmd_id $((0x80000000 + target))
		sim_set stats_ask 1 2>/dev/null
		mark_workers 1
		sleep 1
		sim_set hint_cmd_id 1
	done
	faults_off
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_resize "$span"
	sim_resize 0
	sim_del
	nothing_hangs
	no_violations
}

sim_setup
faults_possible || ktap_skip_all "no fault injection in this kernel"
faults_set_up
ktap_plan 6
ktap_case every_allocation_of_probe fail_each_of_probe 0
ktap_case every_allocation_of_probe_all_features fail_each_of_probe \
	$((F_STATS_VQ | F_DEFLATE_ON_OOM | F_FREE_PAGE_HINT | F_REPORTING | F_PAGE_POISON))
ktap_case in_motion in_motion $((F_STATS_VQ | F_FREE_PAGE_HINT | F_REPORTING))
ktap_case in_motion_must_tell in_motion $((F_MUST_TELL_HOST | F_DEFLATE_ON_OOM))
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
