#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Hints about the host's memory pressure: the guest yields a part of its slack, says
# so, and has it back when the pressure is over. And self-ballooning.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/burst.sh
. ./lib/burst.sh
# shellcheck source=lib/pressure.sh
. ./lib/pressure.sh

VM=/proc/sys/vm
# What comes and goes by itself between two looks at available memory.
NOISE=$((24 * MIB))
# Longer than a yield takes, so that the reply is made when it is complete.
LONG_MS=60000

near()		# what got want
{
	check_ge "$1" "$2" $(($3 - NOISE))
	check_le "$1" "$2" $(($3 + NOISE))
}

# ---- what is yielded -----------------------------------------------------------

# Each level gives its part of the slack; all of it is in the balloon.
levels_by_sysfs()	# features levels...
{
	levels_features=$1
	shift
	for level; do
		pressure_start "$levels_features" overwrite=1
		tune_pressure interval_ms "$LONG_MS"
		before=$(pressure slack)
		say "${level%:*}"
		note "${level%:*}: yielded $yielded of $before bytes, then $slack"
		near "yielded" "$yielded" $((before * ${level#*:} / 100))
		near "slack afterwards" "$slack" $((before - yielded))
		holds "$yielded"
		check_eq "surplus" "$(balloon_attr offset_pages)" $((yielded / 4096))
		check_eq "yielded_pages" "$(counter yielded_pages)" "$(balloon_attr offset_pages)"
		ended
	done
}

levels_by_queue()	# features levels...
{
	levels_features=$1
	shift
	for level; do
		pressure_start "$levels_features" overwrite=1
		check "the queue is taken" sim_negotiated "$F_HOST_PRESSURE"
		tune_pressure interval_ms "$LONG_MS"
		before=$(pressure slack)
		press "${level%:*}"
		note "level ${level%:*}: yielded $yielded of $before bytes, then $slack"
		near "yielded to level ${level%:*}" "$yielded" $((before * ${level#*:} / 100))
		near "slack afterwards" "$slack" $((before - yielded))
		check_eq "number of the reply" "$(sim_get press_reply_seq)" "$(sim_get press_seq)"
		holds "$yielded"
		ended
	done
}

# No more than is asked for, no more than the limit, on top of the target.
no_more_than_asked()
{
	pressure_start 0
	interval=$((750 * ${AUTOBALLOON_SLOW:-1}))
	tune_pressure interval_ms "$interval"
	sim_resize 5000
	press "3 need=$((16 * MIB))"
	check_eq "yielded" "$yielded" $((16 * MIB))
	holds $((16 * MIB + 5000 * 4096))
	say "critical need=4M"
	# with the first: to sysfs this is news
	check_eq "yielded" "$yielded" $((20 * MIB))
	say "critical need=4096K ttl=2m"
	check_eq "yielded" "$yielded" $((4 * MIB))
	tune_pressure limit_per_s 64
	limit=$((64 * 4096 * interval / 1000))
	press 3
	check_eq "yielded" "$yielded" $((8 * MIB + limit))
	say "critical need=1"
	check_eq "yielded to a need of one byte" "$yielded" "$limit"
	tune_pressure limit_per_s 0
	tune_pressure critical_percent 0
	say critical
	check_eq "yielded with a fraction of 0" "$yielded" 0
	tune_pressure critical_percent 50
	ended
}

# ---- merging, time -------------------------------------------------------------

merges()
{
	pressure_start 0
	tune_pressure interval_ms $((2000 * ${AUTOBALLOON_SLOW:-1}))
	say "low need=1M"
	check_eq "acted on" "$(counter pressure_hints_acted)" 1
	for hint in "low need=64M" "critical need=64M" "none" "low need=8M ttl=2m"; do
		echo "$hint" >"$dir/hint"
	done
	! sends "2 need=$((6 * MIB)) ttl_ms=120000" && fail "no buffer"
	check_eq "acted on at once" "$(counter pressure_hints_acted)" 1
	! sends 3 || fail "the buffer is not withheld"
	wait_for 20 replied || fail "no reply"
	check_eq "hints" "$(counter pressure_hints)" 6
	check_eq "acted on" "$(counter pressure_hints_acted)" 2
	# the strongest level of all, the latest need
	check_eq "yielded" "$(pressure reply_yielded)" $((6 * MIB))
	check "the decisions say so" grep -q "pressure of the host is critical, it lacks 6.0 MiB: yielded" \
		"/sys/kernel/debug/virtio_balloon-$(sim_get name)/decisions"
	ended
}

# One that no longer holds when it may be acted on comes to nothing.
expires()
{
	pressure_start 0
	tune_pressure interval_ms 3000
	say "low need=1M ttl=60s"
	say "critical ttl=300ms"
	check_eq "yielded" "$yielded" 0
	check_eq "expired" "$(counter pressure_hints_expired)" 1
	check_eq "acted on" "$(counter pressure_hints_acted)" 1
	holds "$MIB"
	ended
}

held_below()	# pages
{
	[ "$(sim_get held)" -lt "$1" ]
}

# A quarter in each ttl, the first of them one ttl after the hint has expired.
decays()
{
	pressure_start 0 overwrite=1
	tune_pressure interval_ms 100
	sim_resize 1000
	uptime_ms
	since=$uptime_value
	say "critical need=16M ttl=700ms"
	wait_for 2 sim_is held 5096 || fail "held $(sim_get held)"
	last=5096
	wait_for 20 held_below "$last" || fail "nothing comes back"
	uptime_ms
	check_ge "ms until something comes back" $((uptime_value - since)) 1390
	steps=0
	while [ "$last" -gt 1000 ] && [ "$steps" -lt 40 ]; do
		wait_for 20 held_below "$last" || {
			fail "$last pages stay"
			break
		}
		sleep 0.3
		now=$(sim_get held)
		[ "$now" -lt 1256 ] || check_ge "held after $last" "$now" $((1000 + (last - 1000) * 3 / 4 - 1))
		last=$now
		steps=$((steps + 1))
	done
	note "gone in $steps steps"
	check_eq "held in the end" "$(sim_get held)" 1000
	check_ge "steps" "$steps" 9
	check_eq "offset" "$(balloon_attr offset_pages)" 0
	ended
}

# The same, for what the queue says.
decays_by_queue()
{
	pressure_start 0
	tune_pressure interval_ms 100
	sim_resize 1000
	press "3 need=$((8 * MIB)) ttl_ms=300"
	wait_for 20 sim_is held 3048 || fail "held $(sim_get held)"
	wait_for 20 sim_is held 1000 || fail "held $(sim_get held) in the end"
	ended
}

ends_with_none()
{
	pressure_start 0
	tune_pressure interval_ms 100
	say "critical need=8M ttl=60m"
	wait_for 20 sim_is held 2048 || fail "the yield: held $(sim_get held)"
	say "none ttl=500ms"
	wait_for 20 held_below 2048 || fail "nothing comes back"
	ended
}

surplus_is()	# pages
{
	[ "$(balloon_attr offset_pages)" = "$1" ]
}

# A raise is paid from the surplus, a lowering cancels it unless a hint is live.
targets()
{
	pressure_start 0
	tune_pressure interval_ms 100
	sim_resize 1000
	say "critical need=16M ttl=60s"
	wait_for 20 sim_is held 5096 || fail "the yield: held $(sim_get held)"
	sim_set target 3000
	wait_for 20 surplus_is 2096 || fail "surplus after a raise: $(balloon_attr offset_pages)"
	check_eq "held after a raise" "$(sim_get held)" 5096
	sim_set target 2000
	wait_for 20 sim_is held 4096 || fail "a lowering under pressure: held $(sim_get held)"
	say "none"
	sim_set target 1500
	wait_for 20 sim_is held 1500 || fail "a lowering: held $(sim_get held)"
	ended
}

# ---- a guest that has nothing to give ----------------------------------------------

refused_in_holdoff()
{
	driver_reload pressure_queue=1 holdoff_ms=8000 holdoff_max_ms=8000
	inflated $((F_DEFLATE_ON_OOM | F_HOST_PRESSURE))
	dir="/sys/bus/virtio/devices/$(sim_get name)/pressure"
	burst
	check_eq "state" "$(balloon_attr state)" holding-off
	kept=$(sim_get held)
	say critical
	check_eq "yielded by sysfs" "$yielded" 0
	press 3
	check_eq "yielded by the queue" "$yielded" 0
	check_le "held in the hold-off" "$(sim_get held)" "$kept"
	driver_reload pressure_queue=1 host_timeout_ms=1000
	finish
}

# The reserve is the administrator's: what is below it is not given.
refused_at_the_reserve()
{
	pressure_start 0
	echo $(($(meminfo MemAvailable) + 8192)) >"/sys/bus/virtio/devices/$(sim_get name)/balloon/reserve_kib"
	say critical
	check_eq "yielded" "$yielded" 0
	check_eq "slack" "$slack" 0
	check_eq "slack now" "$(pressure slack)" 0
	holds 0
	ended
}

# ---- self-ballooning --------------------------------------------------------------

self_grown()
{
	[ "$(sim_get held)" -gt "$1" ]
}

self()
{
	pressure_start 0
	tune_pressure self_headroom 0
	tune_pressure self_interval_ms 100
	tune_pressure self_hysteresis 4
	before=$(pressure slack)
	tune_pressure self on
	wait_for 60 self_grown $((before * 3 / 4 / 4096)) || fail "held $(sim_get held) of $before bytes"
	grown=$(sim_get held)
	available=$(meminfo MemAvailable)
	reserve=$(balloon_attr reserve_kib)
	note "$((before / 4096)) pages of slack, $grown held, $available KiB available, reserve $reserve"
	check_ge "available" "$available" "$((reserve - 4096))"
	# a process comes, takes its memory slowly, and is not in the way of anybody
	killed=$(vmstat oom_kill)
	"$PATTERN" verify $((before / MIB / 2)) 1 7 || fail "a process has no room"
	check_eq "processes killed" $(($(vmstat oom_kill) - killed)) 0
	shrunk=$(sim_get deflated)
	check_ge "pages that came back" "$shrunk" 1000
	check "the decisions say so" grep -q "self-ballooning" \
		"/sys/kernel/debug/virtio_balloon-$(sim_get name)/decisions"
	tune_pressure self off
	tune_pressure ttl_ms 100
	wait_for 60 sim_is held 0 || fail "held $(sim_get held) after it was switched off"
	ended
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver knows no hints"
driver_reload pressure_queue=1 host_timeout_ms=1000
# What is freed is available at once, and does not sit in the lists of the processors.
echo 2000 >$VM/percpu_pagelist_high_fraction
wait_for 20 memory_is_steady || note "MemAvailable does not come to rest"
ktap_plan 16
ktap_case levels_by_sysfs levels_by_sysfs 0 none:0 low:12 medium:25 critical:50
ktap_case levels_by_queue levels_by_queue 0 0:0 1:12 2:25 3:50
ktap_case levels_must_tell levels_by_queue "$F_MUST_TELL_HOST" 3:50
ktap_case levels_deflate_on_oom levels_by_sysfs $((F_DEFLATE_ON_OOM | F_REPORTING)) medium:25
ktap_case no_more_than_asked no_more_than_asked
ktap_case merges merges
ktap_case expires expires
ktap_case decays decays
ktap_case decays_by_queue decays_by_queue
ktap_case ends_with_none ends_with_none
ktap_case targets targets
ktap_case refused_in_holdoff refused_in_holdoff
ktap_case refused_at_the_reserve refused_at_the_reserve
ktap_case self_ballooning self
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
echo 0 >$VM/percpu_pagelist_high_fraction
ktap_end
