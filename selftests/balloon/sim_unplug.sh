#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The device goes away while the balloon moves, orderly and by surprise, and comes back.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

gone()		# what must be true without the device
{
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	nothing_hangs
	no_violations
}

# In mid inflate and in mid deflate by turns; the device answers to the end.
orderly()	# features
{
	total=$(meminfo MemTotal)
	span=$(roomy_pages 25)
	for round in 1 2 3 4 5 6 7 8; do
		sim_new "$1" overwrite=1 seed="$round"
		wait_for 10 bound || fail "no driver"
		sim_set delay_us 1000
		if [ $((round % 2)) = 0 ]; then
			sim_resize $((span / 4))
			sim_set target 1
		else
			sim_set target "$span"
		fi
		sleep "0.$round"
		ends_within 30 sim_del || {
			fail "unplug did not end"
			return
		}
		gone
	done
	guest_works
}

surprise()	# features
{
	need_ours || return
	total=$(meminfo MemTotal)
	span=$(roomy_pages 25)
	for round in 1 2 3 4; do
		sim_new "$1" overwrite=1 seed="$round"
		sim_resize $((span / 4))
		sim_set delay_us 1000
		sim_set target $((round % 2 ? span : 1))
		sleep "0.$round"
		sim_set surprise 1
		nothing_hangs
		ends_within 30 sim_del || {
			fail "unplug did not end"
			return
		}
		gone
	done
	guest_works
}

# A second device stays as it is when the first one goes.
one_of_two()
{
	sim_new 0
	sim_resize 3000
	sim_id=1
	sim_new 0
	sim_resize 2000
	sim_id=0
	sim_del
	sim_id=1
	check_eq "pages held by the other device" "$(sim_get held)" 2000
	sim_resize 500
	sim_del
	sim_id=0
	no_violations
}

sim_setup
! driver_is_ours || driver_reload host_timeout_ms=1000
ktap_plan 6
ktap_case orderly orderly "$F_STATS_VQ"
ktap_case orderly_must_tell orderly $((F_MUST_TELL_HOST | F_DEFLATE_ON_OOM))
ktap_case surprise surprise "$F_STATS_VQ"
ktap_case surprise_must_tell surprise $((F_MUST_TELL_HOST | F_DEFLATE_ON_OOM))
ktap_case one_of_two one_of_two
ktap_case kernel_is_well kernel_is_well
ktap_end
