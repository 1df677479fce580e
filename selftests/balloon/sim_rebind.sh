#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Load, unload, bind and unbind a hundred times with the balloon in motion.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# Somewhere between still at rest and long since done.
short_while()
{
	sleep "0.0$((i * 7 % 10))"
}

again_and_again()	# times, end, start
{
	sim_new $((F_STATS_VQ | F_REPORTING | F_FREE_PAGE_HINT | F_DEFLATE_ON_OOM)) overwrite=1
	i=0
	while [ "$i" -lt "$1" ]; do
		i=$((i + 1))
		sim_set target $((span * (i % 3) / 2))
		short_while
		"$2" || fail "$2 failed in round $i"
		check_eq "pages held after $2 in round $i" "$(sim_get held)" 0
		[ $((i % 5)) != 0 ] || sim_set target "$span"
		"$3" || fail "$3 failed in round $i"
		short_while
		[ -z "$case_failed" ] || break
	done
	sim_resize "$span"
	sim_resize 0
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	nothing_hangs
	no_violations
}

sim_setup
total=$(meminfo MemTotal)
span=$(roomy_pages 4)
ktap_plan 4
ktap_case bind_and_unbind again_and_again 60 driver_unbind driver_bind
ktap_case load_and_unload again_and_again 40 driver_unload driver_load
ktap_case guest_works guest_works
ktap_case kernel_is_well kernel_is_well
ktap_end
