#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Random resizes while processes hold all other memory, full of known words: not one
# of them changes. RESIZES sets how many, FAILING how many more while the page allocator
# fails at times; SEED replays a run.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh
# shellcheck source=lib/faults.sh
. ./lib/faults.sh
# shellcheck source=lib/random.sh
. ./lib/random.sh

RESIZES=${RESIZES:-450}
FAILING=${FAILING:-$RESIZES}

# Most changes are small, and anywhere; each eighth is to anything between nothing and all.
next_target()
{
	draw 8
	if [ "$random" = 0 ]; then
		draw "$most"
		target=$random
		return
	fi
	draw 4096
	target=$((target + random - 2048))
	[ "$target" -ge 0 ] || target=0
	[ "$target" -le "$most" ] || target=$most
}

# Waits for a target, unless the host changes its mind first, which it often does.
follow()
{
	draw 4
	[ "$random" != 0 ] || return 0
	wait_for "$patience" sim_is actual "$target" || $impatient
}

not_reached()
{
	fail "target $target not reached: actual $(sim_get actual)"
}

resizes()	# number
{
	uptime_ms
	began=$uptime_value
	changes=0
	while [ "$changes" -lt "$1" ] && [ -z "$case_failed" ]; do
		# the workers come and go
		[ -z "$faulty" ] || [ $((changes % 32)) != 0 ] || mark_workers 1
		next_target
		sim_set target "$target"
		follow
		changes=$((changes + 1))
	done
	uptime_ms
	note "$changes resizes in $(((uptime_value - began) / 1000)) s"
}

# One process keeps its pages from the beginning to the end, one gives back and takes
# anew all the time. The balloon has what is left of them, but for a rest that keeps the
# guest alive.
fill_memory()
{
	free_mib=$(($(meminfo MemAvailable) / 1024))
	: >/tmp/ready
	"$PATTERN" hold $((free_mib * 3 / 10)) >/tmp/ready &
	keeper=$!
	wait_for 120 grep -q ready /tmp/ready || fail "pattern is not ready"
	"$PATTERN" verify $((free_mib / 10)) 100000 "$seed" &
	mover=$!
	most=$((free_mib * 256 * 5 / 10))
	target=0
}

words_are_intact()
{
	for process in "$keeper" "$mover"; do
		kill "$process" 2>/dev/null
		wait "$process"
		check_eq "exit status of pattern" $? 0
	done
}

random_resizes()	# features, number, percent of allocations that fail
{
	seed=$SEED
	faulty=
	patience=60
	impatient=not_reached
	sim_start "$1" overwrite=1 seed="$seed"
	fill_memory
	[ "$3" = 0 ] || {
		faulty=1
		patience=1
		impatient=:
		faults_on "$3"
	}
	resizes "$2"
	[ -z "$faulty" ] || faults_off
	sim_resize "$most" 60
	words_are_intact
	sim_resize 0
	sim_set scrub 1
	"$PATTERN" take $((free_mib * 8 / 10)) || fail "wrong words in what came back"
	sim_del
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	no_violations
	[ -z "$case_failed" ] || note "to replay this: SEED=$SEED ./sim_random.sh"
}

failing()	# features, number
{
	faults_possible || {
		skip "no fault injection in this kernel"
		return
	}
	faults_set_up
	random_resizes "$1" "$2" 5
}

ALL=$((F_STATS_VQ | F_DEFLATE_ON_OOM | F_FREE_PAGE_HINT | F_REPORTING | F_PAGE_POISON))

sim_setup
note "SEED=$SEED"
total=$(meminfo MemTotal)
ktap_plan 6
ktap_case plain random_resizes 0 $((RESIZES / 3)) 0
ktap_case all_features random_resizes $ALL $((RESIZES / 3)) 0
ktap_case must_tell random_resizes "$F_MUST_TELL_HOST" $((RESIZES / 3)) 0
ktap_case failing_allocations failing 0 $((FAILING / 2))
ktap_case failing_allocations_all_features failing $ALL $((FAILING / 2))
ktap_case kernel_is_well kernel_is_well
ktap_end
