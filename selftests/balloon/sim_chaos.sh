#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Chaos: a host that does at random what hosts may do, from a seed.
# SEED=n ./sim_chaos.sh replays a run; CHAOS_SECONDS makes it longer.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/random.sh
. ./lib/random.sh

SECONDS_EACH=${CHAOS_SECONDS:-4}

chaos()		# number, features
{
	seed=$((SEED + $1))
	total=$(meminfo MemTotal)
	sim_new "$2" overwrite=1 "seed=$seed"
	wait_for 10 bound || fail "no driver"
	sim_set chaos_max "$(roomy_pages 50)"
	sim_set chaos 1
	"$PATTERN" verify $(($(meminfo MemAvailable) / 1024 / 4)) "$SECONDS_EACH" "$seed" &
	pattern=$!
	# some of it with the driver going and coming
	sleep $((SECONDS_EACH / 2))
	{ driver_unbind && driver_bind; } || fail "no new start"
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_calm
	note "$(sim_get chaos_steps) steps, $(sim_get inflated) pages inflated"
	# What hints had it give goes with a lower target, once the last one is over.
	sim_set target 9999
	[ $(($2 & F_HOST_PRESSURE)) = 0 ] || sleep 4
	sim_resize 5432
	sim_set scrub 1
	sim_resize 0
	sim_set hint_cmd_id 1
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	nothing_hangs
	no_violations
	[ -z "$case_failed" ] || note "to replay this: SEED=$SEED ./sim_chaos.sh"
}

EVENT_IDX=0x20000000
ALL=$((F_STATS_VQ | F_FREE_PAGE_HINT | F_PAGE_POISON | F_REPORTING | F_HOST_PRESSURE))

sim_setup
! driver_is_ours || driver_reload host_timeout_ms=100 pressure_queue=1 \
	pressure_ttl_ms=1000
note "SEED=$SEED"
ktap_plan 5
ktap_case plain chaos 0 0
ktap_case all_features chaos 1 $((ALL | F_DEFLATE_ON_OOM))
ktap_case must_tell chaos 2 $((ALL | F_MUST_TELL_HOST))
ktap_case event_index chaos 3 $((ALL | F_MUST_TELL_HOST | F_DEFLATE_ON_OOM | EVENT_IDX))
ktap_case kernel_is_well kernel_is_well
ktap_end
