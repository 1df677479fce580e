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
# MiB that a process must not take to leave the others alive.
LEFT=12
# With usual watermarks a quarter of the ground would be free and out of reach, and
# as much would lie in the lists of the processors, where compaction does not look.
VM=/proc/sys/vm

# Pages that both devices were given, for the books of compaction.
both_inflated()
{
	read -r both <"$SIM/$OTHER/inflated"
	echo $((both + $(sim_get inflated)))
}

# A balloon of single pages, scattered over memory: let a process have half of the
# pages there are, so that no large block is left to be taken as a whole; fill the gaps with the balloon, then end the process.
scattered_balloon()
{
	: >/tmp/ready
	"$PATTERN" holes $(($(meminfo MemAvailable) / 1024 - LEFT)) >/tmp/ready &
	pattern=$!
	wait_for 30 grep -q ready /tmp/ready || fail "pattern is not ready"
	held=$(($(meminfo MemAvailable) * 70 / 400))
	sim_resize "$held"
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
	sim_is inflating 0 && sim_is deflating 0 &&
		sim_is "../$OTHER/inflating" 0 && sim_is "../$OTHER/deflating" 0
}

# For the reader of a failure: what compaction did, and where free memory is.
compaction_state()
{
	grep -E '^(compact|pgmigrate)_?' /proc/vmstat | sed 's/^/# /'
	sed 's/^/# /' /proc/buddyinfo
}

# The device hears of the two halves of a move one after the other.
held_again()
{
	wait_for 20 sim_is held "$held" || fail "$(sim_get held) pages held, should be $held"
}

# The host is told of every move, once. What a slow one has not looked at yet is
# neither in flight nor held for it.
moves_told()
{
	moved=$(($(vmstat balloon_migrate) - before))
	[ $(($(both_inflated) - inflated)) = "$moved" ]
}

# The two counts of moves, when nothing moves: the kernel compacts on its own, too.
counts_at_rest()
{
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		before=$(vmstat balloon_migrate)
		inflated=$(both_inflated)
		sleep 0.3
		[ "$(vmstat balloon_migrate)" != "$before" ] || moved_since || return 0
	done
	fail "the kernel compacts without end"
}

moved_since()
{
	[ "$(both_inflated)" != "$inflated" ]
}

migrates()	# features
{
	sim_new "$1" overwrite=1
	scattered_balloon
	counts_at_rest
	# Compaction does not wait: it leaves a page whose turn comes when the rings are
	# full. How many it finds ready depends on how soon this host answers.
	moved=0
	rounds=0
	while [ "$moved" -lt 1000 ] && [ "$rounds" -lt 20 ]; do
		compact
		moved=$(($(vmstat balloon_migrate) - before))
		rounds=$((rounds + 1))
	done
	note "$moved of $held pages moved in $rounds rounds"
	[ "$moved" -ge 500 ] || compaction_state
	check_ge "pages moved" "$moved" 500
	wait_for 20 all_answered || fail "moves are still in flight"
	held_again
	wait_for 20 moves_told || fail "$moved moves, $(($(both_inflated) - inflated)) inflated"
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
	span=$held
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
	ends_within 60 compact || fail "compaction does not end"
	sim_set delay_us 0
	wait_for 20 all_answered || fail "moves are still in flight"
	held_again
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
	sim_set serve 0
	ends_within 60 compact || fail "compaction does not end"
	nothing_hangs
	sim_set serve 1
	wait_for 20 sim_is inflating 0 || fail "pages stay in flight"
	wait_for 20 sim_is deflating 0 || fail "pages stay in flight"
	held_again
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
read -r min_free <$VM/min_free_kbytes
read -r proactive <$VM/compaction_proactiveness
# What the kernel compacts by itself would be done before it is asked to.
echo 0 >$VM/compaction_proactiveness
echo 2048 >$VM/min_free_kbytes
echo 2000 >$VM/percpu_pagelist_high_fraction
other_device "$OTHER" "$GROUND"
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
echo "$proactive" >$VM/compaction_proactiveness
echo "$min_free" >$VM/min_free_kbytes
echo 0 >$VM/percpu_pagelist_high_fraction
ktap_end
