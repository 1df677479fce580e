#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A hostile host: absurd targets, storms of targets, absurd answers, missing queues.
# The driver stays within the reserve, never hangs, and reads nothing that is not there.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

ABSURD=4294967295

reserve_kib()
{
	balloon_attr reserve_kib
}

# What the kernel's counts may lag behind; nothing that others allocate.
SLACK_KIB=1024

# The balloon comes to its limit and stays there for so many seconds.
within_reserve()	# seconds
{
	reserve=$(reserve_kib)
	seen=$(./overshoot "$1" "$reserve" "$SIM/$sim_id") || fail "overshoot"
	read -r low below beyond <<-LINE
		$seen
	LINE
	note "$low KiB were available at the lowest, the reserve is $reserve KiB"
	check_le "available memory in KiB, where the balloon should end" "$low" \
		$((reserve + 4096))
	check_le "KiB that it took below the reserve" "$below" "$SLACK_KIB"
	check_le "KiB that it took of the reserve" "$beyond" "$SLACK_KIB"
}

absurd_target()	# features
{
	need_ours "knows no reserve" || return
	sim_new "$1"
	sim_set target "$ABSURD"
	within_reserve 3
	check_ge "pages held" "$(sim_get held)" 10000
	# a part of the reserve: the kernel's own lists and tables need the rest
	guest_works $((reserve / 1024 / 4))
	nothing_hangs
	sim_resize 100
	sim_del
	no_violations
}

# The guest is busy: what it has not got, it cannot give.
absurd_target_busy_guest()
{
	need_ours "knows no reserve" || return
	sim_new "$F_DEFLATE_ON_OOM"
	: >/tmp/ready
	"$PATTERN" hold $(($(meminfo MemAvailable) / 1024 / 2)) >/tmp/ready &
	pattern=$!
	wait_for 20 grep -q ready /tmp/ready || fail "pattern is not ready"
	sim_set target "$ABSURD"
	within_reserve 2
	kill "$pattern"
	wait "$pattern"
	check_eq "exit status of pattern" $? 0
	sim_resize 0
	sim_del
	no_violations
}

larger_reserve()
{
	need_ours "knows no reserve" || return
	sim_new 0
	wait_for 10 bound || fail "no driver"
	want=$(($(meminfo MemAvailable) / 2))
	echo "$want" >"/sys/bus/virtio/devices/$(sim_get name)/balloon/reserve_kib"
	sim_set target "$ABSURD"
	within_reserve 2
	sim_resize 0
	sim_del
	no_violations
}

# Ten thousand new targets a second.
storm()
{
	sim_new 0 overwrite=1 seed=99
	sim_set storm_max "$(roomy_pages 40)"
	sim_set storm_hz 10000
	wait_for 60 sim_over storm_changes 3000 || fail "$(sim_get storm_changes) changes"
	guest_works
	nothing_hangs
	sim_set storm_hz 0
	sim_resize 4321
	sim_resize 0
	sim_del
	no_violations
}

interrupt_flood()
{
	sim_new $((F_STATS_VQ | F_FREE_PAGE_HINT))
	sim_set target 3000
	sim_set config_irq 50000
	sim_resize 3000
	guest_works
	sim_del
	no_violations
}

# The driver must not believe the length of a used buffer, nor its order.
odd_answers()	# len_mode order
{
	sim_new $((F_STATS_VQ | F_REPORTING | F_MUST_TELL_HOST)) overwrite=1 seed=5
	sim_set len_mode "$1"
	sim_set order "$2"
	sim_resize "$(roomy_pages 15)"
	wait_for 10 sim_over stats_buffers 0
	seen=$(sim_get stats_buffers)
	sim_set stats_ask 1
	wait_for 10 sim_over stats_buffers "$seen" || fail "no statistics"
	"$PATTERN" take 64 || fail "wrong words"
	sim_resize 11
	sim_del
	no_violations
}

# A device that promises queues which it has not got: no driver, no harm.
missing_queues()
{
	for queues in 0 1 2 3 4; do
		sim_new $((F_STATS_VQ | F_FREE_PAGE_HINT | F_REPORTING)) queues="$queues"
		sleep 0.3
		! bound || fail "a driver works with $queues of 5 queues"
		sim_set target 100
		sim_del
	done
	guest_works
	nothing_hangs
	no_violations
}

# The smallest rings that hold anything at all.
tiny_rings()
{
	need_ours "wants 32 entries for reporting before 7.2" || return
	for ring in 2 4 8 32; do
		sim_new $((F_STATS_VQ | F_FREE_PAGE_HINT | F_REPORTING)) ring="$ring"
		wait_for 10 bound || fail "no driver for rings of $ring"
		sim_resize 3000
		sim_resize 2
		sim_del
	done
	nothing_hangs
	no_violations
}

# Nonsense on the hinting side: ids that come and go faster than blocks.
hint_nonsense()
{
	sim_new "$F_FREE_PAGE_HINT"
	for id in 0x80000001 0 0x80000002 1 0x80000003 5 2 1 0 0xffffffff 0x80000004 1; do
		sim_set hint_cmd_id "$id"
	done
	sim_set hint_cmd_id 1
	sim_resize 2000
	guest_works
	sim_del
	nothing_hangs
	no_violations
}

sim_setup
! driver_is_ours || driver_reload host_timeout_ms=2000
ktap_plan 13
ktap_case absurd_target absurd_target 0
ktap_case absurd_target_deflate_on_oom absurd_target "$F_DEFLATE_ON_OOM"
ktap_case absurd_target_busy_guest absurd_target_busy_guest
ktap_case larger_reserve larger_reserve
ktap_case storm storm
ktap_case interrupt_flood interrupt_flood
ktap_case huge_lengths odd_answers huge fifo
ktap_case random_lengths_last_first odd_answers random lifo
ktap_case shuffled_answers odd_answers true shuffle
ktap_case missing_queues missing_queues
ktap_case tiny_rings tiny_rings
ktap_case hint_nonsense hint_nonsense
ktap_case kernel_is_well kernel_is_well
ktap_end
