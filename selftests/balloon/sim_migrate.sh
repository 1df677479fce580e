#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Compaction moves ballooned pages: none is lost, and the host hears of every move.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

# So many MiB are free for each case; another device holds the rest, so that a
# case is quick.
GROUND=160
OTHER=9

other_device()
{
	sim_id=$OTHER
	sim_new 0
	sim_resize $(($(meminfo MemAvailable) / 4 - GROUND * 256))
	sim_id=0
}

# Pages that both devices were given, for the books of compaction.
both_inflated()
{
	read -r both <"$SIM/$OTHER/inflated"
	echo $((both + $(sim_get inflated)))
}

# A balloon of single pages, scattered over memory: let a process have every
# second page, fill the gaps with the balloon, then end the process.
scattered_balloon()
{
	: >/tmp/ready
	"$PATTERN" holes $((GROUND * 2 / 3)) >/tmp/ready &
	pattern=$!
	wait_for 30 grep -q ready /tmp/ready || fail "pattern is not ready"
	sim_resize $(($(meminfo MemAvailable) * 70 / 400))
	kill "$pattern"
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
}

compact()
{
	echo 1 >/proc/sys/vm/compact_memory
}

all_answered()
{
	sim_is inflating 0 && sim_is deflating 0
}

migrates()	# features
{
	sim_new "$1" overwrite=1
	scattered_balloon
	held=$(sim_get held)
	before=$(vmstat balloon_migrate)
	inflated=$(both_inflated)
	for round in 1 2 3 4; do
		compact
		moved=$(($(vmstat balloon_migrate) - before))
		[ "$moved" -lt 1000 ] || break
	done
	note "$moved of $held pages moved in round $round"
	check_ge "pages moved" "$moved" 500
	check_eq "pages held" "$(sim_get held)" "$held"
	wait_for 5 all_answered || fail "moves are still in flight"
	check_eq "pages inflated for the moves" $(($(both_inflated) - inflated)) "$moved"
	sim_set scrub 1
	no_violations
	sim_resize 0
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	sim_del
	no_violations
}

# Compaction against a balloon that grows and shrinks, with the guest's memory
# in use all the time.
in_motion()	# features
{
	sim_new "$1" overwrite=1
	scattered_balloon
	"$PATTERN" verify $((GROUND / 6)) 3 &
	pattern=$!
	span=$(sim_get held)
	for step in 2 3 4 5 6; do
		sim_set target $((span - GROUND * 256 / 2 / step))
		compact
		sim_set target $((span - GROUND * 256 / 3 / step))
		compact
	done
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_resize "$span"
	sim_set scrub 1
	sim_resize 0
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	sim_del
	no_violations
}

# A slow host holds compaction up, or compaction leaves the pages; no harm.
slow_host()
{
	sim_new "$F_MUST_TELL_HOST" overwrite=1
	scattered_balloon
	sim_set delay_us 300
	held=$(sim_get held)
	ends_within 60 compact || fail "compaction does not end"
	sim_set delay_us 0
	check_eq "pages held" "$(sim_get held)" "$held"
	nothing_hangs
	sim_resize 0
	sim_del
	no_violations
}

silent_host()	# features
{
	need_ours || return
	sim_new "$1" overwrite=1
	scattered_balloon
	held=$(sim_get held)
	sim_set serve 0
	ends_within 60 compact || fail "compaction does not end"
	nothing_hangs
	sim_set serve 1
	wait_for 20 sim_is inflating 0 || fail "pages stay in flight"
	wait_for 20 sim_is deflating 0 || fail "pages stay in flight"
	wait_for 20 sim_is held "$held" || fail "$(sim_get held) pages held, should be $held"
	compact
	sim_set scrub 1
	sim_resize 0
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	sim_del
	no_violations
}

# The driver leaves while its pages are being moved.
unbind_meanwhile()
{
	sim_new 0 overwrite=1
	for _ in 1 2 3; do
		scattered_balloon
		compact &
		driver_unbind || fail "unbind"
		wait
		check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
		sim_set target 0
		driver_bind
	done
	sim_del
	no_violations
}

sim_setup
[ -e /proc/sys/vm/compact_memory ] || ktap_skip_all "no compaction in this kernel"
grep -q balloon_migrate /proc/vmstat || ktap_skip_all "no balloon migration in this kernel"
! driver_is_ours || driver_reload host_timeout_ms=1000
other_device
total=$(meminfo MemTotal)
ktap_plan 8
ktap_case migrates migrates 0
ktap_case migrates_must_tell migrates $((F_MUST_TELL_HOST | F_DEFLATE_ON_OOM))
ktap_case in_motion in_motion 0
ktap_case slow_host slow_host
ktap_case silent_host silent_host 0
ktap_case silent_host_must_tell silent_host "$F_MUST_TELL_HOST"
ktap_case unbind_meanwhile unbind_meanwhile
ktap_case kernel_is_well kernel_is_well
ktap_end
