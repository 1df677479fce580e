#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Free page hints, as a migrating host asks for them.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

FIRST=0x80000000

# A whole round: start, blocks, the driver's stop, the host's done.
round()
{
	sim_new "$F_FREE_PAGE_HINT"
	wait_for 10 bound || fail "no driver"
	total=$(meminfo MemTotal)
	free=$(free_kib)
	for n in 1 2 3; do
		blocks=$(sim_get hint_blocks)
		sim_set hint_cmd_id $((FIRST + n))
		wait_for 20 sim_over hint_starts $((n - 1)) || fail "no start in round $n"
		wait_for 20 sim_over hint_stops $((n - 1)) || fail "no stop in round $n"
		check_ge "blocks" $(($(sim_get hint_blocks) - blocks)) 4
		sim_set hint_cmd_id 1
		wait_for 20 free_again $((free - total / 24)) ||
			fail "free memory did not come back: $(free_kib) of $free KiB"
	done
	# pages of at least half of what was free were shown
	check_ge "pages hinted" "$(sim_get hint_pages)" $((free * 3 / 8))
	sim_del
	no_violations
}

# The driver tells the id that the host gave.
ids()
{
	sim_new "$F_FREE_PAGE_HINT"
	for id in $((FIRST)) $((FIRST + 77)) 4294967295; do
		stops=$(sim_get hint_stops)
		starts=$(sim_get hint_starts)
		sim_set hint_cmd_id "$id"
		wait_for 20 sim_over hint_starts "$starts" || fail "no start for $id"
		wait_for 20 sim_over hint_stops "$stops" || fail "no stop for $id"
		check_eq "id that the driver tells" "$(sim_get hint_last_id)" "$id"
		sim_set hint_cmd_id 1
	done
	sim_del
	no_violations
}

# Free before the host has answered the deflate: not to be hinted at before that.
deflates_first()
{
	sim_new "$F_FREE_PAGE_HINT"
	sim_resize 8192
	sim_set mute 2	# deflate
	sim_set target 0
	sim_set hint_cmd_id $((FIRST + 1))
	wait_for 20 sim_over hint_starts 0 || fail "no start"
	sleep 1
	no_violations
	sim_set mute 0
	wait_for 20 sim_over hint_stops 0 || fail "no stop"
	sim_set hint_cmd_id 1
	sim_resize 0
	sim_del
	no_violations
}

# The host's stop ends the hints, the blocks stay away until it is done.
host_stops()
{
	sim_new "$F_FREE_PAGE_HINT"
	free=$(free_kib)
	sim_set hint_cmd_id $((FIRST + 1))
	wait_for 20 sim_over hint_blocks 1 || fail "no hints"
	sim_set hint_cmd_id 0
	wait_for 20 sim_over hint_stops 0 || fail "no stop"
	blocks=$(sim_get hint_blocks)
	sleep 0.5
	check_eq "blocks after the stop" "$(sim_get hint_blocks)" "$blocks"
	sim_set hint_cmd_id 1
	wait_for 20 free_again $((free - $(meminfo MemTotal) / 24)) ||
		fail "free memory did not come back"
	sim_del
	no_violations
}

# Hinted blocks are free memory: whoever needs it gets it, at once.
under_pressure()
{
	sim_new "$F_FREE_PAGE_HINT"
	free=$(free_kib)
	killed=$(vmstat oom_kill)
	sim_set hint_cmd_id $((FIRST + 1))
	wait_for 20 sim_over hint_stops 0 || fail "no stop"
	"$PATTERN" take $((free * 3 / 4 / 1024)) || fail "no memory while blocks are hinted"
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 0
	sim_set hint_cmd_id 1
	sim_del
	no_violations
}

# Ballooned pages are not hinted, and the balloon moves while hints run.
with_the_balloon()
{
	sim_new $((F_FREE_PAGE_HINT | F_MUST_TELL_HOST)) overwrite=1
	sim_resize "$(roomy_pages 20)"
	sim_set delay_us 500
	sim_set hint_cmd_id $((FIRST + 1))
	sim_set target "$(roomy_pages 10)"
	wait_for 30 sim_over hint_stops 0 || fail "no stop"
	sim_set delay_us 0
	sim_set hint_cmd_id 1
	sim_resize 77
	sim_set scrub 1
	sim_del
	no_violations
}

unload_in_mid_hint()
{
	total=$(meminfo MemTotal)
	free=$(free_kib)
	sim_new "$F_FREE_PAGE_HINT"
	sim_set delay_us 500
	sim_set hint_cmd_id $((FIRST + 1))
	wait_for 20 sim_over hint_blocks 1 || fail "no hints"
	driver_unload || fail "unload"
	wait_for 10 free_again $((free - total / 24)) || fail "free memory did not come back"
	driver_load
	sim_del
	no_violations
}

sim_setup
ktap_plan 8
ktap_case round round
ktap_case ids ids
ktap_case host_stops host_stops
ktap_case under_pressure under_pressure
ktap_case with_the_balloon with_the_balloon
ktap_case unload_in_mid_hint unload_in_mid_hint
ktap_case deflates_first deflates_first
ktap_case kernel_is_well kernel_is_well
ktap_end
