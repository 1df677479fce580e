#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A page that leaves the balloon and comes back at once: its deflate is never
# overtaken by its inflate, whatever the order and the delay of the host's answers.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/random.sh
. ./lib/random.sh

# So many MiB are free for the device under test; another one holds the rest, so that
# a page which is freed is the next to be allocated.
GROUND=160
OTHER=9
SECONDS_EACH=${ORDER_SECONDS:-4}

# Compaction beside it all, until the file is gone. It exchanges pages, too.
compact_on()
{
	: >/tmp/compact
	while [ -e /tmp/compact ]; do
		echo 1 >/proc/sys/vm/compact_memory
	done &
	compaction=$!
}

compact_off()
{
	rm /tmp/compact
	wait "$compaction"
}

# Down a little and up again while the host answers no deflate. Then it answers what
# has gathered.
disturb()
{
	sim_set mute 2	# inflate, deflate
	for _ in 1 2 3 4; do
		draw 3000
		sim_set target $((span - random))
		draw 3000
		sleep "0.0$((10 + random % 40))"
	done
	sim_set target "$span"
	sleep 0.05
	sim_set mute 0
	wait_for 60 sim_is deflating 0 || fail "deflates are not answered"
	wait_for 60 sim_is actual "$span" || fail "target $span not reached: $(sim_get actual)"
}

# What the kernel's own driver does while compaction is at work.
HANGS="waits for the host with a page locked"

overtakes()	# features
{
	need_ours "$HANGS" || return
	seed=$((SEED % 2147483648))
	sim_start "$1" overwrite=1
	span=$((GROUND * 256 * 3 / 10))
	sim_resize "$span"
	compact_on
	uptime_ms
	end=$((uptime_value + SECONDS_EACH * 1000))
	while [ "$uptime_value" -lt "$end" ]; do
		for order in lifo fifo shuffle; do
			sim_set order "$order"
			disturb
		done
		[ -z "$case_failed" ] || break
		uptime_ms
	done
	compact_off
	moves
	sim_calm
	sim_resize "$span"
	sim_set scrub 1
	sim_resize 0
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	no_violations
	[ -z "$case_failed" ] || note "to replay this: SEED=$SEED ./sim_order.sh"
}

# That nothing went wrong tells only something if there was something to go wrong.
moves()
{
	note "$(sim_get inflated) pages inflated, $(sim_get deflated) deflated"
	check_ge "pages deflated" "$(sim_get deflated)" 4000
}

# Targets come faster than answers.
storms()	# features
{
	need_ours "$HANGS" || return
	sim_start "$1" overwrite=1 seed="$SEED"
	sim_set storm_max $((GROUND * 256 * 4 / 10))
	sim_set storm_hz 50
	compact_on
	uptime_ms
	end=$((uptime_value + SECONDS_EACH * 1000))
	while [ "$uptime_value" -lt "$end" ]; do
		for order in lifo shuffle; do
			sim_set order "$order"
			sim_set delay_us 300
			sim_set mute 2
			sleep 0.1
			sim_set mute 0
			sleep 0.2
			sim_set delay_us 0
			sleep 0.1
		done
		uptime_ms
	done
	compact_off
	sim_calm
	note "$(sim_get inflated) pages inflated, $(sim_get deflated) deflated"
	sim_resize 1000
	sim_set scrub 1
	sim_resize 0
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	no_violations
}

sim_setup
note "SEED=$SEED"
other_device "$OTHER" "$GROUND"
total=$(meminfo MemTotal)
ktap_plan 5
ktap_case overtakes overtakes 0
ktap_case overtakes_must_tell overtakes "$F_MUST_TELL_HOST"
ktap_case storms storms 0
ktap_case storms_reporting storms $((F_REPORTING | F_PAGE_POISON))
ktap_case kernel_is_well kernel_is_well
ktap_end
