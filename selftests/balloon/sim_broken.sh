#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A queue that breaks ends the balloon's work, and nothing else.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

broken_soon()
{
	wait_for 15 balloon_state_is broken ||
		fail "state is $(balloon_attr state), should be broken"
}

# Everything goes on without the balloon, and a new start repairs it.
survives()
{
	nothing_hangs
	guest_works
	ends_within 20 driver_unbind || fail "unbind did not end"
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	guest_works
	sim_set target 0
	driver_bind || fail "no driver after the new start"
	sim_resize 2000
	sim_resize 0
	sim_del
	no_violations
}

breaks()	# pages to begin with, target, file to write to, value
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new "$F_STATS_VQ" overwrite=1
	sim_resize "$1"
	sim_set delay_us 20000
	sim_set target "$2"
	sleep 0.2
	sim_set "$3" "$4"
	sim_set delay_us 0
	broken_soon
	survives
}

# Nobody is told that an idle queue broke: it shows when there is work.
breaks_idle()
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new 0 overwrite=1
	sim_resize 5000
	sim_set break_queue 0
	sim_set target 20000
	broken_soon
	survives
}

unload_while_broken()
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new "$F_MUST_TELL_HOST" overwrite=1
	sim_resize 5000
	sim_set break_all 1
	ends_within 20 driver_unload || fail "unload did not end"
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	nothing_hangs
	driver_load
	sim_resize 1000
	sim_del
	no_violations
}

sim_setup
driver_is_ours || ktap_skip_all "the kernel's own driver waits for ever"
driver_reload host_timeout_ms=1000
span=$(roomy_pages 20)
ktap_plan 6
ktap_case inflate_queue_breaks breaks 10 "$span" break_queue 0
ktap_case deflate_queue_breaks breaks "$span" 10 break_queue 1
ktap_case all_queues_break breaks 10 "$span" break_all 1
ktap_case idle_queue_breaks breaks_idle
ktap_case unload_while_broken unload_while_broken
ktap_case kernel_is_well kernel_is_well
ktap_end
