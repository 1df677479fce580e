#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A host that stops answering stalls the balloon, not the guest: nothing hangs, the
# guest works, unload works, and late answers end the stall with all in order.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

TIMEOUT_MS=500

# The silence lasted long enough that a correct driver has given up waiting.
out_of_patience()
{
	if driver_is_ours; then
		wait_for 10 balloon_state_is stalled ||
			fail "state is $(balloon_attr state), should be stalled"
	fi
	sleep 1
}

still_well()
{
	nothing_hangs
	guest_works
}

# ---- what it does while there is nobody ----------------------------------------

silent_inflate()
{
	need_ours || return
	sim_new 0 overwrite=1
	span=$(roomy_pages 20)
	sim_set serve 0
	sim_set target "$span"
	wait_for 10 sim_over inflating 0 || fail "nothing inflates"
	out_of_patience
	still_well
	check_eq "pages held" "$(sim_get held)" 0

	# stalled means: no more than what is in flight already
	flight=$(sim_get inflating)
	sim_set target $((2 * span))
	sleep 0.5
	check_eq "pages in flight" "$(sim_get inflating)" "$flight"

	# the pages stay the host's, though nobody has acknowledged them
	"$PATTERN" take $(($(meminfo MemAvailable) * 3 / 4096)) || fail "wrong words"
	sim_set scrub 1
	no_violations

	sim_set serve 1
	sim_resize "$span"
	check "the stall ended" wait_for 5 not_stalled
	sim_resize 7
	sim_del
	no_violations
}

not_stalled()
{
	! balloon_state_is stalled
}

silent_deflate()	# features
{
	need_ours || return
	sim_new "$1" overwrite=1
	span=$(roomy_pages 30)
	sim_resize "$span"
	sim_set serve 0
	sim_set target 3
	wait_for 10 sim_over deflating 0 || fail "nothing deflates"
	out_of_patience
	still_well
	sim_set serve 1
	sim_resize 3
	check "the stall ended" wait_for 5 not_stalled
	sim_resize "$span"
	sim_resize 0
	sim_del
	no_violations
}

# The statistics queue is another one: it goes on.
silent_stats()
{
	need_ours || return
	sim_new "$F_STATS_VQ"
	sim_set serve 0
	sim_set target 10000
	out_of_patience
	seen=$(sim_get stats_buffers)
	sim_set stats_ask 1
	wait_for 5 sim_over stats_buffers "$seen" || fail "no statistics from a stalled driver"
	sim_set serve 1
	sim_resize 10000
	sim_del
	no_violations
}

silent_hint()
{
	need_ours || return
	sim_new "$F_FREE_PAGE_HINT"
	free=$(free_kib)
	sim_set serve 0
	sim_set hint_cmd_id 0x80000005
	wait_for 10 sim_over hint_blocks 0 || fail "no hints"
	sleep 1
	nothing_hangs
	sim_set hint_cmd_id 1
	wait_for 10 free_again $((free - $(meminfo MemTotal) / 24)) ||
		fail "hinted blocks did not come back: $(free_kib) KiB free of $free"
	still_well
	sim_set serve 1
	sim_resize 100
	sim_del
	no_violations
}

# Pages that the host was told of are neither lost nor used until it answers.
silent_reporting()
{
	need_ours || return
	sim_new $((F_REPORTING | F_PAGE_POISON)) overwrite=1
	"$PATTERN" take 64
	seen=$(sim_get reported_pages)
	sim_set serve 0
	"$PATTERN" take 128
	wait_for 15 sim_over reported_pages "$seen" || fail "nothing is reported"
	sleep 1.5
	still_well
	"$PATTERN" verify $(($(meminfo MemAvailable) * 3 / 4096)) 3 &
	pattern=$!
	sleep 1
	sim_set serve 1
	wait "$pattern"
	check_eq "exit status of pattern" $? 0

	seen=$(sim_get reported_pages)
	"$PATTERN" take 128
	wait_for 15 sim_over reported_pages "$seen" || fail "nothing is reported any more"
	sim_del
	no_violations
}

# ---- leaving while there is nobody ---------------------------------------------

# The memory that unload must give back, whatever the host says.
leaves()	# how...
{
	ends_within 20 "$@" || {
		fail "$* did not end"
		sim_calm
		wait
	}
	nothing_hangs
	check_eq "MemTotal" "$(meminfo MemTotal)" "$total"
	guest_works
}

leave_in_inflate()	# features, how...
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new "$1" overwrite=1
	shift
	sim_set serve 0
	sim_set target "$(roomy_pages 20)"
	wait_for 10 sim_over inflating 0 || fail "nothing inflates"
	leaves "$@"
	comes_back
}

leave_in_deflate()	# features, how...
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new "$1" overwrite=1
	shift
	sim_resize "$(roomy_pages 20)"
	sim_set serve 0
	sim_set target 0
	wait_for 10 sim_over deflating 0 || fail "nothing deflates"
	leaves "$@"
	comes_back
}

leave_in_hint()
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new "$F_FREE_PAGE_HINT"
	sim_set serve 0
	sim_set hint_cmd_id 0x80000009
	wait_for 10 sim_over hint_blocks 0 || fail "no hints"
	leaves driver_unload
	comes_back
}

leave_in_report()
{
	need_ours || return
	total=$(meminfo MemTotal)
	sim_new $((F_REPORTING | F_PAGE_POISON)) overwrite=1
	sim_set serve 0
	seen=$(sim_get reported_pages)
	"$PATTERN" take 128
	wait_for 15 sim_over reported_pages "$seen" || fail "nothing is reported"
	leaves driver_unload
	comes_back
}

comes_back()
{
	sim_set hint_cmd_id 0
	sim_calm
	if [ -d /sys/module/virtio_balloon ]; then
		bound || driver_bind
	else
		driver_load host_timeout_ms="$TIMEOUT_MS"
	fi
	sim_resize 1000
	sim_del
	no_violations
}

# ---- a slow host is not a silent one ---------------------------------------------

slow_host()
{
	sim_new 0 overwrite=1
	sim_set delay_us 200000
	sim_set target 1000
	sleep 0.5
	guest_works
	sim_resize 1000 60
	sim_set delay_us 0
	sim_resize 0
	sim_del
	no_violations
}

sim_setup
! driver_is_ours || driver_reload host_timeout_ms="$TIMEOUT_MS"
ktap_plan 15
ktap_case silent_inflate silent_inflate
ktap_case silent_deflate silent_deflate 0
ktap_case silent_deflate_must_tell silent_deflate "$F_MUST_TELL_HOST"
ktap_case silent_stats silent_stats
ktap_case silent_hint silent_hint
ktap_case silent_reporting silent_reporting
ktap_case unload_in_inflate leave_in_inflate 0 driver_unload
ktap_case unload_in_deflate leave_in_deflate 0 driver_unload
ktap_case unload_in_deflate_must_tell leave_in_deflate "$F_MUST_TELL_HOST" driver_unload
ktap_case unbind_in_inflate leave_in_inflate "$F_DEFLATE_ON_OOM" driver_unbind
ktap_case unbind_in_deflate leave_in_deflate "$F_DEFLATE_ON_OOM" driver_unbind
ktap_case unload_in_hint leave_in_hint
ktap_case unload_in_report leave_in_report
ktap_case slow_host slow_host
ktap_case kernel_is_well kernel_is_well
ktap_end
